"""All element-wise activations on the same input: what each makes of it, proved by its own law."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes.activation.curve.functions import law
from torchreel.scenes.activation.curve.laws import Law
from torchreel.scenes.activation.curve.range import Stored
from torchreel.scenes.activation.curve.trace import SAMPLES, piecewise, span
from torchreel.scenes.trace.copying import bare
from torchreel.scenes.trace.formula import Case, Expr, Ref
from torchreel.scenes.trace.operator import Call, Inputs, Recording, Settings
from torchreel.scenes.trace.proof import Rule

FAMILIES: dict[str, tuple[nn.Module, ...]] = {
    "rectified": (
        nn.ReLU(),
        nn.ReLU6(),
        nn.LeakyReLU(0.1),
        nn.PReLU(),
        nn.RReLU().eval(),
        nn.Threshold(1.0, 0.0),
    ),
    "exponential": (nn.ELU(), nn.CELU(), nn.SELU()),
    "gated": (nn.GELU(), nn.SiLU(), nn.Mish(), nn.Hardswish()),
    "bounded": (nn.Sigmoid(), nn.Hardsigmoid(), nn.Tanh(), nn.Hardtanh(), nn.Softsign()),
    "logarithmic": (nn.Softplus(), nn.LogSigmoid()),
    "shrinking": (nn.Hardshrink(1.5), nn.Softshrink(1.5), nn.Tanhshrink()),
}
_STEEPEST, _LARGEST = 5.0, 1e6
MODULES = tuple(module for members in FAMILIES.values() for module in members)


def run_overview(module: None, inputs: Mapping[str, Any], call: Mapping[str, Any]) -> Tensor:
    """Every function of the input, `(K, *)`, in the order of `MODULES`."""
    return torch.stack([one(inputs["input"]) for one in MODULES])


def check_overview(name: str, settings: Settings, inputs: Inputs) -> None:
    """Refuse settings, of which the figure has none, and inputs that no graph can show."""
    if settings:
        raise UserError(f"{name} has no argument {next(iter(settings))!r}. It takes inputs alone.")
    if not bool((inputs["input"].abs() < _LARGEST).all()):
        raise UserError(f"{name}: the inputs of the figure should be finite numbers below {_LARGEST:g}.")


def record_overview(call: Call) -> Recording:
    """`output` `(K, *)` is each function of `input` `(*)`; `curve.<class>` `(S,)` is its curve over `curve.x`."""
    x = call.inputs["input"]
    laws = [law(module) for module in MODULES]
    at = torch.linspace(*span(Law(()), x), SAMPLES, dtype=torch.float64)
    regimes = torch.stack([one.regime(x) for one in laws])
    tensors: dict[str, Tensor] = {"input": x, "weight": torch.tensor([0.25]), "curve.x": at}
    with torch.no_grad():
        tensors |= {
            f"curve.{type(module).__name__}": _broken(at, bare(module).double()(at)) for module in MODULES
        }
    tensors["output"] = call.output

    def formula(cells: Tensor) -> Expr:
        place = cells[:, 1:]
        which = regimes[tuple(cells.unbind(-1))]
        functions = tuple(_whole(one, which, Ref("input", place), place) for one in laws)
        return Stored(Case(cells[:, 0], functions), narrow=True)

    return Recording(tensors, (Rule("output", formula),))


def _whole(one: Law, which: Tensor, x: Expr, place: Tensor) -> Expr:
    """A law's formula with its gate written out."""
    return piecewise(one, which, x, place) if one.gate is None else one.gate.join(x, one.gate.formula(x))


def _broken(x: Tensor, y: Tensor) -> Tensor:
    """NaN where a function jumps, which is where it is steeper than any of them is smoothly."""
    y = y.clone()
    y[1:][y.diff().abs() > _STEEPEST * x.diff()] = float("nan")
    return y
