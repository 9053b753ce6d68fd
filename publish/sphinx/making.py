"""All clips of a documentation in one batch, or from a folder where they were rendered before."""

from __future__ import annotations

import dataclasses
import filecmp
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.util import logging

from torchreel.assets.errors import UserError
from torchreel.publish.sphinx.nodes import Film, Made
from torchreel.publish.sphinx.wish import Wish, said
from torchreel.render import batch, manifest, outputs
from torchreel.render.job import Job
from torchreel.render.progress import Silent
from torchreel.render.task import Failure, Result
from torchreel.render.workers import processors

FOLDER = "_torchreel"
"""Where a build has its films."""

SKIP = "skip-torchreel"
"""The tag of builds that do without clips."""

_logger = logging.getLogger(__name__)


def moves(builder: Builder) -> bool | None:
    """Whether a builder's pages move; None for those that show nobody a clip, such as a check of links.

    EPUB is a kind of HTML, but its readers play no films.
    """
    if builder.format == "html":
        return builder.name != "epub"
    shows = builder.format in ("text", "man") or "image/png" in builder.supported_image_types
    return False if shows else None


def make(app: Sphinx, wishes: Iterable[Wish]) -> dict[Wish, Made | Failure]:
    """What there is for each wish; nothing where clips are skipped, or where nobody sees them."""
    moving = moves(app.builder)
    if moving is None or SKIP in app.tags:
        return {}
    given = app.config.torchreel_prerendered
    root = Path(app.srcdir, given) if given else Path(app.doctreedir, "torchreel")
    made: dict[Wish, Made | Failure] = {}
    planned: dict[Wish, list[Job]] = {}
    for wish in dict.fromkeys(wishes):
        try:
            planned[wish] = wish.jobs(root, moving)
        except UserError as error:
            made[wish] = Failure("usage", str(error))
    if given:
        listed = manifest.read(root) if root.is_dir() else {}
        made |= {wish: _prerendered(jobs, root, listed) for wish, jobs in planned.items()}
    elif planned:
        made |= _rendered(app, planned)
    return made


def place(film: Path) -> str:
    """Where in a build a film is, by where it was made."""
    return f"{FOLDER}/{film.parent.name}/{film.name}"


def copy(app: Sphinx, made: Iterable[Made]) -> None:
    """Put the files that pages show into the build; those that are there stay."""
    for source in {path for one in made for film in one.films for path in film.files.values()}:
        target = Path(app.outdir, place(source))
        if target.is_file() and filecmp.cmp(source, target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = outputs.temporary(target)
        shutil.copy2(source, scratch)
        scratch.replace(target)


def _prerendered(jobs: Sequence[Job], root: Path, listed: manifest.Entries) -> Made | Failure:
    """What a folder has of a clip. Of two themes one is enough to show, but not to say nothing of the other."""
    jobs = [dataclasses.replace(job, folder=root) for job in jobs]
    there = [job for job in jobs if _is_there(job, listed.get(job.stem, {}))]
    lacking = [job for job in jobs if job not in there]
    remark = _missing(lacking[0]) if lacking else ""
    if not there:
        return Failure("missing", remark)
    alt = " ".join(str(listed[there[0].stem]["alt"][there[0].lang]).split())
    return Made(tuple(map(_film, there)), alt, remark)


def _is_there(job: Job, entry: dict[str, Any]) -> bool:
    """Whether all files are there that are listed, whatever their sizes and rates."""
    files = entry.get("files", {})
    return job.lang in entry.get("alt", {}) and all(
        output.format in files and job.path(output.format).is_file() for output in job.outputs
    )


def _missing(job: Job) -> str:
    suffixes = ",".join(output.format for output in job.outputs)
    changed = " --set … (as in the page)" if job.is_changed else ""
    return (
        f"{job.folder} does not have {job.stem} as {suffixes}, or its manifest.json does not list it. Render it: "
        f"torchreel render {job.label}{changed} -f {suffixes} --lang {job.lang} --theme {job.theme} -o {job.folder}"
    )


def _rendered(app: Sphinx, planned: dict[Wish, list[Job]]) -> dict[Wish, Made | Failure]:
    """All jobs in one batch. The folder is the build's own, so what stands there and is not known may go."""
    jobs = _merged([job for jobs in planned.values() for job in jobs])
    for path in manifest.strangers(job.path(suffix) for job in jobs for suffix in _suffixes(job)):
        path.unlink()
    at_once = min(app.config.torchreel_jobs or processors(), len(jobs))
    try:
        results = batch.run(jobs, _Reporter(len(jobs)), at_once=at_once, each_alone=True)
    except UserError as error:
        return dict.fromkeys(planned, Failure("failed", str(error)))
    by_path = {result.job.path("json"): result for result in results}
    return {
        wish: _made(wished, [by_path[job.path("json")] for job in wished]) for wish, wished in planned.items()
    }


def _merged(jobs: Iterable[Job]) -> list[Job]:
    """Jobs of the same clip as one, with the files of all."""
    found: dict[Path, Job] = {}
    for job in jobs:
        known = found.setdefault(job.path("json"), job)
        both = {output.format: output for output in (*known.outputs, *job.outputs)}
        found[job.path("json")] = dataclasses.replace(
            known, outputs=tuple(both[suffix] for suffix in sorted(both))
        )
    return list(found.values())


def _suffixes(job: Job) -> list[str]:
    return [*(output.format for output in job.outputs), "json"]


def _made(jobs: Sequence[Job], results: Sequence[Result]) -> Made | Failure:
    failure = next((result.failure for result in results if result.failure), None)
    if failure:
        _logger.debug(failure.trace)
        return Failure(failure.kind, said(failure.message))
    alt = " ".join(str(results[0].files["json"]["alt"][jobs[0].lang]).split())
    return Made(tuple(map(_film, jobs)), alt)


def _film(job: Job) -> Film:
    return Film(job.theme, {output.format: job.path(output.format) for output in job.outputs})


class _Reporter(Silent):
    """A line for each clip that is drawn; what comes from the cache is not worth one."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self.total, self.done = total, 0

    def finished(self, result: Result) -> None:
        self.done += 1
        if result.status == "rendered":
            what = f"{result.job.stem}, {result.seconds:.1f} s"
            _logger.info("torchreel: %s", "; ".join([what, *result.notes]))

    def _show(self, note: str) -> None:
        _logger.info("torchreel: %s", note)
