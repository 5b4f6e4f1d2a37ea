"""The page in Korean explains every argument of the two layers."""

import inspect
import re
from pathlib import Path

import pytest

from localnet.layers import LocallyConnected1D, LocallyConnected2D

PAGE = Path(__file__).parent.parent / "docs" / "layers-ko.rst"


@pytest.mark.parametrize("layer", [LocallyConnected1D, LocallyConnected2D])
def test_every_argument_is_explained(layer):
    text = PAGE.read_text(encoding="utf-8")
    terms = {
        name
        for line in re.findall(r"^(``.*``)$", text, re.MULTILINE)
        for name in re.findall(r"``(\w+)``", line)
    }
    arguments = set(inspect.signature(layer).parameters) - {"kwargs"}
    assert terms == arguments
