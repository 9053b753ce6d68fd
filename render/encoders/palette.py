"""The few colours that stand for all the colours of a clip.

Explainer frames are flat areas plus the blends along edges and letters. The most used colours are kept exactly (a flat
area that is off by one shows), the others share what is left: FFmpeg's `palettegen` proposes, a few rounds of weighted
k-means settle. Colours are weighted by a power of how many pixels change to them, so that rare but visible ones count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import av.filter
import numpy as np

from torchreel.render.encoders.changes import unpacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PINNED = 8
_POWER = 0.75
_ROUNDS = 4
_SAMPLES = 1 << 18
_SAMPLE_WIDTH = 1024
_BLOCK = 128  # small enough for BLAS to stay in this thread: its helpers only spin beside busy workers


def choose(
    colours: NDArray[np.uint32], counts: NDArray[np.int64], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A palette (P, 3), P <= size <= 256, and for each packed colour (N,) the number of its nearest entry.

    Up to `size` colours are kept exactly. Distances are whole numbers, so that every machine finds the same.
    """
    points = unpacked(colours).astype(np.float32)
    if len(colours) <= size:
        return points.astype(np.uint8), np.arange(len(colours), dtype=np.uint8)
    weights = counts.astype(np.float64) ** _POWER
    pinned = min(_PINNED, size // 2)
    flat = points[np.argsort(-counts, kind="stable")[:pinned]]
    palette = np.vstack([flat, _proposed(points, weights, size - pinned)])
    for _ in range(_ROUNDS):
        palette[pinned:] = _settled(points, weights, palette)[pinned:]
    return palette.astype(np.uint8), _nearest(points, palette)


def _settled(
    points: NDArray[np.float32], weights: NDArray[np.float64], palette: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Each entry moved to the weighted mean of the colours nearest to it."""
    owner = _nearest(points, palette)
    total = np.bincount(owner, weights, len(palette))
    used = total > 0
    moved = palette.copy()
    for channel in range(3):
        sums = np.bincount(owner, weights * points[:, channel], len(palette))
        moved[used, channel] = np.rint(sums[used] / total[used])
    return moved


def _nearest(points: NDArray[np.float32], palette: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The number of the nearest entry for each point; in blocks, so that memory stays small for many colours.

    |p - q|^2 is smallest where |q|^2 - 2 p.q is: one matrix product of (p, 1) and (-2 q, |q|^2).
    """
    with_one = np.hstack([points, np.ones((len(points), 1), np.float32)])
    matrix = np.vstack([-2 * palette.T, (palette**2).sum(axis=1)])
    owner = np.empty(len(points), np.uint8)
    for start in range(0, len(points), _BLOCK):
        owner[start : start + _BLOCK] = (with_one[start : start + _BLOCK] @ matrix).argmin(axis=1)
    return owner


def _proposed(points: NDArray[np.float32], weights: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """Up to `size` colours from FFmpeg's `palettegen`, which is shown a picture with each colour by its weight."""
    repeats = np.maximum(1, weights / weights.sum() * _SAMPLES).astype(np.int64)
    pixels = np.repeat(points.astype(np.uint8), repeats, axis=0)
    height = -(-len(pixels) // _SAMPLE_WIDTH)
    fill = np.repeat(pixels[-1:], height * _SAMPLE_WIDTH - len(pixels), axis=0)
    picture = np.vstack([pixels, fill]).reshape(height, _SAMPLE_WIDTH, 3)
    found = _palettegen(picture, size).reshape(-1, 4)
    return np.unique(found[found[:, 3] > 0][:, :3], axis=0)[:size].astype(np.float32)


def _palettegen(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=picture.shape[1], height=picture.shape[0], format="rgb24", time_base="1/25"
    )
    filter_ = graph.add("palettegen", f"max_colors={max(3, size + 1)}:reserve_transparent=1:stats_mode=full")
    sink = graph.add("buffersink")
    source.link_to(filter_)
    filter_.link_to(sink)
    graph.configure()
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts = 0
    source.push(frame)
    source.push(None)
    return sink.pull().to_ndarray(format="rgba")
