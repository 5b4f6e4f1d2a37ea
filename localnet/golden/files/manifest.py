"""A suite as a manifest and files, in memory: what is written, and what was read."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..._typing import Array
from ..case import FLAGS, INPUTS, Case, Suite
from ..cases.axes import COMBINED
from ..cases.lehmer import MODULUS, MULTIPLIER, RULE
from ..references.bounds import ALLOWANCE, EXP_ERRORS
from ..references.connections import VARIANTS
from ..references.others import OTHERS
from .layouts import LAYOUTS, in_layout, in_uint16
from .npy import encode

__all__ = [
    "FOLDERS",
    "FORMAT",
    "MANIFEST",
    "SCHEMA",
    "TRACE_INPUTS",
    "VERSION",
    "as_json",
    "files_of",
    "files_of_case",
]

FORMAT = "localnet golden suite"
TRACE_INPUTS = ("x", "kernel", "bias", "targets")
VERSION = 2
MANIFEST = "manifest.json"
# Where the inputs of a case lie, by its kind.
FOLDERS = {
    "layer": "cases",
    **dict.fromkeys(VARIANTS, "variants"),
    **dict.fromkeys(OTHERS, "others"),
    "trace": "traces",
}
SCHEMA = "manifest.schema.json"

ALLOWANCES = {
    "linear": "n*u*A: n terms, unit roundoff u, A the sum of their magnitudes",
    "activation": f"{ALLOWANCE}*u*max(|ref|, 1), |z| for 1 in swish, gelu and mish",
    "slope": f"{2 * ALLOWANCE}*u*max(|slope|, 1)",
    "softmax": f"ref*(R + {EXP_ERRORS} + 2*(max z - min z))*u over R entries",
    "log_softmax": "2*(R + |ref|)*u",
    "reference": "half a unit in the last place of float64, where it was rounded",
}


class Files(NamedTuple):
    """
    Every file of a suite.

    Parameters
    ----------
    manifest : bytes
        JSON.
    others : dict of str to bytes
        By their path in the folder, with slashes.
    """

    manifest: bytes
    others: dict[str, bytes]


def files_of(suite: Suite, layouts: Iterable[str] = ()) -> Files:
    """
    Return every file of a suite.

    Parameters
    ----------
    suite : Suite
        What to write.
    layouts : iterable of str
        Layouts in which kernel and bias are given too.

    Returns
    -------
    Files
        The manifest, and the arrays and configs of every case.
    """
    wanted = set(layouts)
    ordered = [name for name in (*LAYOUTS, "uint16") if name in wanted]
    readable = ["6d", *(name for name in ordered if name != "6d")]
    others: dict[str, bytes] = {}
    cases = [
        # For people to read; of combined cases nobody needs every kernel twice.
        _add_case(case, ordered if _is_combined(case) else readable, others)
        for case in suite.cases
    ]
    found = {
        "format": FORMAT,
        "version": VERSION,
        "count": len(cases),
        "generator": {
            "multiplier": MULTIPLIER,
            "modulus": MODULUS,
            "rule": RULE,
        },
        "flags": FLAGS,
        "allowances": ALLOWANCES,
        "cases": cases,
        "kinds": VARIANTS | OTHERS,
        "variants": [_add_variant(case, others) for case in suite.variants],
        "others": [_add_variant(case, others) for case in suite.others],
        "traces": [_add_trace(trace, others) for trace in suite.traces],
    }
    return Files(_in_lines(found), others)


def _is_combined(case: Case) -> bool:
    return case.why.startswith(COMBINED)


def files_of_case(case: Any) -> dict[str, bytes]:
    """Return the files of one case, by their path in a folder, with slashes."""
    files: dict[str, bytes] = {}
    if case.kind == "trace":
        _add_trace(case, files)
    elif case.kind == "layer":
        layouts = ("6d",) if case.expected else ()  # what is to be refused has none
        _add_case(case, layouts, files)
    else:
        _add_variant(case, files)
    return files


def _in_lines(found: dict[str, Any]) -> bytes:
    """Return the text of a JSON object, with a line for every item of its lists."""

    def text(value: Any) -> str:
        if isinstance(value, list) and value:
            return "[\n" + ",\n".join(text(item) for item in value) + "\n]"
        return json.dumps(value, allow_nan=False, separators=(",", ":"))

    entries = ",\n".join(f"{text(key)}: {text(item)}" for key, item in found.items())
    return f"{{\n{entries}\n}}\n".encode("ascii")


def as_json(value: Any) -> bytes:
    """Return the text of a JSON file, the same on every machine."""
    text = json.dumps(value, indent=1, ensure_ascii=True, allow_nan=False)
    return (text + "\n").encode("ascii")


def _add_case(
    case: Case, layouts: Iterable[str], others: dict[str, bytes]
) -> dict[str, Any]:
    """Add the files of a case, and return its entry in the manifest."""
    inputs = {name: getattr(case, name) for name in INPUTS}
    known = []
    for layout in layouts:
        if layout == "uint16":
            inputs |= in_uint16(case)
        elif found := in_layout(case, layout):
            inputs |= found
            known.append(layout)
    others[f"cases/{case.id}/config.json"] = as_json(_flat(case))
    return {
        **_entry(case),
        "layouts": known,
        "cases": _add_arrays(f"cases/{case.id}", inputs, others),
        **_add_answers(case, others),
    }


def _add_variant(case: Case, others: dict[str, bytes]) -> dict[str, Any]:
    """
    Add the files of a layer of another kind, and return its entry in the manifest.

    They lie in a folder of their own: a program that goes through the plain layers does
    not meet what it does not know.
    """
    inputs = {name: getattr(case, name) for name in INPUTS}
    described = {"kind": case.kind, **_flat(case)}
    part = FOLDERS[case.kind]
    others[f"{part}/{case.id}/config.json"] = as_json(described)
    return {
        "kind": case.kind,
        **_entry(case),
        part: _add_arrays(f"{part}/{case.id}", inputs, others),
        **_add_answers(case, others),
    }


def _flat(case: Case) -> dict[str, Any]:
    """Return what stands in the file of one case."""
    described = {
        "id": case.id,
        "precision": case.precision,
        "tier": case.tier,
        "wants": list(case.wants),
    }
    return {**described, **case.config}


def _entry(case: Case) -> dict[str, Any]:
    """Return what the manifest says of any case."""
    return {
        "id": case.id,
        "why": case.why,
        "tier": case.tier,
        "precision": case.precision,
        "flags": list(case.flags),
        "wants": list(case.wants),
        "config": case.config,
        "draws": {name: vars(draw) for name, draw in case.draws.items()},
        "spans": {name: span._asdict() for name, span in case.spans.items()},
    }


def _add_answers(case: Case, others: dict[str, bytes]) -> dict[str, Any]:
    """Add the files of answers and bounds, and return their entries."""
    return {
        "expected": _add_arrays(f"expected/{case.id}", case.expected, others),
        "bound": _add_arrays(f"bound/{case.id}", case.bound, others),
    }


def _add_trace(trace: Any, others: dict[str, bytes]) -> dict[str, Any]:
    """Add the files of a training, and return its entry in the manifest."""
    described = {"id": trace.id, "kind": "trace", "wants": list(trace.wants)}
    others[f"traces/{trace.id}/config.json"] = as_json({**described, **trace.config})
    inputs = {name: getattr(trace, name) for name in TRACE_INPUTS}
    return {
        "id": trace.id,
        "why": trace.why,
        "config": trace.config,
        "traces": _add_arrays(f"traces/{trace.id}", inputs, others),
        "expected": _add_arrays(f"expected/{trace.id}", trace.expected, others),
    }


def _add_arrays(
    folder: str, arrays: Mapping[str, Array | None], others: dict[str, bytes]
) -> dict[str, Any]:
    entries = {}
    for name, array in arrays.items():
        if array is None:
            continue
        data = encode(array)
        others[f"{folder}/{name}.npy"] = data
        entries[name] = {
            "dtype": array.dtype.newbyteorder("<").str,
            "shape": list(array.shape),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    return entries
