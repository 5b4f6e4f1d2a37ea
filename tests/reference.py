"""Reader of the tf_keras reference numbers in ``tests/data/keras``."""

import json
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent / "data" / "keras"


def load(name: str) -> dict[str, Any]:
    """Return the arrays of one file; 0-d strings are parsed as the JSON they hold."""
    with np.load(ROOT / name, allow_pickle=False) as data:
        return {
            key: json.loads(str(value)) if value.dtype.kind == "U" else value
            for key, value in data.items()
        }


def load_json(name: str) -> Any:
    """Return the content of one JSON file."""
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def cases(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return (case, arrays of the whole file) for every entry of the key ``cases``."""
    data = load(name)
    return [(case, data) for case in data["cases"]]
