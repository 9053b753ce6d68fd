"""From what the user asked for to jobs: which examples, which sizes, which arguments.

Every mistake that can be found without torch is found here, before anything is imported or written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from torchreel.assets.errors import UserError
from torchreel.assets.examples import Example, did_you_mean, example, examples, families
from torchreel.render.job import FORMATS, Job, Output
from torchreel.render.settings import FILM, PAGE, View
from torchreel.render.sizes import read_size
from torchreel.scenes.trace.files import is_file, read_file, read_resize, read_stream

# Manim's quality names and its sizes for video; GIF and WebP are for pages, so they are smaller and slower. Rates are
# multiples of ten, as beats last whole tenths of a second.
QUALITIES = {
    "l": (View(854, 480, 20), View(480, 270, 10)),
    "m": (FILM, PAGE),
    "h": (View(1920, 1080, 60), View(1280, 720, 20)),
    "k": (View(3840, 2160, 60), View(1920, 1080, 20)),
}
_VIDEO = ("mp4", "png")
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
    input_text: str | Sequence[str] | None = None,
    resize: str | None = None,
    seed: int = 0,
    precision: int = 2,
    quality: str = "m",
    fps: int | None = None,
    width: int | None = None,
    max_size: str | None = None,
) -> list[Job]:
    """The jobs that the options of the command line ask for, one for each example, language and theme."""
    files = outputs(read_formats(formats), quality, fps, width)
    overrides = read_settings(settings)
    given = read_input(input_text, resize)
    most = None if max_size is None else read_size(max_size)
    looks = [(lang, theme) for lang in read_langs(langs) for theme in read_themes(themes)]
    return [
        Job(chosen, folder, files, lang, theme, precision, seed, overrides, given, most)
        for chosen in select(names, everything, family)
        for lang, theme in looks
    ]


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


def read_settings(given: Iterable[str]) -> dict[str, str]:
    """Constructor arguments from `name=value` texts; the values stay text until torch is there to take them."""
    settings: dict[str, str] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name.isidentifier() or not value:
            raise UserError(f"--set {text}: expected name=value, such as --set kernel_size=2.")
        if name in settings:
            raise UserError(f"--set {name} was given twice; give it once.")
        settings[name] = value
    return settings


def read_input(given: str | Sequence[str] | None, resize: str | None = None) -> str | None:
    """The first input as it was given: an expression, a file, or `-` for standard input. Files are read here, once.

    Raises `UserError` for a second one, and for a `resize` of what is not a picture.
    """
    texts = [given] if isinstance(given, str) else list(given or ())
    size = None if resize is None else read_resize(resize)
    if len(texts) > 1:
        raise UserError(f"--input was given {len(texts)} times: it is the first input; give it once.")
    text = texts[0] if texts else None
    if text == "-":
        return read_stream(sys.stdin.buffer if sys.stdin else None, size)
    if text is not None and is_file(text):
        return read_file(text, size)
    if size is not None:
        raise UserError("--resize makes a picture smaller: give one with --input photo.png.")
    return text


def outputs(
    formats: Iterable[str], quality: str = "m", fps: int | None = None, width: int | None = None
) -> tuple[Output, ...]:
    """The files of one clip; `fps` and `width` replace the quality's for every format, the height follows as 16:9."""
    if width is not None and not _LEAST_WIDTH <= width <= _MOST_WIDTH:
        raise UserError(f"--width {width}: expected {_LEAST_WIDTH} to {_MOST_WIDTH} px.")
    if fps is not None and not 1 <= fps <= 60:
        raise UserError(f"--fps {fps}: expected 1 to 60 frames per second.")
    large, small = QUALITIES[quality]
    return tuple(Output(name, _adjust(large if name in _VIDEO else small, fps, width)) for name in formats)


def _adjust(view: View, fps: int | None, width: int | None) -> View:
    if width is None:
        return View(view.width, view.height, fps or view.fps)
    return View(width - width % 2, even_height(width), fps or view.fps)


def even_height(width: int) -> int:
    """The 16:9 height of a width in px, rounded to an even number as video needs it."""
    return round(width * 9 / 32) * 2
