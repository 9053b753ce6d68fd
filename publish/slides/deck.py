"""What a deck shows, whatever it is written as: one slide a caption, one a clip, or both."""

from __future__ import annotations

import io
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import av
from PIL import Image

from torchreel.publish.pieces import cut
from torchreel.render.ledger import captions

_SCRIPT = re.compile(r"([_^])\{([^{}]*)\}")


@dataclass(frozen=True)
class Told:
    """A finished clip: its name as the user types it, its film and its ledger."""

    label: str
    mp4: Path
    ledger: Mapping[str, Any]


@dataclass(frozen=True)
class Slide:
    """One slide: a `movie` (the bytes of an MP4), which stays on its last picture or begins again, and its words.

    `said` are the captions that the movie shows, each with its formula, `numbers` those of its last picture, with their
    boxes in px of a picture that is `width` px wide.
    """

    title: str
    call: str
    said: Sequence[tuple[str, str]]
    alt: str
    lang: str
    theme: str
    movie: bytes
    loop: bool
    numbers: Sequence[Mapping[str, Any]]
    width: int

    @cached_property
    def seconds(self) -> float:
        """How long the movie is."""
        with av.open(io.BytesIO(self.movie)) as source:
            stream = source.streams.video[0]
            return float(stream.frames / stream.average_rate)

    @cached_property
    def first(self) -> Image.Image:
        """The movie's first picture."""
        with av.open(io.BytesIO(self.movie)) as source:
            return next(source.decode(video=0)).to_image()

    @cached_property
    def last(self) -> Image.Image:
        """The movie's last picture, on which it stays."""
        with av.open(io.BytesIO(self.movie)) as source:
            [final] = deque(source.decode(video=0), maxlen=1)
            return final.to_image()

    @property
    def notes(self) -> str:
        """What the lecturer reads: captions with their formulas, and the call."""
        return "\n".join([*(text for pair in self.said for text in pair if text), self.call])


def slides(clips: Sequence[Told], per: str = "caption", loop: bool = False) -> list[Slide]:
    """The slides of some clips: `per` `"caption"`, `"clip"` or `"both"` (a clip's captions, then the clip as a whole).

    `loop` has whole clips begin again. Captions need an MP4 with a keyframe where each begins; raises `ValueError`.
    """
    titles = _titles(clips)
    made: list[Slide] = []
    for clip, title in zip(clips, titles, strict=True):
        if per in ("caption", "both"):
            made += _steps(clip, title)
        if per in ("clip", "both"):
            made.append(_whole(clip, title, loop))
    return made


def _titles(clips: Sequence[Told]) -> list[str]:
    """A title for each clip; clips of the same title are told apart by their names."""
    named = [str(_said(clip, clip.ledger["title"])) for clip in clips]
    count = Counter(named)
    return [
        title if count[title] == 1 else f"{title}, {clip.label}"
        for clip, title in zip(clips, named, strict=True)
    ]


def _steps(clip: Told, title: str) -> Iterator[Slide]:
    told = captions(clip.ledger)
    movies = cut(clip.mp4, [step["start"] for step in told])
    for place, (step, movie) in enumerate(zip(told, movies, strict=True), 1):
        said = _words(clip, step)
        yield _slide(clip, f"{title} ({place}/{len(told)})", [said], said[0], movie, step["end"])


def _whole(clip: Told, title: str, loop: bool) -> Slide:
    said = [_words(clip, step) for step in captions(clip.ledger)]
    alt = str(_said(clip, clip.ledger["alt"]))
    return _slide(clip, title, said, alt, clip.mp4.read_bytes(), clip.ledger["duration"], loop)


def _slide(
    clip: Told,
    title: str,
    said: Sequence[tuple[str, str]],
    alt: str,
    movie: bytes,
    end: float,
    loop: bool = False,
) -> Slide:
    ledger = clip.ledger
    last = [step["numbers"] for step in ledger["steps"] if step["end"] <= end + 1e-6][-1]
    return Slide(
        title,
        ledger["call"],
        tuple(said),
        alt,
        ledger["lang"],
        ledger["theme"],
        movie,
        loop,
        last,
        ledger["size"]["width"],
    )


def _words(clip: Told, step: Mapping[str, Any]) -> tuple[str, str]:
    return _said(clip, step["caption"]), plain(step["formula"])


def _said(clip: Told, words: Mapping[str, str]) -> str:
    return words[clip.ledger["lang"]]


def plain(formula: str) -> str:
    """A formula as one types it: `y_{0,2}` is y_(0,2), `c_{t}` is c_t."""
    return _SCRIPT.sub(
        lambda found: found[1] + (found[2] if len(found[2]) == 1 else f"({found[2]})"), formula
    )


def small_png(picture: Image.Image) -> bytes:
    """A picture as a PNG of 256 colours: a third of the bytes, and no colour far from its own."""
    target = io.BytesIO()
    method = Image.Quantize.MAXCOVERAGE  # others forget the few pixels of a coloured number
    few = picture.convert("RGB").quantize(256, method, kmeans=1, dither=Image.Dither.NONE)
    few.save(target, "PNG", optimize=True)
    return target.getvalue()
