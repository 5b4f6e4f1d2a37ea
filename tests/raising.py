"""One way to test a refusal: the whole sentence, as the only argument."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def refuses(sentence: str, error: type[Exception] = ValueError) -> Iterator[None]:
    """Expect an error whose one argument is exactly `sentence`."""
    with pytest.raises(error) as caught:
        yield
    args = caught.value.args
    assert args == (sentence,), f"got {args!r}, want {(sentence,)!r}"
