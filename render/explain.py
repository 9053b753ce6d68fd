"""torchreel from Python: a clip of any call of a supported module, drawn when it is asked for.

The call is traced at once, so that a mistake is found where it is made; frames come when the clip is saved or shown.
"""

from __future__ import annotations

import base64
import html
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render import clip, jsontext, ledger, outputs
from torchreel.render.job import FORMATS, LEDGER, Job, Output
from torchreel.render.plan import outputs as sized
from torchreel.render.plan import read_langs, read_themes
from torchreel.render.settings import PAGE, View
from torchreel.render.sizes import read_size
from torchreel.scenes import registry
from torchreel.scenes.api import Called, called, spelled_out
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace

_FINEST = 6


@dataclass(frozen=True)
class ClipStep:
    """What a clip says from `start` to `end` (seconds): a caption in every language, and the formula at its end."""

    start: float
    end: float
    caption: Mapping[str, str]
    formula: str


def explain(
    what: Any,
    *inputs: Any,
    lang: str | None = None,
    theme: str | None = None,
    precision: int = 2,
    prove_all: bool = False,
    **kwargs: Any,
) -> Clip:
    """A clip that explains the call `what(*inputs, **kwargs)`, with the values torch computes for it.

        clip = torchreel.explain(nn.Conv2d(1, 4, 3, stride=2), torch.randn(1, 1, 8, 8))
        clip.save("conv.gif", "conv.mp4")

    `what` is a module of a supported class, in training or evaluation, with its own parameters, buffers and hooks; the
    arguments are those of the call itself. It is made once, on copies: module, inputs and torch's random state stay as
    they are. `lang` is `"zh"` or `"en"`, `theme` `"light"` or `"dark"` (by default those of `TORCHREEL_LANG` and
    `TORCHREEL_THEME`, else `"zh"` and `"light"`); `precision` is the most decimals shown, 0 to 6. With
    `prove_all` no element of a very large tensor is taken on trust, however long that takes.

    Raises `torchreel.UserError` for what is not supported and for a call that torch refuses, and `torchreel.TraceError`
    for one whose steps do not add up.
    """
    return clip_of(called(what, inputs, kwargs, prove_all, spelled_out), lang, theme, precision)


def clip_of(made: Called, lang: str | None = None, theme: str | None = None, precision: int = 2) -> Clip:
    """The clip of a call that is traced already; the options are those of `explain`."""
    look = Look.read(lang, theme, precision)
    request = Request(made.trace, example(made.trace.name), *look, made.spelling)
    return Clip(request, made.notes)


def clip_of_job(job: Job) -> Clip:
    """The clip of an example, with what the user changed of it."""
    made = clip.trace(job)
    return Clip(Request(made.trace, job.example, job.lang, job.theme, job.precision), made.notes)


class Look(NamedTuple):
    """In which words and colours a clip is drawn, and with how many decimals at most."""

    lang: str
    theme: str
    precision: int

    @classmethod
    def read(cls, lang: str | None = None, theme: str | None = None, precision: int = 2) -> Look:
        """The options of `explain`, with what the environment says where they say nothing."""
        if not isinstance(precision, int) or isinstance(precision, bool) or not 0 <= precision <= _FINEST:
            raise UserError(f"precision={precision!r} should be a whole number from 0 to {_FINEST}.")
        words = _one("lang", lang or os.environ.get("TORCHREEL_LANG", "zh"), read_langs)
        colours = _one("theme", theme or os.environ.get("TORCHREEL_THEME", "light"), read_themes)
        return cls(words, colours, precision)


def _one(name: str, given: Any, read: Callable[[Iterable[str]], tuple[str, ...]]) -> str:
    chosen = read([str(given)])
    if len(chosen) != 1:
        raise UserError(f"{name}={given!r}: a clip has one {name}; make one for each.")
    return str(chosen[0])


class Clip:
    """One explained call: what it computes (`trace`), what the clip says of it, and its files.

    `notes` are sentences on what was found or chosen on the caller's behalf. In Jupyter a clip shows itself.
    """

    def __init__(
        self, request: Request, notes: Iterable[str] = (), scene: type[OperatorScene] | None = None
    ) -> None:
        self._request = request
        self._scene = scene or registry.find(request.trace.name)
        self.notes = tuple(notes)

    @property
    def lang(self) -> str:
        """The language of its words."""
        return self._request.lang

    @property
    def theme(self) -> str:
        """Its colours."""
        return self._request.theme

    @property
    def left_out(self) -> list[str]:
        """What the picture itself says it does not show."""
        return list(self.ledger["left_out"])

    @property
    def trace(self) -> Trace:
        """The proved call."""
        return self._request.trace

    def save(
        self,
        *paths: str | os.PathLike[str],
        quality: str = "m",
        fps: int | None = None,
        width: int | None = None,
        max_size: str | None = None,
    ) -> list[Path]:
        """Write the clip to files, each in the format of its suffix: gif, mp4, png, webp, or json for the ledger.

        All are drawn in one pass, and appear whole or not at all. `quality` is `"l"`, `"m"`, `"h"` or `"k"`; `fps`
        (frames per second) and `width` (px) replace the quality's; `max_size`, such as `"600kB"`, is the most bytes of
        a GIF. Returns the paths. Raises `UserError` for a suffix that is no format, `OSError` where a file cannot be
        written.
        """
        wanted = _by_format([Path(path) for path in paths])
        files = sized(tuple(name for name in FORMATS if name in wanted), quality, fps, width)
        job = self._job(
            files or sized(["gif"]), None if max_size is None else read_size(max_size, "max_size=")
        )
        with tempfile.TemporaryDirectory(prefix="torchreel-") as folder:
            scratch = {suffix: Path(folder, f"clip.{suffix}") for suffix in (*wanted, LEDGER)}
            clip.draw(job, self._request, files, scratch, scene_class=self._scene, notes=self.notes)
            for suffix, targets in wanted.items():
                for target in targets:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    outputs.write_whole(target, scratch[suffix].read_bytes())
        return [Path(path) for path in paths]

    def poster(self, width: int = PAGE.width) -> Image.Image:
        """The finished figure as a picture, `width` px wide."""
        [output] = sized(["gif"], width=width)
        frame = self._played[1] if output.view == PAGE else self._figure(output.view)[0]
        return Image.fromarray(frame).convert("RGB")

    @property
    def ledger(self) -> dict[str, Any]:
        """What the clip shows, when and where, as plain data; boxes are in px of an 800x450 frame."""
        return self._played[0]

    @property
    def alt(self) -> str:
        """What the clip shows, for readers who cannot see it, in the clip's language."""
        return str(self.ledger["alt"][self._request.lang])

    @property
    def call(self) -> str:
        """The call as the clip's title writes it."""
        return str(self.ledger["call"])

    @property
    def steps(self) -> list[ClipStep]:
        """The clip's captions in order, each with its times and the formula that stands at its end."""
        return [ClipStep(**step) for step in ledger.captions(self.ledger)]

    @cached_property
    def _played(self) -> tuple[dict[str, Any], np.ndarray]:
        """The ledger and the figure, for which the scene is played once and one frame painted."""
        frame, scene = self._figure(PAGE)
        found = ledger.build(self._job(sized(["gif"])), self.trace, scene, self.notes)
        return json.loads(jsontext.compact(found)), frame

    def _figure(self, view: View) -> tuple[np.ndarray, Any]:
        [frame], scene = clip.play(partial(self._scene, self._request), view, -1)
        return frame, scene

    def _job(self, files: tuple[Output, ...], max_size: int | None = None) -> Job:
        told = self._request
        return Job(
            told.example,
            Path(),
            files,
            told.lang,
            told.theme,
            told.precision,
            self.trace.seed,
            max_size=max_size,
        )

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """The moving picture where HTML is shown, its figure where nothing moves, and words for the rest."""
        with tempfile.TemporaryDirectory(prefix="torchreel-") as folder:
            [path] = self.save(Path(folder, "clip.gif"))
            moving = path.read_bytes()
        still = io.BytesIO()
        self.poster().save(still, "PNG")
        alt = html.escape(self.alt)
        shown = {
            "text/html": f'<img src="data:image/gif;base64,{_base64(moving)}" width="{PAGE.width}" alt="{alt}">',
            "image/png": _base64(still.getvalue()),
            "text/plain": f"{self.call}: {self.alt}",
        }
        return shown, {"image/png": {"alt": self.alt}}

    def __repr__(self) -> str:
        return f"<torchreel.Clip of {self.trace.name}>"


def _by_format(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """The files to write by the format that their suffix names."""
    known = (*FORMATS, LEDGER)
    found: dict[str, list[Path]] = {}
    for path in paths:
        suffix = path.suffix.lower().removeprefix(".")
        if suffix not in known:
            raise UserError(
                f"save({str(path)!r}): the suffix says the format; it is one of {', '.join(known)}."
            )
        found.setdefault(suffix, []).append(path)
    if not found:
        raise UserError('save() takes the files to write, such as save("conv.gif", "conv.mp4").')
    return found


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
