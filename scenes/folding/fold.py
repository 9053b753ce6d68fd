"""Folding: columns turn back into windows, and windows that overlap add up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.folding import operators
from torchreel.scenes.folding.board import FoldBoard
from torchreel.scenes.folding.parts import accented
from torchreel.scenes.folding.story import SLOW, BlocksScene, quickening, sampled
from torchreel.scenes.folding.trace import scaled_step
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.parts.motion import FADE, Appear, Vanish
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step


class Fold(BlocksScene):
    """A column turns back into its window and is added to the picture; the rest follows as a sweep."""

    operator = operators.Fold

    def story(self) -> Iterator[Beat]:
        if 0 in self.trace.shape("input"):
            yield Beat("empty", hold=2.0)
            return
        self.board = board = FoldBoard(self.look, self.trace)
        self.blocks = board.blocks
        self.add(*board.canvas.planes.values(), board.canvas.borders, board.matrix, board.labels)
        self.patch, self.mark, self.last = VGroup(), VGroup(), -1
        columns = sampled(board.followed)
        if board.source is not None:
            self.add(board.source)
            yield from self._unfolding(columns)
        else:
            self.patch = board.patch.draw(columns[0], blank=True)
            self.add(self.patch)
            yield Beat("sampled" if board.is_cropped else "start", run_time=0.4, hold=1.0,
                       formula=self.counts(), values=self.sizes())  # fmt: skip
        for column in columns[:SLOW]:
            yield from self._in_full(column, slow=column == columns[0])
        for column, seconds in zip(columns[SLOW:], quickening(len(columns) - SLOW), strict=True):
            yield Beat(
                "sweep", partial(self._sweep, column), seconds, 0.0, self._total(column), self.sizes(column)
            )
        yield from self._ending()

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """A sum of one term is written as what it is."""
        reads = list(step.reads)
        if len(reads) != 1:
            return super().formula_tokens(step, most)
        tensor, index = reads[0]
        last = Token(self.text("output", step.value), "output", step.index, step.value)
        return [Token(f"output{list(step.index)} = {tensor}{list(index)} = "), last]

    def _total(self, column: int) -> Step | None:
        """How the cell that a column completes came to its sum."""
        at = self.board.canvas.completed(column)
        return None if at is None else self.trace.step("output", (*self.board.canvas.lead, 0, *at))

    def _unfolding(self, columns: list[int]) -> Iterator[Beat]:
        yield Beat("unfold", partial(self._unfold, columns[0]), 0.8, 0.5, self.counts(), values=self.sizes())
        for column in columns[1:]:
            yield Beat(
                "unfold",
                partial(self._unfold, column),
                0.3 if len(columns) < 12 else 0.1,
                values=self.sizes(),
            )
        yield Beat("unfolded", self._leave, 0.4, 0.4, values=self.sizes())

    def _unfold(self, column: int) -> Iterable[Animation]:
        animations = self.board.unfold(column)
        self.board.frames.pace = FADE
        return animations

    def _in_full(self, column: int, slow: bool) -> Iterator[Beat]:
        """One column step by step: back into its window, to its place, added to what is there."""
        values, adds = self.sizes(column), self.board.canvas.overlaps(column)
        if self.board.source is None:
            times = (1.2, 0.3) if slow else (0.8, 0.0)
            yield Beat("reshape", partial(self._reshape, column), *times, values=values)
        total = None if adds else self._total(column)
        outside = not all(self.blocks.holds(at) for at in self.blocks.window(column))
        place = "meet" if adds else "place_rim" if outside else "place"
        yield Beat(place, partial(self._place, column), 0.8, 0.4, total, values)
        if adds:
            name = "add" if self.board.canvas.has_badges else "add_plain"
            yield Beat(name, partial(self._add_up, column), 0.7, 0.7, self._total(column), values)

    def _reshape(self, column: int) -> Iterable[Animation]:
        board, arrive = self.board, []
        if self.last >= 0:
            self._drop_patch()
            self.patch = board.patch.draw(column, blank=True)
            arrive = [Appear(self.patch)]
        return [
            *arrive,
            *board.show_column(column),
            *self._hide_window(),
            *board.patch.receive(column, 0.45),
        ]

    def _drop_patch(self) -> None:
        self.remove(self.patch, *self.board.patch.numbers)

    def _hide_window(self) -> list[Animation]:
        self.remove(self.mark)
        return self.board.frames.hide("completed", *(f"canvas {c}" for c in self.board.canvas.planes))

    def _mark(self, column: int) -> list[Animation]:
        self.remove(self.mark)
        self.mark = self.board.mark(column)
        return [Appear(self.mark)] if len(self.mark) else []

    def _place(self, column: int) -> Iterable[Animation]:
        board, self.last = self.board, column
        return [
            *board.show_column(column),
            *board.show_window(column),
            *self._mark(column),
            *(
                board.frames.hide("completed")
                if board.canvas.overlaps(column)
                else board.show_completed(column)
            ),
            *board.canvas.offer(column, board.origin(column), board.matrix.grid),
        ]

    def _add_up(self, column: int) -> Iterable[Animation]:
        return [*self.board.canvas.add_up(column), *self.board.show_completed(column)]

    def _sweep(self, column: int) -> Iterable[Animation]:
        board, since = self.board, self.last
        self.last, board.frames.pace = column, FADE
        if board.source is None:
            self._drop_patch()
            self.patch = board.patch.draw(column, blank=False)
            self.add(self.patch)
        return [
            *board.show_column(column),
            *board.show_window(column),
            *self._mark(column),
            *board.show_completed(column),
            *board.canvas.land(column, since, board.origin(column), board.matrix.grid),
        ]

    def _leave(self) -> Iterable[Animation]:
        self.remove(self.mark)
        self.board.frames.pace = math.inf
        return self.board.leave()

    def _ending(self) -> Iterator[Beat]:
        board, at = self.board, self.board.most_covered()
        index = (*board.canvas.lead, 0, *at)
        value = self.text("output", self.trace.value("output", index))
        values = {**self.sizes(), "count": board.canvas.total(at), "value": value, **self._kept()}
        step = self.trace.step("output", index)
        if any(self.blocks.padding):
            yield Beat("rim", self._finish, 0.4, 0.8, values=values)
            yield Beat("crop", board.crop, 0.8, 0.4, step, values)
        if board.source is not None:
            step = scaled_step(self.trace, index)
            counts = self.trace.sample("overlap")
            alike = "restored" if bool((counts == 1).all()) else "equation"
            yield Beat(
                "equation_holes" if bool((counts == 0).any()) else alike,
                partial(self._equation, at),
                0.8,
                0.8,
                step,
                values,
            )
        elif self.blocks.overlaps or not any(self.blocks.padding):
            ones = (self.trace.sample("input") == 1).all()
            name = "apart" if not self.blocks.overlaps else "done_ones" if ones else "done"
            yield Beat(name, partial(self._explain, at), 0.7, 0.6, step, values)

    def _kept(self) -> dict[str, object]:
        """How many of a channel's values land on the output, and how many there are."""
        blocks = self.blocks
        return {"kept": blocks.kept, "values": blocks.columns * blocks.taps}

    def _finish(self) -> Iterable[Animation]:
        """Frames go, the columns that no step was spent on land, and cells without a window become 0."""
        return [*self._leave(), *self._rest(), *self.board.canvas.fill_holes(self.blocks.columns - 1)]

    def _explain(self, at: Cell) -> Iterable[Animation]:
        """The overlap count takes the window's place, and one sum shows its terms."""
        board = self.board
        step = self.trace.step("output", (*board.canvas.lead, 0, *at))
        self._drop_patch()
        return [
            *self._finish(),
            Appear(*board.overlap()),
            *board.mark_sum(at, [(index[-2], index[-1]) for _, index in step.reads]),
        ]

    def _rest(self) -> list[Animation]:
        last, since = self.blocks.columns - 1, self.last
        self.last = last
        return self.board.canvas.fill_in(last, since) if since < last else []

    def _equation(self, at: Cell) -> Iterable[Animation]:
        """x · overlap = output: the count takes the place of the columns."""
        board = self.board
        counts, title = board.overlap()
        grids = [grid for grid in (board.source, counts, board.canvas.planes[0]) if grid is not None]
        return [
            *self._finish(),
            Vanish(board.matrix, board.matrix.title, *board.matrix.grid.numbers.values()),
            Appear(counts, title, *board.signs(counts)),
            *(Appear(accented(self.look, grid, at)) for grid in grids),
        ]
