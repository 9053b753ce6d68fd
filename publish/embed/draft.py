"""A page on its way: what stands on it, what shall, and what is to be told of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from torchreel.publish.embed.blocks import Block
from torchreel.publish.embed.clips import Shown
from torchreel.publish.embed.options import Options
from torchreel.publish.embed.pages import Page
from torchreel.publish.embed.report import Outcome
from torchreel.publish.embed.shelf import Shelf
from torchreel.render.job import Job


@dataclass
class Draft:
    """A page, its pictures, its outcome and what is asked of it.

    `shown` is what shall stand on the page, `planned` are examples to be drawn.

    It is settled when `shown` needs nothing but these.
    """

    page: Page
    shelf: Shelf
    outcome: Outcome
    options: Options
    shown: list[Shown] = field(default_factory=list)
    planned: list[tuple[int, Job]] = field(default_factory=list)
    is_settled: bool = False

    @property
    def old(self) -> list[tuple[int, Block]]:
        """The blocks that stand on the page, with their places."""
        return [(at, one) for at, blocks in sorted(self.page.content.blocks.items()) for one in blocks]
