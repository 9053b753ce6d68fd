"""What an element-wise activation computes: output, slope and regime of every element, and its curve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torchreel.scenes.activation.calls import argument
from torchreel.scenes.activation.curve.functions import law
from torchreel.scenes.activation.curve.laws import Law
from torchreel.scenes.activation.curve.listing import spread
from torchreel.scenes.activation.curve.range import Given, Stored
from torchreel.scenes.trace.calling import bare
from torchreel.scenes.trace.formula import Case, Expr, Ref, read
from torchreel.scenes.trace.operator import Call, Recording
from torchreel.scenes.trace.proof import Rule

SAMPLES = 161
_MOST_CHANNELS = 4
_FAR, _MARGIN = 3.0, 0.03
_EDGE = 1e-6
_JUMP = 1e-2


def record_activation(call: Call) -> Recording:
    """Tensors and the rule of one call `module(input)`.

    `regime` is the number of the law's piece that holds; `gate`, in float64, what the function's gate makes of each
    element, if it has one. `curve.x` `(S,)` and `curve.output` `(R, S)` are the function over the span that the picture
    shows, in float64, one row a learned slope; NaN stands where it jumps, as `curve.jumps` lists, and where slopes are
    random. `curve.gate` and `curve.<name>` are the gate and the functions beside it. PReLU has `weight` and
    `curve.channels`, the channels whose slopes are shown (one row is enough if these are equal), RReLU in training `a`,
    the slopes it drew.
    """
    module, x = call.module, argument(call, "input")
    tensors: dict[str, Tensor] = {"input": x, **_parameters(call)}
    rules = law(module)
    tensors["regime"] = rules.regime(x)
    tensors |= _beyond(module, x)
    tensors |= _curves(module, rules, x)
    if rules.moments:
        tensors["moments"] = _moments(module)
    tensors["output"] = call.output
    output = Rule("output", lambda cells: _formula(rules, tensors, cells))
    if rules.gate is None:
        return Recording(tensors, (output,))
    gate = rules.gate
    tensors["gate"] = gate.function(x.double())
    return Recording(tensors, (Rule("gate", lambda cells: gate.formula(Ref("input", cells))), output))


def piecewise(rules: Law, which: Tensor, x: Expr, cells: Tensor, more: tuple[Expr, ...] = ()) -> Expr:
    """The law's formula for a batch of cells, the piece `which` of each; `more` pieces may follow the law's own."""
    one = rules.pieces[0].formula
    if not more and all(piece.formula is one for piece in rules.pieces):
        return one(x, cells)
    return Case(which, (*(piece.formula(x, cells) for piece in rules.pieces), *more))


def _formula(rules: Law, tensors: dict[str, Tensor], cells: Tensor) -> Expr:
    x, which = Ref("input", cells), read(tensors["regime"], cells)
    if "beyond" not in tensors:
        return Stored(piecewise(rules, which, x, cells), narrow=True)
    beyond = _is_beyond(read(tensors["input"], cells))
    which = torch.where(beyond, len(rules.pieces), which)
    return Stored(piecewise(rules, which, x, cells, (Given(Ref("beyond", cells), x),)), narrow=True)


def _parameters(call: Call) -> dict[str, Tensor]:
    if isinstance(call.module, nn.PReLU):
        return {"weight": call.module.weight.detach()}
    if isinstance(call.module, nn.RReLU) and call.module.training:
        return {"a": _drawn(call)}
    return {}


def _drawn(call: Call) -> Tensor:
    """The slopes that RReLU drew: torch draws one for each element up to 0, in order, and none for the others."""
    module, x = call.module, argument(call, "input")
    signs = torch.where(x <= 0, -1, 1).to(x)
    return call.replay(lambda: F.rrelu(signs, module.lower, module.upper, True)) * signs


def _beyond(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """What torch gives at the end of a type's range, where x·(1 + erf) or x·6 overflows in some of its kernels."""
    if not isinstance(module, (nn.GELU, nn.Hardswish)) or not bool(_is_beyond(x).any()):
        return {}
    if isinstance(module, nn.Hardswish):
        return {"beyond": F.hardswish(x)}
    return {"beyond": F.gelu(x, approximate=module.approximate)}


def _is_beyond(x: Tensor) -> Tensor:
    return x.abs() > torch.finfo(x.dtype).max / 8


def _exact(module: nn.Module) -> Callable[[Tensor], Tensor]:
    """The module's function in float64, writing nothing in place, unseen by hooks that look at every module."""
    wide: Any = bare(module).double()
    if getattr(wide, "inplace", False):
        wide.inplace = False
    function: Callable[[Tensor], Tensor] = wide.forward
    return function


def _curves(module: nn.Module, rules: Law, x: Tensor) -> dict[str, Tensor]:
    """The function, its gate and its neighbours over the span that is shown."""
    at = _samples(rules, x)
    rows = torch.stack([_exact(one)(at) for one in _channels(module)]).detach()
    found = {"curve.x": at, "curve.output": _broken(rules, at, rows)}
    if isinstance(module, nn.PReLU):
        found["curve.channels"] = torch.tensor(_shown_channels(module))
    found["curve.jumps"] = _jumps(at, rows[0], found["curve.output"][0])
    if isinstance(module, nn.RReLU) and module.training:
        found["curve.output"][:, at < 0] = float("nan")
    if rules.gate is not None:
        found["curve.gate"] = rules.gate.function(at)
    return found | {f"curve.{name}": function(at) for name, function in rules.beside.items()}


def _channels(module: Any) -> Iterator[nn.Module]:
    """The module as functions of one variable: PReLU is one for each channel, RReLU is drawn with its mean slope."""
    if not isinstance(module, nn.PReLU):
        yield bare(module).eval()
        return
    slopes = module.weight.detach().reshape(-1)[_shown_channels(module)].double().tolist()
    for slope in slopes if len(set(slopes)) > 1 else slopes[:1]:
        yield nn.PReLU(init=slope)


def _shown_channels(module: nn.PReLU) -> list[int]:
    return spread(module.weight.numel(), _MOST_CHANNELS)


def _samples(rules: Law, x: Tensor) -> Tensor:
    """x from end to end of the picture, with a point right before, at and right after each break."""
    low, high = span(rules, x)
    near = (high - low) * _EDGE
    breaks = torch.tensor([end for end in rules.breaks if low < end < high], dtype=torch.float64)
    even = torch.linspace(low, high, SAMPLES, dtype=torch.float64)
    away = torch.ones_like(even, dtype=torch.bool)
    for end in breaks:
        away &= (even - end).abs() > 2 * near
    return torch.cat([even[away], breaks - near, breaks, breaks + near]).sort().values


def span(rules: Law, x: Tensor) -> tuple[float, float]:
    """The x that the picture shows: the reach of the function, breaks and inputs, without a few that are far away."""
    known = x.double().reshape(-1)
    known = known[known.isfinite()]
    far = _FAR * rules.reach
    near = known[known.abs() <= far]
    shown = near if 2 * len(near) >= len(known) else known
    ends = [-rules.reach, rules.reach, *(end for end in rules.breaks if abs(end) < 2 * far)]
    low, high = min(ends), max(ends)
    if len(shown):
        margin = _MARGIN * (max(high, float(shown.max())) - min(low, float(shown.min())))
        low, high = min(low, float(shown.min()) - margin), max(high, float(shown.max()) + margin)
    return low, high


def _broken(rules: Law, at: Tensor, rows: Tensor) -> Tensor:
    """NaN in place of the value at a break where the function jumps, so that its line does too."""
    rows = rows.clone()
    for end in rules.breaks:
        middle = int((at - end).abs().argmin())
        if float(at[middle]) == end and 1 < middle < len(at) - 2:
            rows[_leaps(at, rows, middle).abs() > _JUMP, middle] = float("nan")
    return rows


def _leaps(at: Tensor, rows: Tensor, middle: int) -> Tensor:
    """How far functions `(R, S)` go from right before to right after a sample, less what their slopes account for."""
    gone = rows[:, middle + 1] - rows[:, middle - 1]
    for inner, outer in ((middle - 1, middle - 2), (middle + 1, middle + 2)):
        slope = (rows[:, outer] - rows[:, inner]) / (at[outer] - at[inner])
        gone = gone - slope * (at[middle] - at[inner]).abs()
    return gone


def _jumps(at: Tensor, whole: Tensor, broken: Tensor) -> Tensor:
    """Where the function jumps, `(J, 3)`: x, the value there, and the value it comes to from the other side."""
    found = []
    for middle in (broken.isnan() & ~whole.isnan()).nonzero()[:, 0].tolist():
        value, sides = whole[middle], whole[[middle - 1, middle + 1]]
        found.append(torch.stack([at[middle], value, sides[(sides - value).abs().argmax()]]))
    return torch.stack(found) if found else at.new_zeros(0, 3)


def _moments(module: nn.Module) -> Tensor:
    """Mean and variance `(2, 2)` of a standard normal variable and of what becomes of it, by quadrature."""
    z = torch.linspace(-12, 12, 9601, dtype=torch.float64)
    density = torch.exp(-z.square() / 2)
    weight = density / density.sum()
    found = []
    for values in (z, _exact(module)(z)):
        mean = (weight * values).sum()
        found.append(torch.stack([mean, (weight * (values - mean).square()).sum()]))
    return torch.stack(found).detach()
