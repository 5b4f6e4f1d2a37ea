"""How cases of other kinds are made: a config, inputs, and answers that are exact."""

import zlib
from collections.abc import Mapping
from dataclasses import replace

from ...._typing import Array, Config, Shape
from ...case import Case
from ...references.answers import solve
from ...references.others import answers_of, layers_of, wants_of
from ..configs import shapes_of
from ..covering import Row
from ..exactness import exact_spans
from ..lehmer import MODULUS, Draw
from ..precisions import FORMATS
from ..specs import Numbers

__all__ = ["ATTEMPTS", "check_stack", "config_of", "made"]

# Draws until one is exact.
ATTEMPTS = 50


def config_of(row: Row, kernel: Shape, pads: tuple[int, int] = (0, 0)) -> Config:
    """
    Return the config of a plain layer.

    Parameters
    ----------
    row : dict
        ``axes``, ``size`` of y along the first, ``first``, ``samples``, ``channels``.
    kernel : tuple of int
        R.
    pads : (int, int)
        Of the first axis.

    Returns
    -------
    dict
        As a case has it.
    """
    axes = row["axes"]
    outputs = [row["size"], 2, 3][:axes]
    stride = int(row.get("strides", "1"))
    left = (stride - 1) * row.get("left over", False)
    pad = [list(pads), *[[0, 0]] * (axes - 1)]
    sizes = [
        (o - 1) * stride + r - sum(p) + left
        for o, r, p in zip(outputs, kernel, pad, strict=True)
    ]
    return {
        "batch": row["samples"],
        "input_sizes": sizes,
        "channels": row["channels"],
        "output_sizes": outputs,
        "filters": row.get("filters", row["channels"]),
        "kernel_size": list(kernel),
        "strides": [stride] * axes,
        "pads": pad,
        "pad_value": 0.0,
        "dilation_rate": [1] * axes,
        "data_format": "channels_first" if row["first"] else "channels_last",
        "activation": {"name": "linear"},
    }


def made(
    name: str,
    why: str,
    kind: str,
    config: Config,
    precision: str,
    numbers: Mapping[str, Numbers],
    given: Mapping[str, Array] | None = None,
    attempt: int = 0,
    flags: tuple[str, ...] = (),
) -> Case:
    """
    Return a case with its inputs drawn and its answers computed.

    Parameters
    ----------
    name, why, kind, precision, flags
        As those of a `Case`.
    config : dict
        Of the case.
    numbers : mapping of str to Numbers
        What the inputs hold that are drawn.
    given : mapping of str to ndarray, optional
        Inputs that are not drawn.
    attempt : int
        Added to the seeds.

    Returns
    -------
    Case
        Exact, its arrays not to be written to.

    Raises
    ------
    ValueError
        If its answers would not be exact, or follow from a convention.
    """
    shapes, form = shapes_of(config, kind), FORMATS[precision]
    arrays: dict[str, Array] = dict(given or {})
    draws = {}
    for key, one in numbers.items():
        if key in arrays or key not in shapes:
            continue
        seed = (zlib.crc32(f"{name}/{key}".encode()) + attempt) % (MODULUS - 1) + 1
        draws[key] = Draw(seed, **vars(one))
        arrays[key] = draws[key].values(shapes[key])
    for key, array in arrays.items():
        arrays[key] = array.astype(form.holds).reshape(shapes[key])
        arrays[key].flags.writeable = False
    wants = ["y"]
    if "dy" in arrays:
        known = ("x", "kernel", "bias", "kernel2", "bias2")
        wants += [f"d{key}" for key in known if key in arrays and arrays[key].size]
    case = Case(
        name,
        why,
        "exact",
        precision,
        tuple(wants),
        config,
        arrays["x"],
        arrays["kernel"],
        arrays.get("bias"),
        arrays.get("dy"),
        flags=flags,
        draws=draws,
        kind=kind,
        mixture=arrays.get("mixture"),
        kernel2=arrays.get("kernel2"),
        bias2=arrays.get("bias2"),
    )
    expected = answers_of(case)
    for array in expected.values():
        array.flags.writeable = False
    return replace(case, expected=expected)


def check_stack(case: Case) -> int:
    """
    Refuse a stack whose sums are not exact, or that lies on a kink.

    Parameters
    ----------
    case : Case
        Of kind "stack", with its answers.

    Returns
    -------
    int
        Bits that its sums leave free.

    Raises
    ------
    ValueError
        If a sum needs more bits than its precision has.
    """
    first, second = layers_of(case)
    below = solve(first)
    second = replace(second, x=below.rounded["y"])
    above = solve(second)
    second = replace(second, dy=case.dy, wants=wants_of(second))
    spans = [*exact_spans(second, solve(second)).values()]
    first = replace(first, dy=solve(second).rounded["dx"], wants=wants_of(first))
    spans += exact_spans(first, solve(first)).values()
    for layer, solution in ((first, below), (second, above)):
        if layer.config["activation"]["name"] != "linear" and (
            (solution.z.integers == 0).any()
        ):
            raise ValueError(f"case {case.id} must stay off the kinks")
    return case.format.bits - max(span.bits for span in spans)
