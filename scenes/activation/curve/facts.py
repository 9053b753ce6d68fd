"""What captions may claim of an element-wise activation, computed from its trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from torchreel.scenes.trace.calling import bare
from torchreel.scenes.trace.proof import Trace

_FAR, _NEAR = 1e4, 1e-4


def curve_facts(trace: Trace) -> Mapping[str, bool]:
    """What is true of the function on its whole line.

    `leaks`: left of 0 it gives a part of x; `bends_left`: far left it comes to a limit other than 0; `jumps`: somewhere
    in the picture; `draws`: it is random; `many`: there is a slope for each of several channels; `has_corner`: beside
    it, the ELU with its alpha has a corner at 0; `above_relu`: it gives at least what ReLU gives; `shrinks`: numbers
    near 0 become 0; `shifts`: numbers far from 0 change; `like_tanh`: it is flat where tanh is, and has its slope at 0.
    """
    draws = "a" in trace.tensors
    function = _function(trace)
    left, small = function(torch.tensor([-1.0, -3.0])), function(torch.tensor([-_NEAR, _NEAR, 0.0]))
    far = function(torch.tensor([-_FAR, -2 * _FAR, _FAR]))
    line = torch.linspace(-8, 8, 33, dtype=torch.float64)
    alpha = getattr(trace.module, "alpha", 1.0)
    return {
        "leaks": not draws and bool(((left > torch.tensor([-1.0, -3.0])) & (left < 0)).all()),
        "bends_left": bool(far[:2].isfinite().all() and far[0] == far[1] and far[0] != 0),
        "jumps": len(trace.sample("curve.jumps")) > 0,
        "draws": draws,
        "many": trace.shape("curve.output")[0] > 1,
        "has_corner": alpha != 1,
        "above_relu": bool((function(line) >= line.clamp(min=0)).all()),
        "shrinks": bool((small == 0).all()),
        "shifts": bool(far[2] != _FAR),
        "like_tanh": bool(((function(line).abs() == 1) | (function(line) == line)).all()),
    }


def _function(trace: Trace) -> Any:
    """The function in float64, of numbers alone; where it is learned or random, one of its lines."""
    module: Any = trace.module

    def function(x: Tensor) -> Tensor:
        wide = bare(module).double().eval()
        if getattr(wide, "inplace", False):
            wide.inplace = False
        count = trace.shape("weight")[0] if "weight" in trace.tensors else 1
        given = x.double()[None, None].expand(1, count, -1)
        with torch.no_grad():
            found: Tensor = wide(given)[0, 0]
        return found

    return function
