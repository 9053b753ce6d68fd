"""How many decimals a formula is printed with, so that what is printed adds up.

A reader who recomputes a formula from its printed operands must get the printed result. So where the decimals wished
for write the operands exactly, the result is exact too, if `MOST` decimals write it: 82 / 16 is 5.125, and a long sum
that an ellipsis cuts leaves no one to guess. Else all take the fewest with which it holds, from those wished for to
`MOST`; where none do, the sign between them is ≈.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

import torch
from torch import Tensor

from torchreel.scenes.trace.formula import Lazy, Tensors, read
from torchreel.scenes.trace.proof import Step, decimals_of

MOST = 4
_SMALL = 1 << 14
_WIDE = Context(prec=400)  # as many digits as the largest float64 has, and more


@dataclass(frozen=True)
class Printing:
    """`decimals` for the operands and the result of a formula, and whether they then add up.

    `needs_small`: operands rounded to 0 would leave nothing that is a number, as their logarithms do.
    """

    decimals: int
    adds_up: bool
    needs_small: bool = False

    @property
    def sign(self) -> str:
        """What stands between the operands and the result."""
        return "=" if self.adds_up else "≈"


def printing(step: Step, precision: int) -> Printing:
    """How a step's formula is printed where `precision` decimals are wished for.

    Values that are not finite are written as words, which add up if torch's result is the same word.
    """
    needed = _needed(step)
    exact = max(needed, _exact(step.value, step.trace.tensors[step.tensor].dtype))
    fewest = exact if needed <= precision and exact <= MOST else min(precision, exact)
    for decimals in range(fewest, max(MOST, fewest) + 1):
        if _adds_up(step, decimals):
            return Printing(decimals, True)
    return Printing(
        precision, False, math.isfinite(step.value) and not math.isfinite(_as_printed(step, precision))
    )


def written(value: float, decimals: int) -> str:
    """A finite value with so many decimals, without the zeros that an exact value ends in; U+2212 for minus."""
    text = f"{value:z.{decimals}f}"
    shorter = text.rstrip("0").rstrip(".") if "." in text else text
    exact = math.isclose(float(shorter), value, rel_tol=1e-7, abs_tol=0.0)
    return (shorter if exact else text).replace("-", "−")


def says_the_same(text: str, other: str) -> bool:
    """Whether two printed sides of a formula are the same, or the same number with other zeros: `−0.1`, `−0.10`."""
    try:
        return text == other or float(text.replace("−", "-")) == float(other.replace("−", "-"))
    except ValueError:
        return False


def _needed(step: Step) -> int:
    """The fewest decimals that write every operand exactly."""
    tensors = step.trace.tensors
    read = ((ref.tensor, ref.evaluate(tensors).reshape(-1)) for ref in step.formula.refs())
    needed = [decimals_of(values[values.isfinite()], tensors[name].dtype) for name, values in read]
    return max(needed, default=0)


def _exact(value: float, dtype: torch.dtype) -> int:
    """The fewest decimals that write a result exactly."""
    return decimals_of(torch.tensor([value], dtype=torch.float64), dtype) if math.isfinite(value) else 0


def _as_printed(step: Step, decimals: int) -> float:
    """What a reader gets who recomputes a formula from its printed operands."""
    return float(step.formula.evaluate(_Printed(step.trace.tensors, decimals)).reshape(-1)[0])


def _adds_up(step: Step, decimals: int) -> bool:
    printed = _as_printed(step, decimals)
    if not (math.isfinite(printed) and math.isfinite(step.value)):
        return printed == step.value or (math.isnan(printed) and math.isnan(step.value))
    if step.value != 0 and abs(step.value) < 0.5 * 10**-decimals:
        return False
    return _rounded(printed, decimals) == _rounded(step.value, decimals)


def _rounded(value: float, decimals: int) -> Decimal:
    """As the formatter rounds, once the last bits of the arithmetic in between are gone."""
    step = Decimal(1).scaleb(-decimals)
    return Decimal(repr(round(value, decimals + 8))).quantize(step, ROUND_HALF_EVEN, _WIDE)


class _Printed(Mapping[str, Tensor | Lazy]):
    """The tensors of a trace as they are printed; large ones are rounded where they are read."""

    as_printed = True

    def __init__(self, tensors: Tensors, decimals: int) -> None:
        self.tensors, self.decimals = tensors, decimals

    def __getitem__(self, name: str) -> Tensor | Lazy:
        source = self.tensors[name]
        if isinstance(source, Tensor) and source.numel() <= _SMALL:
            return torch.round(source.to(torch.float64), decimals=self.decimals)

        def gather(index: Tensor) -> Tensor:
            return torch.round(read(source, index).to(torch.float64), decimals=self.decimals)

        return Lazy(tuple(source.shape), gather, torch.float64)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)
