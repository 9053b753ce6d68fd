"""A player page from what the user named: clips by operator are rendered first, files are taken as they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torchreel.assets.errors import UserError
from torchreel.publish.clips import Clip, Film, film_of, grouped, is_file_name
from torchreel.publish.player.page import beside, inside, page
from torchreel.render.html import claim
from torchreel.render.job import Job
from torchreel.render.outputs import prepare_folder, write_whole

FORMATS = ("mp4,png",)


def split(given: Sequence[str]) -> tuple[list[str], list[Film]]:
    """What the user named: operators to render, and films that are there. Raises `UserError` for a file that is not."""
    names = [one for one in given if not is_file_name(one)]
    return names, [film_of(Path(one)) for one in given if is_file_name(one)]


def folder_of(target: Path) -> Path:
    """Where the films of a page are rendered to: a folder beside it, as browsers name theirs."""
    return target.with_name(f"{target.stem}_files")


def check_target(target: Path, force: bool) -> None:
    """Raise `UserError` unless a page can be written there."""
    if target.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"-o {target}: a page's name ends in .html.")
    claim(target, force)


def clips_of(films: Sequence[Film], jobs: Sequence[Job]) -> list[Clip]:
    """All clips of a page: those of files first, then those that were rendered."""
    rendered = [film_of(job.path("mp4")) for job in jobs]
    return grouped([*films, *rendered])


def write(target: Path, clips: Sequence[Clip], one_file: bool) -> None:
    """Write the page whole."""
    prepare_folder(target.parent)
    write_whole(target, page(clips, inside if one_file else beside(target)).encode())
