"""The other view of a transposed convolution: zeros between the input's elements, a flipped kernel, a convolution."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import cast

from manim import Animation, VGroup

from torchreel.scenes.convolution.board import ConvolutionBoard
from torchreel.scenes.convolution.story import WindowStory
from torchreel.scenes.convolution.transposed.trace import CONV_NAMES, equal_module
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, NAME_TEXT
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.stack import Stack
from torchreel.scenes.parts.text import measure
from torchreel.scenes.parts.views import View
from torchreel.scenes.stage.bars import STAGE_TOP
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Ref, Token

_SMALLEST, _ABOVE, _HEAD = 0.39, 0.55, 0.34
_MOST_TAPS = 6


class EqualStory(WindowStory):
    """The input is spread with zeros, the kernel turned round; a plain convolution ends in the same tensor."""

    def equal(self) -> Iterator[Beat]:
        """The beats of this view, on a convolution's board."""
        board = self.board_class(self.look, self.trace, equal_module(self.trace.module), CONV_NAMES)
        if board.is_noted:
            self.add(board.note(self._left_out(board)))
        for plane in board.inputs.values():
            self._mute(plane)
        beats = self.sliding(board)
        yield next(beats)
        yield Beat("flip", partial(self._show, _original(board)), 0.4, 0.8, self._turned(board))
        yield from beats

    def _turned(self, board: ConvolutionBoard) -> list[Token] | None:
        """A short kernel of one dimension, before and after."""
        taps = self.trace.shape("weight")[-1]
        if board.size.dims > 1 or taps > _MOST_TAPS or board.size.channels * board.size.outs > 1:
            return None
        tokens = [Token("weight", "weight"), Token(" = ")]
        for number, order in enumerate((range(taps), reversed(range(taps)))):
            texts = (self.text("weight", self.trace.value("weight", (0, 0, tap))) for tap in order)
            tokens += [Token("  →  ")] * number + [Token(f"({', '.join(texts)})")]
        return [Token(self.trace.symbol("weight"), "weight"), *tokens[1:]]

    def _mute(self, plane: View) -> None:
        """The zeros that come between and around are dashed cells without a colour of their own."""
        for grid in plane.grids if isinstance(plane, Stack) else [cast(Grid, plane)]:
            for cell, box in grid.boxes.items():
                source = cast(Ref, self.trace.step("stuffed", grid.index(cell)).formula)
                if source.is_inside(self.trace.tensors):
                    continue
                box.set_fill(self.look.theme.background, opacity=1)
                if cell in grid.numbers:
                    grid.numbers[cell].set_fill(self.look.theme.muted, opacity=1)

    def _show(self, original: VGroup | None) -> list[Animation]:
        return [] if original is None else [Appear(original)]


def _original(board: ConvolutionBoard) -> VGroup | None:
    """The kernel before it is turned, small above the turned one; None where there is no room."""
    if len(board.channels) > 1 or len(board.outs) > 1 or not board.is_whole or board.is_heat:
        return None
    view = board.kernel(0, (0,) * len(board.size.out))[0]
    if board.size.dims != 2 or not isinstance(view, Grid):
        return None
    edges = view.outline((0, 0), (view.cells.rows - 1, view.cells.cols - 1))
    (left, _, _), (right, top, _) = edges.min(0).tolist(), edges.max(0).tolist()
    rows, cols = view.cells.rows, view.cells.cols
    low, high = top + _ABOVE, STAGE_TOP - 0.1 - _HEAD
    widest = max(measure(text, 1.0) for text in board.texts("weight"))
    size = min((high - low) / rows, (right - left) / cols, 0.5)
    if size < max(_SMALLEST, MIN_NUMBER * widest + 0.14):
        return None
    middle = ((left + right) / 2, low + rows * size / 2)
    number = min(size * 0.6, (size - 0.14) / widest)
    grid = board.grid("weight", (0, 0), Cells(size, size, number, rows, cols), middle)
    return VGroup(
        grid, board.title("weight", (middle[0], low + rows * size + 0.12), size=NAME_TEXT, shape=False)
    )
