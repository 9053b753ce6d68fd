"""What distances compute: one number from two vectors, along one dimension of two tensors that broadcast.

`nn.CosineSimilarity` https://docs.pytorch.org/docs/stable/generated/torch.nn.CosineSimilarity.html and
`nn.PairwiseDistance`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import (
    Add,
    Case,
    Const,
    Div,
    Expr,
    Func,
    Index,
    Instead,
    Largest,
    Max,
    Min,
    Mul,
    Pow,
    Ref,
    Rounded,
    Sub,
    Sum,
    as_held,
    held,
    norm_type,
    number_text,
    read,
)
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule, Trace


@dataclass(frozen=True)
class VectorRows:
    """How cells of a result `(…)` read two broadcast inputs: `dim` is the dimension that vectors lie along."""

    shape: tuple[int, ...]
    dim: int
    shapes: tuple[tuple[int, ...], tuple[int, ...]]

    @classmethod
    def of(cls, x1: Tensor, x2: Tensor, dim: int) -> VectorRows:
        """The rows of two inputs along `dim` of their common shape."""
        shape = tuple(torch.broadcast_tensors(x1, x2)[0].shape)
        return cls(shape, dim % max(1, len(shape)), (tuple(x1.shape), tuple(x2.shape)))

    @property
    def length(self) -> int:
        """How many numbers a vector has."""
        return self.shape[self.dim] if self.shape else 1

    @property
    def result(self) -> tuple[int, ...]:
        """The shape without the vectors' dimension."""
        return (*self.shape[: self.dim], *self.shape[self.dim + 1 :])

    def vectors(self, cells: Tensor) -> Tensor:
        """The common indices `(B, T, ndim)` of the vectors of result cells `(B, ndim - 1)`."""
        along = torch.arange(self.length).expand(len(cells), -1)[..., None]
        spread = cells[:, None, :].expand(-1, self.length, -1)
        return torch.cat([spread[..., : self.dim], along, spread[..., self.dim :]], -1)[
            ..., : len(self.shape)
        ]

    def read(self, which: int, result: Index, position: int) -> Index:
        """Where input 0 or 1 holds the element at `position` of the vector that a result comes of."""
        vectors = self.vectors(torch.tensor([result], dtype=torch.int64).reshape(1, -1))
        return self.element(which, vectors[:, position]).element

    def element(self, which: int, index: Tensor) -> Ref:
        """The element of input 0 or 1 at common indices; what is broadcast is read again and again."""
        own = self.shapes[which]
        if not own:
            return Ref(f"x{which + 1}", index[..., :0])
        kept = torch.tensor([size != 1 for size in own], dtype=torch.int64)
        return Ref(f"x{which + 1}", index[..., -len(own) :] * kept)


def record_cosine(call: Call) -> Recording:
    """`dot`, `norm_1`, `norm_2`, `output` and the `angle` in degrees, each of the result's shape."""
    x1, x2 = call.inputs["x1"], call.inputs["x2"]
    rows, eps = VectorRows.of(x1, x2, call.module.dim), call.module.eps
    wide = [x.double().expand(rows.shape) for x in (x1, x2)]
    dtype = norm_type(torch.result_type(x1, x2), rows.length)
    tensors = {
        "x1": x1,
        "x2": x2,
        "dot": (wide[0] * wide[1]).sum(rows.dim),
        "norm_1": as_held(as_held(wide[0].square(), dtype).sum(rows.dim), dtype).sqrt(),
        "norm_2": as_held(as_held(wide[1].square(), dtype).sum(rows.dim), dtype).sqrt(),
        "output": call.output,
    }
    lengths = tensors["norm_1"].clamp_min(eps) * tensors["norm_2"].clamp_min(eps)
    tensors["angle"] = torch.rad2deg(torch.acos((tensors["dot"] / lengths).clamp(-1, 1)))

    def dot(cells: Tensor) -> Expr:
        index = rows.vectors(cells)
        return Sum(Mul((rows.element(0, index), rows.element(1, index))))

    def norm(which: int, cells: Tensor) -> Expr:
        squares = Func("square", rows.element(which, rows.vectors(cells)))
        return Func("sqrt", held(Sum(held(squares, tensors, dtype)), tensors, dtype))

    def quotient(cells: Tensor) -> Expr:
        at_least = Const(eps, number_text(eps))
        lengths = Mul(tuple(_guarded(tensors[name], name, at_least, cells) for name in ("norm_1", "norm_2")))
        return Div(Rounded(Ref("dot", cells), dot(cells)), lengths)

    def angle(cells: Tensor) -> Expr:
        """Of the cosine before it is rounded to torch's type: the arc of a number near 1 or −1 is far off."""
        at_least = Const(eps)
        lengths = Mul(tuple(_guarded(tensors[name], name, at_least, cells) for name in ("norm_1", "norm_2")))
        cosine = Div(Ref("dot", cells), lengths)
        value = cosine.evaluate(tensors)
        bounded = Case((value > 1).long() + 2 * (value < -1).long(), (cosine, Const(1), Const(-1)))
        return Mul((Func("acos", bounded), Const(180 / math.pi, "180/π")))

    rules = (
        Rule("dot", dot),
        Rule("norm_1", lambda cells: norm(0, cells)),
        Rule("norm_2", lambda cells: norm(1, cells)),
        Rule("output", quotient),
        Rule("angle", angle),
    )
    return Recording(tensors, rules)


def record_pairwise(call: Call) -> Recording:
    """`diff` = x1 - x2 + eps, `power` = |diff|^p `(…, D)`, their `total` `(…)`, and `output`, the p-th root."""
    x1, x2, module = call.inputs["x1"], call.inputs["x2"], call.module
    rows, p, eps = VectorRows.of(x1, x2, -1), float(module.norm), module.eps
    diff = (x1 - x2 + eps).reshape(rows.shape)
    exact = (x1.double() - x2.double() + eps).expand(rows.shape)
    tensors = {"x1": x1, "x2": x2, "diff": exact}
    norm = _Norm(rows, p, diff, tensors, bool(module.keepdim))
    rules = [Rule("diff", lambda cells: _difference(rows, eps, cells))]
    if norm.has_powers:
        tensors["power"] = as_held(exact.abs() ** p, norm.dtype)
        tensors["total"] = as_held(tensors["power"].sum(-1), norm.dtype)
        rules += [Rule("power", norm.power), Rule("total", norm.total)]
    tensors["output"] = call.output
    return Recording(tensors, (*rules, Rule("output", norm.output)))


def _guarded(norms: Tensor, name: str, at_least: Const, cells: Tensor) -> Expr:
    """A length, or `eps` where it is smaller: the guard is spoken of where it matters only."""
    own = Ref(name, cells)
    small = ~(read(norms, cells) >= at_least.value)
    return Case(small.long(), (own, Largest((own, at_least))))


def _difference(rows: VectorRows, eps: float, cells: Tensor) -> Expr:
    difference = Sub(rows.element(0, cells), rows.element(1, cells))
    return Add((difference, Const(eps, number_text(eps)))) if eps else difference


class _Norm:
    """The norm of each row of differences, for any p."""

    def __init__(
        self, rows: VectorRows, p: float, diff: Tensor, tensors: dict[str, Tensor], keepdim: bool
    ) -> None:
        self.rows, self.p, self.diff, self.tensors, self.keepdim = rows, p, diff, tensors, keepdim
        self.dtype = norm_type(diff.dtype, rows.length)

    @property
    def has_powers(self) -> bool:
        """Whether the norm is a root of a sum of powers."""
        return self.p != 0 and math.isfinite(self.p) and bool(self.rows.shape)

    def power(self, cells: Tensor) -> Expr:
        size = Func("abs", Ref("diff", cells))
        return size if self.p == 1 else held(Pow(size, Const(self.p)), self.tensors, self.dtype)

    def total(self, cells: Tensor) -> Expr:
        return held(Sum(Ref("power", self.rows.vectors(cells))), self.tensors, self.dtype)

    def output(self, cells: Tensor) -> Expr:
        cells = cells[:, :-1] if self.keepdim else cells
        if self.has_powers:
            whole = Ref("total", cells)
            if self.p == 2:
                return Func("sqrt", whole)
            return (
                whole if self.p == 1 else Pow(whole, Const(1 / self.p, f"(1/{self.p:g})".replace("-", "−")))
            )
        differences = Ref("diff", self.rows.vectors(cells))
        if self.p == 0:
            there = self.diff[tuple(differences.index.unbind(-1))] != 0
            return Sum(Instead(Case(there.long(), (Const(0), Const(1))), differences))
        sizes = Func("abs", differences)
        if math.isinf(self.p):
            return Max(sizes) if self.p > 0 else Min(sizes)
        return Sum(sizes)


def distance_facts(trace: Trace) -> dict[str, bool]:
    """What captions may claim of a distance: of its results (the first few thousand), and of its power."""
    output = trace.sample("output")
    norm = float(getattr(trace.module, "norm", 2))
    return {
        "finite": bool(output.isfinite().all()),
        "shifted": bool(getattr(trace.module, "eps", 0)),
        "manhattan": norm == 1,
        "euclidean": norm == 2,
    }
