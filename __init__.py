"""torchreel: see what a tensor operator does, with the numbers torch really computes.

`torchreel.explain(module, *inputs)` makes a clip of one torch call, `torchreel.trace(module, *inputs)` gives its
checked steps as data. Importing this package imports neither torch nor Manim; both come in when a call is traced or a
clip is rendered.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchreel.assets.errors import TorchreelError, UserError
    from torchreel.publish.api import player, slides, snippet
    from torchreel.render.explain import Clip, ClipStep, explain
    from torchreel.render.reel import Reel, record
    from torchreel.scenes.api import trace
    from torchreel.scenes.trace.proof import Step, Trace, TraceError

# `torchreel.sphinx` is found in here. A `sphinx` at the top of the checkout, which is the package, would stand before
# Sphinx itself for whoever runs Python there.
__path__.append(f"{__path__[0]}/publish/extensions")

__version__ = "0.1.0"
__all__ = [
    "Clip",
    "ClipStep",
    "Reel",
    "Step",
    "TorchreelError",
    "Trace",
    "TraceError",
    "UserError",
    "explain",
    "player",
    "record",
    "slides",
    "snippet",
    "trace",
]

_HOMES = {
    "trace": "torchreel.scenes.api",
    "explain": "torchreel.render.explain",
    "record": "torchreel.render.reel",
    "slides": "torchreel.publish.api",
    "player": "torchreel.publish.api",
    "snippet": "torchreel.publish.api",
    "Reel": "torchreel.render.reel",
    "Clip": "torchreel.render.explain",
    "ClipStep": "torchreel.render.explain",
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


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext torchreel`: from here on `%torchreel` and `%%torchreel` show clips; `%torchreel?` says how."""
    magic = import_module("torchreel.cli").magic
    import_module("torchreel.publish.jupyter.extension").load(shell, magic)
