"""What stands on the stage of a Fold: the columns, the windows they are, the picture that windows are added to.

Where there is room every window has a place of its own, in the order of the picture, otherwise all share one. Where
the trace knows the picture that the columns were cut from, that picture and the number of windows on each cell stand
in their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from manim import Mobject, VGroup

from torchreel.scenes.folding.blocks import Blocks, off_middle
from torchreel.scenes.folding.canvas import FoldCanvas
from torchreel.scenes.folding.trace import fold_blocks
from torchreel.scenes.parts.funnel import Funnel
from torchreel.scenes.parts.grid import Cell, Grid
from torchreel.scenes.parts.layout import STAGE, Placed, Room, fill, in_row
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.places import Place, around
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_HEADS = 0.36
_MOST_ROWS, _MOST_COLS = 10, 10


class FoldBoard(Board):
    """All objects of the clip. Of several channels the first is followed. `windows` is what the windows are called."""

    def __init__(self, look: Look, trace: Trace, windows: str = "windows") -> None:
        super().__init__(look, trace)
        self.blocks: Blocks = fold_blocks(trace)
        self.has_source = "x" in trace.tensors
        self.batch: Index = (0,) * (len(trace.shape("output")) - 3)
        self.lead = (*self.batch, 0)
        self.rows, self.columns = trace.shape("input")[-2:]
        self.has_places, self.placed = self._find_room()
        matrix = self.placed["input"]
        self.matrix = self.grid("input", self.batch, matrix.cells, matrix.at[0])
        self.canvas = FoldCanvas(
            self, self.blocks, self.lead, self.placed["output"].cells, self.placed["output"].at[0]
        )
        self.windows: dict[int, Grid] = {}
        if self.has_places:
            self.windows = {column: self._window(column) for column in range(self.columns)}
        self.scenery = VGroup(self.matrix, self.canvas.grid, *self.windows.values(), *self._labels())
        if (keep := self.canvas.keep()) is not None:
            self.scenery.add(keep)
        self.overlap: Grid | None = None
        if self.has_source:
            self._add_source(windows)
        else:
            self.scenery.add(
                self.label(windows, self.placed["window"].head, NAME_TEXT, font="sans", vertical="baseline")
            )

    @property
    def batch_size(self) -> int:
        """How many samples torch was given; the first is drawn."""
        return self.trace.shape("output")[0] if self.batch else 1

    @property
    def followed(self) -> list[int]:
        """The columns that are drawn and whose windows are."""
        down, across = self.blocks.padding
        return self.blocks.followed(
            range(self.matrix.cells.cols), lambda at: self.canvas.grid.shows((at[0] + down, at[1] + across))
        )

    @property
    def has_numbers(self) -> bool:
        """Whether all cells hold numbers."""
        return all(one.cells.text_size for name, one in self.placed.items() if name != "sum")

    def _is_whole(self, placed: Mapping[str, Placed]) -> bool:
        size = tuple(n + 2 * p for n, p in zip(self.blocks.plane, self.blocks.padding, strict=True))
        shown = [(placed[name].cells.rows, placed[name].cells.cols) for name in ("input", "output")]
        return shown == [(self.rows, self.columns), size]

    def _find_room(self) -> tuple[bool, dict[str, Placed]]:
        blocks, counts = self.blocks, self.blocks.counts
        small = counts[0] * blocks.kernel[0] <= _MOST_ROWS and counts[1] * blocks.kernel[1] <= _MOST_COLS
        if small and blocks.channels == 1 and not self.has_source:
            placed = self._fit(counts)
            if all(one.cells.text_size for name, one in placed.items() if name != "sum") and self._is_whole(
                placed
            ):
                return True, placed
        return False, self._fit((1, 1))

    def _fit(self, windows: Cell) -> dict[str, Placed]:
        blocks = self.blocks
        rows, cols = (n + 2 * p for n, p in zip(blocks.plane, blocks.padding, strict=True))
        texts = self.texts("input")
        parts = {
            "input": Room(
                self.rows,
                self.columns,
                texts,
                name=self.shape("input"),
                sides=[str(self.rows - 1)],
                below=_HEADS,
            ),
            "window": Room(*blocks.kernel, texts, down=windows[0], across=windows[1], name="windows"),
            "sum": Room(wide=0.2),
            "output": Room(rows, cols, self.texts("output", "canvas"), name=self.shape("output")),
        }
        if self.has_source:
            del parts["window"], parts["sum"]
            source = Room(*blocks.plane, self.texts("x"), name=f"source {self.trace.shape('x')}")
            counts = Room(*blocks.plane, ["0"], name="overlap n")
            parts = {"source": source, "input": parts["input"], "overlap": counts, "output": parts["output"]}
        alike = ("source", "overlap", "output") if self.has_source else ("input", "window", "output")
        return fill(
            STAGE,
            in_row(parts, gap=(0.34, 1.2)),
            same=[alike],
        )

    def _add_source(self, windows: str) -> None:
        """The picture that the columns were cut from, and how many windows lie on each of its cells."""
        placed = self.placed["source"]
        self.source = self.grid("x", self.lead, placed.cells, placed.at[0])
        down, across = self.blocks.padding
        counts = self.placed["overlap"]
        self.overlap = self.grid(
            "overlap", (), counts.cells, counts.at[0], blank=True, plain=True,
            index=lambda at: (at[0] + down, at[1] + across),
        )  # fmt: skip
        self.scenery.add(
            self.source, self.title("x", placed.head, name="source"),
            self.overlap, self.title("overlap", counts.head, name=windows, shape=False),
        )  # fmt: skip

    def window(self, column: int) -> Grid:
        """The place of a column's window, its own or the one for all."""
        return self.windows.get(column) or self._window(column)

    def _window(self, column: int) -> Grid:
        placed = self.placed["window"]
        width = self.blocks.kernel[1]
        at = placed.at[column if self.has_places else 0]
        return self.grid(
            "input", (), placed.cells, at, blank=True,
            index=lambda cell: (*self.batch, cell[0] * width + cell[1], column),
        )  # fmt: skip

    def frames(self, column: int, window: Grid | None, landed: bool) -> VGroup:
        """Frames round a column, its window and, once it has landed, its place on the picture."""
        frames = VGroup()
        rows = min(self.matrix.cells.rows, self.blocks.taps)
        if column < self.matrix.cells.cols:
            frames.add(self.frame(self.matrix.outline((0, column), (rows - 1, column), 0.02), Stroke.SOURCE))
        if window is not None:
            last = (window.cells.rows - 1, window.cells.cols - 1)
            frames.add(self.frame(window.outline((0, 0), last, 0.02), Stroke.SOURCE))
        if landed:
            frames.add(self.landing(column))
        return frames

    def landing(self, column: int) -> Shape:
        """The frame round a window's place on the picture."""
        return self.frame(self.canvas.outline(column), Stroke.FRAME)

    def joint(self, places: Sequence[Place], target: Place) -> Funnel:
        """From elements in their windows to the cell where they meet, and what is done there."""
        window, block = around(places), self.placed["window"].block
        start = (window.right, window.top, window.bottom)
        beam = Funnel(self.look, start, (target.left, target.top, target.bottom))
        return (
            beam.sign("Σ", (block.right + self.placed["output"].block.left) / 2) if len(places) > 1 else beam
        )

    @cached_property
    def most_covered(self) -> Cell:
        """The place of the output on which most windows lie, the nearest to the middle."""
        canvas = self.canvas
        kept = [at for at in canvas.grid.positions() if canvas.keeps(at)]
        shown = range(self.matrix.cells.cols)

        def merit(at: Cell) -> tuple[int, float]:
            columns = [column for column in canvas.reached.get(at, []) if column in shown]
            return len(columns), -off_middle(canvas.grid.shape, at)

        return max(kept, key=merit, default=(0, 0))

    def _labels(self) -> Iterator[Mobject]:
        """Names, rows beside the matrix, columns below it."""
        yield self.title("input", self.placed["input"].head)
        yield self.title("output", self.placed["output"].head)
        cells, left = self.matrix.cells, self.matrix.origin[0]
        if cells.height >= MIN_TEXT + 0.06:
            for row in range(cells.rows):
                yield self._number(row, (left - 0.12, self.matrix.center((row, 0))[1]), "right")
        if cells.width >= measure(str(cells.cols - 1), MIN_TEXT, "mono") + 0.08:
            for column in range(cells.cols):
                x, y = self.matrix.center((cells.rows - 1, column))[:2]
                yield self._number(column, (x, y - cells.height / 2 - 0.18), "center")

    def _number(self, number: int, at: tuple[float, float], align: str) -> Text:
        return self.label(str(number), at, MIN_TEXT, align=align)
