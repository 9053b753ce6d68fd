"""Finished clips as pages take them: one call, with its films in every language and theme that there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torchreel.assets.errors import UserError
from torchreel.render.job import FORMATS, LEDGER

_WANTED = ("title", "call", "family", "reads")


@dataclass(frozen=True)
class Film:
    """One rendered clip: its files are those of one stem, `Conv2d-stride.zh.light`, in one folder."""

    folder: Path
    stem: str

    @property
    def video(self) -> Path:
        """The MP4, which need not be there."""
        return self.folder / f"{self.stem}.mp4"

    @property
    def poster(self) -> Path | None:
        """The finished figure as PNG, where it was rendered."""
        path = self.folder / f"{self.stem}.png"
        return path if path.is_file() else None

    @cached_property
    def ledger(self) -> dict[str, Any]:
        """What the clip shows. Raises `UserError` where there is no whole ledger with what pages need."""
        path = self.folder / f"{self.stem}.{LEDGER}"
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file; a clip's ledger stands beside it. {self._again}") from error
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{path} is no ledger that can be read. {self._again}") from error
        if not isinstance(found, dict) or "steps" not in found or "tensors" not in found:
            raise UserError(f"{path} is not a ledger of torchreel's. {self._again}")
        if any(name not in found for name in _WANTED):
            raise UserError(f"{path} was written by an older torchreel and lacks what a page needs. {self._again}")
        return found

    def check(self) -> None:
        """Raise `UserError` unless the film and its ledger are there."""
        if not self.video.is_file():
            raise UserError(f"{self.video}: no such file; a page shows the MP4. {self._again}")
        _ = self.ledger

    @property
    def lang(self) -> str:
        """The language of the words in the picture."""
        return str(self.ledger["lang"])

    @property
    def theme(self) -> str:
        """The theme of the picture."""
        return str(self.ledger["theme"])

    @property
    def _again(self) -> str:
        return "Render it with torchreel render -f mp4,png."


@dataclass(frozen=True)
class Clip:
    """One call, told in one or several films; the first is the one to begin with."""

    key: str
    films: tuple[Film, ...]

    @property
    def ledger(self) -> Mapping[str, Any]:
        """The first film's ledger; what it says of the call is the same in all."""
        return self.films[0].ledger


def grouped(films: Iterable[Film]) -> list[Clip]:
    """Films of the same call as one clip, in the order in which they come; none twice.

    They are of one call if they stand in one folder and their stems differ in language and theme only.
    """
    calls: dict[tuple[Path, str], dict[Film, None]] = {}
    for film in films:
        calls.setdefault((film.folder, _key(film)), {})[film] = None
    return [Clip(key, tuple(found)) for (_, key), found in calls.items()]


def _key(film: Film) -> str:
    return film.stem.removesuffix(f".{film.lang}.{film.theme}")


def is_file_name(given: str) -> bool:
    """Whether a clip is named by a file rather than by its operator."""
    return Path(given).suffix.lower().removeprefix(".") in (*FORMATS, LEDGER)


def film_of(path: Path) -> Film:
    """The film that a file belongs to; raises `UserError` unless its video and ledger are there."""
    film = Film(path.parent, path.stem)
    film.check()
    return film
