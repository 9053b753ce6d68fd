"""Contact sheets: a clip's frames at 800 px, two a row, to look at. `python -m torchreel.render.contact_sheet Conv2d`.

A sheet has the end of every beat that is looked at slowly, some of the sweep and a few moments in between; each frame
has its time in seconds and the beat's name. Without names, all examples are drawn, in both languages and both themes.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from torchreel.assets.captions import LANGUAGES
from torchreel.assets.errors import UserError
from torchreel.assets.examples import Example, example, examples
from torchreel.render.renderer import capture
from torchreel.render.settings import PAGE, View
from torchreel.scenes import registry
from torchreel.scenes.stage.scene import OperatorScene, Section
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace
from torchreel.scenes.trace.threads import use_one_thread

THEMES = ("light", "dark")
_COLUMNS = 2
_MOST_FRAMES = 20
_STRIP = 22
_QUICK = 0.45
_CLOCK = View(16, 9, PAGE.fps)


@dataclass(frozen=True)
class Sheet:
    """One contact sheet to make: a clip in one look."""

    operator: str
    example: str
    lang: str
    theme: str

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.operator}-{self.example}.{self.lang}.{self.theme}.png"


def draw(sheet: Sheet, most: int = _MOST_FRAMES) -> Image.Image:
    """The sheet as a picture, 1600 px wide, of at most about `most` frames."""
    chosen = example(sheet.operator, sheet.example)
    request = Request(_trace(sheet.operator, sheet.example), chosen, sheet.lang, sheet.theme)
    scene_class = registry.find(sheet.operator)
    played: list[OperatorScene] = []

    def make(renderer: object) -> OperatorScene:
        played.append(scene_class(request, renderer=renderer))
        return played[-1]

    capture(make, _CLOCK, [])
    moments = list(pick(played[0].sections, most))
    frames = capture(make, PAGE, [time for time, _ in moments])
    return _compose(frames, [f"{time:.2f} s  {label}" for time, label in moments])


@cache
def _trace(operator: str, name: str) -> Trace:
    trace: Trace = registry.find(operator).operator.trace_example(example(operator, name))
    return trace


def pick(sections: Sequence[Section], most: int) -> Iterator[tuple[float, str]]:
    """Times to look at (seconds) with what they show: slow beats in the middle and at the end, quick ones sampled."""
    slow = [number for number, part in enumerate(sections) if part.end - part.start > _QUICK]
    quick = [number for number in range(len(sections)) if number not in slow]
    room = max(3, most - len(slow))
    shown = sorted({*slow, *quick[:: -(-len(quick) // room) or 1]})
    between = set(slow[:: -(-len(slow) // max(1, most - len(shown))) or 1]) if len(shown) < most else set()
    frame = 1 / PAGE.fps
    for number in shown:
        part = sections[number]
        if number in between:
            yield part.start + min(0.3, (part.end - part.start) / 2), f"{number + 1} {part.name}, on its way"
        yield part.end - frame, f"{number + 1} {part.name}"


def _compose(frames: Sequence[np.ndarray], labels: Sequence[str]) -> Image.Image:
    rows = -(-len(frames) // _COLUMNS)
    height = PAGE.height + _STRIP
    sheet = Image.new("RGB", (_COLUMNS * PAGE.width, rows * height), "#808080")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, (frame, label) in enumerate(zip(frames, labels, strict=True)):
        left, top = number % _COLUMNS * PAGE.width, number // _COLUMNS * height
        pen.text((left + 8, top + 3), label, "#ffffff", font)
        sheet.paste(Image.fromarray(frame[..., :3]), (left, top + _STRIP))
    return sheet


def clips(names: Iterable[str]) -> list[Example]:
    """The examples that names mean: `Conv2d` all of an operator's, `Conv2d:stride` one, nothing at all every one."""
    found: list[Example] = []
    for name in names:
        operator, _, wanted = name.partition(":")
        found += [example(operator, wanted)] if wanted else _all_of(operator)
    return found or [one for named in examples().values() for one in named.values()]


def _all_of(operator: str) -> list[Example]:
    first = example(operator)
    return list(examples()[first.operator].values())


def _write(task: tuple[Sheet, int, Path]) -> str:
    sheet, most, folder = task
    draw(sheet, most).save(folder / sheet.name)
    return sheet.name


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sheets asked for; prints each file's name when it is there."""
    parser = argparse.ArgumentParser(prog="contact_sheet", description="Draw clips as sheets of frames.")
    parser.add_argument("clips", nargs="*", help="Conv2d, Conv2d:stride, …; all without")
    parser.add_argument("--lang", action="append", choices=LANGUAGES, help="one language only")
    parser.add_argument("--theme", action="append", choices=THEMES, help="one theme only")
    parser.add_argument("--frames", type=int, default=_MOST_FRAMES, help="about how many frames a sheet")
    parser.add_argument("-o", "--output", type=Path, default=Path("build/contact-sheets"))
    parser.add_argument("-j", "--jobs", type=int, default=1)
    given = parser.parse_args(arguments)
    try:
        chosen = clips(given.clips)
    except UserError as error:
        parser.error(str(error))
    given.output.mkdir(parents=True, exist_ok=True)
    tasks = [
        (Sheet(one.operator, one.name, lang, theme), given.frames, given.output)
        for one in chosen
        for lang in given.lang or LANGUAGES
        for theme in given.theme or THEMES
    ]
    use_one_thread()
    for one in chosen:
        registry.find(one.operator)
    with multiprocessing.get_context("fork").Pool(min(given.jobs, len(tasks))) as pool:
        for name in pool.imap(_write, tasks):
            print(given.output / name)


if __name__ == "__main__":
    main()
