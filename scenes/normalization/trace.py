"""What BatchNorm, LayerNorm, InstanceNorm, GroupNorm and RMSNorm compute, step by step.

They differ only in the sets of elements that share statistics (`Partition`), in where the statistics come from (the
input, or running ones), and in the axes of weight and bias. Steps are kept in float64; `output` is torch's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.modules.instancenorm import _InstanceNorm

from torchreel.scenes.normalization.overflow_trace import lost
from torchreel.scenes.normalization.running_trace import Running
from torchreel.scenes.normalization.sets_trace import Partition, epsilon, given, mean_of
from torchreel.scenes.trace.formula import Add, Case, Div, Expr, Func, Mul, Ref, Rounded, Sub, Tensors
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule


def record_group_norm(call: Call) -> Recording:
    """Sets are a sample's groups of channels of input `(N, C, *)`: statistics are `(N, num_groups)`."""
    return Grouped(call, (1,)).recording()


def record_layer_norm(call: Call) -> Recording:
    """Sets span the last axes, as many as `normalized_shape` has; weight and bias have a value for each place there."""
    return Standardized(call, last_axes(call)).recording()


def record_batch_norm(call: Call) -> Recording:
    """Sets are the channels of input `(N, C, *)`: statistics are `(C,)`, the running ones in eval mode."""
    module, factor = call.module, None
    if module.training and module.track_running_stats and module.running_mean is not None:
        counted = module.num_batches_tracked is not None
        cumulative = 1 / float(module.num_batches_tracked + 1) if counted else 0.0
        factor = cumulative if module.momentum is None else module.momentum
    return Standardized(call, (1,), _running(call, factor)).recording()


def record_instance_norm(call: Call) -> Recording:
    """Sets are a sample's channels: statistics are `(N, C)`, `(C,)` without a batch or, in eval, the running ones."""
    module, factor = call.module, None
    if not is_frozen(module) and module.running_mean is not None:
        factor = 0.0 if module.momentum is None else module.momentum
    return Standardized(call, (channel_axis(module, given(call).ndim),), _running(call, factor)).recording()


def record_rms_norm(call: Call) -> Recording:
    """Sets span the last axes, as in LayerNorm, but the squares are averaged and no mean is subtracted."""
    return RootMeanSquare(call, last_axes(call)).recording()


def partition(module: Any, shape: tuple[int, ...]) -> Partition:
    """The sets of elements of an input that share statistics in a module."""
    if hasattr(module, "normalized_shape"):
        lead = len(shape) - len(module.normalized_shape)
        return Partition(shape, dict(enumerate(shape[:lead])) or {0: 1})
    if hasattr(module, "num_groups"):
        return Partition(shape, {0: shape[0], 1: module.num_groups})
    channel = channel_axis(module, len(shape))
    by_sample = isinstance(module, _InstanceNorm) and not is_frozen(module)
    kept = range(channel + 1) if by_sample else (channel,)
    return Partition(shape, {axis: shape[axis] for axis in kept})


def are_related(x: Tensor) -> bool:
    """Whether the second row of `x` `(3, N)` is the first times 2 and the third the first plus 10."""
    return x.ndim == 2 and len(x) == 3 and bool((x[1] == 2 * x[0]).all() and (x[2] == x[0] + 10).all())


def added(module: Any, dtype: torch.dtype) -> float:
    """`eps`, or where it is None that of the type torch computes in: float32 for the shorter ones."""
    wide = torch.promote_types(dtype, torch.float32)
    return float(torch.finfo(wide).eps if module.eps is None else module.eps)


def is_frozen(module: Any) -> bool:
    """Whether a module normalizes with its running statistics: in eval mode, if it has them."""
    if getattr(module, "running_mean", None) is None or module.training:
        return False
    return bool(module.track_running_stats) or not isinstance(module, _InstanceNorm)


def channel_axis(module: Any, ndim: int) -> int:
    """The axis of the channels; InstanceNorm also takes inputs without a batch."""
    return ndim - 1 - int(type(module).__name__[-2]) if isinstance(module, _InstanceNorm) else 1


def last_axes(call: Call) -> tuple[int, ...]:
    """The axes of the input that `normalized_shape` names."""
    ndim = given(call).ndim
    return tuple(range(ndim - len(call.module.normalized_shape), ndim))


def _running(call: Call, factor: float | None) -> Running | None:
    return None if factor is None else Running(call, factor)


@dataclass
class Standardized:
    """One call that subtracts a mean and divides by a standard deviation.

    `axes` are those of the input that weight and bias have; with `running` the call updates running statistics.
    """

    call: Call
    axes: tuple[int, ...]
    running: Running | None = None
    divisor: ClassVar[str] = "std"
    tensors: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        module: Any = self.call.module
        self.input = given(self.call)
        self.sets, self.frozen = partition(module, tuple(self.input.shape)), is_frozen(module)
        self.tensors |= {"input": self.input, **self._statistics()}
        for name in ("weight", "bias"):
            if getattr(module, name, None) is not None:
                self.tensors[name] = getattr(module, name).detach()
        std, normalized = self._normalize()
        self.lost = lost(self.sets, self.input, std, normalized, self._affine_values())
        if self.lost is not None:
            self.tensors["noise"] = self.lost.noise
            std = self.lost.divisors(std)
            normalized = self._divided(std)
        self.tensors |= {self.divisor: std, "normalized": normalized, "output": self.call.output}

    @property
    def names(self) -> tuple[str, str]:
        """The tensors of the mean that is subtracted and of the variance."""
        return ("running_mean", "running_var") if self.frozen else ("mean", "var")

    def recording(self) -> Recording:
        """Every tensor, with the rules in the order of the steps."""
        tensors: Tensors = self.tensors
        rules = self._statistic_rules()
        rules += [Rule(self.divisor, self._root), Rule("normalized", self._quotient)]
        if self.running is not None:
            tensors = self.running.tensors(self.tensors, self.sets)
            rules += self.running.rules()
        return Recording(tensors, (*rules, Rule("output", self._affine)))

    def _statistics(self) -> dict[str, Tensor]:
        module, sets = self.call.module, self.sets
        if self.frozen:
            found = {name: getattr(module, name).detach() for name in self.names}
            return found | {"centered": self.input.double() - sets.spread(found["running_mean"].double())}
        mean = sets.mean(self.input)
        centered = self.input.double() - sets.spread(mean)
        return {"mean": mean, "centered": centered, "var": sets.mean(centered.square())}

    def _statistic_rules(self) -> list[Rule]:
        if self.frozen:
            return [Rule("centered", self._difference)]
        return [
            Rule("mean", self._mean),
            Rule("centered", self._difference),
            Rule("var", self._mean_of_squares),
        ]

    def _normalize(self) -> tuple[Tensor, Tensor]:
        std = (self.tensors[self.names[1]].double() + self._eps).sqrt()
        return std, self._divided(std)

    def _divided(self, std: Tensor) -> Tensor:
        """The normalized values by these divisors."""
        return self._dividend() / self.sets.spread(std)

    @property
    def _eps(self) -> float:
        return float(self.call.module.eps)

    def _dividend(self) -> Tensor:
        centered: Tensor = self.tensors["centered"]
        return centered

    def _affine_values(self) -> tuple[Tensor, Tensor, Tensor]:
        """Weight, bias and result as they stand along the input's axes, in float64."""
        ones = [1] * self.input.ndim
        for axis in self.axes:
            ones[axis] = self.input.shape[axis]
        weight, bias = (
            self.tensors[name].double().reshape(ones) if name in self.tensors else torch.tensor(plain)
            for name, plain in (("weight", 1.0), ("bias", 0.0))
        )
        return weight, bias, self.call.output.double()

    def _difference(self, cells: Tensor) -> Expr:
        return Sub(Ref("input", cells), Ref(self.names[0], self.sets.set_of(cells)))

    def _mean(self, cells: Tensor) -> Expr:
        return mean_of(Ref("input", self.sets.members(cells)), self.sets.size)

    def _mean_of_squares(self, cells: Tensor) -> Expr:
        squares = Func("square", Ref("centered", self.sets.members(cells)))
        return mean_of(squares, self.sets.size)

    def _root(self, cells: Tensor) -> Expr:
        """The divisor, as torch used it."""
        root = Func("sqrt", Add((Ref(self.names[1], cells), epsilon(self._eps))))
        return root if self.lost is None else self.lost.formula(cells, root)

    def _quotient(self, cells: Tensor) -> Expr:
        return Div(Ref("centered", cells), Ref("std", self.sets.set_of(cells)))

    def _fused(self, cells: Tensor) -> Expr:
        """How torch computes the normalized value: in one go."""
        return Div(self._difference(cells), Ref("std", self.sets.set_of(cells)))

    def _affine(self, cells: Tensor) -> Expr:
        """normalized times weight plus bias, as far as the module has them; without both the quotient itself."""
        plain = "weight" not in self.tensors and "bias" not in self.tensors
        result: Expr = self._quotient(cells) if plain else Ref("normalized", cells)
        result = Rounded(result, self._fused(cells))
        place = cells[:, list(self.axes)]
        if "weight" in self.tensors:
            result = Mul((result, Ref("weight", place)))
        return Add((result, Ref("bias", place))) if "bias" in self.tensors else result


class Grouped(Standardized):
    """GroupNorm. Where the channels come last in memory, torch takes the variance as mean(x²) − mean², which is only as
    exact as mean² is, however small the variance.
    """

    def _divided(self, std: Tensor) -> Tensor:
        shared = self.sets.spread(std)
        apart = self.input.double() / shared - self.sets.spread(self.tensors["mean"]) / shared
        return torch.where(self.sets.spread(self._is_apart(std)), apart, super()._divided(std))

    def _quotient(self, cells: Tensor) -> Expr:
        return self._apart(cells, super()._quotient(cells))

    def _fused(self, cells: Tensor) -> Expr:
        fused = super()._fused(cells)
        if not self.input.is_contiguous():
            mean, std = (Func("square", Ref(name, self.sets.set_of(cells))) for name in ("mean", "std"))
            fused = Add((fused, Mul((fused, Div(mean, std)))))
        return self._apart(cells, fused)

    def _is_apart(self, std: Tensor) -> Tensor:
        """Sets in which torch divided x and the mean each for itself, by 0: it took an infinity from an infinity."""
        return (std == 0) & self.sets.any(self.call.output.isnan())

    def _apart(self, cells: Tensor, plain: Expr) -> Expr:
        """The quotient in torch's order where that shows; where the dividend is 0 too, both say the same."""
        shared = self.sets.set_of(cells)
        lost = self._is_apart(self.tensors["std"])[tuple(shared.T)]
        lost &= (self.tensors["centered"] != 0)[tuple(cells.T)]
        if not bool(lost.any()):
            return plain
        x, mean, std = Ref("input", cells), Ref("mean", shared), Ref("std", shared)
        return Case(lost.long(), (plain, Sub(Div(x, std), Div(mean, std))))


class RootMeanSquare(Standardized):
    """One call that divides by the root of the mean square; `square` and `mean_square` are its steps."""

    divisor: ClassVar[str] = "rms"

    @property
    def names(self) -> tuple[str, str]:
        """There is no mean to subtract."""
        return ("", "mean_square")

    @property
    def _eps(self) -> float:
        return added(self.call.module, self.input.dtype)

    def _statistics(self) -> dict[str, Tensor]:
        square = self.input.double().square()
        return {"square": square, "mean_square": self.sets.mean(square)}

    def _statistic_rules(self) -> list[Rule]:
        def mean_square(cells: Tensor) -> Expr:
            return mean_of(Ref("square", self.sets.members(cells)), self.sets.size)

        return [
            Rule("square", lambda cells: Func("square", Ref("input", cells))),
            Rule("mean_square", mean_square),
        ]

    def _dividend(self) -> Tensor:
        return self.input.double()

    def _quotient(self, cells: Tensor) -> Expr:
        return Div(Ref("input", cells), Ref("rms", self.sets.set_of(cells)))

    _fused = _quotient
