"""How close a GIF is to the frames it was made from: `python -m benchmarks.quality FOLDER STEP`.

Structural similarity (Wang et al. 2004: Gaussian window of sigma 1.5, K1 = 0.01, K2 = 0.03), mean of red, green and
blue. Prints the mean over all frame periods and the smallest as JSON; of the pictures every `STEP`th counts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence
from scipy.ndimage import gaussian_filter

from benchmarks.child import Order, job
from torchreel.render import clip
from torchreel.render.encoders.gif import GifEncoder
from torchreel.render.renderer import render_scene
from torchreel.render.settings import Rect, View
from torchreel.scenes import registry
from torchreel.scenes.stage.telling import Request

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


class Recorder:
    """An encoder that keeps the pictures it is given, each with its number of frame periods."""

    def __init__(self) -> None:
        self.pictures: list[tuple[np.ndarray, int]] = []

    def start(self, path: Path, view: View) -> None:
        """Nothing is written."""

    def frame(self, rgba: np.ndarray, rects: list[Rect], count: int) -> None:
        """Keep a copy."""
        self.pictures.append((rgba[..., :3].copy(), count))

    def stop(self, ok: bool) -> None:
        """Nothing to end."""


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """SSIM of two pictures (H, W, 3) uint8."""
    return float(np.mean([_channel(first[..., k], second[..., k]) for k in range(3)]))


def _channel(first: np.ndarray, second: np.ndarray) -> float:
    x, y = first.astype(np.float32), second.astype(np.float32)
    mean_x, mean_y = _smooth(x), _smooth(y)
    var_x, var_y = _smooth(x * x) - mean_x**2, _smooth(y * y) - mean_y**2
    both = _smooth(x * y) - mean_x * mean_y
    likeness = (2 * mean_x * mean_y + _C1) * (2 * both + _C2)
    return float((likeness / ((mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2))).mean())


def _smooth(picture: np.ndarray) -> np.ndarray:
    smoothed: np.ndarray = gaussian_filter(picture, 1.5, truncate=3.5)
    return smoothed


def shown(path: Path, times: Sequence[float]) -> Iterator[np.ndarray]:
    """The picture (H, W, 3) that a GIF shows at each of some rising times in seconds."""
    with Image.open(path) as gif:
        end, picture = 0.0, np.empty(0)
        frames = ImageSequence.Iterator(gif)
        for time in times:
            while time >= end - 1e-6:
                frame = next(frames)
                picture, end = np.asarray(frame.convert("RGB")), end + frame.info["duration"] / 1000
            yield picture


def compare(order: Order, step: int) -> dict[str, float]:
    """Render the clip once, to a GIF and to its frames, and compare what both show in the middle of each period."""
    todo, recorder = job(order), Recorder()
    [output] = todo.outputs
    request = Request(clip.trace(todo).trace, todo.example, todo.lang, todo.theme, todo.precision)
    scene_class = registry.find(todo.example.operator)
    in_order = GifEncoder(loop=1)  # one that plays for ever begins with the last picture
    outputs = {output.view: [(in_order, todo.path("gif")), (recorder, todo.path("frames"))]}
    render_scene(lambda renderer: scene_class(request, renderer=renderer), outputs)
    counts = np.array([count for _, count in recorder.pictures])
    middles = (np.cumsum(counts) - counts / 2)[::step] / output.view.fps
    pairs = zip(recorder.pictures[::step], shown(todo.path("gif"), middles.tolist()), strict=True)
    found = [similarity(picture, from_gif) for (picture, _), from_gif in pairs]
    return {"mean": float(np.average(found, weights=counts[::step])), "least": min(found)}


if __name__ == "__main__":
    folder, every = sys.argv[1:]
    wanted: Order = {"clip": "Conv2d", "formats": ["gif"], "folder": folder}
    print(json.dumps(compare(wanted, int(every))))
