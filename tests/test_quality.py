"""GIFs of the default clips: small enough to embed, and true to the lossless frames.

SSIM as in Wang et al. 2004 (https://doi.org/10.1109/TIP.2003.819861) on luma, with a 7 x 7 px mean in place of the
Gaussian window, as scikit-image does by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from scipy.ndimage import uniform_filter

from torchreel.assets.examples import example, examples
from torchreel.render.check.check import reading
from torchreel.render.check.stage import proved
from torchreel.render.encoders import ENCODERS
from torchreel.render.renderer import render_scene
from torchreel.render.settings import PAGE, Rect, View
from torchreel.scenes import registry
from torchreel.scenes.stage.telling import Request

LARGEST = 800_000
LEAST_SSIM = 0.995
EVERY = 37
"""Frames from one that is looked at to the next; no beat repeats at this distance."""


class Sampler:
    """An encoder that keeps every 37th frame and the last one, as luma, by the hundredth of a second it begins at."""

    def start(self, path: Path, view: View) -> None:
        self.samples: dict[int, np.ndarray] = {}
        self._tick = 100 // view.fps
        self._frames = 0

    def frame(self, rgba: np.ndarray, rects: list[Rect], count: int) -> None:
        first = -(-self._frames // EVERY) * EVERY
        for number in range(first, self._frames + count, EVERY):
            self.samples[number * self._tick] = luma(rgba)
        self._last = rgba.copy()
        self._frames += count

    def stop(self, ok: bool) -> None:
        if ok:
            self.samples[(self._frames - 1) * self._tick] = luma(self._last)


@dataclass(frozen=True)
class Quality:
    """What came of one clip: the GIF's bytes, seconds, and how like the lossless frames its frames are, by 1/100 s."""

    size: int
    seconds: float
    ssim: dict[int, float]


def luma(pixels: np.ndarray) -> np.ndarray:
    """BT.601 luma (H, W) of pixels (H, W, 3 or 4), 0 to 255."""
    grey: np.ndarray = pixels[..., :3] @ np.array([0.299, 0.587, 0.114])
    return grey


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """The mean structural similarity of two pictures (H, W) of 0 to 255; 1 for equal ones."""

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(uniform_filter(values, 7))

    first, second = mean(a), mean(b)
    spread = mean(a * a) - first**2 + mean(b * b) - second**2
    shared = mean(a * b) - first * second
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * first * second + c1) * (2 * shared + c2)
    bottom = (first**2 + second**2 + c1) * (spread + c2)
    return float((top / bottom).mean())


@cache
def quality(operator: str, path: Path) -> Quality:
    """Render the default GIF of an operator and compare it with the frames it was made of."""
    chosen = example(operator)
    scene_class = registry.find(operator)
    request = Request(proved(operator, chosen.name), chosen, "zh", "light")
    sampler = Sampler()
    outputs = {PAGE: [(ENCODERS["gif"](), path), (sampler, path)]}
    render_scene(lambda renderer: scene_class(request, renderer=renderer), outputs)
    return _compared(path, sampler.samples)


def _compared(path: Path, samples: dict[int, np.ndarray]) -> Quality:
    """The film's last picture with its hold is the GIF's first; all else follows in the film's order."""
    found: dict[int, float] = {}
    with Image.open(path) as gif:
        lasts = [int(frame.info["duration"]) // 10 for frame in ImageSequence.Iterator(gif)]
        total = sum(lasts)
        begin = -lasts[0]
        for number, frame in enumerate(ImageSequence.Iterator(gif)):
            end = begin + lasts[number]
            due = [time for time in samples if begin <= time < end or begin + total <= time < end + total]
            if due:
                shown = luma(np.asarray(frame.convert("RGB")))
                found.update({time: ssim(samples[time], shown) for time in due})
            begin = end
    return Quality(path.stat().st_size, total / 100, found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gifs")


@pytest.mark.parametrize("operator", examples())
def test_a_default_gif_is_at_most_800_kb(operator: str, folder: Path) -> None:
    assert quality(operator, folder / f"{operator}.gif").size <= LARGEST


@pytest.mark.parametrize("operator", examples())
def test_a_default_gif_is_true_to_the_lossless_frames(operator: str, folder: Path) -> None:
    found = quality(operator, folder / f"{operator}.gif").ssim
    assert len(found) >= 4
    assert min(found.values()) >= LEAST_SSIM, found


@pytest.mark.parametrize("operator", examples())
def test_a_gif_lasts_as_long_as_the_film(operator: str, folder: Path) -> None:
    """At 20 frames a second as at 30, so that the ledger's times hold for both."""
    film = reading(operator, example(operator).name, "zh", "light").duration
    assert quality(operator, folder / f"{operator}.gif").seconds == pytest.approx(film, abs=0.03)


def test_ssim_tells_equal_from_shifted_and_faint_from_strong_noise() -> None:
    random = np.random.default_rng(0)
    picture = uniform_filter(random.uniform(0, 255, (90, 160)), 5) * 2
    noise = random.normal(size=picture.shape)
    assert ssim(picture, picture) == pytest.approx(1.0)
    assert 0.9 < ssim(picture, picture + noise) < 1
    assert ssim(picture, picture + 20 * noise) < 0.8
    assert ssim(picture, np.roll(picture, 3, axis=1)) < 0.8
