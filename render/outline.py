"""Where the line of a hollow shape runs, so that its empty inside need not be painted again."""

from __future__ import annotations

import numpy as np

from torchreel.render.display import Curves, Fill, Shape, Stroke

_MOST = 16
_MITER_LIMIT = 10.0
_SQUARE_CAP = 2**0.5


def strips(shape: Shape) -> np.ndarray | None:
    """Boxes (n, 4) of x0, y0, x1, y1 in scene units around each curve of a shape without fill, line width included.

    None where the whole box of the shape is as good: it has a fill, or too many curves.
    """
    curves, pen = shape.curves, shape.widest
    if curves is None or pen is None or any(isinstance(layer, Fill) for layer in shape.layers):
        return None
    if not 1 < len(curves.controls) <= _MOST:
        return None
    reach = pen.width / 2 * _overhang(curves, pen)
    low, high = curves.controls.min(axis=1) - reach, curves.controls.max(axis=1) + reach
    return np.concatenate([low, high], axis=1)


def _overhang(curves: Curves, pen: Stroke) -> float:
    """How far the line reaches out from its middle, in half line widths: at corners a miter sticks out."""
    if pen.join not in ("auto", "miter"):
        return _SQUARE_CAP
    arriving, leaving = _directions(curves)
    cosines = (arriving * leaving).sum(axis=1)
    if not np.isfinite(cosines).all():
        return _MITER_LIMIT
    lengths = np.sqrt(2 / np.maximum(1 + cosines, 1e-9))
    lengths[lengths > _MITER_LIMIT * 1.01] = 1
    return max(_SQUARE_CAP, float(lengths.max()))


def _directions(curves: Curves) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (n, 2): how the line arrives at the end of each curve, and how it leaves from there."""
    controls, starts = curves.controls, np.flatnonzero(curves.starts)
    following = np.arange(1, len(controls) + 1)
    following[curves.ends] = starts
    arriving = controls[:, 3] - controls[:, 2]
    leaving = (controls[:, 1] - controls[:, 0])[following]
    with np.errstate(invalid="ignore", divide="ignore"):
        arriving = arriving / np.linalg.norm(arriving, axis=1, keepdims=True)
        leaving = leaving / np.linalg.norm(leaving, axis=1, keepdims=True)
    return arriving, leaving
