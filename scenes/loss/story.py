"""What the clips of all losses share: how the law and the call are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from manim import VGroup

from torchreel.scenes.loss.board import LossBoard
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import CELL_TEXT
from torchreel.scenes.parts.rooms import STAGE
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token


class LossScene(OperatorScene):
    """The base of the clips of losses; the element-wise ones and those of vectors each tell their own story."""

    @property
    def module(self) -> Any:
        """The loss module, with its settings."""
        return self.trace.module

    def law(self) -> list[Token]:
        """The loss as torch defines it, in symbols."""
        return [Token(self.words("law"))]

    def call(self) -> list[tuple[str, bool]]:
        """Tensors among the arguments are written as tensors, not as the lists that examples have for them."""
        shown = {
            f"{name}={value!r}": f"{name}={self.written(value)}"
            for name, value in self.trace.kwargs.items()
            if isinstance(value, (tuple, list))
        }
        return [(shown.get(text, text), focus) for text, focus in super().call()]

    def written(self, values: Sequence[float]) -> str:
        """A tensor among the arguments, as one writes it to make it."""
        return f"torch.tensor({list(values)!r})"

    def without_losses(self) -> Iterator[Beat]:
        """Shapes, and what torch makes of no loss at all."""
        board, trace = LossBoard(self.look, self.trace), self.trace
        names = [name for name in trace.tensors if trace.role(name) == "input"]
        pitch = STAGE.width / (len(names) + 1)
        xs = [STAGE.left + (k + 0.5) * pitch for k in range(len(names) + 1)]
        titles = [board.title(name, (x, 0.0)) for name, x in zip(names, xs, strict=False)]
        cells = Cells(1.6, 0.8, CELL_TEXT, 1, 1)
        grid = board.grid("output", (), cells, (xs[-1], 0.1), index=lambda _: (), blank=True)
        self.add(VGroup(*titles, grid, board.title("output", (xs[-1], 0.65), shape=False)))
        step, result = trace.step("output", ()), self.text("output", trace.value("output", ()))
        written, look = partial(grid.write, (0, 0)), partial(self.point_at, step)
        yield Beat("nothing", written, 0.4, 1.0, step, {"output": result}, look=look)
