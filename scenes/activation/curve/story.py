"""How an element-wise activation is told: a number goes to the x axis, up to the curve, and across to its output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from torchreel.scenes.activation.curve.board import CurveBoard
from torchreel.scenes.activation.curve.functions import law
from torchreel.scenes.activation.curve.laws import plain
from torchreel.scenes.activation.curve.lighting import ReadingScene
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Case, Token
from torchreel.scenes.trace.proof import Step


class ActivationScene(ReadingScene):
    """One element of each regime slowly, the others quickly; at the end one of them with its way."""

    board: CurveBoard

    def story(self) -> Iterator[Beat]:
        self.rules = law(self.trace.module)  # type: ignore[arg-type]
        self.board = CurveBoard(self.look, self.trace, self.rules)
        self.set_up(self.board)
        yield Beat("start", run_time=0.4)
        slow = self.board.slow
        for row in slow:
            yield from self._gated(row) if self.rules.gate else [self._read(self.board.key(row), row)]
        rest = [row for row in self.board.rows if row not in slow]
        if self.rules.gate or len(self.rules.keys) == 1:
            second = [row for row in rest[-2:-1] if self.board.shows(row)]
            for row in second:
                yield self._read("sweep", row)
            rest = [row for row in rest if row not in second]
        for row in rest:
            step = self._step(row)
            yield Beat(
                "sweep",
                partial(self._write, row),
                0.7,
                look=partial(self._cut, row),
                formula=step,
                sweep=True,
            )
        yield Beat("done", self._leave, 0.1)

    def law(self) -> Sequence[Token]:
        """The function in symbols, piece by piece."""
        if not self.has_values():
            return ()
        step = self.trace.step("output", (0,) * len(self.trace.shape("output")))
        shown = getattr(step.formula, "arg", step.formula)
        rules = law(self.trace.module)  # type: ignore[arg-type]
        gate = self._gate_law()
        if not isinstance(shown, Case) or not rules.pieces[0].condition:
            whole = rules.symbols() if rules.gate else step.formula.symbols()
            return [Token(f"output = {whole}{gate}")]
        parts = zip(shown.branches, rules.pieces, strict=False)
        said = [f"{branch.symbols()}  ({piece.condition.format('input')})" for branch, piece in parts]
        return [Token("output = " + ",   ".join(said))]

    def _gate_law(self) -> str:
        """What a gate is whose symbol does not say it."""
        symbol = self.trace.symbol("gate")
        if "gate" not in self.trace.tensors or "(" in symbol:
            return ""
        step = self.trace.step("gate", (0,) * len(self.trace.shape("gate")))
        return f",   gate = {step.formula.symbols()}"

    def figure(self) -> Step | None:
        """An element that is changed, and not to 0; the first of the slow ones if there is none."""
        return self._step(self.board.figure)

    def condition(self, step: Step) -> list[Token]:
        """`−2 ≤ 0:  ` with the element's number, where the formula holds on a condition."""
        if step.tensor != "output":
            return []
        piece = self.rules.pieces[int(self.trace.value("regime", step.index))]
        value = self.trace.value("input", step.index)
        if not piece.condition or value != value:
            return []
        before, after = piece.condition.split("{}")
        number = Token(self.text("input", value), "input", step.index, value)
        return [*([Token(before)] if before else []), number, Token(f"{after}:   ")]

    def numbers_of(self, row: int) -> dict[str, object]:
        """What the captions of one element name; a number that stays is written as it came."""
        x, y = self.board.value("input", row), self.board.value("output", row)
        return {"x": self.text("input", x), "y": self.text("input" if x == y else "output", y)}

    def values(self) -> dict[str, object]:
        return {name: plain(value) for name, value in self.settings().items()}

    def settings(self) -> dict[str, float]:
        """The module's numbers by name."""
        return {
            name: value
            for name, value in vars(self.trace.module).items()
            if isinstance(value, (int, float)) and not isinstance(value, bool) and not name.startswith("_")
        }
