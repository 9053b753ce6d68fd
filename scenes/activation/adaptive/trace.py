"""What AdaptiveLogSoftmaxWithLoss computes: a softmax over frequent classes and clusters, then one in a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.activation.calls import argument
from torchreel.scenes.trace.formula import (
    Add,
    Case,
    Const,
    Div,
    Expr,
    LogSumExp,
    Max,
    Mul,
    Neg,
    Ref,
    Rounded,
    Sub,
    Sum,
)
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule

_MOST_PRODUCTS = 1 << 25


def record_adaptive(call: Call) -> Recording:
    """Tensors and rules of one call with input `(N, F)` or `(F,)` and as many targets.

    `head_logprob` `(N, shortlist + K)` are the log-probabilities of the frequent classes and of the K clusters;
    `tail<k>_logprob` `(M, classes)`, those inside the cluster of `module.tail[k]`, for the M samples whose target is
    there, as `tail<k>_rows` `(M,)` names them: torch computes no others. All are in float64, with their logits.
    """
    return _Adaptive(call).recording()


@dataclass(frozen=True)
class Routes:
    """The way of each target: `cluster` `(N,)`, 0 for the head, and `place`, the position in the head or cluster."""

    edges: tuple[int, ...]
    cluster: Tensor
    place: Tensor

    @classmethod
    def of(cls, module: Any, target: Tensor) -> Routes:
        """The routes of targets `(N,)`."""
        edges = (0, *(int(edge) for edge in module.cutoffs))
        cluster = torch.bucketize(target, torch.tensor(edges[1:-1]), right=True)
        return cls(edges, cluster, target - torch.tensor(edges)[cluster])


class _Adaptive:
    def __init__(self, call: Call) -> None:
        self.module, self.output = call.module, call.output
        self.given, self.target = argument(call, "input_", "input"), argument(call, "target_", "target")
        self.is_batched = self.target.ndim > 0
        self.x = self.given.double().reshape(-1, self.given.shape[-1])
        self.routes = Routes.of(self.module, self.target.reshape(-1))
        self.tensors: dict[str, Tensor] = {"input": self.given, "target": self.target}
        self.rules: list[Rule] = []
        self.errors = torch.zeros(len(self.x), dtype=torch.float64)

    def recording(self) -> Recording:
        everyone = torch.arange(len(self.x))
        head = self.module.head
        self._parameter("head.weight", head.weight)
        if head.bias is not None:
            self._parameter("head.bias", head.bias)
        self._linear("head_logits", "input", self.x, "head.weight", head.bias)
        self._log_softmax("head")
        self._grow(everyone, self.x.abs() @ head.weight.double().abs().T)
        for number in range(1, self.module.n_clusters + 1):
            self._tail(number)
        rows = [self._rows(number) for number in range(1, self.module.n_clusters + 1)]
        self.tensors |= {"error": self.errors, "output": self.output.output, "loss": self.output.loss}
        self.rules += [
            Rule("output", lambda cells: self._output(cells, rows)),
            Rule("loss", self._loss),
        ]
        return Recording(self.tensors, tuple(self.rules), ("output", "loss"))

    def _tail(self, number: int) -> None:
        first, second = self.module.tail[number - 1]
        name, rows = f"tail{number - 1}", self._rows(number)
        self.tensors[f"{name}_rows"] = rows
        self._parameter(f"{name}.0.weight", first.weight)
        self._parameter(f"{name}.1.weight", second.weight)
        x = self.x[rows]
        hidden = x @ first.weight.double().T
        self._linear(f"{name}_hidden", "input", x, f"{name}.0.weight", None, rows)
        self._linear(f"{name}_logits", f"{name}_hidden", hidden, f"{name}.1.weight", None)
        self._log_softmax(name)
        self._grow(rows, x.abs() @ first.weight.double().abs().T @ second.weight.double().abs().T)

    def _rows(self, number: int) -> Tensor:
        return (self.routes.cluster == number).nonzero()[:, 0]

    def _parameter(self, name: str, value: Tensor) -> None:
        self.tensors[name] = value.detach()

    def _grow(self, rows: Tensor, sizes: Tensor) -> None:
        """Rounding errors of a sample grow with the sizes of what was added up for it."""
        if sizes.numel():
            self.errors[rows] += 2 * sizes.amax(1).nan_to_num(0.0, 0.0)

    def _linear(
        self, name: str, source: str, x: Tensor, weight: str, bias: Tensor | None, rows: Tensor | None = None
    ) -> None:
        """`name` is `x` times a weight, plus a bias; `rows` are the samples of `source` that it is computed for."""
        matrix = self.tensors[weight].double()
        self.tensors[name] = x @ matrix.T + (0.0 if bias is None else bias.double())
        if len(x) * matrix.numel() > _MOST_PRODUCTS:
            return
        taps = torch.arange(matrix.shape[1])

        def formula(cells: Tensor) -> Expr:
            sample = cells[:, 0] if rows is None else rows[cells[:, 0]]
            across = taps.expand(len(cells), -1)
            lead = sample[:, None].expand(-1, len(taps))
            whole = source == "input" and not self.is_batched
            index = across[..., None] if whole else torch.stack([lead, across], -1)
            row = torch.stack([cells[:, 1:2].expand(-1, len(taps)), across], -1)
            total: Expr = Sum(Mul((Ref(source, index), Ref(weight, row))))
            return total if bias is None else Add((total, Ref("head.bias", cells[:, 1:2])))

        self.rules.append(Rule(name, formula))

    def _log_softmax(self, name: str) -> None:
        """`<name>_logprob` from `<name>_logits`, as torch does it: less the largest, so that nothing overflows."""
        logits = self.tensors[f"{name}_logits"]
        largest = logits.amax(1, keepdim=True) if logits.numel() else logits.new_zeros(len(logits), 1)
        self.tensors[f"{name}_max"] = largest
        self.tensors[f"{name}_logsumexp"] = largest + torch.logsumexp(logits - largest, 1, keepdim=True)
        self.tensors[f"{name}_logprob"] = logits - self.tensors[f"{name}_logsumexp"]
        classes = torch.arange(logits.shape[1])

        def members(cells: Tensor) -> Tensor:
            lead = cells[:, :1].expand(-1, len(classes))
            return torch.stack([lead, classes.expand(len(cells), -1)], -1)

        def largest_of(cells: Tensor) -> Tensor:
            return torch.stack([cells[:, 0], torch.zeros_like(cells[:, 0])], -1)

        def summed(cells: Tensor) -> Expr:
            peak = largest_of(cells)[:, None].expand(-1, len(classes), -1)
            rest = LogSumExp(Sub(Ref(f"{name}_logits", members(cells)), Ref(f"{name}_max", peak)))
            return Add((Ref(f"{name}_max", cells), rest))

        def share(cells: Tensor) -> Expr:
            return Sub(Ref(f"{name}_logits", cells), Ref(f"{name}_logsumexp", largest_of(cells)))

        self.rules += [
            Rule(f"{name}_max", lambda cells: Max(Ref(f"{name}_logits", members(cells)))),
            Rule(f"{name}_logsumexp", summed),
            Rule(f"{name}_logprob", share),
        ]

    def _output(self, cells: Tensor, rows: list[Tensor]) -> Expr:
        """The head's log-probability of the class, or of its cluster plus the class's inside it."""
        sample = cells[:, 0] if self.is_batched else torch.zeros(len(cells), dtype=torch.int64)
        cluster, place = self.routes.cluster[sample], self.routes.place[sample]
        shortlist = self.module.shortlist_size
        branches: list[Expr] = [Ref("head_logprob", torch.stack([sample, place], -1), fill=0.0)]
        for number, members in enumerate(rows, 1):
            at = torch.full_like(sample, shortlist + number - 1)
            within = torch.searchsorted(members, sample)
            inner = Ref(f"tail{number - 1}_logprob", torch.stack([within, place], -1), fill=0.0)
            branches.append(Add((Ref("head_logprob", torch.stack([sample, at], -1)), inner)))
        return Rounded(Case(cluster, tuple(branches)), Ref("error", sample[:, None]))

    def _loss(self, cells: Tensor) -> Expr:
        count = len(self.x)
        index = torch.arange(count)[:, None] if self.is_batched else torch.zeros(1, 0, dtype=torch.int64)
        total = Sum(Ref("output", index.expand(len(cells), -1, -1)))
        return Neg(Div(total, Const(count)))
