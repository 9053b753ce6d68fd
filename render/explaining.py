"""`torchreel explain`: what was asked for as calls, their clips as files, and what there is to report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torchreel.assets.errors import UserError
from torchreel.render.endings import DONE, FAILED
from torchreel.render.explain import Clip, Look, clip_of
from torchreel.render.plan import (
    NamedInput,
    named_inputs,
    read_formats,
    read_langs,
    read_state,
    read_themes,
)
from torchreel.render.progress import human_size
from torchreel.render.reel import Reel
from torchreel.render.sizes import read_size
from torchreel.scenes import own
from torchreel.scenes.trace.extent import DEFAULT_MEMORY


@dataclass
class Report:
    """What was written, and what is to be known of it; `failed` are calls that could not be drawn, with the reason."""

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 where a call could not be drawn."""
        return FAILED if self.failed else DONE

    def lines(self) -> Iterator[str]:
        """A line a file, then the notes."""
        for path in self.files:
            yield f"  {path}  {human_size(path.stat().st_size)}"
        yield from (f"  note: {note}" for note in self.notes)
        yield from (f"  not drawn: {why}" for why in self.failed)

    def plain(self) -> dict[str, Any]:
        """The same as data."""
        files = [str(path) for path in self.files]
        return {"exit_code": self.exit_code, "files": files, "notes": self.notes, "failed": self.failed}


def explain(
    call: str,
    *,
    input_text: Sequence[str],
    state: str | None,
    train: bool | None,
    only: str | None,
    every: str,
    most: int,
    tour: bool,
    formats: Iterable[str],
    folder: Path,
    quality: str,
    seed: int,
    precision: int,
    max_memory: str | None,
    prove: str,
    langs: Iterable[str],
    themes: Iterable[str],
) -> Report:
    """Draw what the options of the command line ask for. A mistake is a `UserError`, and nothing is written then."""
    endings = read_formats(formats)
    looks = [Look(lang, theme, precision) for lang in read_langs(langs) for theme in read_themes(themes)]
    asked = read(call, input_text, state, train, seed, max_memory, prove)
    if not asked.is_file:
        if tour or only is not None:
            raise UserError("--tour and --only are for nets: give one as FILE.py:NAME.")
        made = own.typed(asked)
        return _save([(asked.stem, clip_of(made, *look)) for look in looks], endings, folder, quality)
    recorder, notes = own.recorded(asked)
    reel = Reel(recorder, notes)
    if tour:
        tours = [(f"{asked.stem}-tour", reel.tour(lang=one.lang, theme=one.theme)) for one in looks]
        return _save(tours, endings, folder, quality)
    report = Report(notes=list(reel.notes))
    for look in looks:
        target = folder if len(looks) == 1 else folder / f"{look.lang}.{look.theme}"
        options = {**look._asdict(), "prove_all": asked.prove_all}
        report.files += reel.save(
            target, every=every, only=only, most=most, formats=endings, quality=quality, **options
        )
    report.failed = [f"{call.label}: {call.why_not}" for call in reel.failed]
    return report


def read(
    call: str,
    input_text: Sequence[str | NamedInput],
    state: str | None,
    train: bool | None,
    seed: int,
    max_memory: str | None,
    prove: str,
) -> own.Asked:
    """What is to be called and with what, by the options of the command line. Raises `UserError`."""
    in_order, named = named_inputs(input_text)
    return own.Asked(
        call,
        in_order,
        named,
        read_state(state) if state else None,
        train,
        seed,
        DEFAULT_MEMORY if max_memory is None else read_size(max_memory, "--max-memory "),
        prove == "all",
    )


def _save(clips: Sequence[tuple[str, Clip]], endings: Sequence[str], folder: Path, quality: str) -> Report:
    report = Report(notes=list(dict.fromkeys(note for _, clip in clips for note in clip.notes)))
    for stem, clip in clips:
        paths = [folder / f"{stem}.{clip.lang}.{clip.theme}.{ending}" for ending in endings]
        report.files += clip.save(*paths, quality=quality)
        report.notes += [one for one in clip.left_out if one not in report.notes]
    return report
