"""Short trainings whose every number is exact in float64."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from ..._typing import Array, Config
from ..case import Case
from ..references.activations import piecewise_of
from ..references.exact import Exact
from ..references.sums import Sums, sums_of
from ..references.wires import by_location, stored_bias
from .generate import draw_case
from .precisions import PRECISIONS, Precision
from .specs import Spec

__all__ = ["TRACES", "Trace", "Training", "traces"]

WANTS = ("losses", "kernel", "bias")


@dataclass(frozen=True)
class Training:
    """
    How a layer is trained: stochastic gradient descent on the mean squared error.

    Parameters
    ----------
    steps : int
        Updates, each on the whole of x.
    learning_rate, momentum, l2 : float
        Powers of two, or 0. `l2` is the factor of the sum of squares of the kernel.
    nonnegative : bool
        Whether negative weights of the kernel become 0 after every update.
    """

    steps: int
    learning_rate: float
    momentum: float = 0.0
    l2: float = 0.0
    nonnegative: bool = False


@dataclass(frozen=True, eq=False)
class Trace:
    """
    One training, step by step.

    Parameters
    ----------
    id, why : str
        As for a `Case`.
    config : dict
        That of a case, and the fields of `Training`.
    x, kernel, bias : ndarray
        As for a `Case`; the weights before the first step.
    targets : ndarray, shape of y
        What y should be.
    expected : dict of str to ndarray
        ``losses`` before every step, penalty included, and ``kernel`` and ``bias``
        after the last one, float64.
    """

    id: str
    why: str
    config: Config
    x: Array
    kernel: Array
    bias: Array
    targets: Array
    expected: dict[str, Array] = field(default_factory=dict)
    bound: ClassVar[dict[str, Array]] = {}
    kind: ClassVar[str] = "trace"
    tier: ClassVar[str] = "exact"
    precision: ClassVar[str] = "float64"
    wants: ClassVar[tuple[str, ...]] = WANTS

    @property
    def format(self) -> Precision:
        """Properties of the precision."""
        return PRECISIONS[self.precision]

    def __repr__(self) -> str:
        return f"<Trace {self.id}>"


RELU: Config = {"name": "relu"}
SHAPE = {"batch": 4, "channels": 1, "filters": 2, "precision": "float64"}

# N*L*F is a power of two in each.
TRACES = (
    (
        Spec(
            "trace-plain",
            "three steps of gradient descent",
            (4,),
            (3,),
            **SHAPE,  # type: ignore[arg-type]
        ),
        Training(3, 0.5),
    ),
    (
        Spec(
            "trace-momentum",
            "momentum, two dimensions, relu: the gradient is a mean over all of y",
            (3, 3),
            (2, 2),
            activation=RELU,
            **SHAPE,  # type: ignore[arg-type]
        ),
        Training(3, 0.25, momentum=0.5),
    ),
    (
        Spec(
            "trace-penalty",
            "a penalty on the kernel, whose gradient is 2*l2*w, and a constraint after "
            "every update",
            (5,),
            (2,),
            activation=RELU,
            **SHAPE,  # type: ignore[arg-type]
        ),
        Training(2, 0.5, momentum=0.5, l2=0.125, nonnegative=True),
    ),
)


def traces() -> list[Trace]:
    """
    Return the traces of the default suite, each solved.

    Returns
    -------
    list of Trace
        In the order of the manifest.
    """
    return [_drawn(spec, training) for spec, training in TRACES]


def _drawn(spec: Spec, training: Training) -> Trace:
    """Draw until no pre-activation lies on a kink."""
    for attempt in range(500):
        case = draw_case(spec, attempt)
        if case.bias is None or case.dy is None:
            raise ValueError(f"trace {spec.id} must have a bias and gradients")
        trace = Trace(
            spec.id,
            spec.why,
            {**case.config, **vars(training)},
            case.x,
            case.kernel,
            case.bias,
            case.dy,
        )
        expected = _solve_trace(trace)
        if expected is not None:
            for array in expected.values():
                array.flags.writeable = False
            return replace(trace, expected=expected)
    raise ValueError(f"trace {spec.id} must stay off the kinks")


def _solve_trace(trace: Trace) -> dict[str, Array] | None:
    """
    Compute a training exactly.

    Parameters
    ----------
    trace : Trace
        With its inputs.

    Returns
    -------
    dict of str to ndarray, or None
        What it expects; None if a pre-activation meets a kink.

    Raises
    ------
    ValueError
        If a number is met that float64 does not hold.
    """
    c = trace.config
    training = Training(**{key: c[key] for key in Training.__dataclass_fields__})
    sums = sums_of(_as_case(trace))
    targets = by_location(Exact.of(trace.targets), c)
    piecewise = piecewise_of(c["activation"])
    if piecewise is None or sums.bias is None:
        raise ValueError(f"trace {trace.id} must have straight pieces and a bias")
    count = trace.targets.size
    if count & (count - 1):
        raise ValueError(f"trace {trace.id} must have 2**k outputs, got {count}")
    mean = -(count.bit_length() - 1)
    rate, momentum = _scalar(training.learning_rate), _scalar(training.momentum)
    l2 = _scalar(training.l2)
    weights = {"kernel": sums.kernel, "bias": sums.bias}
    velocity = {name: value * _scalar(0.0) for name, value in weights.items()}
    losses = []
    for _ in range(training.steps):
        step = Sums(c, sums.cells, sums.patches, weights["kernel"], weights["bias"])
        _need_exact(trace, step.magnitudes().z())
        z = step.z()
        if piecewise.on_kink(z, _scalar(0.0)).any():
            return None
        error = piecewise.value(z) - targets
        penalty = _total(weights["kernel"] * weights["kernel"]) * l2
        loss = _total(error * error).times_power(mean) + penalty
        _need_exact(trace, loss)
        losses.append(loss.nearest())
        dz = piecewise.slope(z) * error.times_power(mean + 1)
        for value in step.magnitudes().gradients(abs(dz)).values():
            _need_exact(trace, value)
        found = step.gradients(dz)
        pull = weights["kernel"] * l2.times_power(1)
        _need_exact(trace, abs(found["dkernel"]) + abs(pull))
        found["kernel"] = found["dkernel"] + pull
        found["bias"] = by_location(_in_y(found["dbias"], c), c)
        for name, value in weights.items():
            velocity[name] = velocity[name] * momentum - found[name] * rate
            weights[name] = value + velocity[name]
            _need_exact(trace, abs(value) + abs(velocity[name]))
        if training.nonnegative:
            kernel = weights["kernel"]
            zero = _scalar(0.0)
            weights["kernel"] = kernel.where(zero.below(kernel), zero)
    return {
        "losses": np.array(losses, np.float64).reshape(-1),
        "kernel": weights["kernel"].nearest(),
        "bias": stored_bias(weights["bias"], c).nearest(),
    }


def _as_case(trace: Trace) -> Case:
    """Return the layer before the first step."""
    return Case(
        trace.id,
        trace.why,
        trace.tier,
        trace.precision,
        ("y",),
        trace.config,
        trace.x,
        trace.kernel,
        trace.bias,
        None,
    )


def _in_y(dbias: Exact, config: Config) -> Exact:
    """Return a stored bias as it is added to y."""
    sizes, filters = config["output_sizes"], config["filters"]
    if config["data_format"] == "channels_last":
        return dbias.reshape((*sizes, filters))
    return dbias.reshape((filters, *sizes))


def _total(values: Exact) -> Exact:
    return values.reshape((-1,)).sum(0)


def _scalar(value: float) -> Exact:
    return Exact.of(np.array(value))


def _need_exact(trace: Trace, size: Exact) -> None:
    """Refuse a sum of so many bits that its order may matter."""
    if size.bits > PRECISIONS["float64"].bits:
        raise ValueError(f"trace {trace.id} must be exact, got {size.bits} bits")
