"""A learning rate that can be set through itself, as Keras's variables can."""

from typing import Any, Self

__all__ = ["Rate"]


class Rate(float):
    """A learning rate that knows whose it is."""

    owner: Any

    @classmethod
    def of(cls, owner: Any) -> Self:
        """Return the rate of an optimizer."""
        rate = cls(owner._learning_rate)
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
