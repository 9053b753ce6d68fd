"""A clip in a document, and what the environment of a build knows of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors import EnvironmentCollector

from torchreel.publish.markup import PLAYS, Plays
from torchreel.publish.sphinx.wish import Wish
from torchreel.render.task import Failure


class Look(NamedTuple):
    """How a page shows a clip: its width as docutils has lengths, the author's own words for it, and how it plays."""

    width: str
    alt: str = ""
    plays: Plays = PLAYS


class Film(NamedTuple):
    """A clip's files in one theme, by suffix."""

    theme: str
    files: dict[str, Path]


class Made(NamedTuple):
    """A clip as a page can have it: its films, light before dark, and what they show in words."""

    films: tuple[Film, ...]
    alt: str
    remark: str = ""


class Noted(NamedTuple):
    """A wish at its place, `page.rst:12`, with what is wrong about the look of it."""

    wish: Wish
    place: str
    complaints: tuple[str, ...] = ()


class ClipNode(nodes.General, nodes.Element):
    """Where a clip goes. Attributes: `noted` and `look`, and `made` once it is to be written."""


@dataclass
class Notes:
    """The wishes of all documents by name, and what became of them, by builder: they differ in what they can show."""

    wishes: dict[str, list[Noted]] = field(default_factory=dict)
    made: dict[str, dict[Wish, Made | Failure | None]] = field(default_factory=dict)

    def all(self) -> Iterator[Noted]:
        """Every wish at its place, in the order of the documents' names."""
        for name in sorted(self.wishes):
            yield from self.wishes[name]


def notes(env: BuildEnvironment) -> Notes:
    """The notes that a build's environment keeps from one build to the next."""
    found: Notes = vars(env).setdefault("torchreel", Notes())
    return found


class Collector(EnvironmentCollector):
    """Keeps the notes true while documents are read, read again and removed, in one process or several."""

    def clear_doc(self, app: Sphinx, env: BuildEnvironment, docname: str) -> None:
        notes(env).wishes.pop(docname, None)

    def merge_other(
        self, app: Sphinx, env: BuildEnvironment, docnames: Set[str], other: BuildEnvironment
    ) -> None:
        theirs = notes(other).wishes
        notes(env).wishes.update({name: theirs[name] for name in docnames if name in theirs})

    def process_doc(self, app: Sphinx, doctree: nodes.document) -> None:
        if found := [node["noted"] for node in doctree.findall(ClipNode)]:
            notes(app.env).wishes[app.env.docname] = found
