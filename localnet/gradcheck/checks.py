"""Checks of an op, a layer, a model and a linear map, each turned into probes."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._typing import Array, ArrayLike, Seed
from .probes import flat, frozen, is_float, op_probes, probes_of, to_float64
from .report import ArgumentCheck, Entry, GradientReport
from .slopes import (
    METHODS,
    Probe,
    Slope,
    check_argument,
    draw,
    rounding,
    scalar_product,
)

__all__ = ["check_layer", "check_model", "check_op", "dot_test"]

TOLERANCES = {"central": 1e-8, "complex": 1e-10}


class _Settings(NamedTuple):
    """How to measure, checked."""

    method: str
    step: float | None
    tolerance: float
    rng: np.random.Generator

    @classmethod
    def of(cls, method: str, step: Any, tolerance: Any, rng: Seed) -> "_Settings":
        method = _validate.choice("method", method, METHODS)
        if step is not None:
            # Half of it, and its inverse, are still numbers.
            step = _validate.number("step", step, minimum=4 / np.finfo(float).max)
        if tolerance is None:
            tolerance = TOLERANCES[method]
        tolerance = _validate.number(
            "tolerance", tolerance, minimum=0.0, open_minimum=True
        )
        return cls(method, step, tolerance, _validate.generator_of("rng", rng))

    def report(self, probes: Sequence[Probe]) -> GradientReport:
        return GradientReport(tuple(check_argument(probe, *self) for probe in probes))


def check_op(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    method: str = "central",
    wrt: str | Sequence[str] | None = None,
    step: float | None = None,
    tolerance: float | None = None,
    rng: Seed = 0,
) -> GradientReport:
    """
    Check the gradients that `backward` derives for `forward`.

    Parameters
    ----------
    forward : callable
        ``forward(*args, **kwargs) -> (y, cache)``.
    backward : callable
        ``backward(dy, cache)`` gives a NamedTuple with fields ``d<argument>``, a tuple
        in the order of the arguments, or the array of a single argument.
    args : sequence
        The arguments. Arrays of floats are cast up to float64 and handed over
        read-only; anything else goes through as it is.
    kwargs : mapping, optional
        Keyword arguments, handed over as they are and not checked.
    method : {"central", "complex"}
        Central differences, or the complex step for analytic maps.
    wrt : str or sequence of str, optional
        Names of the arguments to check; by default all arrays of floats in `args`.
    step : float, optional
        The step h. By default cbrt(eps) = 6e-6 times ``max(1, max |argument|)``, or
        1e-200 for the complex step.
    tolerance : float, optional
        Largest relative error allowed: 1e-8, or 1e-10 for the complex step.
    rng : int or numpy.random.Generator
        Draws ``dy``, the directions and the sample of entries. The same seed gives the
        same report.

    Returns
    -------
    GradientReport
        One row for each argument.

    Raises
    ------
    ValueError
        If an argument breaks its rule, ``y`` is not finite float64 or differs from call
        to call, a gradient is missing, or the map refuses the complex step.

    See Also
    --------
    dot_test : For a linear map and its adjoint.
    v_curve : Why the default step is what it is.

    Notes
    -----
    With ``f(a) = sum(dy * y(a))`` each argument a is moved along a random direction u
    and along single entries: all of them if there are fewer than 200, else a random
    sample of 32. If only the direction fails, bisection finds the entry to blame.

    Central: ``(f(a + h*u) - f(a - h*u)) / (2*h)`` against ``sum(da * u)``. Where f is
    linear in a, ``step=1`` is exact, and on small integers free of rounding. A parabola
    must fit the points at 0, h/2 and h on both sides; where it does not, h is shortened
    64 times, and again while that helps. Where it does not help, the verdict is "kink",
    which is neither ok nor FAIL and does not pass. What rounding explains, at most
    32*eps*|y|/h, is not held against a slope.

    Complex: ``imag(f(a + i*h*u)) / h`` subtracts nothing and so loses nothing. It sees
    no kinks, and it is wrong where a map is not analytic: `abs` and `maximum` have no
    complex derivative, whatever NumPy returns for complex numbers.

    References
    ----------
    .. [1] J. R. R. A. Martins, P. Sturdza, J. J. Alonso, "The complex-step derivative
       approximation", ACM Trans. Math. Softw. 29, 2003, 245-262.

    Examples
    --------
    >>> def square_forward(x):
    ...     return x**2, x
    >>> x = np.array([1.0, -3.0])
    >>> check_op(square_forward, lambda dy, x: 2 * x * dy, [x]).passed
    True
    >>> check_op(square_forward, lambda dy, x: x * dy, [x]).passed
    False
    """
    settings = _Settings.of(method, step, tolerance, rng)
    return settings.report(
        op_probes(forward, backward, args, kwargs or {}, wrt, settings.rng)
    )


def check_layer(
    layer: Any,
    x: ArrayLike,
    *,
    training: bool = False,
    method: str = "central",
    step: float | None = None,
    tolerance: float | None = None,
    rng: Seed = 0,
) -> GradientReport:
    """
    Check the gradients of a layer with respect to its input and its weights.

    Parameters
    ----------
    layer : Layer
        Any object with ``forward(x, training=False)``, ``backward(dy)``, ``losses`` and
        the dicts ``params`` and ``grads``. Every evaluation runs on a fresh copy in
        float64: the layer stays as it is, and a random mask is the same each time. A
        layer that is not built is built on the copy.
    x : array_like, or list of them for a layer of several inputs
        Input, batch axis first; checked if it holds floats.
    training : bool
        Handed to ``forward``.
    method, step, tolerance, rng : optional
        As for `check_op`.

    Returns
    -------
    GradientReport
        One row for ``x``, or for each of ``x[0]``, ``x[1]``, ..., and one for each
        weight that an optimizer may change.

    Raises
    ------
    ValueError
        As for `check_op`; also if `compute_output_shape` does not tell the shape of y.

    See Also
    --------
    check_op : How it works.

    Notes
    -----
    ``backward(dy)`` must give the gradients of ``sum(y*dy) + sum(layer.losses)``.

    Examples
    --------
    >>> from localnet.layers import LocallyConnected1D
    >>> check_layer(LocallyConnected1D(2, 3), np.ones((1, 5, 1))).passed
    True
    """
    settings = _Settings.of(method, step, tolerance, rng)
    _need("layer", layer, "forward", "backward")
    several = hasattr(layer, "input_count")
    given: Any = x
    names = [f"x[{i}]" for i in range(len(given))] if several else ["x"]
    inputs = dict(zip(names, map(to_float64, given if several else [x]), strict=True))

    def together(arguments: Mapping[str, Any]) -> Any:
        values = [arguments.get(name, value) for name, value in inputs.items()]
        return values if several else values[0]

    template = copy.deepcopy(layer)
    _check_shape(template, inputs, template.forward(together({}), training=training))
    _make_float64(template)
    # Statistics of the data have no gradient.
    fixed = getattr(template, "fixed_names", ())
    weights = {k: value for k, value in template.params.items() if k not in fixed}

    def run(arguments: Mapping[str, Array]) -> tuple[Any, Array]:
        trial = copy.deepcopy(template)
        trial.params.update((name, arguments[name].copy()) for name in weights)
        return trial, trial.forward(together(arguments), training=training)

    def outputs(arguments: Mapping[str, Array]) -> Array:
        trial, y = run(arguments)
        return flat(y, trial.losses)

    floats = {name: value for name, value in inputs.items() if is_float(value)}
    arguments = {**floats, **weights}
    trial, y = run(arguments)
    first = flat(y, trial.losses)
    dy = draw(settings.rng, np.shape(y))
    dx = trial.backward(dy)
    gradients = dict(zip(inputs, dx if several else [dx], strict=True)) | trial.grads
    dy = flat(dy, np.ones(len(first) - dy.size))
    return settings.report(probes_of(outputs, arguments, gradients, first, dy))


def _need(name: str, value: Any, *methods: str) -> None:
    """Refuse what has not the methods that are called."""
    for method in methods:
        if isinstance(value, type) or not callable(getattr(value, method, None)):
            raise ValueError(
                f"{name} must have a method {method}, got {_validate.shown(value)}"
            )


def _check_shape(layer: Any, inputs: Mapping[str, Any], y: ArrayLike) -> None:
    """Refuse a layer that says another shape of its output than it has."""
    if not hasattr(layer, "compute_output_shape"):
        return
    shapes = [(None, *np.shape(value)[1:]) for value in inputs.values()]
    told = layer.compute_output_shape(shapes[0] if "x" in inputs else shapes)
    if tuple(told[1:]) != np.shape(y)[1:]:
        raise ValueError(
            "compute_output_shape must tell the shape of y, "
            f"{(None, *np.shape(y)[1:])}, got {tuple(told)}"
        )


def check_model(
    model: Any,
    x: ArrayLike,
    y: ArrayLike,
    *,
    step: float | None = None,
    tolerance: float | None = None,
    rng: Seed = 0,
) -> GradientReport:
    """
    Check the gradients of a model's loss with respect to its trainable weights.

    Parameters
    ----------
    model : Sequential or Model
        Any object with ``loss_and_gradients(x, y)`` and ``layers``, which have a
        ``name`` and the dicts ``params`` and ``trainable_params``, or with such layers
        by path in a dict ``leaves``. Every evaluation
        runs on a fresh copy in float64: the model stays as it is, and a random mask is
        the same each time.
    x, y : array_like, or list or dict of arrays
        One batch and its targets.
    step, tolerance, rng : optional
        As for `check_op`. Slopes are central differences.

    Returns
    -------
    GradientReport
        One row for each weight, named ``<layer>/<weight>``.

    Raises
    ------
    ValueError
        As for `check_op`; also if there is not one gradient for each trainable weight.

    See Also
    --------
    check_layer : To find the layer that is wrong.
    """
    settings = _Settings.of("central", step, tolerance, rng)
    _need("model", model, "loss_and_gradients")
    x, y = _all_to_float64(x), _all_to_float64(y)
    template = copy.deepcopy(model)
    template.loss_and_gradients(x, y)
    for layer in _layers_of(template).values():
        _make_float64(layer)

    def run(arguments: Mapping[str, Array]) -> tuple[Any, list[Array]]:
        trial = copy.deepcopy(template)
        for path, layer in _layers_of(trial).items():
            for key in layer.params:
                name = f"{path}/{key}"
                layer.params[key] = arguments.get(name, layer.params[key]).copy()
        loss, gradients = trial.loss_and_gradients(x, y)
        return loss, gradients

    arguments = {
        f"{path}/{key}": value
        for path, layer in _layers_of(template).items()
        for key, value in layer.trainable_params.items()
    }
    loss, gradients = run(arguments)
    if len(gradients) != len(arguments):
        raise ValueError(
            f"gradients must be one for each of {len(arguments)} trainable weights, "
            f"got {len(gradients)}"
        )
    return settings.report(
        probes_of(
            lambda arguments: flat(run(arguments)[0]),
            arguments,
            dict(zip(arguments, gradients, strict=True)),
            first=flat(loss),
            dy=np.ones(1),
        )
    )


def _layers_of(model: Any) -> dict[str, Any]:
    """Return every layer with weights by the name that its row gets."""
    leaves: dict[str, Any] | None = getattr(model, "leaves", None)
    return {x.name: x for x in model.layers} if leaves is None else leaves


def dot_test(
    forward: Callable[[Array], ArrayLike],
    adjoint: Callable[[Array], ArrayLike],
    shape: int | Sequence[int],
    *,
    tolerance: float = 1e-12,
    rng: Seed = 0,
) -> GradientReport:
    """
    Check that two linear maps are adjoint: ``<dy, A u> == <A^T dy, u>``.

    Parameters
    ----------
    forward : callable
        The map A from arrays of shape `shape`, linear and without an offset.
    adjoint : callable
        The map A^T from arrays of the shape of ``A u`` back to `shape`.
    shape : int or sequence of int
        Shape of u.
    tolerance : float
        Largest relative difference allowed.
    rng : int or numpy.random.Generator
        Draws u and ``dy``.

    Returns
    -------
    GradientReport
        One row: ``numeric`` is ``<dy, A u>`` and ``analytic`` is ``<A^T dy, u>``.

    Raises
    ------
    ValueError
        If an argument breaks its rule or ``A u`` is not finite float64.

    See Also
    --------
    check_op : For maps that are not linear.

    Examples
    --------
    >>> dot_test(np.cumsum, lambda dy: np.cumsum(dy[::-1])[::-1], 5).passed
    True
    >>> dot_test(np.cumsum, np.cumsum, 5).passed
    False
    """
    _, _, tolerance, generator = _Settings.of("central", None, tolerance, rng)
    for name, function in (("forward", forward), ("adjoint", adjoint)):
        _validate.callable_(name, function)
    sizes = [shape] if isinstance(shape, (int, np.integer)) else shape
    sizes = _validate.shape("shape", sizes)
    if math.prod(sizes) > _validate.LARGEST:
        raise ValueError(
            f"shape must be that of at most {_validate.LARGEST} numbers, got "
            f"{_validate.shown(shape)}"
        )
    u = frozen(draw(generator, sizes))
    image = np.asarray(forward(u))
    dy = frozen(draw(generator, image.shape))
    [probe] = probes_of(
        lambda arguments: flat(forward(arguments["u"])),
        {"u": u},
        {"u": adjoint(dy)},
        first=flat(image),
        dy=dy.ravel(),
    )
    error, worst = math.inf, None
    if not probe.flaw:
        products = probe.dy * probe.base
        slope = Slope(
            float(np.sum(products)),
            scalar_product(probe.gradient, u),
            misfit=0.0,
            noise=rounding(products),
        )
        error = slope.error(tolerance)
        worst = Entry((), slope.numeric, slope.analytic)
    check = ArgumentCheck(
        "u", "dot", 0.0, error, tolerance, 0, u.size, worst, note=probe.flaw
    )
    return GradientReport((check,))


def _all_to_float64(value: Any) -> Any:
    """Return what a model of several inputs or outputs takes with every array so."""
    if isinstance(value, dict):
        return {key: to_float64(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and all(
        isinstance(item, np.ndarray) for item in value
    ):
        return [to_float64(item) for item in value]
    return to_float64(value)


def _make_float64(layer: Any) -> None:
    """Let the copy of a layer compute in float64."""
    layer.dtype = np.dtype(np.float64)
    layer.params.update((key, to_float64(v)) for key, v in layer.params.items())
