"""Numbers of an optimizer that are set through themselves, as Keras's variables are."""

from typing import Any, ClassVar, Self

__all__ = ["Count", "Live", "Rate"]


class Live:
    """
    A number that knows whose it is, and as what.

    A subclass is a number too: it names the type, and the optimizer's attribute.
    """

    plain: ClassVar[type]
    attribute: ClassVar[str]
    owner: Any

    @classmethod
    def of(cls, owner: Any, number: Any) -> Self:
        """Return a number of an optimizer."""
        found = cls.__new__(cls, number)  # type: ignore[call-arg]
        found.owner = owner
        return found

    def assign(self, value: float) -> None:
        """Set the number in the optimizer."""
        setattr(self.owner, self.attribute, value)

    def assign_add(self, delta: float) -> None:
        """Add to the number in the optimizer."""
        self.assign(getattr(self.owner, self.attribute) + delta)

    def numpy(self) -> Any:
        """Return the number alone."""
        return self.plain(self)

    def __reduce__(self) -> Any:
        """Be copied as a number."""
        return self.plain, (self.plain(self),)


class Rate(Live, float):
    """A learning rate."""

    plain, attribute = float, "learning_rate"


class Count(Live, int):
    """How many updates were made."""

    plain, attribute = int, "iterations"
