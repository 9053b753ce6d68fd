"""torchreel: see what a tensor operator does, with the numbers torch really computes.

`torchreel.trace(module, *inputs)` gives the checked steps of one torch call. Importing this package imports neither
torch nor Manim; both come in when a call is traced or a clip is rendered.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchreel.assets.errors import TorchreelError, UserError
    from torchreel.scenes.api import trace
    from torchreel.scenes.trace.proof import Step, Trace, TraceError

__version__ = "0.1.0"
__all__ = ["Step", "TorchreelError", "Trace", "TraceError", "UserError", "trace"]

_HOMES = {
    "trace": "torchreel.scenes.api",
    "Step": "torchreel.scenes.trace.proof",
    "Trace": "torchreel.scenes.trace.proof",
    "TraceError": "torchreel.scenes.trace.proof",
    "TorchreelError": "torchreel.assets.errors",
    "UserError": "torchreel.assets.errors",
}


def __getattr__(name: str) -> Any:
    """The public names, each imported when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
