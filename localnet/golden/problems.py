"""Problems of one's own: a case of any size, with its reference numbers."""

import ast
import zlib
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any

from .. import _validate
from .case import Case
from .cases.configs import check_config, check_size, check_variant
from .cases.exactness import check_range, exact_spans
from .cases.generate import draw_case
from .cases.precisions import precision as format_of
from .cases.specs import Spec, VariantSpec, real
from .references.answers import solve
from .references.bounds import bounds_of, kinks_near
from .references.connections import VARIANTS

__all__ = ["checked", "made", "problem", "problem_from"]

ATTEMPTS = 50

Sizes = int | Collection[int]


def problem(
    sizes: Sizes,
    kernel_size: Sizes,
    *,
    strides: Sizes = 1,
    pads: Collection[Collection[int]] = (),
    pad_value: float = 0.0,
    dilation_rate: Sizes = 1,
    batch: int = 2,
    channels: int = 2,
    filters: int = 2,
    data_format: str = "channels_last",
    activation: str | dict[str, Any] = "linear",
    bias: bool = True,
    gradients: bool = True,
    precision: str = "float32",
    tier: str = "exact",
    seed: int = 0,
    kind: str = "layer",
    **more: Any,
) -> Case:
    """
    Return a case of sizes of your own, with its reference numbers.

    Parameters
    ----------
    sizes, kernel_size : int or sequence of int
        Cells and taps of each spatial axis.
    strides, dilation_rate : int or sequence of int
        Of each axis.
    pads : sequence of (int, int), optional
        Cells before and after each axis; default: none.
    pad_value : float
        What they hold.
    batch, channels, filters : int
        N, C and F.
    data_format : {"channels_last", "channels_first"}
        Where the channels lie.
    activation : str or dict
        A name, or a dict with ``name`` and parameters.
    bias, gradients : bool
        Whether there is a bias, and whether gradients are wanted; where a
        pre-activation lies on a kink they are not.
    precision : {"float64", "float32", "float16", "bfloat16"}
        What it is made for.
    tier : {"exact", "bounded"}
        Small integers that must agree bit for bit, or real numbers within a bound.
    seed : int
        Other numbers for another seed.
    kind : {"layer", "shared", "low_rank", "conv", "transposed"}
        Of the layer.
    **more : int or sequence of int
        What a variant has more: ``share``, ``tile``, ``groups``, ``untied``,
        ``output_padding``, ``rank``.

    Returns
    -------
    Case
        As those of the suite; ``check(backend, Suite([case]))`` holds a backend to it.
        Its id, ``problem-SEED-...``, is the same for the same arguments alone.

    Raises
    ------
    ValueError
        If the numbers describe no layer, or its sums are not exact in the precision,
        or no bound on them is proven.

    See Also
    --------
    check : Draws problems with ``random``.

    Examples
    --------
    >>> case = problem(9, 3, strides=2, filters=5)
    >>> case.kernel.shape, case.expected["y"].shape
    ((4, 6, 5), (2, 4, 5))
    """
    axes = len(sizes) if isinstance(sizes, Collection) else 1
    data_format = _validate.choice(
        "data_format", data_format, ("channels_last", "channels_first")
    )
    form = format_of(precision)
    _validate.choice("tier", tier, ("exact", "bounded"))
    _validate.choice("kind", kind, ("layer", *VARIANTS))
    each = {
        "sizes": _validate.sizes("sizes", sizes, axes),
        "kernel_size": _validate.sizes("kernel_size", kernel_size, axes),
        "strides": _validate.sizes("strides", strides, axes),
        "dilation_rate": _validate.sizes("dilation_rate", dilation_rate, axes),
    }
    found: dict[str, Any] = {
        **each,
        "pads": _pairs(pads, axes),
        "pad_value": float(_validate.number("pad_value", pad_value)),
        "batch": _validate.integer("batch", batch, minimum=1),
        "channels": _validate.integer("channels", channels, minimum=1),
        "filters": _validate.integer("filters", filters, minimum=1),
        "first": data_format == "channels_first",
        "activation": _activation(activation),
        "bias": _validate.flag("bias", bias),
        "gradients": _validate.flag("gradients", gradients),
        "precision": form.name,
        "kind": kind,
    }
    if tier == "bounded":
        found |= real(form.name)
    seed = _validate.seed("seed", seed)
    why = "a problem of one's own"
    if kind == "layer":
        if more:
            raise ValueError(f"{min(more)} must not be given for kind 'layer'")
        return _named(Spec(f"problem-{seed}", why, **found))
    known = [f.name for f in fields(VariantSpec)[len(fields(Spec)) :]]
    for name, value in more.items():
        _validate.choice("argument", name, known)
        scalar = name in ("groups", "rank", "untied")
        least = 0 if name == "output_padding" else 1
        found[name] = (
            value if scalar else _validate.sizes(name, value, axes, minimum=least)
        )
    return _named(VariantSpec(f"problem-{seed}", why, **found))


def _activation(value: Any) -> dict[str, Any]:
    given = {"name": value} if isinstance(value, str) else value
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        raise ValueError(
            "activation must be a name, or a dict with name and parameters, got "
            f"{_validate.shown(value)}"
        )
    return dict(given)


def _named(spec: Spec) -> Case:
    """Return the case of a spec, with an id that no other problem has."""
    case = made(spec)
    own = zlib.crc32(repr(spec).encode())
    return replace(case, id=f"{case.id}-{own:08x}")


def _pairs(pads: Any, axes: int) -> tuple[tuple[int, int], ...]:
    """Return a pair for each axis; one axis may have its pair in a sequence, too."""
    if isinstance(pads, Collection) and not pads:
        return ((0, 0),) * axes
    if axes == 1 and isinstance(pads, (tuple, list)) and len(pads) == 1:
        pads = pads[0]
    return _validate.pairs("pads", pads, axes)


def problem_from(text: str) -> Case:
    """
    Return the problem that a line of arguments describes.

    Parameters
    ----------
    text : str
        What stands between the parentheses of a call of `problem`; nothing is run.

    Returns
    -------
    Case
        That of the call.

    Raises
    ------
    ValueError
        If it is no list of arguments, or they describe no problem.

    Examples
    --------
    >>> problem_from("sizes=(4,), kernel_size=(2,)").config["output_sizes"]
    [3]
    """
    try:
        call = ast.parse(f"problem({text})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise TypeError("every one needs its name")
        given = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(_NO_LINE.format(text, error)) from None
    try:
        return problem(**given)
    except TypeError as error:
        raise ValueError(_NO_LINE.format(text, error)) from None


_NO_LINE = "problem must be arguments by name, got {!r}: {}"


def checked(spec: Spec) -> Spec:
    """Return a spec, or refuse it if it is no layer."""
    config, where = spec.config, "the problem"
    if min(config["output_sizes"]) < 1:
        raise ValueError(
            f"kernel_size must leave an output location, got {spec.kernel_size} over "
            f"{spec.sizes} with pads {spec.pads}"
        )
    if spec.kind == "layer":
        check_config(config, where)
        check_size(config, where)
    else:
        check_variant(config, spec.kind, where)
    return spec


def made(spec: Spec) -> Case:
    """Draw numbers until no pre-activation lies on a kink, and solve."""
    checked(spec)
    for attempt in range(ATTEMPTS):
        last = attempt == ATTEMPTS - 1
        case = draw_case(replace(spec, gradients=spec.gradients and not last), attempt)
        solution = solve(case)
        if case.dy is None or not kinks_near(case, solution).any():
            break
    if case.tier == "exact":
        spans = exact_spans(case, solution)
        return replace(case, expected=solution.rounded, spans=spans)
    check_range(case, solution)
    return replace(case, expected=solution.rounded, bound=bounds_of(case, solution))
