"""Where a convolution's objects stand in one dimension: rows below each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from manim import VGroup

from torchreel.scenes.convolution.board import ConvolutionBoard
from torchreel.scenes.convolution.geometry import Cut
from torchreel.scenes.convolution.stations import BOTTOM, HEAD, LEFT, NOTE, RIGHT, TOP
from torchreel.scenes.parts.funnel import SIGN, Funnel
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.shapes import Point, Shape
from torchreel.scenes.parts.text import Text
from torchreel.scenes.parts.views import Place, View

_LARGEST = 1.12
_LONG = (16, 13, 11, 9, 8, 7, 6, 5)
_LONG_HEAT = (40, 20)
_SIGN_ROOM = 0.54


class RowsBoard(ConvolutionBoard):
    """One dimension: below every input row the kernel, which travels with the window, and the products.

    Every output stands below the middle of its window.
    """

    def lay_out(self) -> None:
        self.products = len(self.channels) == 1
        whole = self.fitting(self._fit, [(1, limit) for limit in _LONG], [(1, limit) for limit in _LONG_HEAT])
        cut = self.cut
        cols = {
            "input": cut.plane[1],
            "weight": cut.kernel[1],
            "product": cut.kernel[1],
            "output": cut.out[1],
        }
        self.cells = {name: replace(whole, rows=1, cols=count) for name, count in cols.items()}
        self._place(whole)

    def _fit(self, cut: Cut, note: float) -> Cells:
        high = TOP - HEAD - BOTTOM - note - self._gaps()
        texts = self.texts(
            *(self.tensor(name) for name in ("input", "weight", "output")),
            *(["product"] if self.products else []),
        )
        cols = cut.plane[1] + sum(cut.pad[2:])
        return Cells.fit(1, 1, (RIGHT - LEFT - 2 * self._side) / cols, high / self._rows, texts, _LARGEST)

    @property
    def _side(self) -> float:
        """What stands at the ends of rows: names and signs."""
        return 1.35

    @property
    def _rows(self) -> int:
        return (3 if self.products else 2) * len(self.channels) + len(self.outs)

    def _gaps(self) -> float:
        inner = (0.14 if self.products else 0.07) * 2 * len(self.channels)
        return inner + 0.42 * (len(self.channels) - 1) + 0.95 + 0.2 * (len(self.outs) - 1)

    def _place(self, whole: Cells) -> None:
        """Rows from top to bottom: per channel input, kernel, products; then the outputs."""
        high, top, bottom, left, right = whole.height, TOP - HEAD, BOTTOM, *self.cut.pad[2:]
        note = NOTE if self.is_noted else 0.0
        spare = max(0.0, top - bottom - note - self._gaps() - self._rows * high)
        y, inner = top - high / 2 - spare * 0.25, 0.14
        width = (self.cut.plane[1] + left + right) * whole.width
        self.edge, self.right = -width / 2, width / 2
        self.y_kernel, self.y_product = {}, {}
        rows: dict[int, float] = {}
        for channel in self.channels:
            rows[channel] = y
            self.y_kernel[channel] = y = y - high - inner
            if self.products:
                self.y_product[channel] = y = y - high - inner
            y -= high + 0.42
        self.inputs = {c: self.input_plane(c, (0.0, rows[c])) for c in self.channels}
        y += 0.42 - 0.95 - spare * 0.5
        step = (1, self.size.stride[1])
        first, last = self._under((0, 0)), self._under((0, self.cut.out[1] - 1))
        self.outputs = {}
        for number, out in enumerate(self.outs):
            at = ((first + last) / 2, y - number * (high + 0.2))
            self.outputs[out] = self.plane("output", (*self.size.lead, out), at, blank=True, step=step)
        self._label(whole)

    def _under(self, cell: Place) -> float:
        """The middle of the window of an output cell."""
        view = self.inputs[self.channels[0]]
        taps = [at for _, at in self.size.pairs(cell, self.cut.kernel)]
        return float(view.center(taps[0])[0] + view.center(taps[-1])[0]) / 2

    def kernel(self, out: int, cell: Place) -> dict[int, View]:
        return {
            c: self._row("weight", (out, self.in_group(out, c)), self.y_kernel[c], cell)
            for c in self.rows_of(out)
        }

    def _row(self, station: str, lead: tuple[int, ...], y: float, cell: Place) -> View:
        """A row below the taps of a window, spread as they are."""
        return self.plane(station, lead, (self._under(cell), y), step=(1, self.size.dilation[1]))

    def results(self, out: int, cell: Place) -> VGroup:
        if not self.products:
            return VGroup()
        spatial = self.size.spatial(cell)
        rows = [
            self._row(
                "product", (*self.size.lead, out, self.in_group(out, c), *spatial), self.y_product[c], cell
            )
            for c in self.rows_of(out)
        ]
        return VGroup(*rows, *self._signs("=", self.y_product, out, cell))

    def kernel_parts(self, out: int, cell: Place, planes: dict[int, View]) -> VGroup:
        group = VGroup(*planes.values(), *self._signs("×", self.y_kernel, out, cell))
        for channel, view in planes.items():
            right = self._under(cell) + self._half + 0.14
            at = (right, self.y_kernel[channel])
            if len(self.outs) > 1:
                group.add(self.hue(view, out))
                group.add(self.symbol("weight", out, at, self.look.theme.channel(out), align="left"))
            else:
                group.add(self._named("weight", at, "left"))
        return group

    @property
    def _half(self) -> float:
        """Half the width of a kernel row, holes included."""
        return self.size.spread(self.cut.kernel)[1] * self.cells["weight"].width / 2

    def _signs(self, sign: str, rows: dict[int, float], out: int, cell: Place) -> Iterator[Text]:
        left = self._under(cell) - self._half - 0.2
        return (self.label(sign, (left, rows[c]), 0.3) for c in self.rows_of(out))

    def paths(self, out: int, cell: Place) -> Iterator[Shape | Text | Funnel]:
        view = self.outputs[out]
        if not view.shows(cell):
            return
        box = view.outline(cell, cell, 0.0)
        end = float(box[:, 1].max()), float(box[:, 0].min()), float(box[:, 0].max())
        last = self.rows_of(out)[-1]
        y = (self.y_product if self.products else self.y_kernel)[last] - self.cells["weight"].height / 2
        middle = self._under(cell)
        yield from self.fall((y, middle - self._half, middle + self._half), end)
        # In the lane above the first row, whichever row it leads to.
        ceiling = float(self.outputs[self.outs[0]].outline((0, 0), (0, 0), 0.0)[:, 1].max())
        room = min(y - ceiling, self._half + self.cells["output"].width / 2)
        if room > _SIGN_ROOM:
            yield self.label("Σ", (middle, (y + ceiling) / 2), SIGN, font="sans")

    def _named(self, station: str, at: Point, align: str) -> VGroup:
        return self.title(self.tensor(station), (at[0], at[1] - 0.085), shape=False, align=align)  # type: ignore[arg-type]

    def _label(self, whole: Cells) -> None:
        theme, add = self.look.theme, self.scenery.add
        for views, station in ((self.inputs, "input"), (self.outputs, "output")):
            if station == "input":
                first = next(iter(views.values()))
                top = float(first.center((0, 0))[1]) + whole.height / 2 + 0.16
                add(self.heading(station, (self.edge, top), self.right - self.edge + 1.2, align="left"))
        first_out = self.outputs[self.outs[0]]
        left = float(first_out.outline((0, 0), (0, 0))[:, 0].min())
        if len(self.channels) > 1:
            add(
                *(
                    self.symbol("input", c, (self.edge - 0.16, v.middle[1]), align="right")
                    for c, v in self.inputs.items()
                )
            )
        if len(self.outs) > 1:
            right = self._output_right() + 0.2
            for out, view in self.outputs.items():
                y = float(view.middle[1])
                add(
                    self.backing((right + 0.16, y)),
                    self.symbol("output", out, (right, y), theme.channel(out), align="left"),
                )
        named = first_out
        if self._under((0, self.cut.out[1] - 1)) + self._half > self._output_right() + 0.7:
            named = self.outputs[
                self.outs[-1]
            ]  # what leads from a long kernel to lower rows would run through it
        add(self._output_name(left, float(named.middle[1])))
        for view in self.inputs.values():
            ticks = self.starts(view)
            add(*([ticks] if ticks else []))
        for out, view in self.outputs.items() if self.size.bias else []:
            add(*self._bias(out, float(view.middle[1]), left))
        if self.cut.plane != self.size.plane:
            add(*(self.label("…", (self.right + 0.2, view.middle[1])) for view in self.inputs.values()))

    def _output_right(self) -> float:
        view = self.outputs[self.outs[0]]
        end = (0, self.cut.out[1] - 1)
        return float(view.outline(end, end)[:, 0].max())

    def _output_name(self, left: float, y: float) -> VGroup:
        """The output's name and shape, at the right of the first row or, below a row of names, at its left."""
        right = self._output_right() + (0.75 if len(self.outs) > 1 else 0.16)
        return self.heading_at("output", (right, y - 0.085), RIGHT - right)

    def heading_at(self, station: str, at: Point, room: float) -> VGroup:
        """A heading that begins at a place."""
        return self.heading(station, at, room, align="left")

    def _bias(self, out: int, y: float, left: float) -> Sequence[object]:
        width = self.cells["output"].width
        at = (left - 0.5 - width / 2, y)
        name_at = (at[0] - width / 2 - 0.12, y)
        name: object
        if len(self.outs) > 1:
            # What leads from a long kernel to its result runs behind it.
            middle = (name_at[0] - 0.16, y)
            name = VGroup(self.backing(middle), self.symbol("bias", out, name_at, align="right"))
        else:
            name = self._named("bias", name_at, "right")
        sign = (left - 0.25, y)
        return [self.bias_cell(out, at), self.backing(sign), self.label("+", sign, 0.3), name]
