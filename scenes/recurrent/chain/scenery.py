"""What frames a cell in time: boxes, signs, and the names of tensors, gates and states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from manim import Mobject, VGroup

from torchreel.assets.fonts import FontName
from torchreel.scenes.parts.gates import Node, Pill, bracket
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.mathtext import MathText, width
from torchreel.scenes.parts.shapes import Box, Disc
from torchreel.scenes.parts.text import Align, measure
from torchreel.scenes.recurrent.chain.layout import names_below
from torchreel.scenes.recurrent.chain.routes import SIGNS
from torchreel.scenes.recurrent.chain.vectors import Tinted
from torchreel.scenes.stage.bars import STAGE_TOP

if TYPE_CHECKING:
    from torchreel.scenes.recurrent.chain.board import ChainBoard

_STEP_NAME = 0.42
_BETWEEN_NAMES, _ASIDE = 0.14, 0.12
# How much higher a name with an index stands, so that frames round the rows below keep clear of it.
_INDEX = 0.04


class Scenery:
    """The parts of a board that hold no values."""

    def __init__(self, board: ChainBoard) -> None:
        self.board = board

    def signs(self) -> Iterator[Mobject]:
        """Nodes and activations on the wires."""
        look = self.board.look
        yield from (Node(look, sign, (x, y)) for sign, x, y in self.board.wiring.nodes)
        yield from (Pill(look, name, (x, y)) for name, x, y in self._pills())

    def _pills(self) -> Iterator[tuple[str, float, float]]:
        for number, gate in enumerate(self.board.law.gates):
            if not gate.reset:
                yield SIGNS[gate.activation], self.board.layout.pill_x, self.board.layout.gate_y(number)
        yield from self.board.wiring.pills

    def boxes(self) -> Iterator[Mobject]:
        """The open call, the closed ones, and dots where calls are left out."""
        theme, lay = self.board.look.theme, self.board.layout
        top, bottom = lay.heights.top, lay.heights.bottom
        for slot, time in enumerate(lay.sizes.times):
            left, right = (lay.box_left, lay.box_right) if slot == 0 else lay.closed(slot)
            x, y = (left + right) / 2, (top + bottom) / 2
            if time is None:
                yield from self._dots(x)
                continue
            style = {"fill": theme.bar, "stroke": theme.line, "stroke_width": 1.6}
            yield Box(right - left, top - bottom, (x, y), 0.18, **style)
            for number, word in enumerate(self.board.words("same").split("|") if slot else ()):
                yield self._text(word, x, y + 0.09 - 0.3 * number)

    def _dots(self, x: float) -> Iterator[Mobject]:
        for state in self.board.law.states:
            y, color = self.board.state_y(state), self.board.look.theme.muted
            yield VGroup(*(Disc(0.035, (x + dx, y), fill=color) for dx in (-0.15, 0, 0.15)))

    def labels(self) -> Iterator[Mobject]:
        """Every name on the stage."""
        yield from self._gates()
        yield from self._weights()
        yield from self._states()
        yield from self._sequences()
        yield from self._notes()

    def _gates(self) -> Iterator[Mobject]:
        """The gates' letters beside their rows, and their names beside their vectors."""
        lay, half = self.board.layout, self.board.layout.chunk / 2 - 0.02
        for number, gate in enumerate(self.board.gates):
            if gate not in self.board.said:
                continue
            y, color, said = lay.gate_y(number), self.board.hues[gate], self.board.said[gate]
            yield bracket(lay.box_left + 0.46, y + half, y - half, color)
            yield MathText(gate, 0.34, color).place((lay.box_left + 0.24, y))
            if lay.sizes.names and (at := self.board.wiring.spots.get(gate)):
                yield self._text(said, at[0] - 0.12, at[1] + half + 0.12, "right", color, "bold")
            elif lay.sizes.names:
                x = lay.gate_x + lay.sizes.gate / 2 + 0.1
                yield self._text(said, x, y + 0.09, "left", color, "bold")

    def _weight_name(self, kind: str) -> str:
        return self.board.steps.weight(kind).removesuffix(self.board.steps.suffix)

    def _weights(self) -> Iterator[Mobject]:
        lay, color = self.board.layout, self.board.look.theme.muted
        y = lay.heights.gates[0] + 0.09
        names = {kind: self._weight_name(kind) for kind in ("ih", "hh")}
        wide = {kind: measure(name, MIN_TEXT, "sans") for kind, name in names.items()}
        middles = {kind: sum(lay.block(kind)) / 2 for kind in names}
        lacking = _BETWEEN_NAMES - (middles["hh"] - middles["ih"] - sum(wide.values()) / 2)
        aside = {"ih": -max(0.0, lacking) / 2, "hh": max(0.0, lacking) / 2}
        for kind, name in names.items():
            left, right = lay.block(kind)
            has_bias = (kind, 0) in self.board.biases
            if aside["hh"] > _ASIDE or (has_bias and wide[kind] > right - left + lay.sizes.cell / 2):
                at = (middles[kind], y + _INDEX)
                yield MathText(f"W_{{{kind}}}", MIN_TEXT * 1.1, color).place(at, vertical="baseline")
            else:
                yield self._text(name, middles[kind] + aside[kind], y)
            if has_bias:
                at = (lay.bias_x(kind), y + _INDEX)
                yield MathText(f"b_{{{kind}}}", MIN_TEXT * 1.1, color).place(at, vertical="baseline")
        if self._has_sums:
            yield MathText("a", MIN_TEXT * 1.25, color).place((lay.sum_x, y), vertical="baseline")
        for text, x, low in self.board.wiring.labels.values():
            yield MathText(text, MIN_TEXT * 1.1, color).place((x, low), vertical="baseline")

    def _states(self) -> Iterator[Mobject]:
        """The states that are given with their shapes, the others with their symbols."""
        board = self.board
        for grid in board.before.values():
            around, is_below = grid.around(), grid is board.before["h"] and board.layout.gates != 3
            y = around[:, 1].min() - 0.27 if is_below else around[:, 1].max() + 0.11
            left, edge = around[:, 0].min(), board.inputs[0].around()[:, 0].min() - 0.1
            has_room = not is_below or left + measure(board.shape(grid.tensor), MIN_TEXT) < edge
            yield board.title(grid.tensor, (left, y), align="left", size=MIN_TEXT, shape=has_room)
        for grid in (grid for states in board.after.values() for grid in states.values()):
            yield self._over(grid)

    def _over(self, grid: Tinted) -> Mobject:
        """What a state is called: its symbol, or torch's name where torch returns it."""
        around, symbol = grid.around(), self.board.steps.symbol(grid.tensor, grid.index((0, 0)))
        is_below = names_below(self.board.steps) and grid.tensor.startswith("c")
        at = (around[:, 0].mean(), around[:, 1].min() - 0.27 if is_below else around[:, 1].max() + 0.13)
        if grid.tensor.endswith("_n"):
            return self.board.title(grid.tensor, at, size=MIN_TEXT, shape=False)
        color = self.board.look.theme.role("result")
        return MathText(symbol, MIN_TEXT * 1.2, color).place(at, vertical="baseline")

    def _sequences(self) -> Iterator[Mobject]:
        """What the input, its steps and the output are called."""
        board, y = self.board, self.board.layout.heights.inputs
        color = board.look.theme.role("input")
        yield board.title("input", (self._right_of_input, y - 0.07), align="left", size=MIN_TEXT)
        for slot in board.slots[1:]:
            at = (board.inputs[slot].around()[:, 0].min() - 0.08, y)
            before = board.inputs.get(slot - 1)
            if before is not None and before.around()[:, 0].max() + _STEP_NAME > at[0]:
                continue
            yield MathText(f"x_{{{board.time(slot) + 1}}}", MIN_TEXT * 1.15, color).place(at, align="right")
        if board.outputs:
            left = board.outputs[board.slots[0]].around()[:, 0].min() - 0.15
            at = (left, board.layout.heights.output - 0.07)
            yield board.title("output", at, align="right", size=MIN_TEXT)

    @property
    def _right_of_input(self) -> float:
        return float(self.board.inputs[0].around()[:, 0].max()) + 0.12

    def _notes(self) -> Iterator[Mobject]:
        """What the signs mean, where there is room, and what is left out."""
        board = self.board
        right, used = board.layout.box_right, measure(board.shape("input"), MIN_TEXT) + 0.7
        for said in self._legends():
            if self._right_of_input + used + width(said, MIN_TEXT) < right:
                at, color = (right, board.layout.heights.inputs - 0.08), board.look.theme.muted
                yield MathText(said, MIN_TEXT, color).place(at, "right", "baseline")
                break
        if notes := "   ".join(board.words(key) for key in board.left_out()):
            yield self._text(notes, board.layout.box_left + 0.5, STAGE_TOP - 0.28, "left")

    @property
    def _has_sums(self) -> bool:
        """Whether what activations are applied to stands on the board."""
        return bool(self.board.layout.sizes.total) and not all(gate.reset for gate in self.board.law.gates)

    def _legends(self) -> Iterator[str]:
        """What the signs mean, from the fullest to the shortest; of one gate the law says it."""
        if len(self.board.gates) == 1:
            return
        has = dict(zip(("ih", "hh"), self.board.layout.biases, strict=True))
        product = " + ".join(
            f"W_{{{kind}}}·{read}" + (f" + b_{{{kind}}}" if has[kind] else "")
            for kind, read in (("ih", "x"), ("hh", "h"))
        )
        first = self.board.law.gates[0]
        sums = f"a = {product}" if self._has_sums else f"{first.name} = {SIGNS[first.activation]}({product})"
        signs = self.board.words("signs")
        yield f"{sums}   {signs}"
        yield sums
        yield signs

    def _text(
        self,
        text: str,
        x: float,
        y: float,
        align: Align = "center",
        color: str | None = None,
        font: FontName = "sans",
    ) -> Mobject:
        """A small text whose baseline is at `y`."""
        return self.board.label(text, (x, y), MIN_TEXT, color, font, align=align, vertical="baseline")
