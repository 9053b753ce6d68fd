"""What a call in train mode does to a module's running statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.normalization.overflow_trace import overflows
from torchreel.scenes.normalization.sets_trace import Partition, given, mean_of
from torchreel.scenes.trace.formula import Add, Case, Const, Expr, Func, Mul, Ref, Rounded, Tensors
from torchreel.scenes.trace.operator import Call
from torchreel.scenes.trace.proof import Rule

_INF, _NAN = Const(float("inf"), "∞"), Const(float("nan"), "NaN")
_COUNT = "num_batches_tracked"


@dataclass
class Running:
    """The update `new = (1 - factor)·old + factor·batch` of running_mean and running_var, each `(C,)`.

    The batch's variance enters unbiased, divided by n - 1. Statistics of several samples `(N, C)` are averaged first.
    Samples without elements update nothing, though they count as a batch.
    """

    call: Call
    factor: float

    def tensors(self, steps: Tensors, sets: Partition) -> Tensors:
        """The buffers before and after the call, and what enters them, beside the call's other tensors."""
        module, after = self.call.module, self.call.after
        self.sets, x = sets, given(self.call)
        found: dict[str, Any] = {}
        for name in ("running_mean", "running_var"):
            found |= {name: getattr(module, name), f"new_{name}": _shortened(getattr(after, name), x.dtype)}
        if self._counts:
            found |= {
                _COUNT: module.num_batches_tracked,
                f"new_{_COUNT}": after.num_batches_tracked,
            }
        self.still = not x.numel() and 0 not in sets.sets[:-1]
        self.overflow = False
        if not self.still:
            centered: Any = steps["centered"]
            unbiased = found["unbiased_var"] = sets.mean(centered.square()) * sets.size / (sets.size - 1)
            large = unbiased > torch.finfo(found["new_running_var"].dtype).max
            self.overflow = bool((large | overflows(sets, x)).any())
        self.unit = torch.finfo(torch.promote_types(x.dtype, torch.float32)).eps
        self.known: Tensors = {**steps, **found}
        return self.known

    def rules(self) -> list[Rule]:
        rules = [] if self.still else [Rule("unbiased_var", self._unbiased)]
        rules += [Rule("new_running_mean", self._mean), Rule("new_running_var", self._var)]
        if self._counts:
            rules.append(Rule(f"new_{_COUNT}", lambda cells: Add((Ref(_COUNT, cells), Const(1)))))
        return rules

    @property
    def _counts(self) -> bool:
        """Whether the call counted a batch; InstanceNorm never does."""
        before, after = (getattr(module, _COUNT) for module in (self.call.module, self.call.after))
        return before is not None and not torch.equal(before, after)

    def _unbiased(self, cells: Tensor) -> Expr:
        squares = Func("square", Ref("centered", self.sets.members(cells)))
        return mean_of(squares, self.sets.size - 1)

    def _mean(self, cells: Tensor) -> Expr:
        return self._blend("running_mean", "mean", cells)

    def _var(self, cells: Tensor) -> Expr:
        """The blend, as exact as torch's variance is: the rounding of the mean enters its square."""
        blend = self._blend("running_var", "unbiased_var", cells)
        if self.still:
            return blend
        mean = Func("square", self._average("mean", cells))
        formula = Rounded(blend, Add((blend, Mul((Const(self.factor * self.unit), mean)))))
        if not self.overflow:
            return formula
        found: Any = self.known["new_running_var"]
        odd = ~found[cells[:, 0]].isfinite() & formula.evaluate(self.known).isfinite()
        which = torch.where(odd, torch.where(found[cells[:, 0]].isnan(), 2, 1), 0)
        return Case(which, (formula, _INF, _NAN))

    def _blend(self, old: str, batch: str, cells: Tensor) -> Expr:
        if self.still:
            return Ref(old, cells)
        kept, share = (Const(value, f"{value:.3g}") for value in (1 - self.factor, self.factor))
        return Add((Mul((kept, Ref(old, cells))), Mul((share, self._average(batch, cells)))))

    def _average(self, batch: str, cells: Tensor) -> Expr:
        """A channel's statistic; with one for each sample, their mean."""
        if len(self.sets.sets) == 1:
            return Ref(batch, cells)
        count = self.sets.sets[0]
        samples = torch.arange(count)[None, :, None].expand(len(cells), -1, -1)
        each = torch.cat([samples, cells[:, None, :].expand(-1, count, -1)], -1)
        return mean_of(Ref(batch, each), count)


def _shortened(buffer: Tensor, dtype: torch.dtype) -> Tensor:
    """A buffer in the input's type where torch passed it through that, which shows in its values."""
    short = buffer.to(dtype)
    lossless = torch.allclose(short.to(buffer.dtype), buffer, 0.0, 0.0, equal_nan=True)
    return short if lossless else buffer
