"""The key of a finished file: the digest of all that decides its bytes, and of nothing else.

That is the call, the words and colours it is shown in, size and rate; what the operator's captions can say and its
examples; the source of its family, of the common rooms and of the renderer; the fonts, and the versions of what all of
it runs on. So an edited family leaves the clips of the others as they are. Nothing here imports torch or Manim.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torchreel
from torchreel.assets import captions
from torchreel.assets.examples import examples
from torchreel.assets.themes import theme
from torchreel.render.job import LEDGER, Job, Output
from torchreel.render.outputs import digest

ROOT = Path(torchreel.__file__).parent

_VERSIONS = ("torch", "manim", "av", "numpy", "uharfbuzz", "pycairo", "cairocffi", "imageio", "pillow")
_FONTS = (".otf", ".ttf")


def keys(job: Job) -> dict[str, str]:
    """The keys of all files of a clip, by suffix."""
    clip = _clip(job)
    media = {output.format: _media(clip, job, output) for output in job.outputs}
    return {**media, LEDGER: _ledger(clip, job)}


def ledger_key(job: Job) -> str:
    """The key of a clip's ledger, whose boxes are in the pixels of one view."""
    return _ledger(_clip(job), job)


def _media(clip: str, job: Job, output: Output) -> str:
    return _digest(clip, output, job.max_size if output.format == "gif" else None)


def _ledger(clip: str, job: Job) -> str:
    return _digest(clip, LEDGER, job.ledger_view)


def _clip(job: Job) -> str:
    operator = job.example.operator
    return _digest(
        _runs_on(),
        _source_of(job.example.family),
        _told_of(operator),
        _colours(job.theme),
        job.call_key,
        (job.lang, job.theme, job.precision),
    )


def _digest(*parts: object) -> str:
    """A digest of data whose `repr` says all there is to it."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@cache
def _runs_on() -> tuple[tuple[str, str], ...]:
    versions = [(name, _version(name)) for name in _VERSIONS]
    return ("python", platform.python_version()), ("machine", platform.machine()), *versions


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


@cache
def _colours(name: str) -> str:
    return _digest(dataclasses.astuple(theme(name)))


@cache
def _told_of(operator: str) -> str:
    """The operator's examples, since its settings may turn one into another, and all that its clips can say."""
    named = examples().get(operator, {})
    return _digest(named, [captions.texts_of(operator, named, lang) for lang in captions.LANGUAGES])


@cache
def _source_of(family: str) -> str:
    return _digest(_common_source(), _contents(_files(ROOT / "scenes" / family)))


@cache
def _common_source() -> str:
    return _digest(_contents(common_sources()))


def common_sources() -> Iterator[Path]:
    """The files that all clips are made of: the common rooms, the renderer, what reads the assets, and the fonts."""
    yield from sorted((ROOT / "assets").glob("*.py"))
    yield from (path for path in _files(ROOT / "assets" / "fonts") if path.suffix in _FONTS)
    yield from _files(ROOT / "render")
    for path in sorted((ROOT / "scenes").iterdir()):
        if path.is_dir() and not (path / "operators.py").exists():
            yield from _files(path)
        elif path.suffix == ".py" and path.name != "api.py":
            yield path


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.suffix != ".pyc" and path.is_file()]


def _contents(paths: Iterator[Path] | list[Path]) -> list[tuple[str, str]]:
    return [(path.relative_to(ROOT).as_posix(), digest(path)) for path in paths]
