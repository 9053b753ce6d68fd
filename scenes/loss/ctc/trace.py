"""What CTC loss computes: how likely all ways of spelling a target are, by a table of sums over time.

Between, before and after the labels of a target stand blanks: `S = 2·length + 1` places. `alpha[n, t, s]` is the
probability of everything that may have led to place `s` by time `t`, `log_alpha` its logarithm, in which torch computes
and which is never too small. See A. Graves et al., Connectionist Temporal Classification (2006), and
https://docs.pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import (
    Add,
    Case,
    Const,
    Div,
    Expr,
    Func,
    LogSumExp,
    Mul,
    Neg,
    Ref,
    Rounded,
    Sum,
)
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule, Trace

_NEVER = -math.inf
_NEARLY = 0.01
_SMALLEST, _LARGEST = 1e-250, 1e250


def record_ctc(call: Call) -> Recording:
    """`p`, `alpha`, the number of `paths` to each place, `nll`, `loss` and the reduced `output`.

    `p` is exp of the input: probabilities, if the input holds logarithms of such.
    `labels` `(N, S)` are the places' classes, `lengths` what the mean divides each loss by. An input without batch
    counts as N = 1.
    """
    lattice = Lattice.of(call)
    tensors = {
        "log_probs": call.inputs["log_probs"],
        "targets": call.inputs["targets"],
        "labels": lattice.labels,
        "lengths": lattice.target_lengths.clamp(min=1),
        "p": call.inputs["log_probs"].double().exp(),
        "log_alpha": lattice.log_alpha,
        "alpha": lattice.alpha,
        "paths": lattice.paths(),
    }
    tensors["nll"] = lattice.ends(tensors["log_alpha"])
    tensors["loss"] = tensors["nll"].masked_fill(lattice.dropped(tensors["nll"]), 0)
    tensors["output"] = call.output
    rules = [
        Rule("p", lambda cells: Func("exp", Ref("log_probs", cells))),
        Rule("log_alpha", lattice.log_step),
        Rule("alpha", lattice.step),
        Rule("paths", lattice.count),
        Rule("nll", lattice.end),
        Rule("loss", lambda cells: lattice.kept(cells, tensors["nll"])),
        Rule("output", lambda cells: _reduced(lattice, cells)),
    ]
    return Recording(tensors, tuple(rules))


def ctc_facts(trace: Trace) -> dict[str, bool]:
    """What captions may claim of a call, of its first sample where it is about one."""
    module: Any = trace.module
    found: dict[str, Any] = dict(trace.tensors)
    log_probs, loss, nll = found["log_probs"], found["loss"].reshape(-1), found["nll"].reshape(-1)
    lattice = Lattice.of(Call(trace.module, trace.inputs, trace.kwargs, trace.call, trace.output))
    sums = log_probs.double().logsumexp(-1)
    impossible = bool(len(nll)) and bool(nll[0].isposinf())
    return {
        **{f"reduction_{name}": module.reduction == name for name in ("mean", "sum", "none")},
        "several_samples": len(nll) > 1,
        "input_is_log_probabilities": bool((sums.abs() < _NEARLY).all()),
        "impossible": impossible,
        "zeroed": impossible and bool(loss[0] == 0),
        "two_ends": bool(len(nll)) and int(lattice.target_lengths[0]) > 0,
    }


@dataclass(frozen=True)
class Lattice:
    """The table of one call. `batched` says whether `log_probs` has a batch; lengths are `(N,)`."""

    log_probs: Tensor
    labels: Tensor
    input_lengths: Tensor
    target_lengths: Tensor
    blank: int
    zero_infinity: bool
    reduction: str
    batched: bool

    @classmethod
    def of(cls, call: Call) -> Lattice:
        """The table that a call fills."""
        module, given = call.module, {**call.inputs, **call.call}
        log_probs, targets = given["log_probs"], given["targets"]
        batched = log_probs.ndim == 3
        lengths = [
            torch.as_tensor(given[name]).reshape(-1).long() for name in ("input_lengths", "target_lengths")
        ]
        labels = _places(targets, lengths[1], module.blank, batched)
        settings = (module.blank, module.zero_infinity, module.reduction)
        return cls(log_probs, labels, lengths[0], lengths[1], *settings, batched)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Samples, time steps, places."""
        return len(self.labels), self.log_probs.shape[0], self.labels.shape[1]

    @property
    def places(self) -> Tensor:
        """How many places each sample has, `(N,)`."""
        return 2 * self.target_lengths + 1

    def skips(self) -> Tensor:
        """Where the blank before a place may be passed over: between labels that differ, `(N, S)`."""
        before = torch.roll(self.labels, 2, 1)
        found = (self.labels != self.blank) & (self.labels != before)
        found[:, :2] = False
        return found

    def exists(self) -> Tensor:
        """Which cells belong to each sample's own table, `(N, T, S)`."""
        _, times, places = self.shape
        in_time = torch.arange(times)[None, :, None] < self.input_lengths[:, None, None]
        return in_time & (torch.arange(places)[None, None, :] < self.places[:, None, None])

    @cached_property
    def is_told(self) -> bool:
        """Whether all probabilities in the table can be told from 0 and from infinity in float64."""
        inside = (self._table > _SMALLEST) & (self._table < _LARGEST)
        return bool((inside | (self._table == 0) & (self.log_alpha == _NEVER)).all())

    @cached_property
    def alpha(self) -> Tensor:
        """The table of probabilities, `(N, T, S)` in float64."""
        return self._table if self.is_told else self.log_alpha.exp()

    @cached_property
    def _table(self) -> Tensor:
        samples, times, places = self.shape
        table = torch.zeros((samples, times, places), dtype=torch.float64)
        emitted = self._emitted().exp()
        for time in range(times):
            if time:
                table[:, time] = self._sources(table[:, time - 1], 0.0).sum(-1) * emitted[:, time]
            else:
                table[:, 0, :2] = emitted[:, 0, :2]
            table[:, time].masked_fill_(~self.exists()[:, time], 0)
        return table

    @cached_property
    def log_alpha(self) -> Tensor:
        """The table of log probabilities, one time step after the other, `(N, T, S)` in float64."""
        samples, times, places = self.shape
        table = torch.full((samples, times, places), _NEVER, dtype=torch.float64)
        emitted = self._emitted()
        for time in range(times):
            if time:
                sources = self._sources(table[:, time - 1], _NEVER)
                table[:, time] = torch.logsumexp(sources, -1) + emitted[:, time]
            else:
                table[:, 0, :2] = emitted[:, 0, :2]
            table[:, time].masked_fill_(~self.exists()[:, time], _NEVER)
        return table

    def paths(self) -> Tensor:
        """How many ways lead to each cell, `(N, T, S)` in float64."""
        samples, times, places = self.shape
        table = torch.zeros((samples, times, places), dtype=torch.float64)
        for time in range(times):
            if time:
                table[:, time] = self._sources(table[:, time - 1], 0.0).sum(-1)
            else:
                table[:, 0, :2] = 1
            table[:, time].masked_fill_(~self.exists()[:, time], 0)
        return table

    def _emitted(self) -> Tensor:
        """The log probability of each place's class at each time, `(N, T, S)`."""
        samples, times, places = self.shape
        values = self.log_probs.double() if self.batched else self.log_probs.double()[:, None]
        return values.transpose(0, 1).gather(2, self.labels[:, None, :].expand(samples, times, places))

    def _sources(self, before: Tensor, nothing: float) -> Tensor:
        """What may lead to each place: itself, the one before, and the one before that where it may be skipped to."""
        padded = torch.nn.functional.pad(before, (2, 0), value=nothing)
        skipped = padded[:, :-2].masked_fill(~self.skips(), nothing)
        return torch.stack([before, padded[:, 1:-1], skipped], -1)

    def ends(self, alpha: Tensor) -> Tensor:
        """Minus the log probability of the target: that of ending on the last label or on the blank after it."""
        samples = torch.arange(self.shape[0])
        last = (self.input_lengths - 1).clamp(min=0)
        final = alpha[samples, last, self.places - 1]
        label = alpha[samples, last, (self.places - 2).clamp(min=0)].masked_fill(
            self.target_lengths == 0, _NEVER
        )
        found = -torch.logaddexp(final, label)
        empty = torch.where(self.target_lengths == 0, 0.0, math.inf).double()
        return torch.where(self.input_lengths == 0, empty, found)

    def dropped(self, nll: Tensor) -> Tensor:
        """Which losses `zero_infinity` makes 0."""
        return nll.isinf() & self.zero_infinity

    def step(self, cells: Tensor) -> Expr:
        """alpha: all that may lead here, added, times the probability of this place's class now."""
        if not self.is_told:
            return Func("exp", Ref("log_alpha", cells))
        emitted = self.emission(cells, "p")
        grown = Mul((Sum(self._from("alpha", cells, 0.0)), emitted))
        return Case(self._kind(cells), (grown, emitted, Const(0)))

    def log_step(self, cells: Tensor) -> Expr:
        """log_alpha: the same in logarithms, as torch computes it."""
        emitted = self.emission(cells, "log_probs")
        grown = Add((LogSumExp(self._from("log_alpha", cells, _NEVER)), emitted))
        return Case(self._kind(cells), (grown, emitted, Const(_NEVER, "−∞")))

    def _kind(self, cells: Tensor) -> Tensor:
        """0 for a cell that others lead to, 1 for one where a path may begin, 2 for one that nothing leads to."""
        sample, time, place = cells.unbind(1)
        which = torch.where(time > 0, 0, torch.where(place < 2, 1, 2))
        return torch.where(self.exists()[sample, time, place], which, 2)

    def count(self, cells: Tensor) -> Expr:
        """paths: those of all places that may lead here."""
        return Case(self._kind(cells), (Sum(self._from("paths", cells, 0.0)), Const(1), Const(0)))

    def emission(self, cells: Tensor, tensor: str) -> Ref:
        """The element of `tensor`, log_probs or p, for a cell's class at its time."""
        sample, time, place = cells.unbind(1)
        index = [time, sample, self.labels[sample, place]]
        return Ref(tensor, torch.stack(index if self.batched else [index[0], index[2]], 1))

    def _from(self, tensor: str, cells: Tensor, nothing: float) -> Ref:
        sample, time, place = cells.unbind(1)
        back = torch.arange(3)
        index = torch.stack(
            [sample[:, None].expand(-1, 3), time[:, None].expand(-1, 3) - 1, place[:, None] - back], -1
        )
        skip = (index[..., 2] < 0) | (back == 2) & ~self.skips()[sample, place][:, None]
        return Ref(tensor, index, fill=nothing, skip=skip)

    def end(self, cells: Tensor) -> Expr:
        """nll: the two cells a target may end in, with the rounding of a sum at each time step."""
        sample = cells[:, 0]
        last = (self.input_lengths[sample] - 1)[:, None].expand(-1, 2)
        place = self.places[sample][:, None] - torch.tensor([1, 2])
        index = torch.stack([sample[:, None].expand(-1, 2), last, place], -1)
        skip = place < 0
        in_logs = Neg(LogSumExp(Ref("log_alpha", index, fill=_NEVER, skip=skip)))
        total = Sum(Ref("alpha", index, fill=0.0, skip=skip))
        found = Neg(Func("log", total))
        told = (total.evaluate({"alpha": self.alpha}) > 0) & self.is_told
        which = torch.where(
            self.input_lengths[sample] > 0,
            torch.where(told, 0, 3),
            torch.where(self.target_lengths[sample] == 0, 1, 2),
        )
        return Case(which, (found, Const(0), Const(math.inf, "∞"), in_logs))

    def kept(self, cells: Tensor, nll: Tensor) -> Expr:
        """loss: the nll, but 0 for what cannot be spelt at all where `zero_infinity` says so."""
        return Case(self.dropped(nll)[cells[:, 0]].long(), (self.end(cells), Const(0)))


def _places(targets: Tensor, lengths: Tensor, blank: int, batched: bool) -> Tensor:
    """The classes of the places `(N, S)`: blanks with the labels between them; past a target's end blanks."""
    most = int(lengths.max()) if len(lengths) else 0
    labels = torch.full((len(lengths), 2 * most + 1), blank, dtype=torch.int64)
    one_row = targets.ndim == 1 and batched
    starts = lengths.cumsum(0) - lengths if one_row else torch.zeros_like(lengths)
    rows = targets.reshape(-1, targets.shape[-1]).long() if targets.numel() else None
    for sample, length in enumerate(lengths.tolist()):
        if length and rows is not None:
            start = int(starts[sample])
            labels[sample, 1 : 2 * length : 2] = rows[0 if one_row else sample][start : start + length]
    return labels


def _reduced(lattice: Lattice, cells: Tensor) -> Expr:
    """output: the losses, their sum, or the mean of each divided by its target's length."""
    steps = Const(max(1, lattice.shape[1]))
    if lattice.reduction == "none":
        at = cells if lattice.batched else torch.zeros((len(cells), 1), dtype=torch.int64)
        return _coarse(Ref("loss", at), steps)
    samples = torch.arange(lattice.shape[0]).expand(len(cells), -1)
    losses: Any = Ref("loss", samples[..., None], fill=0.0)
    if lattice.reduction == "sum":
        return _coarse(Sum(losses), steps)
    each = Div(losses, Ref("lengths", samples[..., None], fill=1.0))
    whole: Expr = Sum(each) if lattice.shape[0] != 1 else each.term(0)
    return _coarse(whole if lattice.shape[0] == 1 else Div(whole, Const(lattice.shape[0])), steps)


def _coarse(shown: Expr, steps: Const) -> Expr:
    """Torch rounds once a time step, so the result is as exact as that many sums."""
    return Rounded(shown, Mul((shown, steps)))
