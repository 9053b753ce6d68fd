"""What Linear and Bilinear compute: sums of products, one for each output element."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from torchreel.scenes.trace.formula import Add, Case, Const, Dot, Expr, Lazy, Mul, Ref, Rounded, Strip, Sum
from torchreel.scenes.trace.formula import cells as grid_cells
from torchreel.scenes.trace.operator import Call, Inputs, Recording, Settings
from torchreel.scenes.trace.proof import Rule, Trace
from torchreel.scenes.trace.rules import Terms, evaluated

_MOST = 1 << 20
_NOT_FINITE = (Const(math.inf, "∞"), Const(-math.inf, "−∞"), Const(math.nan, "NaN"))
Gather = Callable[[Tensor], Tensor]


def record_linear(call: Call) -> Recording:
    """`output[..., o]` is the sum of `weight[o] · input[...]` plus `bias[o]`.

    `product` `(*, out_features, in_features)` are the terms and `sum` `(*, out_features)` what they add up to, both in
    float64.
    """
    return _Linear(call).recording()


def record_bilinear(call: Call) -> Recording:
    """`output[..., k]` is the sum over i and j of `input1[..., i] · weight[k, i, j] · input2[..., j]` plus `bias[k]`.

    `outer` `(*, in1_features, in2_features)` are the products of the inputs, `product` `(*, out_features, in1_features,
    in2_features)` these times the weights, and `sum` `(*, out_features)` what the latter add up to, in float64.
    """
    return _Bilinear(call).recording()


class _Linear:
    """The tensors and rules of one call. Cells are `(*, out_features)`."""

    names: tuple[str, ...] = ("input",)
    columns: tuple[int, ...] = (0,)

    def __init__(self, call: Call) -> None:
        module = call.module
        arguments = {**call.inputs, **call.call}
        self.tensors: dict[str, Tensor | Lazy] = {name: arguments[name] for name in self.names}
        self.tensors |= {"weight": module.weight.detach(), "output": call.output}
        if module.bias is not None:
            self.tensors["bias"] = module.bias.detach()
        self.output: Tensor = call.output
        self.lead = tuple(call.output.shape[:-1])
        self.features = tuple(module.weight.shape[1:])

    def recording(self) -> Recording:
        rules = self.steps()
        if Terms.of(self.total, self.output.shape, self.tensors).are_many:
            self.tensors["sum"] = Lazy(tuple(self.output.shape), self._gathered(self.total), torch.float64)
        else:
            self.tensors["sum"] = self.summed()
            rules.append(Rule("sum", self._sum))
        return Recording(self.tensors, (*rules, Rule("output", self._output)))

    def steps(self) -> list[Rule]:
        """The rules of the terms, where there are few enough to keep them."""
        return self.kept("product", (*self.lead, *self.weight.shape), self.term)

    def term(self, at: Tensor) -> Expr:
        """One product `(*, out, in)`."""
        leads = len(self.lead)
        return Mul((Ref("weight", at[..., leads:]), Ref("input", _without(at, leads))))

    def total(self, cells: Tensor) -> Expr:
        """The sum of the products of one output."""
        return Dot(self.factors(cells), self.columns) if math.prod(self.features) else Const(0.0)

    def factors(self, cells: Tensor) -> tuple[Strip, ...]:
        """What the products of outputs read: their weights, and the sample's features."""
        leads = len(self.lead)
        along = torch.arange(self.features[0])[:, None]
        weight = Strip("weight", _then(cells[:, leads:]), _behind(along, 2))
        return weight, Strip("input", _then(cells[:, :leads]), _behind(along, leads + 1))

    def result(self, cells: Tensor) -> Expr:
        """An output as it is written, before its bias."""
        return self.total(cells)

    def by_products(self) -> bool:
        """Whether the products are kept, and add up to the sums in any order."""
        return isinstance(self.tensors["product"], Tensor) and bool(math.prod(self.features))

    def summed(self) -> Tensor:
        """The sums in float64, by torch; of the weights, which may be very many, few at a time."""
        x, found = self._given("input").double(), torch.zeros(self.output.shape, dtype=torch.float64)
        most = max(1, _MOST // max(1, self.features[0]))
        for start in range(0, len(self.weight), most):
            found[..., start : start + most] = x @ self.weight[start : start + most].double().t()
        return found

    def kept(self, name: str, shape: tuple[int, ...], formula: Callable[[Tensor], Expr]) -> list[Rule]:
        """An intermediate tensor by its formula: kept and proved, or computed on demand where it would be huge."""
        if math.prod(shape) > _MOST:
            self.tensors[name] = Lazy(shape, self._gathered(formula), torch.float64)
            return []
        self.tensors[name] = evaluated(formula, shape, self.tensors).value
        return [Rule(name, formula)]

    def _gathered(self, formula: Callable[[Tensor], Expr]) -> Gather:
        """What a formula gives at indices `(..., ndim)`."""

        def gather(index: Tensor) -> Tensor:
            flat = index.reshape(-1, index.shape[-1])
            return formula(flat).evaluate(self.tensors).expand(len(flat)).reshape(index.shape[:-1])

        return gather

    @property
    def weight(self) -> Tensor:
        """The weights `(out_features, *)`."""
        return self._given("weight")

    def _given(self, name: str) -> Tensor:
        tensor = self.tensors[name]
        assert isinstance(tensor, Tensor)
        return tensor

    def _sum(self, cells: Tensor) -> Expr:
        if not self.by_products():
            return self.total(cells)
        return Rounded(Sum(Ref("product", _each(cells, self.features))), self.total(cells))

    def _output(self, cells: Tensor) -> Expr:
        """The sum plus bias; where torch's type cannot hold the terms, what it has instead."""
        formula = self.result(cells)
        if "bias" in self.tensors:
            formula = Add((formula, Ref("bias", cells[:, -1:])))
        found = self.output[tuple(cells.unbind(1))]
        if bool(found.isfinite().all()):
            return formula
        value, size = (part.expand(len(cells)) for part in formula.bounded(self.tensors))
        lost = ~found.isfinite() & (value != found) & ~(size < 0.99 * torch.finfo(found.dtype).max)
        lost &= ~(value.isnan() & found.isnan())
        if not bool(lost.any()):
            return formula
        kind = torch.where(found.isnan(), 3, torch.where(found > 0, 1, 2))
        return Case(torch.where(lost, kind, 0), (formula, *_NOT_FINITE))


class _Bilinear(_Linear):
    """The same with two inputs; a term reads an element of each."""

    names = ("input1", "input2")
    columns = (1,)

    def steps(self) -> list[Rule]:
        shape = (*self.lead, *self.weight.shape)
        outer = self.kept("outer", (*self.lead, *self.features), self._pair)
        rules = [*outer, *self.kept("product", shape, self._weighted if outer else self.term)]
        if not self._finite:
            one, weight = (self._given(name).double() for name in ("input1", "weight"))
            self.tensors["partial"] = torch.einsum("...i,kij->...kj", one, weight)
            rules.append(Rule("partial", self._partial))
        return rules

    def total(self, cells: Tensor) -> Expr:
        """The sum of the products; torch adds them up over i and then over j, which infinities tell apart."""
        if self._finite:
            return super().total(cells)
        leads, along = len(self.lead), torch.arange(self.features[1])[:, None]
        partial = Strip("partial", _then(cells), _behind(along, leads + 2))
        second = Strip("input2", _then(cells[:, :leads]), _behind(along, leads + 1))
        return Rounded(Dot((partial, second)), super().total(cells))

    def factors(self, cells: Tensor) -> tuple[Strip, ...]:
        """An element of each input, and the weight of the pair."""
        leads, pairs = len(self.lead), grid_cells(self.features, 0, math.prod(self.features))
        sample = _then(cells[:, :leads])
        one, two = (
            Strip(name, sample, _behind(pairs[:, [axis]], leads + 1)) for axis, name in enumerate(self.names)
        )
        weight = Strip("weight", _then(_then(cells[:, leads:])), _behind(pairs, 3))
        return one, weight, two

    def term(self, at: Tensor) -> Expr:
        """One product `(*, out, in1, in2)`."""
        leads = len(self.lead)
        pair = _without(at, leads)
        second = Ref("input2", _without(pair, leads))
        return Mul((Ref("input1", pair[..., :-1]), Ref("weight", at[..., leads:]), second))

    def result(self, cells: Tensor) -> Expr:
        """The pairs times the weights, where they are few enough to be looked at; else their sum."""
        whole = self.total(cells)
        if not (self.by_products() and isinstance(self.tensors["outer"], Tensor)):
            return Rounded(Ref("sum", cells), whole)
        return Rounded(Sum(self._weighted(_each(cells, self.features))), whole)

    def by_products(self) -> bool:
        return super().by_products() and self._finite

    def summed(self) -> Tensor:
        one, two = (self._given(name).double() for name in self.names)
        if not self._finite:
            return (two[..., None, :] * self._given("partial")).sum(-1)
        weight, most = self.weight.double().flatten(1), max(1, _MOST // math.prod(self.features))
        rows = zip(*(x.reshape(-1, x.shape[-1]).split(most) for x in (one, two)), strict=True)
        outer = (x[:, :, None] * y[:, None, :] for x, y in rows)
        return torch.cat([each.flatten(1) @ weight.t() for each in outer]).reshape(self.output.shape)

    @cached_property
    def _finite(self) -> bool:
        return all(bool(self._given(name).isfinite().all()) for name in (*self.names, "weight"))

    def _partial(self, cells: Tensor) -> Expr:
        """The first input times a column of the weights of one output: cells are `(*, k, j)`, terms `i`."""
        leads, along = len(self.lead), torch.arange(self.features[0])[:, None]
        first = Strip("input1", _then(cells[:, :leads]), _behind(along, leads + 1))
        start = torch.stack([cells[:, leads], torch.zeros_like(cells[:, leads]), cells[:, -1]], -1)
        return Dot((first, Strip("weight", start, F.pad(along, (1, 1)))))

    def _weighted(self, at: Tensor) -> Expr:
        """One element of the outer product times its weight."""
        leads = len(self.lead)
        return Mul((Ref("outer", _without(at, leads)), Ref("weight", at[..., leads:])))

    def _pair(self, at: Tensor) -> Expr:
        return Mul((Ref("input1", at[..., :-1]), Ref("input2", _without(at, len(self.lead)))))


def _each(cells: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Every index of some further axes behind each of the cells: `(B, T, ndim + len(sizes))`."""
    offsets = grid_cells(sizes, 0, math.prod(sizes))
    outputs = cells[:, None, :].expand(-1, len(offsets), -1)
    return torch.cat([outputs, offsets.expand(len(cells), -1, -1)], -1)


def _then(index: Tensor) -> Tensor:
    """Indices `(B, n)` with a further one, 0."""
    return F.pad(index, (0, 1))


def _behind(steps: Tensor, axes: int) -> Tensor:
    """Steps along the last of so many axes."""
    return F.pad(steps, (axes - steps.shape[1], 0))


def _without(at: Tensor, axis: int) -> Tensor:
    """Indices `(..., ndim)` without one of their columns."""
    return torch.cat([at[..., :axis], at[..., axis + 1 :]], -1)


def dense_facts(trace: Trace) -> dict[str, bool]:
    """What captions may claim of a linear or bilinear layer."""
    return {"several_outputs": trace.shape("output")[-1] > 1, "has_bias": "bias" in trace.tensors}


def infer_linear(settings: Settings, inputs: Inputs) -> Settings:
    """A new input brings its own number of features."""
    shape = inputs["input"].shape
    return settings | ({"in_features": shape[-1]} if len(shape) else {})


def infer_bilinear(settings: Settings, inputs: Inputs) -> Settings:
    """New inputs bring their own numbers of features."""
    sizes = {f"in{number}_features": inputs[f"input{number}"].shape for number in (1, 2)}
    return settings | {name: shape[-1] for name, shape in sizes.items() if len(shape)}
