"""Names of layers: numbered within the process, and put before their errors."""

from typing import Any

from ..._registry import snake_case

__all__ = ["Named", "clear_session", "numbered_name", "unique_name"]

_names_given: dict[str, int] = {}


def clear_session() -> None:
    """Start the automatic names of layers and models from the beginning again."""
    _names_given.clear()


def unique_name(class_name: str) -> str:
    """Return the snake-case class name, with ``_1``, ``_2``, ... from the second on."""
    stem = snake_case(class_name)
    count = _names_given[stem] = _names_given.get(stem, -1) + 1
    return f"{stem}_{count}" if count else stem


def numbered_name(stem: str) -> str:
    """Return the stem with ``_1``, ``_2``, ..., as Keras names inputs."""
    _names_given[stem] = _names_given.get(stem, 0) + 1
    return f"{stem}_{_names_given[stem]}"


class Named:
    """Put the name of a layer before a ValueError's message, or a MemoryError's."""

    __slots__ = ("layer",)

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def __enter__(self) -> None:
        """Do nothing: there is no error yet."""

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, (ValueError, MemoryError)):
            label = getattr(self.layer, "name", None) or type(self.layer).__name__
            message = str(error)
            if not message.startswith(f"{label}: "):
                known = ValueError if isinstance(error, ValueError) else MemoryError
                raise known(f"{label}: {message}") from error
