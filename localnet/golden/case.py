"""One case: a layer with its inputs, the answers that are right, and their bounds."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, Self, overload

import numpy as np

from .._typing import Array, Config
from .cases.lehmer import Draw
from .cases.precisions import FORMATS, Precision
from .references.connections import VARIANTS, connections
from .references.wires import to_layout

__all__ = ["FLAGS", "INPUTS", "OUTPUTS", "Case", "Cases", "Span", "Suite"]

INPUTS = ("x", "kernel", "bias", "bias_in_y", "dy", "mixture", "kernel2", "bias2")
OUTPUTS = ("y", "dx", "dkernel", "dbias", "dmixture", "dkernel2", "dbias2")

FLAGS = {
    "kink": "A pre-activation lies on a kink of relu or relu6, where the gradient is a "
    "convention: 0, as Keras has it; or a window of pooling has several largest "
    "numbers, and the first takes the gradient. Skip it if yours is another.",
    "wide": "Integers of so many bits that operands rounded to TensorFloat-32 or "
    "bfloat16 give other sums.",
    "single": "One product for each number: a backend that rounds to nearest, in the "
    "precision of the case or a wider one, gives the nearest number itself.",
    "subnormal": "Numbers below the smallest normal one. Those that become 0 are "
    "allowed for by --flushing only.",
    "cancellation": "Sums that are small beside their terms: digits are lost, within "
    "the bound.",
}


class Span(NamedTuple):
    """
    The numbers that a sum can meet on its way.

    Parameters
    ----------
    quantum : int
        All of them are multiples of ``2**quantum``.
    bits : int
        Their magnitudes are at most ``2**(quantum + bits)``.
    """

    quantum: int
    bits: int


@dataclass(frozen=True, eq=False)
class Case:
    """
    One layer on one input.

    Parameters
    ----------
    id : str
        Its name, and that of its folder.
    why : str
        What it is there to see.
    tier : {"exact", "bounded"}
        Whether the answer must agree bit for bit or within `bound`.
    precision : {"float64", "float32", "float16", "bfloat16"}
        The format it is made for; an exact case is exact in every wider one too.
    wants : tuple of str
        Which of y, dx, dkernel and dbias are judged.
    config : dict
        batch, input_sizes, channels, output_sizes, filters; kernel_size, strides, pads
        (pairs of numbers), pad_value, dilation_rate; data_format; activation, a dict
        with its name and parameters.
    x : ndarray of shape (N, *S, C) or (N, C, *S)
        Input.
    kernel : ndarray of shape (L, K, F)
        One matrix per location, as Keras 2 has it at implementation 1.
    bias : ndarray of shape (*O, F), or None
        As Keras stores it.
    dy : ndarray, shape of y, or None
        Upstream gradient; None if no gradient is wanted.
    expected : dict of str to ndarray
        float64: the exact answers, or the nearest to them.
    bound : dict of str to ndarray
        How far an answer may be from the expected one; empty for an exact case.
    flags : tuple of str
        Keys of `FLAGS`.
    draws : dict of str to Draw
        How the inputs follow from the generator; empty in suites of others.
    spans : dict of str to Span
        For an exact case, what proves that every partial sum is representable.
    kind : str
        "layer" for the plain layer, or a key of ``VARIANTS`` in
        ``localnet/golden/references/connections.py``, whose config, kernel and bias
        have other shapes.
    mixture : ndarray of shape (L, R), or None
        Of low rank: how much of each of the R kernels every location has. Of batch
        normalisation that does not train: mean and variance, of shape (2, C).
    kernel2, bias2 : ndarray, or None
        Of a stack: those of the second layer.
    """

    id: str
    why: str
    tier: str
    precision: str
    wants: tuple[str, ...]
    config: Config
    x: Array
    kernel: Array
    bias: Array | None
    dy: Array | None
    expected: dict[str, Array] = field(default_factory=dict)
    bound: dict[str, Array] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    draws: Mapping[str, Draw] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)
    kind: str = "layer"
    mixture: Array | None = None
    kernel2: Array | None = None
    bias2: Array | None = None

    @property
    def format(self) -> Precision:
        """Properties of the precision."""
        return FORMATS[self.precision]

    @property
    def bias_in_y(self) -> Array | None:
        """What is added to each sample of y, in its data format."""
        if self.bias is None or self.kind == "batch_norm":
            return None
        if self.kind in VARIANTS:
            places = connections(self.config, self.kind).biases
            return to_layout(np.asarray(self.bias.ravel()[places]), self.config)
        sizes, filters = self.config["output_sizes"], self.config["filters"]
        if self.config["data_format"] == "channels_last":
            return self.bias.reshape((*sizes, filters))
        return self.bias.reshape((filters, *sizes))

    def __repr__(self) -> str:
        return f"<Case {self.id}>"


class Cases(Sequence[Case]):
    """
    Cases of which each is made when it is first asked for.

    Parameters
    ----------
    outlines : callable
        Returns what each is made of, with its id, why, tier, precision and kind; not
        called before anybody asks.
    make : callable
        Returns the case of an outline.
    """

    def __init__(
        self, outlines: Callable[[], Sequence[Any]], make: Callable[[Any], Case]
    ) -> None:
        self._outlines, self._make = outlines, make
        self._made: dict[int, Case] = {}

    @cached_property
    def outlines(self) -> Sequence[Any]:
        """What each case is made of."""
        return self._outlines()

    def __len__(self) -> int:
        return len(self.outlines)

    @overload
    def __getitem__(self, index: int) -> Case: ...
    @overload
    def __getitem__(self, index: slice) -> list[Case]: ...
    def __getitem__(self, index: int | slice) -> Case | list[Case]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        if position not in self._made:
            self._made[position] = self._make(self.outlines[position])
        return self._made[position]


@dataclass(frozen=True, eq=False)
class Suite:
    """
    Cases to hold a backend to.

    Parameters
    ----------
    cases : sequence of Case
        Plain layers, in the order of the manifest; iterating gives these.
    traces : sequence
        Short trainings, asked for apart.
    foreign : bool
        Whether it was read from a folder, so that cases may be anybody's.
    variants : sequence of Case
        Layers of other kinds, for backends that say that they have them.
    others : sequence of Case
        Pooling, normalisation, stacks, integers and fixed point, likewise.
    """

    cases: Sequence[Case]
    traces: Sequence[Any] = ()
    foreign: bool = False
    variants: Sequence[Case] = ()
    others: Sequence[Case] = ()

    @property
    def every(self) -> tuple[Case, ...]:
        """Cases of all kinds; a backend is asked for those that it says it has."""
        return tuple(case for part in self._parts for case in part)

    @property
    def outlines(self) -> list[Any]:
        """Id, why, tier, precision and kind of all cases, without making one."""
        return [outline for part in self._parts for outline in _outlines(part)]

    def only(self, ids: Collection[str]) -> Self:
        """
        Return a part of the suite, without making the rest.

        Parameters
        ----------
        ids : collection of str
            Of the cases and traces to keep; those of no case are passed over.

        Returns
        -------
        Suite
            In the order of the suite.
        """
        cases, variants, others = (
            [part[i] for i, outline in enumerate(_outlines(part)) if outline.id in ids]
            for part in self._parts
        )
        traces = [trace for trace in self.traces if trace.id in ids]
        return replace(
            self, cases=cases, traces=traces, variants=variants, others=others
        )

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, case_id: str) -> Case:
        for part in self._parts:
            for index, outline in enumerate(_outlines(part)):
                if outline.id == case_id:
                    return part[index]
        raise KeyError(case_id)

    @property
    def _parts(self) -> tuple[Sequence[Case], ...]:
        return self.cases, self.variants, self.others


def _outlines(cases: Sequence[Case]) -> Sequence[Any]:
    return cases.outlines if isinstance(cases, Cases) else cases
