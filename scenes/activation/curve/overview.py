"""All element-wise activations at once: families of curves over the same input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.activation import operators
from torchreel.scenes.activation.curve.overview_board import OverviewBoard
from torchreel.scenes.activation.curve.overview_trace import FAMILIES, MODULES
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_SAID = {"rectified": "left", "exponential": "left", "logarithmic": "others", "shrinking": "others"}
_ROWS = (("rectified",), ("exponential", "shrinking"), ("gated", "logarithmic"), ("bounded",))
_NOTED = ("ReLU6", "LeakyReLU", "PReLU", "RReLU")
_FIGURE, _AT = "SiLU", 2.0


class Activations(OperatorScene):
    """Family by family, each function as a curve over the same axes; one output of one of them at the end."""

    operator = operators.Activations

    def call(self) -> list[tuple[str, bool]]:
        """There is no call: it is no operator of torch's."""
        return []

    def story(self) -> Iterator[Beat]:
        names = {family: [type(one).__name__ for one in members] for family, members in FAMILIES.items()}
        rows = [{family: names[family] for family in row} for row in _ROWS]
        notes = {name: self.words(f"note_{name}") for name in _NOTED}
        self.board = OverviewBoard(
            self.look, self.trace, rows, lambda family: self.words(f"label_{family}"), notes
        )
        self.add(self.board.scenery)
        yield Beat("start", run_time=0.4, values={"count": len(MODULES)})
        for family in FAMILIES:
            yield Beat(_SAID.get(family, family), partial(self._family, family), 0.4, 1.2)
        yield Beat("done", run_time=0.4)

    def law(self) -> Sequence[Token]:
        return [Token("output = f(input)")] if self.has_values() else ()

    def figure(self) -> Step | None:
        """SiLU of the input that is nearest to 2."""
        known = self.trace.sample("input")
        flat = int((known - _AT).abs().argmin())
        place, shape = [], self.trace.shape("input")
        for size in reversed(shape):
            place.append(flat % size)
            flat //= size
        return self.trace.step("output", (_names().index(_FIGURE), *reversed(place)))

    def pointing_at(self, step: Step) -> VGroup | None:
        """The way over its own graph."""
        return self.board.pointing(_FIGURE, self.trace.value("input", step.index[1:]), step.value)

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """`y = x·σ(x) = −2·σ(−2) = −0.24`."""
        *tokens, last = super().formula_tokens(step, most)
        return [Token(f"output = {step.formula.symbols()}"), *tokens[1:], Token(last.text, "output")]

    def _family(self, family: str) -> Iterable[Animation]:
        self.board.scenery.remove(*self.board.grey[family])
        return [Appear(part) for part in self.board.drawn(family)]


def _names() -> list[str]:
    """The functions in the order of the output."""
    return [type(module).__name__ for module in MODULES]
