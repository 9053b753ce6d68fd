"""How an element-wise activation is told: elements ride the curve one by one, then its slope follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.activation.curve.board import CurveBoard
from torchreel.scenes.activation.curve.functions import law
from torchreel.scenes.activation.curve.laws import plain
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Case, Token
from torchreel.scenes.trace.proof import Step

_MOST_SLOW = 3


class ActivationScene(OperatorScene):
    """The elements one by one, the first of each regime slowly; what the function is like; then its slope."""

    def story(self) -> Iterator[Beat]:
        self.rules = law(self.trace.module)  # type: ignore[arg-type]
        self.board = CurveBoard(self.look, self.trace, self.rules, self._label)
        self.lit = VGroup()
        self.add(self.board.scenery())
        yield Beat("start", run_time=1.5, formula=self._law(), also=self._reading())
        yield from self._outputs()
        if self.rules.beside or self.rules.levels:
            yield Beat(self.aha(), self._compare, 0.5, 1.6, self._telling())
        yield from self._slopes()
        if self.rules.moments:
            yield Beat("moments", self._moments, 0.5, 2.0)
        yield Beat("done", self._finish, 0.4, 0.9, self._law())

    def aha(self) -> str:
        """The caption of what the picture beside the curve says."""
        return "aha"

    def _telling(self) -> Step | None:
        """The step of the element that another column is compared for."""
        index = self.board.table.index(self.board.telling)
        return self.trace.step("output", index) if self.rules.columns else None

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """The step's formula, after the condition under which it holds; rather without symbols than cut short."""
        tokens = super().formula_tokens(step, most)
        numbers = tokens[2:-2]
        if any("…" in token.text for token in numbers):
            tokens = [tokens[0], *step.tokens(self.text, most), *tokens[-2:]]
        elif tokens[1].text.removesuffix(" = ") == "".join(token.text for token in numbers):
            tokens = [tokens[0], tokens[-1]]
        whole = [*self._condition(step), *tokens]
        return whole if self.formula_bar.width(whole) <= 1 else tokens

    def _outputs(self) -> Iterator[Beat]:
        slow = self._slow()
        quick = iter(sweep_times(len(self.board.table.rows) - len(slow), 0.6, 0.3))
        for row in self.board.table.rows:
            step = self.trace.step("output", self.board.table.index(row))
            if row in slow:
                key, values = self._key(row), self.numbers_of(row)
                yield Beat(key, partial(self._ride, row), 0.6, 0.3, step, values)
                yield Beat(key, partial(self._write, row), 0.5, 0.7, step, values)
            else:
                yield Beat("sweep", partial(self._both, row), next(quick), 0.1, step)

    def _slow(self) -> list[int]:
        """The first element of each regime, and a second one where there is a single regime."""
        first: dict[str, int] = {}
        for row in self.board.table.rows:
            piece = self.board.piece(row)
            if piece is not None:
                first.setdefault(piece.key, row)
        found = list(first.values())[:_MOST_SLOW]
        return found if len(self.rules.pieces) > 1 else [*found, *self.board.table.rows[-1:]][:2]

    def _key(self, row: int) -> str:
        piece = self.board.piece(row)
        return "sweep" if piece is None else piece.key

    def numbers_of(self, row: int) -> dict[str, object]:
        """What the captions of one element name."""
        names = {"x": "input", "y": "output", "slope": "slope"}
        return {key: self.text(name, self.board.table.value(name, row)) for key, name in names.items()}

    def values(self) -> dict[str, object]:
        return {name: plain(value) for name, value in self.settings().items()}

    def settings(self) -> dict[str, float]:
        """The module's numbers by name."""
        return {
            name: value
            for name, value in vars(self.trace.module).items()
            if isinstance(value, (int, float)) and not isinstance(value, bool) and not name.startswith("_")
        }

    def _ride(self, row: int) -> Iterable[Animation]:
        self._light(row)
        return [*self.board.table.point(row, "input"), *self.board.ride("output", row)]

    def _write(self, row: int) -> Iterable[Animation]:
        self.add(self.board.mark(row))
        return [
            *self.board.table.point(row, "input", *self.rules.columns, "output"),
            *self.board.write(row, fly=True),
        ]

    def _both(self, row: int) -> Iterable[Animation]:
        self._light(row)
        self.add(self.board.mark(row))
        moves = [
            *self.board.table.point(row, "input", *self.rules.columns, "output"),
            *self.board.ride("output", row),
        ]
        return [*moves, *self.board.write(row, fly=False)]

    def _light(self, row: int) -> None:
        """The regime of a row's element takes the place of the one before."""
        self.remove(self.lit)
        self.lit = self.board.regime(row)
        self.add(self.lit)

    def _compare(self) -> Iterable[Animation]:
        self.remove(self.lit, *self.board.graph.dismiss())
        columns = self.rules.columns
        cursors = self.board.table.point(self.board.telling, *columns, "output") if columns else []
        return [*cursors, *(Appear(part) for part in self.board.graph.neighbours())]

    def _slopes(self) -> Iterator[Beat]:
        """The derivative's curve, then the slope of each element."""
        rows = self.board.table.rows
        yield Beat("slopes", self._derivative, 0.5, 0.6, self._derived(rows[0]))
        for row, seconds in zip(rows, sweep_times(len(rows), 0.4, 0.2), strict=True):
            yield Beat("slopes", partial(self._slope, row), seconds, 0.0, self._derived(row))
        yield Beat("slopes", run_time=0.4)

    def _derivative(self) -> Iterable[Animation]:
        first = self.board.table.rows[0]
        return [*(Appear(curve) for curve in self.board.graph.slopes), *self._at_slope(first)]

    def _slope(self, row: int) -> Iterable[Animation]:
        names = ("slope", *self.rules.learned)
        return [*self._at_slope(row), *(move for name in names for move in self.board.table.write(name, row))]

    def _at_slope(self, row: int) -> list[Animation]:
        self._light(row)
        cursors = self.board.table.point(row, "input", "a", "slope", *self.rules.learned)
        return [*cursors, *self.board.ride("output", row), *self.board.ride("slope", row)]

    def _derived(self, row: int) -> list[Token]:
        """The derivative of one element, as autograd gives it."""
        index, value = self.board.table.index(row), self.board.table.value("slope", row)
        head = f"d output{list(index)} / d input{list(index)} = "
        return [Token(head), Token(self.text("slope", value), "slope", index, value)]

    def _moments(self) -> Iterable[Animation]:
        return [*self._rested(), Appear(self.board.moments())]

    def _finish(self) -> Iterable[Animation]:
        gone = self._rested()
        self.add(self.board.graph.summary())
        return gone

    def _rested(self) -> list[Animation]:
        """Dots, cursors and the lit regime leave."""
        self.remove(self.lit)
        cursors = self.board.table.cursors
        gone = [Vanish(part) for part in (*self.board.graph.dismiss(), *cursors.shapes)]
        cursors.shapes = []
        return gone

    def _law(self) -> list[Token]:
        """The function in symbols, piece by piece."""
        step = self.trace.step("output", self.board.table.index(self.board.table.rows[0]))
        shown = getattr(step.formula, "arg", step.formula)
        if not isinstance(shown, Case) or not self.rules.pieces[0].condition:
            return [Token(f"output = {step.formula.symbols()}")]
        parts = zip(shown.branches, self.rules.pieces, strict=False)
        said = [f"{branch.symbols()}  ({piece.condition.format('input')})" for branch, piece in parts]
        return [Token("output = " + ",  ".join(said))]

    def _condition(self, step: Step) -> list[Token]:
        """`−1.20 ≤ 0: ` with the element's number, where the formula holds on a condition."""
        piece = self.rules.pieces[int(self.trace.value("regime", step.index))]
        value = self.trace.value("input", step.index)
        if not piece.condition or value != value:
            return []
        before, after = piece.condition.split("{}")
        number = Token(self.text("input", value), "input", step.index, value)
        return [*([Token(before)] if before else []), number, Token(f"{after}:  ")]

    def _label(self, key: str) -> str:
        return self.words(f"label_{key}", None, **self.values())

    def _reading(self) -> tuple[str, ...]:
        needed = {"sampled": self.board.table.is_sampled, "heat": not self.board.table.has_numbers}
        return tuple(key for key, needs in needed.items() if needs)
