"""Identity: the output is the input itself, which is what an empty place in a net needs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from manim import Animation, VGroup

from torchreel.scenes.parts.grid import Grid
from torchreel.scenes.parts.layout import STAGE, Room, fill, in_column, in_row
from torchreel.scenes.parts.look import NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.motion import Appear, Vanish
from torchreel.scenes.parts.shapes import Box, Path
from torchreel.scenes.shape import operators
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.board import Board
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace import notation
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step, Trace

_MOST = (4, 6)
_LAYERS = ("Linear", "ReLU", "Linear")
_WIDE, _HIGH, _WIRE, _GAP = 1.9, 0.6, 0.9, 0.12


class IdentityBoard(Board):
    """The last plane of input and output side by side, and below them a net with an empty place."""

    def __init__(self, look: Look, trace: Trace) -> None:
        super().__init__(look, trace)
        shape = trace.shape("input")
        rows, cols = (1, *shape)[-2:] if shape else (1, 1)
        self.lead: Index = (0,) * max(0, len(shape) - 2)
        shown = min(rows, _MOST[0]), min(cols, _MOST[1])
        room = Room(*shown, self.texts("input"), name="0")
        figure = in_column(
            {
                "both": in_row({"input": room, "output": room}, (1.2, 2.4)),
                "net": Room(wide=9.0, high=_HIGH + 0.5),
            }
        )
        placed = fill(STAGE, figure, same=[("input", "output")])
        self.grids = {
            name: self.grid(name, self.lead, placed[name].cells, placed[name].at[0], blank=name == "output")
            for name in ("input", "output")
        }
        cells = placed["input"].cells
        self.is_cropped = bool(any(size > 1 for size in shape[:-2])) or (cells.rows, cells.cols) != (
            rows,
            cols,
        )
        self.foot = placed["net"].block.middle
        self.net = self._net()
        self.last = self.label(_LAYERS[-1], self._layer(len(_LAYERS) - 1), NAME_TEXT, look.theme.text)

    def scenery(self) -> VGroup:
        """Both grids and their names, and a net of three layers."""
        names = [
            self.title(name, (grid.origin[0], grid.origin[1] + _GAP), align="left")
            for name, grid in self.grids.items()
        ]
        return VGroup(*self.grids.values(), *names, self.net, self.last)

    @property
    def output(self) -> Grid:
        """The grid that is written."""
        return self.grids["output"]

    def replace(self) -> list[Animation]:
        """Identity takes the place of the net's last layer."""
        accent, at = self.look.theme.accent, self._layer(len(_LAYERS) - 1)
        frame = Box(_WIDE, _HIGH, at, stroke=accent, stroke_width=Stroke.SOURCE)
        return [Vanish(self.last), Appear(frame, self.label("Identity", at, NAME_TEXT, accent))]

    def _layer(self, number: int) -> tuple[float, float]:
        """The middle of a layer's box."""
        x, y = self.foot
        return x + (number - (len(_LAYERS) - 1) / 2) * (_WIDE + _WIRE), y

    def _net(self) -> VGroup:
        """The layers' boxes and the wires before, between and after them; the last name is apart."""
        theme, group = self.look.theme, VGroup()
        for number, name in enumerate(_LAYERS):
            x, y = self._layer(number)
            group.add(Box(_WIDE, _HIGH, (x, y), stroke=theme.line, stroke_width=Stroke.WIRE))
            for side in (-1, 1) if number == 0 else (1,):
                ends = [(x + side * _WIDE / 2, y), (x + side * (_WIDE / 2 + _WIRE), y)]
                group.add(Path(ends, theme.wire, Stroke.WIRE))
            if number < len(_LAYERS) - 1:
                group.add(self.label(name, (x, y), NAME_TEXT, theme.text))
        return group


class Identity(OperatorScene):
    operator = operators.Identity

    def story(self) -> Iterator[Beat]:
        self.board = board = IdentityBoard(self.look, self.trace)
        self.add(board.scenery())
        if board.is_cropped:
            self.add(board.note(self.words("cropped", None, **self.values())))
        first, *others = board.output.positions()
        step = self.trace.step("output", board.output.index(first))
        yield Beat("start")
        yield Beat(
            "element", partial(board.output.write, first), 0.3, 1.0, step, look=partial(self.point_at, step)
        )
        if others:
            yield Beat("rest", partial(self._write, others), 0.4, 1.0, self.law())
        yield Beat("same", self._clear, 0.1, 0.4)
        yield Beat("net", board.replace, 0.4, 0.4)

    def figure(self) -> Step:
        """An element in the middle."""
        cells = list(self.board.output.positions())
        return self.trace.step("output", self.board.output.index(cells[len(cells) // 2]))

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """`y_{1,0} = x_{1,0} = 4`."""
        heads = [notation.head(self.trace, name, step.index) for name in ("output", "input")]
        value = Token(self.text("output", step.value), "output", step.index, step.value)
        return [heads[0], Token(" = "), heads[1], Token(" = "), value]

    def values(self) -> dict[str, object]:
        return {"shape": self.trace.shape("input")}

    def _write(self, cells: list[tuple[int, int]]) -> Iterator[Animation]:
        yield from self.leave()
        for cell in cells:
            yield from self.board.output.write(cell)

    def _clear(self) -> list[Animation]:
        return self.leave()
