"""Golden frames: how they are taken, kept as small palette pictures, and compared.

A frame is compared through its golden's own palette, so that an unchanged frame differs in no pixel at all. What may
differ is anti-aliasing on another machine: at most `FEW` pixels in any square of `SQUARE` px and at most `SHARE` of
all pixels may be further off than `OFF` of 255. A changed digit of the smallest type is 15 px or more in one square.
Flat areas must keep their colour to within `FLAT` of 255.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

from torchreel.assets.examples import examples, families
from torchreel.render.check.check import reading
from torchreel.render.check.stage import proved
from torchreel.render.encoders.changes import packed, unpacked
from torchreel.render.encoders.palette import choose
from torchreel.render.renderer import capture
from torchreel.render.settings import PAGE
from torchreel.scenes import registry
from torchreel.scenes.stage.telling import Request

FOLDER = Path(__file__).parent / "golden"
DIFFERENCES = Path(__file__).parent.parent / "build" / "golden-diff"
MOMENTS = ("middle", "last")
OFF, FEW, SQUARE, SHARE, FLAT = 24, 8, 16, 0.001, 2
_COLORS = 96
_FLAT_AREA = 0.04
_ZOOM = 4


@dataclass(frozen=True)
class Shot:
    """One golden frame: which clip, and when."""

    operator: str
    example: str
    lang: str
    theme: str
    moment: str

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.operator}-{self.example}.{self.lang}.{self.theme}.{self.moment}.png"


def shots() -> list[Shot]:
    """Middle and last frame of every example in Chinese and light, of each family's first in English and dark too."""
    return [shot for operator, named in examples().items() for name in named for shot in _of(operator, name)]


def _of(operator: str, name: str) -> Iterator[Shot]:
    looks = [("zh", "light")]
    if (operator, name) in {(first, next(iter(examples()[first]))) for first, *_ in families().values()}:
        looks.append(("en", "dark"))
    for lang, theme in looks:
        yield from (Shot(operator, name, lang, theme, moment) for moment in MOMENTS)


def take(shot: Shot) -> np.ndarray:
    """The frame (450, 800, 4) as it is drawn now."""
    return _frames(shot.operator, shot.example, shot.lang, shot.theme)[MOMENTS.index(shot.moment)]


@lru_cache(maxsize=2)
def _frames(operator: str, name: str, lang: str, theme: str) -> list[np.ndarray]:
    scene_class = registry.find(operator)
    request = Request(proved(operator, name), examples()[operator][name], lang, theme)
    middle = reading(operator, name, lang, theme).duration / 2
    return capture(lambda renderer: scene_class(request, renderer=renderer), PAGE, [middle, -1])


@dataclass(frozen=True)
class Golden:
    """A kept frame: `numbers` (H, W) into `palette` (P, 3)."""

    palette: np.ndarray
    numbers: np.ndarray

    @classmethod
    def of(cls, frame: np.ndarray) -> Golden:
        """A frame (H, W, 4) in few colours; flat areas keep theirs exactly."""
        colors, inverse, counts = np.unique(packed(frame), return_inverse=True, return_counts=True)
        palette, entries = choose(colors, counts, _COLORS)
        return cls(palette, entries[inverse.reshape(frame.shape[:2])])

    @classmethod
    def load(cls, path: Path) -> Golden:
        with Image.open(path) as picture:
            palette = np.array(picture.getpalette(), np.uint8).reshape(-1, 3)
            return cls(palette, np.asarray(picture))

    def save(self, path: Path) -> None:
        picture = Image.fromarray(self.numbers)
        picture.putpalette(self.palette.tobytes())
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, optimize=True)

    @property
    def pixels(self) -> np.ndarray:
        """The picture (H, W, 3)."""
        found: np.ndarray = self.palette[self.numbers]
        return found

    def compare(self, frame: np.ndarray) -> tuple[str, np.ndarray]:
        """What is different in a frame, in words ("" if nothing is), and where (H, W)."""
        if frame.shape[:2] != self.numbers.shape:
            return f"its size is {frame.shape[1]}x{frame.shape[0]}", np.ones(frame.shape[:2], bool)
        far = np.abs(self._mapped(frame).astype(int) - self.pixels).max(axis=2) > OFF
        recolored = self._recolored(frame)
        crowd = round(float(uniform_filter(far.astype(float), SQUARE, mode="constant").max()) * SQUARE**2)
        if crowd > FEW or far.mean() > SHARE:
            return (
                f"{far.sum()} px are off by more than {OFF}, up to {crowd} of them in a {SQUARE} px square",
                far,
            )
        if recolored.any():
            return f"flat areas of {recolored.sum()} px have another colour", recolored
        return "", far

    def _mapped(self, frame: np.ndarray) -> np.ndarray:
        """The frame in the nearest colours of this palette."""
        colors, inverse = np.unique(packed(frame), return_inverse=True)
        apart = unpacked(colors)[:, None].astype(int) - self.palette[None]
        nearest = (apart**2).sum(axis=2).argmin(axis=1)
        found: np.ndarray = self.palette[nearest[inverse.reshape(frame.shape[:2])]]
        return found

    def _recolored(self, frame: np.ndarray) -> np.ndarray:
        found = np.zeros(self.numbers.shape, bool)
        for number, count in enumerate(np.bincount(self.numbers.ravel())):
            area = self.numbers == number
            if count >= _FLAT_AREA * area.size:
                middle = np.median(frame[area][:, :3], axis=0)
                found |= area & bool(np.abs(middle - self.palette[number]).max() > FLAT)
        return found


def keep_difference(
    shot: Shot, golden: Golden, frame: np.ndarray, where: np.ndarray, folder: Path
) -> list[Path]:
    """Save the frame, its golden, and the region that differs: golden, frame, difference, magnified."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = shot.name.removesuffix(".png")
    pictures = {"frame": frame[..., :3], "golden": golden.pixels}
    if golden.pixels.shape[:2] == frame.shape[:2]:
        pictures["difference"] = _magnified(golden.pixels, frame[..., :3], where)
    paths = [folder / f"{stem}.{kind}.png" for kind in pictures]
    for path, pixels in zip(paths, pictures.values(), strict=True):
        Image.fromarray(np.ascontiguousarray(pixels)).save(path)
    return paths


def _magnified(golden: np.ndarray, frame: np.ndarray, where: np.ndarray) -> np.ndarray:
    rows, cols = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    pad = 8
    region = np.s_[max(0, rows[0] - pad) : rows[-1] + pad, max(0, cols[0] - pad) : cols[-1] + pad]
    apart = np.abs(golden[region].astype(int) - frame[region])
    strong = 255 - np.minimum(255, apart * _ZOOM).astype(np.uint8)
    row = np.concatenate([golden[region], frame[region], strong], axis=1)
    zoom = max(1, min(_ZOOM, 3200 // row.shape[1]))
    return row.repeat(zoom, axis=0).repeat(zoom, axis=1)


@cache
def expected() -> frozenset[str]:
    """The names of all golden frames there should be."""
    return frozenset(shot.name for shot in shots())
