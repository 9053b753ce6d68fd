"""From what the user asked for to jobs: which examples, which sizes, which arguments.

Every mistake that can be found without torch is found here, before anything is imported or written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from torchreel.assets.errors import UserError
from torchreel.assets.examples import Example, did_you_mean, example, examples, families
from torchreel.render.job import FORMATS, Job, Output
from torchreel.render.settings import FILM, PAGE, View
from torchreel.render.sizes import read_size
from torchreel.scenes.trace.files import File, Size, is_file, read_file, read_resize, read_stream

# Manim's quality names and its sizes for video; GIF and WebP are for pages, so they are smaller and slower. Rates are
# multiples of ten, as beats last whole tenths of a second.
QUALITIES = {
    "l": (View(854, 480, 20), View(480, 270, 10)),
    "m": (FILM, PAGE),
    "h": (View(1920, 1080, 60), View(1280, 720, 20)),
    "k": (View(3840, 2160, 60), View(1920, 1080, 20)),
}
CAPTIONS = "captions"
NamedInput = tuple[str, str]
"""An input's name in forward, which may be empty, and its text or file."""
_VIDEO = ("mp4", "png")
_SHARD = re.compile(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", re.ASCII)
_NAMED = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)(.*)", re.ASCII | re.DOTALL)
_MOST_WIDTH, _LEAST_WIDTH = 7680, 160


def jobs(
    names: Sequence[str],
    everything: bool = False,
    family: str | None = None,
    *,
    formats: Iterable[str],
    folder: Path,
    langs: Iterable[str],
    themes: Iterable[str],
    settings: Iterable[str] = (),
    input_text: str | Sequence[str | NamedInput] | None = None,
    resize: str | None = None,
    seed: int = 0,
    precision: int = 2,
    quality: str = "m",
    fps: int | None = None,
    width: int | None = None,
    max_size: str | None = None,
    loop: int = 0,
    keyframes: str = CAPTIONS,
    call: Iterable[str] = (),
    state: str | None = None,
    train: bool | None = None,
    max_memory: str | None = None,
    prove: str | None = None,
) -> list[Job]:
    """The jobs that the options of the command line ask for, one for each example, language and theme."""
    files = outputs(read_formats(formats), quality, fps, width, loop, keyframes)
    overrides, arguments = read_settings(settings), read_settings(call, "--call", "output_size=5")
    first, inputs = read_inputs(input_text, resize)
    weights = None if state is None else read_state(state)
    memory = None if max_memory is None else read_size(max_memory, "--max-memory ")
    most = None if max_size is None else read_size(max_size)
    looks = [(lang, theme) for lang in read_langs(langs) for theme in read_themes(themes)]
    return [
        Job(
            chosen,
            folder,
            files,
            lang,
            theme,
            precision,
            seed,
            overrides,
            first,
            most,
            inputs=inputs,
            call=arguments,
            state=weights,
            train=train,
            max_memory=memory,
            prove_all=prove == "all",
        )
        for chosen in select(names, everything, family)
        for lang, theme in looks
    ]


def shard(planned: Sequence[Job], text: str) -> list[Job]:
    """The part `3/8` of a plan: every eighth job from the third on.

    The parts are disjoint and together the whole plan, on any machines, as they depend on nothing but it; neighbours,
    which take about as long, go to different parts. A part may be empty. Raises `UserError`.
    """
    match = _SHARD.fullmatch(text)
    number, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= parts:
        raise UserError(f"--shard {text}: expected a part and their number, from 1/8 to 8/8.")
    return list(planned[number - 1 :: parts])


def select(names: Sequence[str], everything: bool = False, family: str | None = None) -> list[Example]:
    """The examples meant by `Conv2d`, `Conv2d:stride`, `Conv2d:*`, by everything, or by a family; none twice.

    A family alone means all of it; with names it keeps those that belong to it. Raises `UserError` for an unknown
    name (with the nearest known one) and for an empty selection.
    """
    if family is not None and family not in families():
        raise UserError(_unknown("family", family, list(families())))
    chosen = [chosen for name in names for chosen in _named(name)]
    if everything or (family and not names):
        chosen += [chosen for named in examples().values() for chosen in named.values()]
    if family:
        chosen = [one for one in chosen if one.family == family]
        if names and not chosen:
            raise UserError(
                f"{', '.join(names)}: not in the family {family!r}; leave out --family or the names."
            )
    if not chosen:
        raise UserError(
            "Nothing to render: name an operator (torchreel render Conv2d), a family (--family pooling) or --all; "
            "'torchreel list' shows what there is."
        )
    return list({(one.operator, one.name): one for one in chosen}.values())


def _named(name: str) -> list[Example]:
    operator, colon, wanted = name.partition(":")
    if wanted != "*":
        return [example(operator, wanted if colon else None)]
    example(operator)
    return list(examples()[operator].values())


def _unknown(kind: str, given: str, known: Sequence[str]) -> str:
    return f"Unknown {kind} {given!r}.{did_you_mean(given, known)} Known: {', '.join(known)}."


def read_formats(given: Iterable[str]) -> tuple[str, ...]:
    """Formats from repeated options and comma lists, in a fixed order."""
    return _read_choices("format", given, FORMATS)


def read_langs(given: Iterable[str]) -> tuple[str, ...]:
    """Languages from repeated options and comma lists."""
    return _read_choices("language", given, ("zh", "en"))


def read_themes(given: Iterable[str]) -> tuple[str, ...]:
    """Themes from repeated options and comma lists."""
    return _read_choices("theme", given, ("light", "dark"))


def _read_choices(kind: str, given: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    wanted = [word.strip().lower() for text in given for word in text.split(",") if word.strip()]
    for word in wanted or [""]:
        if word not in known:
            raise UserError(_unknown(kind, word, known))
    return tuple(choice for choice in known if choice in wanted)


def read_settings(
    given: Iterable[str], option: str = "--set", such_as: str = "kernel_size=2"
) -> dict[str, str]:
    """Arguments from `name=value` texts; the values stay text until torch is there to take them."""
    settings: dict[str, str] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name.isidentifier() or not value:
            raise UserError(f"{option} {text}: expected name=value, such as {option} {such_as}.")
        if name in settings:
            raise UserError(f"{option} {name} was given twice; give it once.")
        settings[name] = value
    return settings


def read_inputs(
    given: str | Sequence[str | NamedInput] | None, resize: str | None = None
) -> tuple[str | None, dict[str, str]]:
    """The first input, if there is one without a name, and others by name: expressions, files, `-` for standard input.

    What is split into name and text already is taken like that. Files are read here, once. Raises `UserError` for what
    is given twice, and for a `resize` without a picture.
    """
    size = None if resize is None else read_resize(resize)
    found: dict[str, str] = {}
    named = [named_input(text) for text in ([given] if isinstance(given, str) else given or ())]
    if sum(text == "-" for _, text in named) > 1:
        raise UserError("--input - was given twice: standard input holds one tensor.")
    for name, text in named:
        if name in found:
            what = f"--input {name}" if name else "--input without a name, which is the first input,"
            raise UserError(f"{what} was given twice; give it once, and others as --input NAME=TENSOR.")
        found[name] = _input(text, size)
    pictures = [text for text in found.values() if isinstance(text, File) and text.kind == "picture"]
    if size is not None and not pictures:
        raise UserError("--resize makes a picture smaller: give one with --input photo.png.")
    return found.pop("", None), found


def named_inputs(given: Sequence[str | NamedInput]) -> tuple[list[str], dict[str, str]]:
    """Inputs in order and by name, of a call of the user's own. Files are read here, once. Raises `UserError`."""
    named = [named_input(text) for text in given]
    if sum(text == "-" for _, text in named) > 1:
        raise UserError("--input - was given twice: standard input holds one tensor.")
    found: dict[str, str] = {}
    for name, text in named:
        if name in found:
            raise UserError(f"--input {name} was given twice; give it once.")
        if name:
            found[name] = _input(text, None)
    return [_input(text, None) for name, text in named if not name], found


def named_input(text: str | NamedInput) -> NamedInput:
    """`target=[0, 2]` as a name and the rest; an empty name for what has none, such as `torch.ones(size=(1,))`."""
    if not isinstance(text, str):
        return text
    match = _NAMED.fullmatch(text)
    return (match[1], match[2].strip()) if match else ("", text)


def _input(text: str, size: Size | None) -> str:
    if isinstance(text, File):
        return text
    if text == "-":
        return read_stream(sys.stdin.buffer if sys.stdin else None, size)
    if not is_file(text):
        return text
    file = read_file(text)
    return file if size is None or file.kind != "picture" else File(file, file.kind, file.data, size)


def read_state(text: str) -> File:
    """A file of parameters, read here, once. Raises `UserError`."""
    file = read_file(text)
    if file.kind != "pt":
        raise UserError(
            f"--state {text}: expected a .pt file, written by torch.save(module.state_dict(), 'weights.pt')."
        )
    return file


def outputs(
    formats: Iterable[str],
    quality: str = "m",
    fps: int | None = None,
    width: int | None = None,
    loop: int = 0,
    keyframes: str = CAPTIONS,
) -> tuple[Output, ...]:
    """The files of one clip; `fps` and `width` replace the quality's for every format, the height follows as 16:9.

    `loop` is how often a GIF plays, 0 for ever; `keyframes` says whether an MP4 has them where `captions` begin.
    """
    if width is not None and not _LEAST_WIDTH <= width <= _MOST_WIDTH:
        raise UserError(f"--width {width}: expected {_LEAST_WIDTH} to {_MOST_WIDTH} px.")
    if fps is not None and not 1 <= fps <= 60:
        raise UserError(f"--fps {fps}: expected 1 to 60 frames per second.")
    if quality not in QUALITIES:
        raise UserError(_unknown("quality", quality, list(QUALITIES)))
    large, small = QUALITIES[quality]
    asked: dict[str, dict[str, Any]] = {"gif": {"loop": loop}, "mp4": {"keyframes": keyframes == CAPTIONS}}
    return tuple(
        Output(name, _adjust(large if name in _VIDEO else small, fps, width), **asked.get(name, {}))
        for name in formats
    )


def _adjust(view: View, fps: int | None, width: int | None) -> View:
    if width is None:
        return View(view.width, view.height, fps or view.fps)
    return View(width - width % 2, even_height(width), fps or view.fps)


def even_height(width: int) -> int:
    """The 16:9 height of a width in px, rounded to an even number as video needs it."""
    return round(width * 9 / 32) * 2
