"""Max unpooling: each value goes to the place that its flat index names.

An example pools a source first and draws it, so that values go back to where they stood. A plain call has values and
indices of any origin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from manim import Animation, Mobject, VGroup

from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.text import fit
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.unpooling.board import UnpoolingBoard, appear
from torchreel.scenes.pooling.unpooling.journeys import Journeys, spelled, unravelled
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.excerpt import excerpt
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace import notation
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_MOST_STEPS, _SLOW = 12, 2


class _MaxUnpool(OperatorScene):
    """The notes are there; each value goes home, and what has no value becomes 0."""

    board: UnpoolingBoard | None = None

    def story(self) -> Iterator[Beat]:
        board = self.board = UnpoolingBoard(self.look, self.trace)
        self.marks: VGroup = VGroup()
        self.notes = self._note()
        self.add(board.scenery(), *self.notes)
        self.passing: list[Mobject] = []
        output = [board.output, board.names[-1], *board.output_flat.values(), *board.counted_rows()]
        windows = board.windows()
        if self._size_matters:
            self.passing = [board.unknown()]
            self.add(*self.passing)
            yield Beat("start", hold=0.4)
            yield from self._without_size(windows)
            yield Beat("sized", lambda: appear(*output), 0.4, 0.4, look=self._clear)
            yield from self._swept("sized", windows)
        else:
            self.add(*output)
            yield Beat("start", hold=0.4)
            yield from self._sent_home(windows)
        yield Beat("rest", board.rest, 0.4, 0.4, look=self._unmark)
        chosen = self._chosen
        yield Beat("done", look=partial(self._point, chosen), focus=self.figure())

    @cached_property
    def journeys(self) -> Journeys:
        return Journeys(self.trace)

    @cached_property
    def _size_matters(self) -> bool:
        return "output_size" in self.example.focus and self.journeys.own_size != self.journeys.size

    def values(self) -> dict[str, object]:
        total, homes = math.prod(self.journeys.size), len(set(self.journeys.indices))
        return {
            "name": self.operator.name,
            "total": total,
            "kept": homes,
            "lost": total - homes,
            "size": self._by(self.journeys.size),
            "own": self._by(self.journeys.own_size),
            "given": self.journeys.size[-self.journeys.dims :],
        }

    def law(self) -> Sequence[Token]:
        dims, size = self.journeys.dims, self.journeys.size
        home, place = {1: "c", 2: "r,c", 3: "d,r,c"}[dims], {1: "i", 2: "i,j", 3: "t,i,j"}[dims]
        flat = {
            1: "c",
            2: f"{size[-1]}r + c",
            3: f"({size[-2]}d + r)·{size[-1]} + c",
        }[dims]
        return [
            Token(f"y_{{{home}}}", "output"),
            Token(" = "),
            Token(f"x_{{{place}}}", "input"),
            Token("  if  "),
            Token(f"k_{{{place}}}", "indices"),
            Token(f" = {flat},  else 0"),
        ]

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """What a flat index means, and the value that goes there."""
        window = next(step.reads)[1]
        index = self._number("indices", window)
        made = "" if self.journeys.dims == 1 else f" = {spelled(int(index.value or 0), self.journeys.size)}"
        return [
            notation.head(self.trace, "indices", window),
            Token(" = "),
            index,
            Token(f"{made}:     "),
            notation.head(self.trace, "output", step.index),
            Token(" = "),
            notation.head(self.trace, "input", window),
            Token(" = "),
            self._number("input", window),
        ]

    def figure(self) -> Step | None:
        return None if self.board is None else self._step(self._chosen)

    def pointing_at(self, step: Step) -> Pointer | None:
        """The value, its index and the lines to its home stand already."""
        target = Places(self.mobjects)[(step.tensor, step.index)]
        return None if target is None else Pointer(self.look, target, {})

    @cached_property
    def _chosen(self) -> Position:
        """A window in the middle, whose home in a plane is the one that the lines come to."""
        assert self.board is not None
        windows = self.board.windows()
        met = [one for one in windows[1:-1] if self.journeys.dims == 2 and self.journeys.home(one)[-1] == 0]
        return next((one for one in met if self.journeys.writes(one)), windows[min(1, len(windows) - 1)])

    def _step(self, window: Position) -> Step:
        return self.trace.step("output", (self.journeys.step_number(window),))

    def _number(self, tensor: str, index: tuple[int, ...]) -> Token:
        value = self.trace.value(tensor, index)
        return Token(self.text(tensor, value), tensor, index, value)

    def _by(self, size: Position) -> str:
        return " × ".join(map(str, size[-self.journeys.dims :]))

    def _at(self, place: Position) -> str:
        """A position as a reader writes it: in one dimension a single number."""
        return str(place[1]) if self.journeys.dims == 1 else str(place)

    def _journey(self, window: Position) -> dict[str, object]:
        home, step = self.journeys.home(window), self._step(window)
        return {
            "index": self.journeys.index(window),
            "home": self._at(home),
            "row": home[-2],
            "column": home[-1],
            "slice": home[0],
            "value": self.text("input", step.value),
        }

    def _sent_home(self, windows: Sequence[Position]) -> Iterator[Beat]:
        """The first value slowly, the next ones with their numbers, the rest as cuts."""
        names = ["send", *["sends"] * _SLOW]
        for name, window in zip(names, windows, strict=False):
            first = name == "send"
            yield Beat(
                name, partial(self._send, [window]), 0.4, 0.8 if first else 0.4, self._step(window),
                self._journey(window), look=partial(self._point, window),
            )  # fmt: skip
        yield from self._swept("sends", windows[len(names) :])

    def _swept(self, name: str, windows: Sequence[Position]) -> Iterator[Beat]:
        for run in runs(windows, _MOST_STEPS):
            yield Beat(name, partial(self._send, run), 0.5, look=partial(self._point, run[-1]), sweep=True,
                       formula=self._step(run[-1]))  # fmt: skip

    def _send(self, run: Sequence[Position]) -> Iterable[Animation]:
        assert self.board is not None
        return [move for window in run for move in self.board.send(window)]

    def _point(self, window: Position) -> Iterable[Animation]:
        """Everything that marks a value takes the place of what marked the last one."""
        assert self.board is not None
        self._unmark()
        self.marks = self.board.marks(window)
        return [Appear(self.marks)]

    def _unmark(self) -> Iterable[Animation]:
        self.remove(self.marks)
        self.marks = VGroup()
        return []

    # An output of another size.

    def _without_size(self, windows: Sequence[Position]) -> Iterator[Beat]:
        """What torch would do without output_size, and where the indices would then point."""
        assert self.board is not None
        own = self.journeys.own_size
        self.wrong, self.wrong_flat = self.board.wrong_size(own)
        inside = [cell for cell in windows if self.wrong.shows(self._wrong_home(cell))]
        yield Beat("computed", self._open_wrong, 0.4, 1.0, self._size_tokens())
        astray = [cell for cell in inside if self._wrong_home(cell) != self.journeys.home(cell)]
        if astray:
            cell = astray[0]
            values: dict[str, object] = {
                "index": self.journeys.index(cell),
                "wrong": self._at(self._wrong_home(cell)),
                "right": self._at(self.journeys.home(cell)),
            }
            yield Beat("misplaced", partial(self._land, cell), 0.3, 1.0,
                       self._wrong_tokens(cell), values, look=partial(self._point_wrong, cell))  # fmt: skip
        outside = [cell for cell in windows if cell not in inside]
        if outside and self.journeys.refusal:
            cell = outside[-1]
            yield Beat("refused", self._refuse, 0.3, 1.0, values={"index": self.journeys.index(cell)},
                       look=partial(self._point_wrong, cell))  # fmt: skip

    def _wrong_home(self, cell: Position) -> Position:
        return unravelled(self.journeys.index(cell), self.journeys.own_size)

    def _wrong_tokens(self, cell: Position) -> list[Token]:
        """The index read with the wrong width."""
        index, own = self.journeys.index(cell), self.journeys.own_size
        return [Token(f"{index} = {spelled(index, own)} → {self._at(unravelled(index, own))}")]

    def _size_tokens(self) -> list[Token]:
        window, dims = self.journeys.geometry, self.journeys.dims
        names = {1: "L", 2: "HW", 3: "DHW"}[dims]
        given = (self.journeys.pooled, window.kernel, window.stride, window.padding)
        sides = zip(names, *(sizes[-dims:] for sizes in given), strict=True)
        sums = [
            f"{name} = ({n} − 1)·{s} − 2·{p} + {k} = {(n - 1) * s - 2 * p + k}" for name, n, k, s, p in sides
        ]
        return [Token(",    ".join(sums))]

    def _open_wrong(self) -> Iterable[Animation]:
        assert self.board is not None
        self.remove(*self.passing)
        at = self.wrong.edges
        name = self.board.label(f"{self._by(self.journeys.own_size)} ?", ((at[0] + at[2]) / 2, at[3] + 0.17),
                                vertical="baseline")  # fmt: skip
        self.passing = [self.wrong, *self.wrong_flat.values(), name]
        return [Appear(*self.passing)]

    def _point_wrong(self, cell: Position) -> Iterable[Animation]:
        assert self.board is not None
        self._unmark()
        self.marks = self.board.marks(cell, self.wrong, self._wrong_home(cell))
        return [Appear(self.marks)]

    def _land(self, cell: Position) -> Iterable[Animation]:
        assert self.board is not None
        moves, text = self.board.lands(self.wrong, cell, self._wrong_home(cell))
        self.passing.append(text)
        return moves

    def _refuse(self) -> Iterable[Animation]:
        """torch's own words at the foot of the stage, if nothing else has to be said there."""
        assert self.board is not None
        if self.notes:
            return []
        said = f"RuntimeError: {self.journeys.refusal}"
        size = fit(said, bars.WIDTH - 2 * bars.MARGIN, 0.24, MIN_TEXT, "mono")
        line = self.board.label(said, (0.0, bars.STAGE_BOTTOM + 0.17), size, self.look.theme.text)
        self.passing.append(line)
        return [Appear(line)]

    def _clear(self) -> Iterable[Animation]:
        """What stood in the output's place goes, with its marks."""
        self.remove(*self.passing)
        return self._unmark()

    def _note(self) -> list[Any]:
        """What a large call needs to be said."""
        assert self.board is not None
        leading = self.trace.shape("output")[: -self.journeys.dims]
        said = excerpt(self, leading, self.board.shown, heat=not self.board.is_whole)
        return [self.board.note(said)] if said else []


class MaxUnpool1d(_MaxUnpool):
    operator = operators.MaxUnpool1d


class MaxUnpool2d(_MaxUnpool):
    operator = operators.MaxUnpool2d


class MaxUnpool3d(_MaxUnpool):
    operator = operators.MaxUnpool3d
