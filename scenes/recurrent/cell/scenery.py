"""What frames a recurrent cell: its panel, the names of tensors, gates and time steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from manim import Mobject, VGroup

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.gates import bracket
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.shapes import Arrow, Box
from torchreel.scenes.parts.text import Align, Text
from torchreel.scenes.recurrent.cell.layout import (
    INPUT_ROW,
    LABEL_Y,
    NAME_SIZE,
    TOP,
    WEIGHT_BOTTOM,
    WEIGHT_LABEL_Y,
    CellLayout,
)
from torchreel.scenes.recurrent.cell.wiring import Wiring
from torchreel.scenes.trace.proof import Trace


class Scenery(Desk):
    """The parts that hold no values. Labels of states change from step to step, the rest stays."""

    def __init__(self, look: Look, trace: Trace, layout: CellLayout, wiring: Wiring) -> None:
        super().__init__(look, trace)
        self.layout, self.wiring = layout, wiring

    def fixed(self) -> VGroup:
        """The names of inputs and weights, the arrows from one to the other, the numbers of the time steps."""
        group = VGroup(*self._inputs())
        if len(self.trace.shape("input")) == 3:
            group.add(*self._times())
        return group

    def panel(self) -> Box:
        theme = self.look.theme
        left, right = self.layout.pill_x - 0.35, self.layout.panel_right
        top, bottom = TOP + 0.31, WEIGHT_BOTTOM - 0.07
        if not self.wiring.acts:
            top, bottom = self.layout.gate_y(0) + 0.5, self.layout.gate_y(0) - 0.5
        center = ((left + right) / 2, (top + bottom) / 2)
        return Box(
            right - left, top - bottom, center, 0.2, fill=theme.bar, stroke=theme.line, stroke_width=1.4
        )

    def _inputs(self) -> Iterator[Mobject]:
        for name, tensor in (("input", "weight_ih"), ("h", "weight_hh")):
            block = self.layout.block(tensor)
            text = self.shape("input") if name == "input" else f"h {self.trace.shape('h_0')}"
            yield self._name(text, block.middle, LABEL_Y)
            bottom = TOP - INPUT_ROW * len(self.layout.times)
            if bottom - WEIGHT_LABEL_Y > 0.5:
                path = [(block.middle, bottom - 0.07), (block.middle, WEIGHT_LABEL_Y + 0.22)]
                yield Arrow(path, self.look.theme.wire, 2.4)
        for block in self.layout.blocks:
            matrix = block.tensor.startswith("weight")
            text = self.shape(block.tensor) if matrix else "bias"
            yield self._name(text, block.middle, WEIGHT_LABEL_Y)
        yield self._name("ih + hh", self.layout.pre_x, WEIGHT_LABEL_Y)

    def _times(self) -> Iterator[Mobject]:
        left = self.layout.blocks[0].left - 0.08
        for slot, time in enumerate(self.layout.times):
            text = "…" if time is None else f"t={time + 1}"
            at = (left, TOP - (slot + 0.5) * INPUT_ROW)
            yield self.label(text, at, MIN_TEXT, align="right")

    def names(self, names: Mapping[str, str], colors: Mapping[str, str]) -> VGroup:
        """The gates' letters beside their rows, and their names beside their vectors."""
        group, lay = VGroup(), self.layout
        left, right = lay.blocks[0].left, lay.gate_x + lay.vector / 2 + 0.1
        half = lay.chunk_height / 2 - 0.02
        for number, (gate, name) in enumerate(names.items()):
            y, color = lay.gate_y(number), colors[gate]
            group.add(bracket(left - 0.1, y + half, y - half, color))
            group.add(self.label(gate, (left - 0.3, y), 0.26, color, "bold"))
            spot = self.wiring.spots.get(gate)
            at = (spot.x - 0.1, spot.y + spot.height / 2 + 0.1) if spot else (right, y + 0.1)
            align = "right" if spot else "left"
            if name:
                label = self.label(name, at, NAME_SIZE, color, "bold", align=align, vertical="baseline")
                group.add(label)
        return group

    def labels(self, time: int) -> VGroup:
        """The names of the states and of the vectors on the way, in one time step."""
        group = VGroup()
        half = self.layout.vector / 2
        for name in self.wiring.enters:
            text = self.shape(f"{name}_{time - 1}")
            group.add(self._name(text, self.layout.pre_x + half, LABEL_Y, "right"))
        for name, spot in self.wiring.spots.items():
            y = spot.y + spot.height / 2 + 0.1
            if spot.state:
                group.add(self._name(self.shape(f"{name}_{time}"), spot.x + half, y, "right"))
            elif text := spot.label.format(now=time, before=time - 1):
                x = spot.x - 0.1 if spot.aside else spot.x
                group.add(self._name(text, x, y, "right" if spot.aside else "center"))
        return group

    def _name(self, text: str, x: float, y: float, align: Align = "center") -> Text:
        """A name whose baseline is at `y`."""
        return self.label(text, (x, y), MIN_TEXT, align=align, vertical="baseline")
