"""Numbers of an optimizer that are set through themselves, as Keras's variables are."""

from typing import Any, ClassVar, Self

from .. import _validate

__all__ = ["Live", "LiveFloat", "LiveInt", "Number"]


class Live:
    """A number that knows whose it is, and as what; a subclass is a number too."""

    plain: ClassVar[type]
    owner: Any
    attribute: str

    @classmethod
    def of(cls, owner: Any, attribute: str, number: Any) -> Self:
        """Return a number of an optimizer."""
        found = cls.__new__(cls, number)  # type: ignore[call-arg]
        found.owner, found.attribute = owner, attribute
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


class LiveFloat(Live, float):
    """Such as a learning rate."""

    plain = float


class LiveInt(Live, int):
    """Such as a count of updates."""

    plain = int


class Number(_validate.Checked):
    """
    A float that is checked whenever it is set, and live where it is read.

    The plain float, which NumPy gives the precision of arrays beside it, has a leading
    underscore.
    """

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        plain = f"_{self.name}"
        if instance is None or plain not in vars(instance):
            return super().__get__(instance, owner)
        return LiveFloat.of(instance, self.name, vars(instance)[plain])

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[f"_{self.name}"] = self.check(self.name, value, **self.bounds)
