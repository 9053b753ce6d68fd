"""Folding: columns turn back into windows, and windows that overlap add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.folding import operators
from torchreel.scenes.folding.board import FoldBoard
from torchreel.scenes.folding.canvas import Change
from torchreel.scenes.folding.story import SLOW, BlocksScene, places, row_and_column, sampled, seconds
from torchreel.scenes.folding.trace import scaled_step
from torchreel.scenes.parts.grid import Grid
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.left_out import Size, left_out
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step


class Fold(BlocksScene):
    """A column turns back into its window and is added to the picture; the rest follows as a sweep."""

    operator = operators.Fold
    board: FoldBoard

    def story(self) -> Iterator[Beat]:
        if 0 in self.trace.shape("input"):
            yield Beat("empty", hold=4.0)
            return
        board = self.board = FoldBoard(self.look, self.trace, self.words("windows"))
        self.blocks = board.blocks
        self.frames, self.sums = VGroup(), VGroup()
        self.drawn: Grid | None = None
        counts: dict[str, tuple[Size, Size]] = {
            "cut_batch": (1, board.batch_size),
            "cut_matrix": (board.matrix.shape, (board.rows, board.columns)),
            "cut_outs": (1, board.blocks.channels),
        }
        if note := left_out(self, counts, [] if board.has_numbers else [self.words("colours")]):
            self.add(board.note(note))
        self.add(board.scenery)
        columns = sampled(board.followed)
        if not board.has_source:
            self._take(columns[0])
        yield Beat("start")
        for number, column in enumerate(columns[:SLOW]):
            yield from self._in_full("next" if number else "window", column)
        rest, before = columns[SLOW:], columns[:SLOW][-1]
        for column in rest:
            yield Beat(
                "next", partial(self._add, range(before + 1, column + 1)), seconds(len(rest)),
                look=partial(self._jump, range(before + 1, column + 1)), sweep=True, formula=self._landed(column),
            )  # fmt: skip
            before = column
        if any(board.blocks.padding):
            yield Beat("crop", self._crop, 0.5, 0.8, look=self._leave)
        yield Beat("equation" if board.has_source else "done", self._settle, 0.4, look=self._leave)

    def law(self) -> Sequence[Token]:
        if self.blocks is None:
            return super().law()
        channel = "c," if self.blocks.channels > 1 else ""
        return [
            Token(f"y_{{{channel}{','.join(places(self.blocks, True))}}}", "output"),
            Token(" += "),
            Token(f"x_{{{row_and_column(self.blocks)}}}", "input"),
        ]

    def figure(self) -> Step | None:
        if self.blocks is None:
            return None
        index = self.board.canvas.element(self.board.most_covered)
        return scaled_step(self.trace, index) if self.board.has_source else self.trace.step("output", index)

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """A sum of one term names the element that it is."""
        tokens, reads = super().formula_tokens(step, most), list(step.reads)
        if len(reads) == 1 and reads[0][0] == "input":
            row, column = reads[0][1][-2:]
            return [
                tokens[0],
                Token(" = "),
                Token(f"x_{{{row},{column}}}", "input"),
                Token(" = "),
                tokens[-1],
            ]
        return tokens

    def pointing_at(self, step: Step) -> Pointer | None:
        """The elements in their columns and in their windows, and the cell in which these meet."""
        places = Places(self.mobjects)
        target = places[(step.tensor, step.index)]
        if target is None:
            return None
        found = places.of(step.reads)
        sources = {f"{name} {k}": [place] for name, each in found.items() for k, place in enumerate(each)}
        main = next(iter(sources), "")
        if self.board.has_places:
            reads = [index[-2:] for name, index in step.reads if name == "input"]
            windows = Places(list(self.board.windows.values()))
            cells = [
                place
                for row, column in reads
                if (place := windows[("input", (*self.board.batch, row, column))])
            ]
            pointer = Pointer(self.look, target, {**sources, "windows": cells})
            return pointer.add(self.board.joint(cells, target)) if cells else pointer
        return Pointer(self.look, target, sources, main, self._standing_texts())

    def _in_full(self, name: str, column: int) -> Iterator[Beat]:
        """One column step by step: its window again, to its place, added to what is there."""
        board = self.board
        if not board.has_source:
            yield Beat(name, self._write, 0.5, 0.8, look=partial(self._pick, column))
        adds = self._adding(column)
        yield Beat(name, partial(self._land, column), 0.4, 1.4, adds, look=partial(self._show_place, column))

    def _landed(self, column: int) -> Step | None:
        """An element of the output on which a column's window lies, if it can be of a row that is drawn."""
        canvas = self.board.canvas
        rows = enumerate(canvas.window(column))
        kept = [(row, at) for row, at in rows if canvas.grid.shows(at) and canvas.keeps(at)]
        drawn = [at for row, at in kept if row < self.board.matrix.cells.rows] or [at for _, at in kept]
        return self.trace.step("output", canvas.element(drawn[-1])) if drawn else None

    def _adding(self, column: int) -> list[Token] | None:
        """`3 + 2 = 5` for a cell in which a window meets an earlier one."""
        board = self.board
        met = [(row, at) for row, at in board.canvas.overlaps(column) if at in board.canvas.reached]
        if not met:
            return None
        row, at = met[-1]
        elements = [
            ("running", (*board.lead, column - 1, *at)),
            ("input", (*board.batch, row, column)),
            ("running", (*board.lead, column, *at)),
        ]
        pieces: list[Token] = []
        for tensor, index in elements:
            value = self.trace.value(tensor, index)
            text = self.text("input" if tensor == "input" else "output", value)
            pieces.append(Token(text if not pieces or value >= 0 else f"({text})", tensor, index, value))
        return [
            pieces[0],
            Token(" + "),
            pieces[1],
            Token(" = "),
            Token(pieces[2].text.strip("()"), *elements[2], pieces[2].value),
        ]

    def _take(self, column: int) -> None:
        """The empty place of a column's window."""
        board = self.board
        if board.has_places:
            self.drawn = board.window(column)
            return
        if self.drawn is not None:
            self.remove(self.drawn, *self.drawn.numbers.values())
        self.drawn = board.window(column)
        self.add(self.drawn)

    def _pick(self, column: int) -> list[Animation]:
        """The frames go to a column and to its window's place."""
        self._take(column)
        self.remove(self.frames)
        self.frames = self.board.frames(column, self.drawn, landed=False)
        return [Appear(self.frames)]

    def _write(self) -> list[Animation]:
        return _all(self.drawn)

    def _show_place(self, column: int) -> list[Animation]:
        """Its place on the picture is framed; cells that have a value show both, what is there and what comes."""
        board = self.board
        if board.has_source:
            self.remove(self.frames)
            self.frames = board.frames(column, None, landed=False)
            self.add(self.frames)
        landing = board.landing(column)
        self.frames.add(landing)
        self.sums = VGroup()
        for row, at in board.canvas.overlaps(column):
            if at not in board.canvas.shown:
                continue
            both = board.canvas.sum(at, (*board.batch, row, column))
            if both is not None:
                self.remove(board.canvas.shown[at])
                self.sums.add(both)
        self.add(*self.sums)
        return [Appear(landing)]

    def _land(self, column: int) -> list[Animation]:
        self.remove(*self.sums)
        return self._changed(self.board.canvas.add([column]))

    def _jump(self, columns: Sequence[int]) -> list[Animation]:
        """The last of some columns is framed with its window and its place, and all windows are there: a cut."""
        board, last = self.board, columns[-1]
        self.remove(self.frames)
        if not board.has_source:
            self._take(last)
        self.frames = board.frames(last, self.drawn, landed=True)
        self.add(self.frames)
        windows = [board.windows[column] for column in columns] if board.has_places else [self.drawn]
        return [move for window in windows for move in _all(window)]

    def _add(self, columns: Sequence[int]) -> list[Animation]:
        return self._changed(self.board.canvas.add(list(columns)))

    def _changed(self, change: Change) -> list[Animation]:
        moves, old, new = change
        self.remove(*old)
        self.add(*new)
        return moves

    def _leave(self) -> list[Animation]:
        self.remove(self.frames)
        self.frames = VGroup()
        return []

    def _crop(self) -> list[Animation]:
        return [*self._settle(), *self.board.canvas.pale()]

    def _settle(self) -> list[Animation]:
        """Every cell shows torch's own output; the number of windows on each is counted."""
        counts = self.board.overlap
        counted = [] if counts is None else [move for at in counts.positions() for move in counts.write(at)]
        rest = [
            move for column, grid in self.board.windows.items() if not grid.numbers for move in _all(grid)
        ]
        return [*self._changed(self.board.canvas.settle()), *counted, *rest]


def _all(grid: Grid | None) -> list[Animation]:
    return [] if grid is None else [move for cell in grid.positions() for move in grid.write(cell)]
