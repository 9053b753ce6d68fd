"""New golden frames are looked at before they are taken.

    make golden CLIPS="Conv2d MaxPool2d:padding"     draws these clips and writes a page of what differs
    make golden-accept CLIPS=Conv2d-stride.zh.light.last     takes one frame; a clip's name takes all of it

The page is `build/golden/index.html`: golden, new frame and difference side by side. Candidates wait beside it, and
whatever is accepted leaves it. Without CLIPS both mean everything.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from torchreel.assets.errors import UserError
from torchreel.assets.examples import did_you_mean
from torchreel.render.contact_sheet import clips
from torchreel.scenes.trace.threads import use_one_thread
from torchreel.tests.golden import FOLDER, Golden, Shot, expected, keep_difference, shots, take

REVIEW = Path(__file__).parent.parent / "build" / "golden"
_REASONS = "reasons.json"
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Golden frames to review</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }}
body {{ margin: 1rem }}
section {{ border-top: 1px solid #8888; padding: .6rem 0 1.2rem }}
h2 {{ font-size: 1.1rem; margin: 0 }}
div {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: .6rem }}
figure {{ margin: 0 }} img {{ width: 100% }} code {{ user-select: all }}
</style>
<h1>{count} to review</h1>
<p>Accept everything: <code>make golden-accept</code></p>
{entries}
</html>
"""
_ENTRY = """<section><h2>{stem}</h2>
<p>{reason} Accept: <code>make golden-accept CLIPS={stem}</code></p>
<div>{pictures}</div></section>
"""


def review(names: Sequence[str], jobs: int = 1, goldens: Path = FOLDER, folder: Path = REVIEW) -> list[str]:
    """Draw the frames of some clips, by default of all; the names of those that differ from their goldens."""
    wanted = _shots(names)
    reasons = {
        name: why for name, why in pending(folder).items() if name not in {shot.name for shot in wanted}
    }
    tasks = [(shot, goldens, folder) for shot in wanted]
    use_one_thread()
    with multiprocessing.get_context("fork").Pool(min(jobs, len(tasks)) or 1) as pool:
        found = pool.imap(_candidate, tasks, chunksize=2)
        reasons |= {shot.name: why for shot, why in zip(wanted, found, strict=True) if why}
    _save(reasons, folder)
    return [shot.name for shot in wanted if shot.name in reasons]


def accept(names: Sequence[str], goldens: Path = FOLDER, folder: Path = REVIEW) -> list[str]:
    """Take waiting candidates, by default all of them and leave no golden of a clip that is gone; what was taken."""
    waiting = pending(folder)
    taken = [name for name in waiting if not names or any(_means(given, name) for given in names)]
    for given in names:
        if not any(_means(given, name) for name in taken):
            hint = did_you_mean(given, [Path(name).stem for name in waiting])
            raise UserError(
                f"No golden frame of {given!r} waits for review.{hint} Run `make golden CLIPS=…` first."
            )
    for name in taken:
        goldens.mkdir(parents=True, exist_ok=True)
        (folder / name).replace(goldens / name)
    if not names:
        for path in goldens.glob("*.png"):
            if path.name not in expected():
                path.unlink()
    _save({name: why for name, why in waiting.items() if name not in taken}, folder)
    return taken


def pending(folder: Path = REVIEW) -> dict[str, str]:
    """The frames that wait for review, each with what is different."""
    path = folder / _REASONS
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def page(reasons: Mapping[str, str], folder: Path) -> str:
    """The review page: what differs, in pictures, and the command that accepts it."""
    entries = (
        _ENTRY.format(stem=Path(name).stem, reason=escape(why), pictures="".join(_pictures(name, folder)))
        for name, why in sorted(reasons.items())
    )
    return _PAGE.format(count=len(reasons), entries="".join(entries))


def _pictures(name: str, folder: Path) -> Iterator[str]:
    for kind in ("golden", "frame", "difference"):
        path = folder / f"{Path(name).stem}.{kind}.png"
        picture = (
            f'<a href="{path.name}"><img src="{path.name}" alt="{kind}"></a>' if path.exists() else "none"
        )
        yield f"<figure><figcaption>{kind}</figcaption>{picture}</figure>"


def _shots(names: Sequence[str]) -> list[Shot]:
    drawn = {(one.operator, one.name) for one in clips(names)}
    return [shot for shot in shots() if (shot.operator, shot.example) in drawn]


def _means(given: str, name: str) -> bool:
    """Whether `Conv2d`, `Conv2d:stride` or `Conv2d-stride.zh.light.last` means a frame's file."""
    clip = name.split(".")[0]
    return given in (name, Path(name).stem, clip, clip.replace("-", ":", 1), clip.partition("-")[0])


def _candidate(task: tuple[Shot, Path, Path]) -> str:
    """Draw a frame and keep it if it differs; in what it does."""
    shot, goldens, folder = task
    frame = take(shot)
    _clear(shot.name, folder)
    if not (goldens / shot.name).exists():
        fresh = Golden.of(frame)
        fresh.save(folder / shot.name)
        fresh.save(folder / f"{Path(shot.name).stem}.frame.png")
        return "There is no golden frame yet."
    golden = Golden.load(goldens / shot.name)
    why, where = golden.compare(frame)
    if not why:
        return ""
    Golden.of(frame).save(folder / shot.name)
    keep_difference(shot, golden, frame, where, folder)
    return f"{why[0].upper()}{why[1:]}."


def _save(reasons: Mapping[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stems = {Path(name).stem for name in reasons}
    for path in folder.glob("*.png"):
        if path.stem not in stems and path.stem.rpartition(".")[0] not in stems:
            path.unlink()
    (folder / _REASONS).write_text(json.dumps(dict(reasons), indent=1), "utf-8")
    (folder / "index.html").write_text(page(reasons, folder), "utf-8")


def _clear(name: str, folder: Path) -> None:
    for path in folder.glob(f"{Path(name).stem}.*png"):
        path.unlink()


def main(arguments: Iterable[str] | None = None) -> None:
    """Draw candidates, or accept them; prints their names and where the page is."""
    parser = argparse.ArgumentParser(prog="golden_review", description="Review golden frames.")
    parser.add_argument(
        "clips", nargs="*", help="Conv2d, Conv2d:stride, Conv2d-stride.zh.light.last; all without"
    )
    parser.add_argument("--accept", action="store_true", help="take what waits for review")
    parser.add_argument("-j", "--jobs", type=int, default=1)
    given = parser.parse_args(None if arguments is None else list(arguments))
    try:
        found = accept(given.clips) if given.accept else review(given.clips, given.jobs)
    except UserError as error:
        parser.error(str(error))
    print(*found, sep="\n")
    print(
        f"{len(found)} {'accepted' if given.accept else 'to review'}; {len(pending())} waiting in {REVIEW}/index.html"
    )


if __name__ == "__main__":
    main()
