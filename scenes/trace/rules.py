"""The rules by which a trace's tensors are filled, and their proof against what torch computed.

Where a rule stands for more products than can be added up in seconds, or reads more elements one by one, a sample of
its cells is proved: the same cells in every run, spread over all of them, each as likely as any other.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from torchreel.assets.errors import TorchreelError
from torchreel.scenes.trace.formula import Expr, Index, Lazy, Tensors, box, cells, ravelled, unravelled
from torchreel.scenes.trace.formula.tree import Bounded

MOST = 2 * 10**9
"""As many products of one rule are proved one and all: seconds' work where they share their factors."""
CELLS = 4 * 10**6
"""As many cells of sums of products are proved one and all, however few products each has."""
READS = 2 * 10**6
"""As many elements are read one by one to prove a rule one and all: seconds' work too, each by its own index."""
SAMPLE = 1 << 13
"""As many cells are proved of a rule that has or reads more."""

# As many terms as keep the index arrays of a batch in the cache: eight times as many take more than twice as long.
_BATCH = 1 << 17
_TOLERANCE = {
    torch.float64: (1e-7, 1e-7),
    torch.float32: (1.3e-6, 1e-5),
    torch.float16: (1e-3, 1e-5),
    torch.bfloat16: (1.6e-2, 1e-5),
}


class TraceError(TorchreelError):
    """A trace that does not add up to what torch computed."""


@dataclass(frozen=True)
class Rule:
    """How the cells of one tensor come about.

    `over` is the shape of the grid of steps (the tensor's own by default); `formula` takes cells `(B, len(over))` and
    returns the tree of all of them; `target` maps cells to the elements they write. With `accumulate`, several
    cells add into one element. Elements that no cell writes must equal `rest`, and there must be none if it is None.
    """

    tensor: str
    formula: Callable[[Tensor], Expr]
    over: tuple[int, ...] | None = None
    target: Callable[[Tensor], Tensor] | None = None
    accumulate: bool = False
    rest: float | None = None


@dataclass(frozen=True)
class Terms:
    """What a rule's cells are made of: `count` cells of `each` products, `width` elements held for each.

    `shares` is whether there are factors that many cells read together.
    """

    count: int
    each: int
    width: int
    shares: bool = False

    @classmethod
    def of(cls, formula: Callable[[Tensor], Expr], over: tuple[int, ...], tensors: Tensors) -> Terms:
        """Those of a formula over a grid; an element that is computed on demand is as wide as what it reads."""
        count = math.prod(over)
        first = formula(cells(over, 0, 1)) if count else None
        if first is None:
            return cls(0, 1, 1)
        found = (tensors.get(ref.tensor) for ref in first.refs())
        width = max((first.width, *(one.reads for one in found if isinstance(one, Lazy))))
        return cls(count, first.terms, width, first.shares)

    @property
    def are_many(self) -> bool:
        """Whether only a sample of the cells is proved."""
        one_by_one = self.count > CELLS if self.shares else self.count * self.width > READS
        return one_by_one or self.count * self.each > MOST

    @property
    def sample(self) -> int:
        """As many of the cells stand for all."""
        return SAMPLE if self.shares else min(SAMPLE, max(1, READS // self.width))

    @property
    def batch(self) -> int:
        """How many cells are evaluated at once."""
        return max(1, _BATCH // self.width)


def batches(over: tuple[int, ...], most: int) -> Iterator[tuple[Index, Index]]:
    """A grid in boxes of at most `most` cells, by their first and last corners.

    Boxes are as wide as long, so that the cells of one have as many factors in common as can be.
    """
    if not math.prod(over):
        return
    sizes = list(over)
    while math.prod(sizes) > most:
        axis = max(range(len(sizes)), key=sizes.__getitem__)
        sizes[axis] = -(-sizes[axis] // 2)
    steps = (range(0, size, step) for size, step in zip(over, sizes, strict=True))
    for start in itertools.product(*steps):
        yield start, tuple(min(s + n, m) for s, n, m in zip(start, sizes, over, strict=True))


def evaluated(formula: Callable[[Tensor], Expr], shape: tuple[int, ...], tensors: Tensors) -> Bounded:
    """Values and sizes of all cells of a grid, batch by batch, in its shape."""
    value = torch.empty(shape, dtype=torch.float64)
    size = torch.empty(shape, dtype=torch.float64)
    terms = Terms.of(formula, shape, tensors)
    for start, stop in batches(shape, terms.batch):
        place = tuple(slice(*ends) for ends in zip(start, stop, strict=True))
        found = formula(box(start, stop)).bounded(tensors)
        for whole, part in zip((value, size), found, strict=True):
            whole[place] = part.expand(math.prod(whole[place].shape)).reshape(whole[place].shape)
    return Bounded(value, size)


class Proof:
    """Checks one rule of the trace `name` against torch's values, batch by batch."""

    def __init__(self, name: str, tensors: Tensors, rule: Rule, seed: int, prove_all: bool) -> None:
        source = tensors[rule.tensor]
        if isinstance(source, Lazy):
            raise TraceError(f"{name}: {rule.tensor} is computed on demand and cannot be filled by a rule")
        self.name, self.tensors, self.rule, self.source = name, tensors, rule, source
        self.shape = tuple(source.shape)
        self.over = self.shape if rule.over is None else rule.over
        self.terms = Terms.of(rule.formula, self.over, tensors)
        self.sampled = self.terms.are_many and not prove_all
        self.seed = f"{seed} {name} {rule.tensor} {self.over}"

    def run(self) -> float:
        """The share of cells that were checked; raises `TraceError` for the first that does not hold."""
        if self.rule.target is None and not self.rule.accumulate and self.over == self.shape:
            return self._cell_by_cell()
        return self._by_elements()

    def check(self, batch: Tensor) -> None:
        """Compare some cells `(B, ndim)`, unless several write to one element."""
        if not self.rule.accumulate:
            self._check(batch)

    def _cell_by_cell(self) -> float:
        """Every cell writes the element of its own index, so that each is written once."""
        if not self.sampled:
            for start, stop in batches(self.over, self.terms.batch):
                self._check(box(start, stop))
            return 1.0
        chosen = spread_sample(self.terms.count, self.terms.sample, self.seed)
        for part in chosen.split(self.terms.batch):
            self._check(unravelled(part, self.over))
        return len(chosen) / self.terms.count

    def _check(self, batch: Tensor) -> None:
        value, size = self._bounded(batch)
        target = self._target(batch)
        torchs = self.source[tuple(target.unbind(1))].expand(len(batch))
        self._compare(
            value, torch.nan_to_num(size, nan=0.0, posinf=0.0), torchs, lambda wrong: target[wrong].tolist()
        )

    def _target(self, batch: Tensor) -> Tensor:
        return batch if self.rule.target is None else self.rule.target(batch)

    def _bounded(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        value, size = self.rule.formula(batch).bounded(self.tensors)
        return value.expand(len(batch)), size.expand(len(batch))

    def _by_elements(self) -> float:
        """Cells write where their target says: what they add up to is compared when all of them are known.

        Of a sample every cell that writes to it counts, and all targets are looked at.
        """
        elements = self.source.numel()
        writes = torch.zeros(elements, dtype=torch.int32)
        total, magnitude = (torch.zeros(elements, dtype=torch.float64) for _ in range(2))
        chosen = (
            spread_sample(elements, self.terms.sample, self.seed) if self.sampled else torch.arange(elements)
        )
        wanted = torch.zeros(elements, dtype=torch.bool).index_fill_(0, chosen, True)
        for start, stop in batches(self.over, self.terms.batch):
            batch = box(start, stop)
            flat = ravelled(self._target(batch), self.shape)
            writes.index_add_(0, flat, torch.ones_like(flat, dtype=torch.int32))
            if self.sampled:
                batch, flat = batch[wanted[flat]], flat[wanted[flat]]
            if len(batch):
                value, size = self._bounded(batch)
                total.index_add_(0, flat, value)
                magnitude.index_add_(0, flat, torch.nan_to_num(size, nan=0.0, posinf=0.0))
        self._check_coverage(writes)
        if self.rule.rest is not None:
            total[writes == 0] = self.rule.rest
            wanted |= writes == 0
        chosen = wanted.nonzero()[:, 0]
        torchs = self.source.reshape(-1)[chosen]
        self._compare(total[chosen], magnitude[chosen], torchs, lambda wrong: self._index(int(chosen[wrong])))
        return len(chosen) / elements if elements else 1.0

    def _check_coverage(self, writes: Tensor) -> None:
        rule = self.rule
        if not rule.accumulate and bool((writes > 1).any()):
            cell = self._index(int((writes > 1).nonzero()[0]))
            raise TraceError(f"{self.name}: {rule.tensor}{cell} is written more than once")
        missing = writes == 0
        if rule.rest is None and bool(missing.any()):
            written = writes.numel() - int(missing.sum())
            raise TraceError(
                f"{self.name}: the steps write {written} of {writes.numel()} elements of {rule.tensor}; "
                f"{self._index(int(missing.nonzero()[0]))} is missing"
            )

    def _compare(
        self, value: Tensor, size: Tensor, torchs: Tensor, index: Callable[[int], list[int]]
    ) -> None:
        torchs = torchs.to(torch.float64)
        rtol, atol = _TOLERANCE.get(self.source.dtype, (0.0, 0.0))
        bound = atol + rtol * torch.maximum(torchs.abs(), size)
        same = (value == torchs) | (value.isnan() & torchs.isnan())
        close = same | ((value - torchs).abs() <= bound) & torchs.isfinite()
        if bool(close.all()):
            return
        wrong = int((~close).nonzero()[0])
        raise TraceError(
            f"{self.name}: a step gives {value[wrong].item():g} for {self.rule.tensor}{index(wrong)}; "
            f"torch gives {torchs[wrong].item():g}"
        )

    def _index(self, flat: int) -> list[int]:
        found: list[int] = cells(self.shape, flat, flat + 1)[0].tolist()
        return found


def spread_sample(count: int, most: int, seed: str) -> Tensor:
    """Some of the numbers below `count` in order: one at random of each of `most` equal parts, the same for a seed.

    Each number is as likely as any other, and what lies together, such as a channel, is not missed.
    """
    if count <= most:
        return torch.arange(count)
    generator = torch.Generator().manual_seed(
        int.from_bytes(hashlib.sha256(seed.encode()).digest()[:7], "big")
    )
    place = torch.arange(most) + torch.rand(most, generator=generator, dtype=torch.float64)
    return (place * (count / most)).long().clamp(max=count - 1).unique()
