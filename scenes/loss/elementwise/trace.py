"""What the element-wise losses compute: from input and target, element by element, then one value or none.

Each loss is a `Law`: named intermediate values and at last the `loss` of one element, as formula trees. The same law
over a span of the input gives the curves that a clip draws, so that a curve and the numbers on it have one source.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchreel.scenes.loss.trace import aligned, computed, concluded
from torchreel.scenes.trace.formula import Const, Expr, Ref
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule

Values = Mapping[str, Tensor]
_POINTS = 241
WIDEST = 1e6
MOST_SHOWN = 8
_LOOKED_AT = 1 << 16


@dataclass(frozen=True)
class LossCells:
    """Where a law is asked: at `cells` `(B, ndim)` of the losses, with the tensors known so far.

    `dtype` is the type in which torch computes: what overflows there is infinite.
    """

    values: Values
    cells: Tensor
    dtype: torch.dtype

    def ref(self, name: str) -> Ref:
        """The element of a (broadcast) tensor at each cell."""
        return Ref(name, aligned(self.cells, self.values[name].shape))

    def value(self, name: str) -> Tensor:
        """The values themselves, `(B,)` in float64, for choosing a branch."""
        return self.ref(name).evaluate(self.values)

    def has(self, name: str) -> bool:
        """Whether the call has such a tensor (a weight)."""
        return name in self.values


Formulas = dict[str, Callable[[], Expr]]
Law = Callable[[Any, LossCells], Formulas]
"""`law(module, at)`: what is computed, by name and in order; the last one is `loss`. Trees are made when asked for."""


Held = dict[str, float]


@dataclass(frozen=True)
class Span:
    """Which curves a clip shows: the tensor on the x axis, how far x and y reach at least, and what tells curves apart.

    Elements with the same values of `held` are on one curve; those of `always` are there whatever the elements are, and
    all curves hold `base` besides. `inverse` makes input of x. A `reference` is another law to compare with.
    """

    x: str
    least: tuple[float, float]
    tall: tuple[float, float] = (0.0, 0.8)
    limits: tuple[float, float] = (-WIDEST, WIDEST)
    held: tuple[str, ...] = ()
    always: tuple[Mapping[str, float], ...] = ()
    base: Mapping[str, float] = field(default_factory=dict)
    reference: Law | None = None
    inverse: Callable[[Tensor], Tensor] | None = None

    def curves(self, tensors: Values, shape: Sequence[int]) -> tuple[list[Held], list[int]]:
        """What each curve holds, and the number of the curve of each of the shown elements."""
        each = self._each(tensors, shape)
        always = [dict(one) for one in self.always]
        if "pos_weight" in tensors:
            first = float(tensors["pos_weight"].reshape(-1)[0]) if tensors["pos_weight"].numel() else 1.0
            factors = [one for one in each if one["target"] == 1] or [{"target": 1.0, "pos_weight": first}]
            always = [factors[0], *(one for one in always if one["target"] != 1)]
        known: dict[str, Held] = {str(one): one for one in [*always, *each]}
        names = list(known)
        return list(known.values()), [names.index(str(one)) for one in each]

    def elements(self, tensors: Values, shape: Sequence[int]) -> list[int]:
        """The numbers of the losses that a clip shows: whole rows, or of more than that some all along the x axis."""
        groups, size = shown(shape)
        first, count = list(range(groups * size)), math.prod(shape)
        if len(first) == count or not is_spread(shape):
            return first
        among = torch.linspace(0, count - 1, min(count, _LOOKED_AT), dtype=torch.float64).long().unique()
        xs = LossCells(tensors, places(among, shape), torch.float64).value(self.x)
        return sorted(among[_spread(xs, len(first))].tolist())

    def _each(self, tensors: Values, shape: Sequence[int]) -> list[Held]:
        numbers = self.elements(tensors, shape)
        at = LossCells(tensors, places(torch.tensor(numbers, dtype=torch.int64), shape), torch.float64)
        names = [name for name in self.held if name in tensors]
        columns = [at.value(name).tolist() for name in names]
        held = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
        return [_active(one) for one in held] or [{} for _ in numbers]


def _active(held: Held) -> Held:
    """Without the factor of positives where the target is 0, which it does not touch."""
    return {name: value for name, value in held.items() if name != "pos_weight" or held["target"] != 0}


def shown(shape: Sequence[int]) -> tuple[int, int]:
    """How many of the losses a clip shows, in groups of the last dimension: (groups, elements a group)."""
    last = shape[-1] if shape else 1
    if not math.prod(shape):
        return 0, 0
    if last > MOST_SHOWN:
        return 1, MOST_SHOWN
    return min(math.prod(shape[:-1]), MOST_SHOWN // last), last


def is_spread(shape: Sequence[int]) -> bool:
    """Whether the losses that a clip shows are taken from everywhere: rows are too long, or of one element."""
    last = shape[-1] if shape else 1
    return math.prod(shape) > MOST_SHOWN and (last > MOST_SHOWN or last == 1)


def places(numbers: Tensor, shape: Sequence[int]) -> Tensor:
    """The indices `(B, ndim)` of losses by their numbers in order."""
    if not shape:
        return torch.zeros((len(numbers), 0), dtype=torch.int64)
    return torch.from_numpy(np.stack(np.unravel_index(numbers.numpy(), tuple(shape)), -1))


def _spread(xs: Tensor, count: int) -> list[int]:
    """`count` of some values, as evenly over their range as they let: those nearest to as many equal steps."""
    finite = xs[xs.isfinite()]
    if not len(finite):
        return list(range(count))
    away = torch.where(xs.isfinite(), xs, math.inf)
    found: list[int] = []
    for wanted in torch.linspace(float(finite.min()), float(finite.max()), count, dtype=torch.float64):
        distance = (away - wanted).abs()
        distance[found] = math.nan
        found.append(
            int(distance.nan_to_num(math.inf, math.inf).argmin()) if len(found) < len(finite) else -1
        )
    rest = (number for number in range(len(xs)) if number not in found)
    return [number if number >= 0 else next(rest) for number in found]


@dataclass(frozen=True)
class Elementwise:
    """One element-wise loss: its law, its curves, and the names of the module's tensors that it reads.

    `spans` changes the curves with the module's settings.
    """

    law: Law
    span: Span
    weights: tuple[str, ...] = ()
    arguments: Callable[[dict[str, Any]], dict[str, Tensor]] = dict
    spans: Callable[[Any, Span], Span] | None = None

    def drawn(self, module: Any) -> Span:
        """Which curves a clip of this module shows."""
        return self.spans(module, self.span) if self.spans else self.span

    def record(self, call: Call) -> Recording:
        """The tensors and rules of one call; `curve.x`, `curve.0`, `curve.1`… are what a clip draws."""
        module: Any = call.module
        given = self.arguments(dict(call.inputs))
        for name in self.weights:
            if getattr(module, name, None) is not None:
                given[name] = getattr(module, name).detach()
        shape = tuple(np.broadcast_shapes(*(value.shape for value in given.values())))
        dtype = call.output.dtype
        tensors = filled(self.law, module, given, shape, dtype)
        loss = self._formula("loss", module, tensors, dtype)
        rules = tuple(
            Rule(name, self._formula(name, module, tensors, dtype)) for name in tensors if name not in given
        )
        tensors["output"] = call.output
        tensors |= _curves(self.law, self.drawn(module), module, tensors)
        reduction = "mean" if module.reduction == "batchmean" else module.reduction
        rows = given["input"].shape[0] if given["input"].ndim else 1
        divisor = Const(rows) if module.reduction == "batchmean" else None
        return concluded(reduction, loss, tensors, rules, divisor)

    def _formula(
        self, name: str, module: Any, tensors: Values, dtype: torch.dtype
    ) -> Callable[[Tensor], Expr]:
        return partial(_tree, self.law, name, module, tensors, dtype)


def _tree(law: Law, name: str, module: Any, tensors: Values, dtype: torch.dtype, cells: Tensor) -> Expr:
    return law(module, LossCells(tensors, cells, dtype))[name]()


def filled(
    law: Law, module: Any, given: Values, shape: Sequence[int], dtype: torch.dtype
) -> dict[str, Tensor]:
    """The given tensors with all that a law makes of them over `shape`, in float64."""
    tensors = dict(given)
    for name in law(module, LossCells(tensors, torch.zeros((0, len(shape)), dtype=torch.int64), dtype)):
        tensors[name] = computed(partial(_tree, law, name, module, tensors, dtype), shape, tensors)
    return tensors


def _curves(law: Law, span: Span, module: Any, tensors: Values) -> dict[str, Tensor]:
    """`curve.x`, the places on the x axis, and `curve.0`, `curve.1`…: the losses there with all else fixed.

    A law that starts from a difference is asked with a target of 0, so that x is the input there too.
    """
    xs = torch.linspace(*_reach(tensors[span.x], span), _POINTS, dtype=torch.float64)

    def drawn(law: Law, fixed: Mapping[str, float]) -> Tensor:
        held = {name: torch.tensor(value, dtype=torch.float64) for name, value in fixed.items()}
        given = xs if span.inverse is None else span.inverse(xs)
        return filled(law, module, {"input": given, **held}, (len(xs),), torch.float64)["loss"]

    found = {"curve.x": xs}
    for number, fixed in enumerate(span.curves(tensors, tuple(tensors["loss"].shape))[0]):
        found[f"curve.{number}"] = drawn(law, {**span.base, **fixed})
    if span.reference is not None:
        reference = drawn(span.reference, span.base)
        if not any(torch.equal(reference, one) for one in found.values()):
            found["curve.reference"] = reference
    return found


def _reach(values: Tensor, span: Span) -> tuple[float, float]:
    """From the least to the largest value within the limits, as wide as the clip wants at least, with a margin.

    A span that is even about 0 stays so. Values beyond count as the limit where they are the most.
    """
    every = values.to(torch.float64).reshape(-1)
    finite = every[every.isfinite()].clamp(*span.limits)
    inside = every[(span.limits[0] <= every) & (every <= span.limits[1])]
    if 2 * len(inside) >= len(finite):
        finite = inside
    low, high = span.least
    if len(finite):
        margin = 0.06 * (max(high, float(finite.max())) - min(low, float(finite.min())))
        low = min(low, float(finite.min()) - margin)
        high = max(high, float(finite.max()) + margin)
    if span.least[0] == -span.least[1]:
        low, high = min(low, -high), max(high, -low)
    return max(low, span.limits[0]), min(high, span.limits[1])


def by_place(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """PoissonNLLLoss's arguments: forward calls the first one `log_input`, whatever the setting of that name."""
    return dict(zip(("input", "target"), inputs.values(), strict=True))


def as_tensors(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """GaussianNLLLoss's arguments: `var` has a value for each element, for each row, or is one number."""
    given, var = inputs["input"], inputs["var"]
    if not isinstance(var, Tensor):
        return {**inputs, "var": torch.as_tensor(var, dtype=given.dtype).expand(given.shape)}
    one_each_row = var.shape != given.shape and var.shape == given.shape[:-1]
    return {**inputs, "var": var[..., None] if one_each_row else var}


def overflow(dtype: torch.dtype) -> float:
    """The logarithm of the largest number of a type: where exp becomes infinite."""
    return math.log(torch.finfo(dtype).max) if dtype.is_floating_point else math.inf


def underflow(dtype: torch.dtype) -> float:
    """The logarithm of half the smallest number of a type: where exp becomes 0."""
    if not dtype.is_floating_point:
        return -math.inf
    info = torch.finfo(dtype)
    return math.log(info.tiny) + math.log(info.eps / 2)
