"""The function that pads."""

from __future__ import annotations

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.functions import Arguments, Function

_MODES = {"reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}
_KINDS = ("Zero", "Constant", *_MODES.values())


def _padded(arguments: Arguments) -> str:
    """The module for the mode, and for as many of the last axes as there are pairs of sides."""
    sides, mode, value = arguments["pad"], arguments["mode"], arguments["value"]
    if len(sides) not in (2, 4, 6):
        raise UserError(
            f"pad should give two sides to each of the last 1 to 3 axes, not {len(sides)} in all."
        )
    if mode not in ("constant", *_MODES):
        raise UserError(f"mode={mode!r} should be constant, reflect, replicate or circular.")
    kind = _MODES.get(mode, "Zero" if value is None else "Constant")
    return f"{kind}Pad{len(sides) // 2}d"


def _sides(arguments: Arguments) -> Arguments:
    """The mode is in the module's name already."""
    return {"padding": tuple(arguments["pad"]), "mode": None}


FUNCTIONS = (
    Function(
        _padded,
        ("pad",),
        _sides,
        {"pad": "padding"},
        operators=tuple(f"{kind}Pad{dims}d" for kind in _KINDS for dims in (1, 2, 3)),
    ),
)
