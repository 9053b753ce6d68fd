"""The other view of a transposed convolution: zeros between the input's elements, a flipped kernel, a convolution."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, cast

from manim import Animation, VGroup

from torchreel.scenes.convolution.board import ConvolutionBoard
from torchreel.scenes.convolution.story import WindowStory
from torchreel.scenes.convolution.transposed.trace import CONV_NAMES, equal_module
from torchreel.scenes.parts.grid import Grid
from torchreel.scenes.parts.mark import rgbas
from torchreel.scenes.parts.motion import Appear, Fly
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Point
from torchreel.scenes.parts.stack import Stack
from torchreel.scenes.parts.views import Place, View
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Ref, Token

_BY_POSITION = ("in_channels", "out_channels")


class EqualStory(WindowStory):
    """The input spreads, the kernel turns round, then a plain convolution ends in the same tensor."""

    def call(self) -> list[tuple[str, bool]]:
        """The constructor call with the channels by position, or it would be too long for the title bar."""
        short = []
        for text, focus in super().call():
            name, _, value = text.partition("=")
            short.append((value if name in _BY_POSITION and not focus else text, focus))
        return short

    def equal(self) -> Iterator[Beat]:
        """The beats of this view, on a convolution's board."""
        board = self.board_class(self.look, self.trace, equal_module(self.trace.module), CONV_NAMES)
        yield Beat("spread", partial(self._spread, board), 0.9, 0.9, self._border())
        yield from self.sliding(board)

    def _border(self) -> list[Token]:
        """How many zeros stand around, in each dimension that differs."""
        module = cast(Any, self.trace.module)
        sums = [
            f"{d}·({k}−1) − {p} = {d * (k - 1) - p}"
            for d, k, p in zip(module.dilation, module.kernel_size, module.padding, strict=True)
        ]
        return [Token(f"dilation·(kernel_size−1) − padding = {', '.join(dict.fromkeys(sums))}")]

    def _take_kernel(self, out: int) -> Iterable[Animation]:
        """The kernel turns round while it arrives: each weight comes from its mirrored place."""
        shown = list(super()._take_kernel(out))
        if self.board.names != CONV_NAMES or out:
            return shown
        return [*shown, *(move for plane in self.planes.values() for move in _turned(plane))]

    def _spread(self, board: ConvolutionBoard) -> Iterable[Animation]:
        """Elements fly from where they stood side by side, zeros come between and around."""
        moves: list[Animation] = []
        for plane in board.inputs.values():
            moves += self._spread_plane(plane)
        return moves

    def _spread_plane(self, plane: View) -> list[Animation]:
        moves: list[Animation] = []
        zeros = VGroup()
        for place, number in _numbers(plane):
            source = cast(Ref, self.trace.step("stuffed", number.index).formula)
            if not source.is_inside(self.trace.tensors):
                number.fill_rgbas = rgbas(self.look.theme.muted, 1.0)
                zeros.add(number)
                continue
            moves.append(Fly(number, start=self._packed(plane, place, source.element)))
        return [*moves, *([Appear(zeros)] if len(zeros) else [])]

    def _packed(self, plane: View, place: Place, source: tuple[int, ...]) -> Point:
        """Where an element stood when the input had no zeros: side by side, in the plane's middle."""
        dims = len(self.trace.shape("weight")) - 2
        sizes = self.trace.shape("input")[-dims:]
        cells = plane.cells
        col = source[-1] - (sizes[-1] - 1) / 2
        row = source[-2] - (sizes[-2] - 1) / 2 if dims > 1 else 0.0
        middle = plane.grid(place[0]).middle if isinstance(plane, Stack) else plane.middle
        return (middle[0] + col * cells.width, middle[1] - row * cells.height)


def _numbers(plane: View) -> Iterator[tuple[Place, Number]]:
    """Every drawn number of a plane or volume with its place."""
    if isinstance(plane, Grid):
        yield from plane.numbers.items()
        return
    for depth, grid in enumerate(cast(Stack, plane).grids):
        for cell, number in grid.numbers.items():
            yield (depth, *cell), number


def _turned(plane: View) -> list[Animation]:
    shape = plane.shape
    return [
        Fly(number, start=plane.center(tuple(n - 1 - at for at, n in zip(place, shape, strict=True))))
        for place, number in _numbers(plane)
    ]
