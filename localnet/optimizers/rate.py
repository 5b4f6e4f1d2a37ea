"""A learning rate that can be set through itself, as Keras's variables can."""

from typing import Any

from .schedules import Schedule

__all__ = ["Rate"]


class Rate(float):
    """A learning rate that knows whose it is."""

    owner: Any

    @classmethod
    def of(cls, owner: Any) -> float | Schedule:
        """Return the rate of an optimizer; a schedule as it is."""
        if callable(owner.learning_rate):
            schedule: Schedule = owner.learning_rate
            return schedule
        rate = cls(owner.learning_rate)
        rate.owner = owner
        return rate

    def assign(self, value: float) -> None:
        """Set the learning rate of the optimizer."""
        self.owner.learning_rate = value

    def numpy(self) -> float:
        """Return the number alone."""
        return float(self)

    def __reduce__(self) -> Any:
        """Be copied as a number."""
        return float, (float(self),)
