"""
Start values of weights.

An initializer is called for an array, ``i(shape, dtype=None, *, rng=None)``. Where its
random numbers come from is decided in this order: the ``seed`` of its constructor, the
generator ``rng`` of the call, entropy of its own. Any callable of this form will do.

Imports `ops`.
"""

from .._keras.names import old_names
from .._registry import Registry, snake_case
from .base import Initializer
from .drawn import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from .fixed import Constant, Identity, Ones, Zeros
from .scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
    compute_fans,
)

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

# Keras has every class under a second name.
constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros

_NAMED_SCALINGS: tuple[type[Initializer], ...] = (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
)
_CLASSES: tuple[type[Initializer], ...] = (
    *_NAMED_SCALINGS,
    Constant,
    Identity,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
)

_registry = Registry[Initializer](
    "initializer",
    "keras.initializers",
    {
        **{cls.__name__: cls for cls in _CLASSES},
        **{snake_case(cls.__name__): cls for cls in _CLASSES},
        # Names that stand in files from the change from TensorFlow 1 to 2.
        **{f"{cls.__name__}V2": cls for cls in _CLASSES},
        **{f"{snake_case(cls.__name__)}V2": cls for cls in _NAMED_SCALINGS},
        "normal": RandomNormal,
        "one": Ones,
        "uniform": RandomUniform,
        "zero": Zeros,
    },
)
get = _registry.get
serialize = _registry.serialize
deserialize = _registry.deserialize


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])


__getattr__ = old_names(__name__)
