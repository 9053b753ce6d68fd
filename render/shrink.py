"""Smaller GIFs: which size, rate and number of colours to try next when one is over `--max-size`."""

from __future__ import annotations

from dataclasses import replace

from torchreel.assets.errors import TorchreelError
from torchreel.render.job import Output
from torchreel.render.plan import even_height
from torchreel.render.settings import View

_WIDTHS = (800, 720, 640, 560, 480, 400)
_RATES = (20, 15, 12, 10)
_COLORS = (128, 64, 32, 16)
# Bytes fall a little faster than the width, and almost with the frame rate: seen on the flagship clips.
_WIDTH_POWER = 1.2


class TooLarge(TorchreelError):
    """No GIF of a clip is as small as `--max-size` asks for."""


def smaller(tried: Output, size: int, most: int, label: str) -> Output:
    """The next output to try after `tried` gave `size` bytes: narrower first, then slower, then fewer colours.

    Widths that cannot be enough yet are skipped. Raises `TooLarge` when nothing smaller is left.
    """
    view = tried.view
    narrower = [width for width in _WIDTHS if width < view.width]
    if narrower:
        enough = [width for width in narrower if size * (width / view.width) ** _WIDTH_POWER <= most]
        width = max(enough) if enough else min(narrower)
        return replace(tried, view=View(width, even_height(width), view.fps))
    slower = [rate for rate in _RATES if rate < view.fps]
    if slower:
        return replace(tried, view=View(view.width, view.height, slower[0]))
    fewer = [colors for colors in _COLORS if colors < (tried.colors or 256)]
    if fewer:
        return replace(tried, colors=fewer[0])
    raise TooLarge(
        f"{label}: the smallest GIF ({tried.describe()}) has {size} bytes, more than --max-size {most}. "
        "Use a smaller input, or MP4 or WebP."
    )
