"""All element-wise activations at once: families of curves over the same input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from manim import Animation

from torchreel.scenes.activation import operators
from torchreel.scenes.activation.curve.functions import law
from torchreel.scenes.activation.curve.overview_board import OverviewBoard
from torchreel.scenes.activation.curve.overview_trace import FAMILIES, MODULES
from torchreel.scenes.parts.motion import Appear, Paint
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Expr, Ref, Token, cells


class Activations(OperatorScene):
    """Family by family, each function is drawn through the outputs that torch gives for the same inputs."""

    operator = operators.Activations

    def call(self) -> list[tuple[str, bool]]:
        return [(f"input {self.trace.shape('input')}".replace(", ", ","), False)]

    def story(self) -> Iterator[Beat]:
        self.board = OverviewBoard(self.look, self.trace, [type(module).__name__ for module in MODULES])
        self.add(*self.board.plots.values(), *self.board.titles.values())
        known = self.trace.sample("input")
        ends = {"low": self.text("input", float(known.min())), "high": self.text("input", float(known.max()))}
        yield Beat("start", run_time=1.4, values={"count": len(MODULES), "size": len(known), **ends})
        for number, (family, members) in enumerate(FAMILIES.items()):
            own = [type(module).__name__ for module in members]
            yield Beat(family, partial(self._family, number, own), 0.7, 1.0, self._law(own[0]))
        yield Beat("done", self.board.leave, 0.4, 1.0, ())

    def _family(self, number: int, names: list[str]) -> Iterable[Animation]:
        color = self.look.theme.channel(number)
        curves = [Appear(part) for name in names for part in self.board.drawn(name, color)]
        lit = [Paint(self.board.titles[name], fill=self.look.theme.text) for name in names]
        return [*self.board.point(names), *curves, *lit]

    def _law(self, name: str) -> list[Token]:
        """The formula of a family's first function."""
        one = law(MODULES[self.board.names.index(name)])
        cell = cells((1,), 0, 1)
        x = Ref("x", cell)
        pieces: list[Expr] = [piece.formula(x, cell) for piece in one.pieces]
        if not one.pieces[0].condition:
            return [Token(f"{name}(x) = {pieces[0].symbols()}")]
        said = [
            f"{part.symbols()}  ({piece.condition.format('x')})"
            for part, piece in zip(pieces, one.pieces, strict=True)
        ]
        return [Token(f"{name}(x) = " + ",  ".join(said))]
