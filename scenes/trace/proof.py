"""What an operator did, as checked data: tensors, and the rules by which each was filled.

A `Rule` says how one tensor is filled, for any batch of its cells; a `Step` is the rule at one cell. Rules are
functions, so steps cost nothing until somebody looks at them, while the proof runs over whole batches. Building a
`Trace` is the proof (`rules.py`): every element of every ruled tensor is written exactly once (or by one accumulation)
and equals torch's value.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.formula import Expr, Index, Ref, Tensors, Token, cells, read
from torchreel.scenes.trace.lookup import index_of, listed, shown
from torchreel.scenes.trace.rules import Proof, Rule, TraceError

__all__ = ["INEXACT", "SYMBOLS", "Range", "Rule", "Step", "Trace", "TraceError", "decimals_of"]

INEXACT, _MOST_DECIMALS = 99, 4
SYMBOLS = {"input": "x", "weight": "w", "bias": "b", "output": "y"}
"""What formulas call the tensors that most operators have."""
_PARAMETERS = ("weight", "bias")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Step:
    """One cell of a rule: what it reads, what it writes, and the formula between them."""

    tensor: str
    index: Index
    cell: Index
    value: float
    formula: Expr
    trace: Trace = field(repr=False)

    @property
    def reads(self) -> Iterator[tuple[str, Index]]:
        """Every `(tensor, index)` read, without padding, in the order of the formula."""
        for ref in self.formula.refs():
            places = ref.index.flatten(0, -2)
            skipped = torch.zeros(len(places), dtype=torch.bool) if ref.skip is None else ref.skip.reshape(-1)
            for number in range(len(places)):
                one = Ref(ref.tensor, places[number : number + 1], None, skipped[number : number + 1])
                if one.is_inside(self.trace.tensors):
                    yield one.tensor, one.element

    def tokens(self, text: Callable[[str, float], str], most: int = 4) -> list[Token]:
        """The formula with its numbers, as pieces to draw.

        `text(tensor, value)` formats a number; of a sum, `most` terms are shown.
        """
        return self.formula.tokens(lambda ref: self._number(ref, text), most)

    def shortened(self, most: int) -> Step:
        """The same step without terms that its drawing leaves out anyway: a window may hold very many."""
        return replace(self, formula=self.formula.shortened(most))

    def _number(self, ref: Ref, text: Callable[[str, float], str]) -> Token:
        value = float(ref.evaluate(self.trace.tensors).reshape(-1)[0])
        if not ref.is_inside(self.trace.tensors):
            return Token(text(ref.tensor, value))
        return Token(text(ref.tensor, value), ref.tensor, ref.element, value)


@dataclass(frozen=True)
class Range:
    """What drawing needs to know of a tensor's values.

    Whether all are whole numbers, the largest finite size, and how many decimals write all of them exactly: at most 4,
    or `INEXACT` where no so few do.
    """

    integer: bool
    scale: float
    decimals: int = INEXACT


@dataclass(frozen=True, eq=False)
class Trace:
    """The record of one real torch call, proved when it is built.

    `tensors` holds inputs, parameters, intermediate results and outputs by name; `outputs` names the results, in the
    order of torch's return value `output`. Raises `TraceError` naming the operator, the cell and both values.

    `proved` is the share of elements that were checked, of the tensor of which the fewest were: 1.0 unless a rule has
    more products than can be added up in seconds. Then a sample of its elements stands for all, or with `prove_all`
    none does, however long that takes.
    """

    name: str
    module: nn.Module | None
    inputs: Mapping[str, Any]
    tensors: Tensors
    rules: tuple[Rule, ...]
    outputs: tuple[str, ...]
    output: Any
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    symbols: Mapping[str, str] = field(default_factory=dict)
    prove_all: bool = False
    proved: float = field(default=1.0, init=False)
    _ranges: dict[str, Range] = field(default_factory=dict, repr=False)
    _roles: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        shares = [
            Proof(self.name, self.tensors, rule, self.seed, self.prove_all).run() for rule in self.rules
        ]
        object.__setattr__(self, "proved", min(shares, default=1.0))
        unruled = set(self.outputs) - {rule.tensor for rule in self.rules}
        if unruled:
            raise TraceError(f"{self.name}: no rule says how {', '.join(sorted(unruled))} comes about")

    def rule(self, tensor: str) -> Rule:
        """The rule that fills `tensor`; a `UserError` names those there are."""
        for rule in self.rules:
            if rule.tensor == tensor:
                return rule
        shape = self.shape(tensor)
        filled = listed(dict.fromkeys(rule.tensor for rule in self.rules))
        raise UserError(f"{self.name}: no step fills {tensor} {shape}, which is given. Steps fill {filled}.")

    def step(self, tensor: str, cell: Index | int) -> Step:
        """The step of `tensor`'s rule at one cell of its grid, the tensor's own shape by default.

        Raises `UserError` where there is no such tensor or cell. Cells count from 0; one of a grid with one axis may be
        a plain number. Where only a sample of the elements was proved, the cell is proved now, or a `TraceError`.
        """
        rule = self.rule(tensor)
        grid = self.shape(tensor) if rule.over is None else rule.over
        at = index_of(cell, grid, f"{self.name}: the steps of {tensor}")
        one = torch.tensor([at], dtype=torch.int64).reshape(1, len(at))
        if self.proved < 1:
            Proof(self.name, self.tensors, rule, self.seed, self.prove_all).check(one)
        index = tuple((one if rule.target is None else rule.target(one))[0].tolist())
        formula = rule.formula(one)
        added = float(formula.evaluate(self.tensors).reshape(-1)[0]) if rule.accumulate else None
        value = self.value(tensor, index) if added is None else added
        return Step(tensor, index, at, value, formula, self)

    def steps(self, tensor: str) -> Iterator[Step]:
        """All steps of `tensor`'s rule in row-major order, made one at a time."""
        rule = self.rule(tensor)
        shape = self.tensors[tensor].shape if rule.over is None else rule.over
        return (self.step(tensor, cell) for cell in itertools.product(*map(range, shape)))

    def value(self, tensor: str, index: Index | int) -> float:
        """One element as torch computed it; a `UserError` where there is no such tensor or element."""
        at = index_of(index, self.shape(tensor), f"{self.name}: {tensor}")
        source = self.tensors[tensor]
        return float(source[at]) if isinstance(source, Tensor) else self.values(tensor, [at])[0]

    def values(self, tensor: str, indices: Sequence[Index]) -> list[float]:
        """Some elements as torch computed them, all read at once, which is much quicker than one at a time."""
        source = self.tensors[tensor]
        at = torch.tensor(indices, dtype=torch.int64).reshape(len(indices), len(source.shape))
        found: list[float] = read(source, at).to(torch.float64).tolist()
        return found

    def sample(self, tensor: str, most: int = 4096) -> Tensor:
        """The first elements of a tensor, flat and in float64."""
        source = self.tensors[tensor]
        if isinstance(source, Tensor):
            return source.reshape(-1)[:most].to(torch.float64)
        return read(source, cells(source.shape, 0, min(most, math.prod(source.shape)))).to(torch.float64)

    def range(self, tensor: str) -> Range:
        """The range of a tensor's (first few thousand) values."""
        if tensor not in self._ranges:
            values = self.sample(tensor)
            finite = values[values.isfinite()]
            scale = float(finite.abs().max()) if len(finite) else 1.0
            whole = bool((finite == finite.round()).all())
            self._ranges[tensor] = Range(whole, scale or 1.0, decimals_of(finite, self.tensors[tensor].dtype))
        return self._ranges[tensor]

    def symbol(self, tensor: str) -> str:
        """What formulas call a tensor: its symbol, or its name where none is declared.

        A symbol of `tail#_logprob` is that of `tail0_logprob`, `tail1_logprob` and so on.
        """
        return self.symbols.get(tensor) or self.symbols.get(_NUMBER.sub("#", tensor), tensor)

    def role(self, tensor: str) -> str:
        """What a tensor is in the call: an `input`, a `parameter` (or buffer) of the module, or a `result`.

        What formulas call by the symbol of `input` or `weight`, such as a padded input, is no result.
        """
        if not self._roles:
            named = {self.symbol("input"): "input", self.symbol("weight"): "parameter"}
            alike = {name: named[symbol] for name in self.tensors if (symbol := self.symbol(name)) in named}
            self._roles.update(alike)
            own = {} if self.module is None else self.module.state_dict(keep_vars=True)
            self._roles.update(dict.fromkeys((*_PARAMETERS, *own), "parameter"))
            self._roles.update(dict.fromkeys((*self.inputs, *self.call), "input"))
        return self._roles.get(tensor, "result")

    def shape(self, tensor: str) -> tuple[int, ...]:
        """The shape of a named tensor; a `UserError` names those there are."""
        if not isinstance(tensor, str) or tensor not in self.tensors:
            has = listed(self.tensors)
            raise UserError(f"{self.name}: {shown(tensor)} is no tensor of this trace. It has {has}.")
        return tuple(self.tensors[tensor].shape)


def decimals_of(values: Tensor, dtype: torch.dtype) -> int:
    """The fewest decimals, up to four, that write all values as their type holds them; `INEXACT` if none do."""
    for decimals in range(_MOST_DECIMALS + 1):
        written = (values * 10**decimals).round() / 10**decimals
        if bool((written.to(dtype) == values.to(dtype)).all()):
            return decimals
    return INEXACT
