"""
A model as a function of one vector, and the minimisers of SciPy at work on it.

The weights that an optimizer would change are laid end to end in float64. The model is
asked for its loss and gradients there, as any caller could ask it.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _validate
from .._interrupt import uninterrupted
from .._typing import Array
from ..callbacks import CallbackList, Logs
from ..constraints import NonNeg
from ..layers import Layer

__all__ = [
    "METHODS",
    "Minimisation",
    "check_layers",
    "check_start",
    "checked_options",
]

# Those of SciPy that need gradients alone. SLSQP calls a callback before its iteration
# has ended, and the finite differences of Newton-CG are too small for float32: it then
# takes the start for the minimum.
WITH_BOUNDS = ("l-bfgs-b", "tnc")
METHODS = (*WITH_BOUNDS, "bfgs", "cg")
# What the loss may differ by, relatively, where training and inference are the same.
ROUNDING = 1e-5
# SciPy's own number for a minimisation that a callback has stopped.
STOPPED = 99


class Stop(Exception):
    """Raised between two iterations to end the minimisation."""


# What does not go -----------------------------------------------------------------


def checked_options(
    method: str, options: Mapping[str, Any] | None, max_iterations: int
) -> dict[str, Any]:
    """
    Return the options of a method, with the number of iterations.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    options : mapping of str to object, optional
        The caller's.
    max_iterations : int
        How many iterations to make at most.

    Returns
    -------
    dict
        For ``scipy.optimize.minimize``.

    Raises
    ------
    ValueError
        If one has an argument of its own in ``fit_scipy``.
    """
    chosen = _validate.named("options", options)
    if "maxiter" in chosen:
        raise ValueError(
            f"max_iterations must be given instead of the option 'maxiter', got "
            f"{_validate.shown(chosen['maxiter'])}"
        )
    if method == "tnc":  # counts evaluations alone
        return {"maxfun": 100 * max_iterations, **chosen}
    return {"maxiter": max_iterations, **chosen}


def check_start(loss: float, gradients: Sequence[Array], inference: float) -> None:
    """
    Refuse to begin where there is nothing to go down from.

    Parameters
    ----------
    loss : float
        In training.
    gradients : sequence of ndarray
        Of the trainable weights.
    inference : float
        The loss in inference.

    Raises
    ------
    ValueError
        If there are no weights, a number is not finite, or the two losses differ.
    """
    if not gradients:
        raise ValueError("a model must have trainable weights, got none")
    if not (math.isfinite(loss) and all(np.isfinite(g).all() for g in gradients)):
        raise ValueError(
            f"loss and gradients must be finite at the start, got loss {loss}"
        )
    if not math.isclose(loss, inference, rel_tol=ROUNDING, abs_tol=ROUNDING):
        raise ValueError(
            f"a model must have one loss in training and in inference to be "
            f"minimised, got {loss} and {inference}"
        )


def check_layers(layers: Sequence[Layer], method: str) -> None:
    """
    Refuse layers for which there is no one function to minimise, or no such method.

    Parameters
    ----------
    layers : sequence of Layer
        Built.
    method : str
        One of `METHODS`.

    Raises
    ------
    ValueError
        If a layer has training noise or statistics of batches, or a constraint that
        the method does not know as bounds. The layers are named.
    """
    moving = [
        layer.name
        for layer in layers
        for inner in layer.with_inner()[-1:]
        if inner.trainable and inner.state_names
    ]
    if moving:
        raise ValueError(
            f"a model must have no statistics of batches to be minimised, got those of "
            f"{', '.join(moving)}: set trainable to False before compile, or use fit"
        )
    noisy = [layer.name for layer in layers if _draws(layer)]
    if noisy:
        raise ValueError(
            f"a model must have no training noise to be minimised, got that of "
            f"{', '.join(noisy)}: take it away, or use fit"
        )
    bounded = {
        f"{layer.name}/{name}": constraint
        for layer in layers
        for name, constraint in layer.constraints.items()
        if name in layer.trainable_params
    }
    for name, constraint in bounded.items():
        if type(constraint) is not NonNeg:
            kind = getattr(constraint, "__name__", type(constraint).__name__)
            raise ValueError(
                f"constraints must be NonNeg to be minimised under, got {kind} of "
                f"{name}"
            )
    if bounded and method not in WITH_BOUNDS:
        raise ValueError(
            f"method must be one of {', '.join(map(repr, WITH_BOUNDS))} for NonNeg of "
            f"{', '.join(bounded)}, got {_validate.shown(method)}"
        )


def _draws(layer: Layer) -> bool:
    """Return whether the layer draws random numbers in training."""
    shape = layer.input_shape
    if shape is None or not all(isinstance(n, int) or n is None for n in shape[1:]):
        return False  # several inputs, which such a layer only puts together
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    # A window may not fit into sizes left open, or zeros be no input.
    with suppress(ValueError), np.errstate(all="ignore"):
        x = np.zeros([1 if size is None else size for size in (1, *shape[1:])])
        layer.forward_with_cache(x, training=True, rng=rng)
    return bool(rng.bit_generator.state != before)


# The minimisation -----------------------------------------------------------------


@dataclass
class Minimisation:
    """
    One call of `fit_scipy`: the model as a function of one vector.

    Parameters
    ----------
    model : Sequential
        Built and compiled.
    calls : CallbackList
        The callbacks.
    data : tuple
        ``(x, y, sample_weight)``.
    validation : tuple or None
        The same, to be measured only.
    limit : int or None
        How many iterations to make at most, where SciPy does not count them.
    logs : dict
        Loss and metrics at the start, then after each iteration.
    """

    model: Any
    calls: CallbackList
    data: tuple[Any, Any, Any]
    validation: tuple[Any, ...] | None
    limit: int | None
    logs: Logs
    iteration: int = 0
    evaluations: int = 0
    begun: bool = False

    def __post_init__(self) -> None:
        layers = list(self.model.leaves.values())
        self.params = [p for layer in layers for p in layer.trainable_params.values()]
        self.start = _vector(self.params)
        self.lower = _vector(
            np.full(param.shape, 0.0 if name in layer.constraints else -np.inf)
            for layer in layers
            for name, param in layer.trainable_params.items()
        )
        # After the last iteration that is whole.
        self.point = np.maximum(self.start, self.lower)

    def run(self, method: str, tol: float | None, options: dict[str, Any]) -> Any:
        """
        Minimise, and leave the model with the weights that were found.

        Returns
        -------
        scipy.optimize.OptimizeResult
            Of SciPy, or what is known of a minimisation that was stopped.

        Raises
        ------
        Exception
            Whatever the model, a callback or SciPy raises; the weights are those of
            the start then.
        """
        try:
            try:
                result = self.minimised(method, tol, options)
                self.put(result.x)
            finally:
                self.calls.on_train_end(self.logs)
        except Exception:
            self.write(self.start)
            raise
        return result

    def minimised(self, method: str, tol: float | None, options: dict[str, Any]) -> Any:
        """Return what SciPy finds, or what was reached when it was stopped."""
        from scipy import optimize

        # Its type hints know no jac=True with a callback of one vector.
        scipy: Any = optimize

        bounded = np.isfinite(self.lower).any()
        try:
            result = scipy.minimize(
                self.evaluate,
                self.point,
                method=method,
                jac=True,
                bounds=scipy.Bounds(self.lower, np.inf) if bounded else None,
                tol=tol,
                callback=self.callback,
                options=options,
            )
        except Stop as reason:
            return scipy.OptimizeResult(
                x=self.point,
                fun=self.logs["loss"],
                nit=self.iteration,
                nfev=self.evaluations,
                njev=self.evaluations,
                success=False,
                status=STOPPED,
                message=str(reason),
            )
        except BaseException:  # such as Ctrl-C in the middle of an iteration
            self.put(self.point)
            raise
        if not np.isfinite(result.x).all() or not np.isfinite(result.fun):
            result.x, result.success = self.point, False
        return result

    def evaluate(self, vector: Array) -> tuple[float, Array]:
        """Return loss and gradient; a loss that is no number is too large."""
        if not self.begun:
            self.begun = True
            self.calls.on_epoch_begin(self.iteration)
            self.calls.on_train_batch_begin(0)
        self.evaluations += 1
        self.put(vector)
        with np.errstate(all="ignore"):  # a step may be tried that goes too far
            loss, gradients = self.model.loss_and_gradients(*self.data)
        return (math.inf if math.isnan(loss) else loss), _vector(gradients)

    def callback(self, vector: Array) -> None:
        """End an iteration, and let SciPy see no other wish to stop than `Stop`."""
        try:
            self.end_iteration(vector)
        except StopIteration as error:
            raise RuntimeError("a callback must not raise StopIteration") from error

    def end_iteration(self, vector: Array) -> None:
        """Measure where an iteration has led to, and tell the callbacks."""
        self.put(vector)
        with np.errstate(all="ignore"):
            logs: Logs = self.model.test_on_batch(*self.data, return_dict=True)
        if not math.isfinite(logs["loss"]):
            raise Stop(f"the loss became {logs['loss']}")
        self.point, self.logs = np.array(vector, np.float64), logs
        self.calls.on_train_batch_end(0, logs)
        if self.validation is not None:
            self.calls.on_test_begin()
            results = self.validate()
            self.calls.on_test_end(results)
            logs |= {f"val_{name}": value for name, value in results.items()}
        self.calls.on_epoch_end(self.iteration, logs)
        self.iteration += 1
        self.begun = False
        if self.model.stop_training:
            raise Stop("a callback has stopped the training")
        if self.iteration == self.limit:
            raise Stop("max_iterations have been made")

    def validate(self) -> Logs:
        """Return loss and metrics on the validation data, if there are some."""
        if self.validation is None:
            return {}
        x, y, weight = self.validation
        logs: Logs = self.model.evaluate(
            x, y, verbose=0, sample_weight=weight, return_dict=True
        )
        return logs

    def put(self, vector: Array) -> None:
        """Put a vector into the bounds and into the weights."""
        self.write(np.maximum(vector, self.lower))

    def write(self, vector: Array) -> None:
        """Write a vector into the weights, each rounded to its own dtype."""
        with uninterrupted(), np.errstate(all="ignore"):
            first = 0
            for param in self.params:
                piece = vector[first : first + param.size]
                param[...] = piece.reshape(param.shape)
                first += param.size


def _vector(arrays: Any) -> Array:
    """Return arrays laid end to end, in float64."""
    return np.concatenate([np.asarray(a, np.float64).ravel() for a in arrays])
