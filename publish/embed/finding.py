"""Which operators a page is about, and where a clip of each belongs, found in its text without running anything.

Headings name classes, also inside Chinese text; a row of an index is a heading with a link to a page of the handbook;
code calls `nn.X(...)`. Where a heading says one thing and the code below it another, the code is right.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from torchreel.assets.examples import DEFAULT, Example, examples
from torchreel.assets.handbook import Row, rows
from torchreel.publish.embed.pieces import Piece

# Python's \b takes Chinese characters for letters, so the ends of a name are said in full.
_NAME = re.compile(r"(?<![A-Za-z0-9_.])(`?)((?:torch\.)?nn\.)?([A-Za-z][A-Za-z0-9_]*)(?![A-Za-z0-9_])")
_CALL = re.compile(r"(?<![A-Za-z0-9_.])(?:torch\.)?nn\.([A-Z][A-Za-z0-9_]*)[ \t]*\(")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
# Words that are names of classes and words too: Linear, Softmax, RNN.
_AMBIGUOUS = re.compile(r"[A-Z][a-z]+|[A-Z]+")
_DOCUMENTED = re.compile(r"torch\.nn\.([A-Za-z0-9_]+)\.html")
_NO_OPERATORS = frozenset(
    """Module Parameter Buffer Sequential ModuleList ModuleDict ParameterList ParameterDict UninitializedParameter
    UninitializedBuffer DataParallel Container""".split()  # noqa: SIM905
)
_WITHOUT_CLIP = frozenset(
    """CrossMapLRN2d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d LazyConv3d
    LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d
    LazyLinear MultiheadAttention SyncBatchNorm Transformer TransformerDecoder TransformerDecoderLayer
    TransformerEncoder TransformerEncoderLayer Upsample UpsamplingBilinear2d UpsamplingNearest2d""".split()  # noqa: SIM905
)
_PYTHON = ("", "python", "python3", "py", "ipython", "ipython3", "pycon", "code-cell")


@dataclass(frozen=True)
class Mention:
    """An operator that a page is about: the example to show, and the place after which."""

    example: Example
    at: int


@dataclass
class Findings:
    """What was found on a page, and what of it gets no clip, with the reason.

    `own_headings` are the classes that a heading is about alone.
    """

    mentions: list[Mention] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    own_headings: set[str] = field(default_factory=set)


@dataclass
class _Section:
    """A heading with what stands below it up to the next heading; what comes before the first one has none."""

    heading: Piece | None
    pieces: list[Piece] = field(default_factory=list)

    @property
    def level(self) -> int:
        return self.heading.level if self.heading else 0

    @property
    def place(self) -> int:
        """Where a clip of what the heading names belongs: after the text that follows at once."""
        assert self.heading is not None
        first = self.pieces[0] if self.pieces else None
        return first.at if first and first.kind == "text" else self.heading.at

    @property
    def called(self) -> list[str]:
        """The classes that its code calls, whether there is a clip of them or not."""
        return [name for piece in self.pieces for name in calls_in(piece)]


def find(pieces: Iterable[Piece], page: str = "") -> Findings:
    """What a page is about, each example once, in its order. `page` is its own file name, which links to it have."""
    sections = _sections(pieces)
    found, taken = Findings(), dict[tuple[str, str], None]()
    named = [named_in(section.heading.text) for section in sections if section.heading]
    found.own_headings = {names[0] for names in named if len(names) == 1}
    above: list[tuple[int, list[str]]] = []
    for number, section in enumerate(sections):
        below = _below(sections, number)
        above = [one for one in above if section.heading is None or one[0] < section.level]
        for mention in _of_section(section, below, above, page, found):
            key = mention.example.operator, mention.example.name
            if key not in taken:
                taken[key] = None
                found.mentions.append(mention)
    without = [
        name
        for section in sections
        for name in (
            *(_names(section.heading.text, _WITHOUT_CLIP) if section.heading else ()),
            *section.called,
        )
        if name not in operators() and name not in _NO_OPERATORS
    ]
    found.doubts += [f"nn.{name} has no clip" for name in dict.fromkeys(without)]
    return found


def calls_in(piece: Piece) -> list[str]:
    """The classes that a piece of code calls as `nn.X(...)`, comments aside."""
    if piece.kind != "code" or piece.language not in _PYTHON:
        return []
    return list(dict.fromkeys(_CALL.findall(_COMMENT.sub("", piece.text))))


def named_in(heading: str) -> list[str]:
    """The operators that a heading names.

    A name that is a word too (`Linear`) counts in code or after `nn.`, and where a heading has no other words of this
    alphabet: not in "Linear Algebra".
    """
    return _names(heading, operators())


def _names(heading: str, known: Container[str]) -> list[str]:
    words = [(bool(match[1] or match[2]), match[3]) for match in _NAME.finditer(heading)]
    alone = all(
        word in operators() or word in _WITHOUT_CLIP or word in ("nn", "torch", "VS", "vs")
        for _, word in words
    )
    return list(
        dict.fromkeys(
            word
            for is_code, word in words
            if word in known and (is_code or alone or not _AMBIGUOUS.fullmatch(word))
        )
    )


@cache
def operators() -> dict[str, dict[str, Example]]:
    """The classes of torch.nn that there are clips of; not the figures that compare several of them."""
    return {name: named for name, named in examples().items() if DEFAULT in named}


def _sections(pieces: Iterable[Piece]) -> list[_Section]:
    found = [_Section(None)]
    for piece in pieces:
        if piece.kind == "heading":
            found.append(_Section(piece))
        else:
            found[-1].pieces.append(piece)
    return found


def _below(sections: Sequence[_Section], number: int) -> list[_Section]:
    """The sections under a heading, up to the next one of its level."""
    below = []
    for section in sections[number + 1 :]:
        if section.level <= sections[number].level:
            break
        below.append(section)
    return below


def _of_section(
    section: _Section,
    below: Sequence[_Section],
    above: list[tuple[int, list[str]]],
    page: str,
    found: Findings,
) -> Iterator[Mention]:
    if section.heading is not None:
        yield from _of_heading(section, section.heading, below, above, page, found)
    for piece in section.pieces:
        for name in calls_in(piece):
            if name in operators():
                yield Mention(operators()[name][DEFAULT], piece.at)
        for link in piece.links:
            match = _DOCUMENTED.search(link)
            if match and match[1] in operators():
                yield Mention(operators()[match[1]][DEFAULT], piece.at)


def _of_heading(
    section: _Section,
    heading: Piece,
    below: Sequence[_Section],
    above: list[tuple[int, list[str]]],
    page: str,
    found: Findings,
) -> Iterator[Mention]:
    row = _row(section, page)
    if row is not None:
        yield Mention(_of_row(row, heading.text), section.place)
        return
    names = named_in(heading.text)
    if names:
        above.append((section.level, names))
        called = {name for one in (section, *below) for name in one.called}
        if called and not called & {*names}:
            found.doubts.append(
                f"heading {_short(heading.text)} names {', '.join(names)}, "
                f"but the code below calls {', '.join(sorted(called))}"
            )
            return
        if not any(one.heading and named_in(one.heading.text) for one in below):
            for name in names:
                if len(names) == 1 or name not in found.own_headings:
                    yield Mention(operators()[name][DEFAULT], section.place)
    elif above and len(above[-1][1]) == 1:
        example = _about(above[-1][1][0], heading.text)
        if example is not None:
            yield Mention(example, section.place)


def _about(operator: str, heading: str) -> Example | None:
    """The example that is about the one setting that a heading names, as `stride` in `图解stride`."""
    words = {match[3] for match in _NAME.finditer(heading)}
    named = examples()[operator]
    focused = [one for one in named.values() if one.name != DEFAULT and one.focus and {*one.focus} == words]
    return focused[0] if focused else None


def _row(section: _Section, page: str) -> Row | None:
    """The row of the handbook's index that a section is: its text begins with a link to the row's page."""
    first = section.pieces[0] if section.pieces else None
    if first is None or first.kind != "text" or not first.leads:
        return None
    path = PurePosixPath(unquote(urlsplit(first.leads).path))
    if path.name == page:
        return None
    there = [row for row in rows() if path.parts[-2:] == PurePosixPath(row.page).parts]
    return there[0] if there else None


def _of_row(row: Row, heading: str) -> Example:
    """The example for a row: of the class that the heading names, of the overview of many, or of the planar one."""
    named = next((name for name in named_in(heading) if name in row.classes), None)
    if named is not None:
        return examples()[named][DEFAULT]
    overview = _overview(row)
    if overview is not None:
        return overview
    planar = next((name for name in row.classes if name.endswith("2d")), None)
    return examples()[planar if planar and row.classes[0][-1] == "d" else row.classes[0]][DEFAULT]


def _overview(row: Row) -> Example | None:
    """The figure that compares the classes of a row."""
    figures = [one for name in examples().keys() - operators().keys() for one in examples()[name].values()]
    return next((one for one in figures if one.section == row.page), None)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return f"“{text if len(text) <= 40 else text[:39] + '…'}”"
