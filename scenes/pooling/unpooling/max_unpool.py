"""Max unpooling in two acts: max pooling writes down values and flat indices, unpooling sends the values home."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from manim import Animation, Mobject

from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.unpooling.board import UnpoolingBoard
from torchreel.scenes.pooling.unpooling.journeys import spelled, unravelled
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_MOST_STEPS = 12


class _MaxUnpool(OperatorScene):
    """First the notes are taken, then each value goes home."""

    def story(self) -> Iterator[Beat]:
        self.board = UnpoolingBoard(self.look, self.trace)
        self.journeys = self.board.journeys
        self.add(self.board.source, *self.board.source_flat.values(), self.board.values, self.board.indices,
                 self.board.heading(self.board.source, "source"), self.board.arrow(0, self.pool),
                 self.board.heading(self.board.indices, "indices"))  # fmt: skip
        self.named = self.board.heading(self.board.values, "values")
        self.output_label = self.board.heading(self.board.output, "output")
        self.pointer: Shape | None = None
        self.size_matters = (
            "output_size" in self.example.focus and self.journeys.own_size != self.journeys.size
        )
        self.passing: list[Mobject] = (
            [self.board.unknown(), self.board.output.caption("output")] if self.size_matters else []
        )
        self.add(self.named, *(self.passing or [self.board.output, self.output_label]))
        windows = self.board.windows()
        yield from self._noting(windows)
        if self.size_matters:
            yield from self._without_size(windows)
        yield from self._sending(windows)
        yield from self._ending()

    @property
    def pool(self) -> str:
        """The pooling of the first act."""
        return self.operator.name.replace("Unpool", "Pool")

    def values(self) -> dict[str, object]:
        total, homes = math.prod(self.journeys.size), len(set(self.journeys.indices))
        return {
            "name": self.operator.name,
            "pool": self.pool,
            "total": total,
            "kept": homes,
            "lost": total - homes,
            "size": self._by(self.journeys.size),
            "own": self._by(self.journeys.own_size),
            "width": self.journeys.size[-1],
            "height": self.journeys.size[-2],
        }

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """The step with the arithmetic of its flat index: how it is made in act one, what it means in act two."""
        tokens: list[Token] = []
        for count in range(most, 1, -1):
            tokens = self._noted(step, count) if step.tensor == "input" else self._sent(step)
            if self.formula_bar.width(tokens) <= 1:
                break
        return tokens

    def _noted(self, step: Step, most: int) -> list[Token]:
        index = self._number("indices", step.index)
        head = [Token("value = "), *step.tokens(self.text, most), Token(" = "),
                self._number("input", step.index)]  # fmt: skip
        size = self.journeys.size
        made = "" if self.journeys.dims == 1 else f"{spelled(int(index.value or 0), size)} = "
        return [*head, Token(f"    index = {made}"), index]

    def _sent(self, step: Step) -> list[Token]:
        window = next(step.reads)[1]
        index, size = self._number("indices", window), self.journeys.size
        flat = int(index.value or 0)
        made = "" if self.journeys.dims == 1 else f" = {spelled(flat, size)}"
        place = [Token("index "), index, Token(f"{made} → {self._at(unravelled(flat, size))}    ")]
        return [*place, Token(f"output{list(step.index)} = "), self._number("input", window)]

    def _at(self, place: Position) -> str:
        """A position as a reader writes it: in one dimension a single number."""
        return str(place[1]) if self.journeys.dims == 1 else str(place)

    def _by(self, size: Position) -> str:
        return " × ".join(map(str, size[-self.journeys.dims :]))

    def _number(self, tensor: str, index: tuple[int, ...]) -> Token:
        value = self.trace.value(tensor, index)
        return Token(self.text(tensor, value), tensor, index, value)

    def _also(self) -> tuple[str, ...]:
        heat = () if self.board.is_whole else ("heat",)
        return (*heat, *(("one_plane",) if self.journeys.channels > 1 else ()))

    def _noting(self, windows: Sequence[Position]) -> Iterator[Beat]:
        """Act one: the first window in full, the others quicker."""
        yield Beat("start", hold=0.6, formula=[Token(self._pool_call())], also=self._also())
        for cell in windows[:1]:
            yield Beat("window", partial(self.board.slide, cell), 0.4, 0.8)
            yield Beat("note", partial(self.board.write_down, cell, True), 0.7, 1.0, self._input_step(cell),
                       {"index": self.journeys.index(cell)},
                       ("corner",) if self.board.source_flat else ())  # fmt: skip
        for run, seconds in _quickening(windows[1:], 0.8, 0.6 if len(windows) < 8 else 0.2):
            yield Beat("notes", partial(self._note, run), seconds, 0.2 if len(windows) < 8 else 0.0,
                       self._input_step(run[-1]))  # fmt: skip

    def _pool_call(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.trace.kwargs.items())
        return f"values, indices = {self.pool}({settings}, return_indices=True)(source)"

    def _unpool_call(self) -> str:
        size = self.trace.call.get("output_size")
        given = f", output_size={tuple(size)}" if size is not None else ""
        return f"output = {self.operator.name}(…)(input, indices{given})"

    def _note(self, run: Sequence[Position]) -> Iterable[Animation]:
        few = len(run) == 1
        return [
            *self.board.slide(run[-1]),
            *(move for cell in run for move in self.board.write_down(cell, few)),
        ]

    def _without_size(self, windows: Sequence[Position]) -> Iterator[Beat]:
        """What torch would do without output_size, and where the indices would then point."""
        own = self.journeys.own_size
        self.wrong, self.wrong_flat = self.board.wrong_size(own)
        yield Beat("computed", self._open_wrong, 0.4, 1.5, self._size_tokens())
        moved = [cell for cell in windows if self._wrong_home(cell) != self.journeys.home(cell)]
        inside = [cell for cell in windows if self.wrong.shows(self._wrong_home(cell))]
        astray = [cell for cell in moved if cell in inside]
        if astray:
            cell = astray[0]
            yield Beat("misplaced", partial(self._land, inside, cell), 0.3, 1.5, self._wrong_tokens(cell),
                       {"index": self.journeys.index(cell), "wrong": self._at(self._wrong_home(cell)),
                        "right": self._at(self.journeys.home(cell))})  # fmt: skip
        outside = [cell for cell in windows if cell not in inside]
        if outside and self.journeys.refusal:
            yield Beat("refused", partial(self._point, outside[-1]), 0.3, 1.2, [Token(self.journeys.refusal)],
                       {"index": self.journeys.index(outside[-1]), "last": math.prod(own) - 1})  # fmt: skip

    def _wrong_home(self, cell: Position) -> Position:
        return unravelled(self.journeys.index(cell), self.journeys.own_size)

    def _wrong_tokens(self, cell: Position) -> list[Token]:
        index = self.journeys.index(cell)
        sizes = (self.journeys.own_size, self.journeys.size)
        ways = [f"{index} = {spelled(index, size)} → {unravelled(index, size)}" for size in sizes]
        return [Token("    ".join(ways))]

    def _size_tokens(self) -> list[Token]:
        window, dims = self.journeys.geometry, self.journeys.dims
        names = {1: "L", 2: "HW", 3: "DHW"}[dims]
        given = (self.journeys.pooled, window.kernel, window.stride, window.padding)
        sides = zip(names, *(sizes[-dims:] for sizes in given), strict=True)
        sums = [
            f"{name}: ({n} − 1)·{s} − 2·{p} + {k} = {(n - 1) * s - 2 * p + k}" for name, n, k, s, p in sides
        ]
        return [Token("    ".join(sums))]

    def _open_wrong(self) -> Iterable[Animation]:
        self._clear()
        label = self.wrong.caption(f"output {self._by(self.journeys.own_size)} ?", 0.2)
        self.passing = [self.wrong, *self.wrong_flat.values(), label]
        return [*self._second_act(), Appear(*self.passing)]

    def _clear(self) -> None:
        """What stood in the output's place goes, and the frame round an index."""
        self.remove(*self.passing, *([self.pointer] if self.pointer else []))
        self.passing, self.pointer = [], None

    def _second_act(self) -> list[Animation]:
        """The notes become what MaxUnpool2d takes; the window over the source goes."""
        if self.named.text.startswith("input"):
            return []
        self.remove(self.named)
        self.named = self.board.heading(self.board.values, "input")
        self.add(self.named)
        gone = [Vanish(self.board.window.drawn)] if self.board.window is not None else []
        return [*gone, Appear(self.board.arrow(1, self.operator.name))]

    def _land(self, inside: Sequence[Position], cell: Position) -> Iterable[Animation]:
        landed = self.board.lands(self.wrong, [(each, self._wrong_home(each)) for each in inside])
        self.passing += [move.mobject for move in landed]
        return [*landed, *self._point(cell)]

    def _point(self, cell: Position) -> list[Animation]:
        """The accent frame round the index that is spoken of."""
        if self.pointer is not None:
            self.remove(self.pointer)
        self.pointer = self.board.pointer(cell)
        return [Appear(self.pointer)]

    def _sending(self, windows: Sequence[Position]) -> Iterator[Beat]:
        """Act two: the first value in full, the others quicker."""
        yield Beat("sized" if self.size_matters else "turn", self._open_output, 0.4, 1.2,
                   [Token(self._unpool_call())])  # fmt: skip
        for cell in windows[:1]:
            yield Beat("send", partial(self.board.send, cell, True), 0.9, 1.0, self._output_step(cell),
                       {"index": self.journeys.index(cell), "home": self._at(self.journeys.home(cell))})  # fmt: skip
        for run, seconds in _quickening(windows[1:], 0.8, 0.6 if len(windows) < 8 else 0.2):
            yield Beat("sends", partial(self._send, run), seconds, 0.1 if len(windows) < 8 else 0.0,
                       self._output_step(run[-1]))  # fmt: skip

    def _send(self, run: Sequence[Position]) -> Iterable[Animation]:
        few = len(run) == 1
        return [move for cell in run for move in self.board.send(cell, few)]

    def _open_output(self) -> Iterable[Animation]:
        self._clear()
        shown = [Appear(*self.board.output_flat.values())] if self.board.output_flat else []
        if self.size_matters:
            shown.append(Appear(self.board.output, self.output_label))
        return [*self._second_act(), *self.board.fill_notes(), *shown[::-1]]

    def _ending(self) -> Iterator[Beat]:
        if self.values()["lost"]:
            yield Beat("rest", self.board.rest, 0.4, 1.0, self._zero())
            yield Beat("lost", self.board.lose, 0.4, 0.4)
        else:
            yield Beat("all_kept", self.board.rest, 0.4, 0.6)

    def _zero(self) -> list[Token]:
        """The first element that nothing was sent to."""
        known = set(self.journeys.indices)
        flat = next(index for index in itertools.count() if index not in known)
        place = unravelled(flat, self.journeys.size)[-self.journeys.dims :]
        index = (*self.journeys.lead, *place)
        return [Token(f"output{list(index)} = "), self._number("output", index)]

    def _input_step(self, cell: Position) -> Step:
        return self.trace.step("input", (*self.journeys.lead, *self.journeys.geometry.spatial(cell)))

    def _output_step(self, cell: Position) -> Step:
        return self.trace.step("output", (self.journeys.step_number(cell),))


def _quickening(
    cells: Sequence[Position], first: float, last: float
) -> Iterator[tuple[Sequence[Position], float]]:
    """The remaining windows one by one, or many at a time if they are many, each run with its quickening time."""
    sweep = runs(cells, _MOST_STEPS)
    return zip(sweep, sweep_times(len(sweep), first, last), strict=True)


class MaxUnpool1d(_MaxUnpool):
    operator = operators.MaxUnpool1d


class MaxUnpool2d(_MaxUnpool):
    operator = operators.MaxUnpool2d


class MaxUnpool3d(_MaxUnpool):
    operator = operators.MaxUnpool3d
