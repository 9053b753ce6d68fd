"""What unfolding and folding compute: which element of the picture each element of a column is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torchreel.scenes.folding.blocks import Blocks, pair
from torchreel.scenes.folding.checks import check_unfold
from torchreel.scenes.trace.formula import Expr, Index, Lazy, Mul, Ref, Sum, read
from torchreel.scenes.trace.formula import cells as cells_of
from torchreel.scenes.trace.inputs import read_input
from torchreel.scenes.trace.operator import Call, Changes, Operator, Recording
from torchreel.scenes.trace.proof import Rule, Step, Trace
from torchreel.scenes.trace.rules import READS

if TYPE_CHECKING:
    from torchreel.assets.examples import Example

_KEEP = 1 << 18


def unfold_blocks(trace: Trace) -> Blocks:
    """The windows of an Unfold's input, or of the picture a Fold's columns were cut from."""
    shape = trace.shape("input")
    return Blocks.of(trace.module, (shape[-2], shape[-1]), shape[-3])


def fold_blocks(trace: Trace) -> Blocks:
    """The windows of a Fold's output."""
    shape = trace.shape("output")
    return Blocks.of(trace.module, (shape[-2], shape[-1]), shape[-3])


def column_source(blocks: Blocks, tensor: str, cells: Tensor) -> Ref:
    """The element of picture `tensor` that stands in a matrix at cells `(..., row, column)`; 0 on the padding."""
    row, column = cells[:, -2], cells[:, -1]
    at = blocks.position(row % blocks.taps, column)
    channel = (row // blocks.taps)[:, None]
    return Ref(tensor, torch.cat([cells[:, :-2], channel, at], 1), fill=0.0)


def record_unfold(call: Call) -> Recording:
    """input `(N, C, H, W)` or `(C, H, W)`; output `(N, C·taps, L)`: each element is the input's, or padding's 0."""
    x = call.inputs["input"]
    blocks = Blocks.of(call.module, (x.shape[-2], x.shape[-1]), x.shape[-3])
    rule = Rule("output", partial(column_source, blocks, "input"))
    return Recording({"input": x, "output": call.output}, (rule,))


def record_fold(call: Call) -> Recording:
    """input `(N, C·taps, L)` or `(C·taps, L)`; output `(N, C, H, W)` is where the columns add up.

    `canvas` is the output with the rim that padding adds and the output leaves out; every input element adds into one
    of its cells. `running` `(N, C, L, *canvas)` is the canvas after each column and `covered` `(L, *canvas)` how many
    of the columns so far reach a cell; where large, they are computed on demand. `overlap` is the last of `covered`.
    """
    return _Fold(call).recording()


class _Fold:
    """Tensors and rules of one call."""

    def __init__(self, call: Call) -> None:
        self.input, self.output = call.inputs["input"], call.output
        shape = self.output.shape
        self.blocks = Blocks.of(call.module, (shape[-2], shape[-1]), shape[-3])
        sizes = zip(self.blocks.plane, self.blocks.padding, strict=True)
        self.size = tuple(n + 2 * p for n, p in sizes)
        self.shift = pair(self.blocks.padding)

    def recording(self) -> Recording:
        lead, blocks = self.input.shape[:-2], self.blocks
        columns = self.input.shape[-1]
        ones = torch.ones(1, blocks.taps, columns)
        tensors: dict[str, Tensor | Lazy] = {
            "input": self.input,
            "running": _kept_if_small(
                Lazy(
                    (*lead, blocks.channels, columns, *self.size),
                    self._running,
                    self.input.dtype,
                    blocks.taps,
                )
            ),
            "covered": _kept_if_small(Lazy((columns, *self.size), self._covered, reads=blocks.taps)),
            "overlap": self._folded(ones)[0, 0],
            "canvas": self._folded(self.input),
            "output": self.output,
        }
        rules = (
            Rule(
                "canvas",
                lambda cells: Ref("input", cells),
                tuple(self.input.shape),
                self._target,
                accumulate=True,
                rest=0.0,
            ),
            Rule("overlap", self._count),
            Rule("output", self._total),
        )
        return Recording(tensors, rules)

    def _folded(self, columns: Tensor) -> Tensor:
        b = self.blocks
        return F.fold(columns, self.size, b.kernel, b.dilation, 0, b.stride)

    def _target(self, cells: Tensor) -> Tensor:
        row, taps = cells[:, -2], self.blocks.taps
        at = self.blocks.position(row % taps, cells[:, -1]) + self.shift
        return torch.cat([cells[:, :-2], (row // taps)[:, None], at], 1)

    def _count(self, cells: Tensor) -> Expr:
        """overlap: a one for each window that reaches the cell, which the last `covered` has counted."""
        last = torch.full((len(cells), 1), self.input.shape[-1] - 1)
        return Ref("covered", torch.cat([last, cells], 1))

    def _total(self, cells: Tensor) -> Expr:
        """output: the elements that land on a cell, in the order of their columns."""
        taps = torch.arange(self.blocks.taps).flip(0).expand(len(cells), -1)
        column, exists = self.blocks.covering(cells[:, None, -2:].expand(-1, self.blocks.taps, -1), taps)
        row = cells[:, None, -3] * self.blocks.taps + taps
        lead = cells[:, None, :-3].expand(-1, self.blocks.taps, -1)
        nowhere = torch.full_like(column, -1)
        index = torch.cat([lead, row[..., None], torch.where(exists, column, nowhere)[..., None]], -1)
        return Sum(Ref("input", index, fill=0.0, skip=~exists))

    def _covered(self, index: Tensor) -> Tensor:
        return sum((reached.to(torch.float32) for _, _, reached in self._reached(index)), torch.zeros(()))

    def _running(self, index: Tensor) -> Tensor:
        total = torch.zeros(index.shape[:-1], dtype=torch.float64)
        for tap, column, reached in self._reached(index[..., -3:]):
            row = index[..., -4] * self.blocks.taps + tap
            at = torch.cat([index[..., :-4], row[..., None], column[..., None]], -1)
            values = read(self.input, torch.where(reached[..., None], at, 0)).to(torch.float64)
            total = total + torch.where(reached, values, 0.0)
        return total.to(self.input.dtype)

    def _reached(self, index: Tensor) -> list[tuple[int, Tensor, Tensor]]:
        """For `(column, y, x)` on the canvas: each kernel position, the column it comes from, whether it has come."""
        found = []
        for tap in reversed(range(self.blocks.taps)):
            taps = torch.full(index.shape[:-1], tap)
            column, exists = self.blocks.covering(index[..., -2:] - self.shift, taps)
            found.append((tap, column, exists & (column <= index[..., 0])))
        return found


def _kept_if_small(lazy: Lazy) -> Tensor | Lazy:
    """All elements at once, unless they are many or read very much."""
    count = math.prod(lazy.shape)
    if not 0 < count <= _KEEP or count * lazy.reads > READS:
        return lazy
    return lazy.gather(cells_of(lazy.shape, 0, count)).reshape(lazy.shape)


@dataclass(frozen=True)
class FoldOperator(Operator):
    """Fold. Where an example names a `source` picture, its columns are cut from it and the way back is proved too."""

    def adapted(self, example: Example, changes: Changes, seed: int) -> Example:
        if "source" not in example.extra:
            return example
        if changes.has_inputs:
            return replace(example, extra={})
        settings = {**example.kwargs, **changes.settings}
        source = read_input(example.extra["source"], seed=seed)
        self.check_arguments(settings)
        check_unfold(self.name, settings, {"input": source})
        sizes = {name: value for name, value in settings.items() if name != "output_size"}
        return replace(example, inputs={"input": nn.Unfold(**sizes)(source).tolist()})

    def extended(self, trace: Trace, example: Example) -> Trace:
        if "source" not in example.extra:
            return trace
        return _with_source(trace, read_input(example.extra["source"], seed=trace.seed))


def _with_source(trace: Trace, source: Tensor) -> Trace:
    """The trace with the picture its columns were cut from: input = Unfold(x), output = overlap · x."""
    if source.shape != trace.shape("output"):
        return trace
    rules = (
        *trace.rules,
        Rule("input", partial(column_source, fold_blocks(trace), "x")),
        Rule("output", partial(_scaled, fold_blocks(trace))),
    )
    # The picture is what the example is given, and is drawn as such.
    given = {**trace.inputs, "x": source}
    return replace(trace, inputs=given, tensors={"x": source, **trace.tensors}, rules=rules, _roles={})


def _scaled(blocks: Blocks, cells: Tensor) -> Expr:
    """output: the picture's own value, once for each window that covers it."""
    return Mul((Ref("overlap", cells[:, -2:] + pair(blocks.padding)), Ref("x", cells)))


def scaled_step(trace: Trace, index: Index) -> Step:
    """One output element as its overlap count times the source's element."""
    formula = _scaled(fold_blocks(trace), torch.tensor([index]))
    return Step("output", index, index, trace.value("output", index), formula, trace)
