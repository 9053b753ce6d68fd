"""The stage of an element-wise activation: the input at the left, one large graph, the output at the right."""

from __future__ import annotations

import math

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.activation.curve.graph import BOTTOM, TOP, ReadingGraph, frame_between
from torchreel.scenes.activation.curve.labels import Label, LabelPlaces, extent
from torchreel.scenes.activation.curve.laws import Law, Piece, plain
from torchreel.scenes.activation.curve.reading import ReadingBoard
from torchreel.scenes.activation.curve.table import ElementTable, TableSides
from torchreel.scenes.parts.axes import Area, covering
from torchreel.scenes.parts.gates import Sampled
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.shapes import Box, Shape
from torchreel.scenes.trace.proof import Trace

_LONGEST_NAME = 18
_MOST_SLOW = 3
_ROOM = 0.1
_LIT, _PLACE = 12, 0.28


class CurveBoard(ReadingBoard):
    """What stands on stage, and the lit path of one element."""

    def __init__(self, look: Look, trace: Trace, rules: Law) -> None:
        super().__init__(look, trace)
        self.rules, self.read_off = rules, "gate" if rules.gate else "output"
        self.draws = "a" in trace.tensors
        self.channels = self._channels()
        self.dashes: set[int] = set()
        self.table = self._table()
        self.x = self._array("curve.x")
        self.corner: Area | None = None
        self.count = trace.shape("curve.output")[0]
        self.graph = self._graph()
        self.curves = [self._curve(number) for number in range(self.count)]
        self.gate_curve = self._gate_curve()
        self.beside = [self.graph.dashed(self.x, self._array(f"curve.{name}"), name) for name in rules.beside]
        self.scenery = VGroup(
            self.graph.scenery, *self._limits(), *self.beside, *self.curves, *self.gate_curve, *self._ends(),
            self.table.scenery, *self._joined(), *self._weights(), *self._names(),
        )  # fmt: skip

    def piece(self, row: int) -> Piece | None:
        """The regime that a row's element is in; None for NaN."""
        if math.isnan(self.value("input", row)):
            return None
        return self.rules.pieces[int(self.value("regime", row))]

    def curve(self, row: int) -> int:
        """The number of the curve that a row's element is on: its channel's, where slopes are learned."""
        return self.channels.index(self.channel(row)) if self.count > 1 else 0

    def channel(self, row: int) -> int:
        """The channel whose learned slope a row's element has."""
        index = self.index(row)
        return index[1] if len(index) > 1 and len(self.channels) > 1 else 0

    @property
    def slow(self) -> list[int]:
        """The rows to tell slowly: the middle one of each regime, the second one where there is a single regime."""
        shown = [row for row in self.rows if self.shows(row)]
        if self.rules.gate or len(self.rules.keys) == 1:
            return shown[1:2] or shown[:1]
        regimes = [[row for row in shown if self.key(row) == key] for key in self.rules.keys]
        return [rows[len(rows) // 2] for rows in regimes if rows][:_MOST_SLOW]

    def key(self, row: int) -> str:
        """What the regime of a row's element is called."""
        piece = self.piece(row)
        return "sweep" if piece is None else piece.key

    @property
    def figure(self) -> int:
        """The row that the last picture explains: one that is changed, and not to 0, if there is one."""
        rows = self.slow or self.rows
        changed = [row for row in rows if self.value("output", row) not in (0.0, self.value("input", row))]
        kept = [row for row in rows if self.value("output", row) != 0]
        return (changed or kept or rows)[0]

    def color(self, number: int) -> str:
        """The colour of a curve: that of results, or its channel's."""
        theme = self.look.theme
        return theme.role("result") if self.count == 1 else theme.channel(number)

    def mark(self, row: int) -> VGroup:
        """The dot that a row's element leaves on its curve."""
        if not self.shows(row):
            return VGroup()
        return VGroup(self.graph.mark(*self._at(row, "output"), self.color(self.curve(row))))

    def write(self, row: int, *names: str) -> list[Animation]:
        """A row's values are born in some columns; what has drawn no slope has a dash there."""
        if not self.draws or "a" not in names or self.value("input", row) <= 0:
            return super().write(row, *names)
        return [*self._dash(row), *super().write(row, *(name for name in names if name != "a"))]

    def extras(self, row: int) -> list[Shape]:
        """The line of the slope that an element has drawn."""
        x, _ = self._at(row, "output")
        if not self.draws or x > 0:
            return []
        left = float(self.x[0])
        slope = self.value("a", row)
        xs = np.linspace(left, 0.0, 3)
        return [self.graph.plot.curve(xs, xs * slope, self.color(0), 3.2)]

    def _table(self) -> ElementTable:
        left = ["a", "input"] if self.draws else ["input"]
        right = ["gate", "output"] if self.rules.gate else ["output"]
        blank = [name for name in (*left, *right) if name != "input"]
        sides = TableSides(left, right, blank)
        heads = {"a": "slope a", "gate": self.rules.gate.word if self.rules.gate else ""}
        return ElementTable(
            self.look, self.trace, sides, BOTTOM, TOP, plain=("gate", "a"), heads=heads,
            channels=self.channels or None,
        )  # fmt: skip

    def _channels(self) -> list[int]:
        """The channels whose learned slopes are shown."""
        known = "curve.channels" in self.trace.tensors
        return [int(one) for one in self.trace.sample("curve.channels").tolist()] if known else []

    def _dash(self, row: int) -> list[Animation]:
        if row in self.dashes:
            return []
        self.dashes.add(row)
        return [Appear(self.label("–", self.table.columns["a"].center((row, 0)), font="sans"))]

    def _joined(self) -> list[MathText]:
        """Under the output, how it is made of x and of what was read off."""
        gate, symbol = self.rules.gate, self.trace.symbol
        if gate is None:
            return []
        whole = self.rules.symbols()
        rule = whole.replace("input", symbol("input")).replace("gate", symbol("gate"))
        return [self.joined(rule)]

    def _graph(self) -> ReadingGraph:
        low, high = float(self.x[0]), float(self.x[-1])
        rows = [row for row in self.rows if low <= self.value("input", row) <= high]
        tall = [*self._array("curve.output").ravel(), *self.rules.levels.values(), 0.0]
        tall += [self.value("output", row) for row in rows]
        if self.rules.gate:
            tall += [*self._array("curve.gate"), *(self.value("gate", row) for row in rows)]
        low_y, high_y = covering(tall)
        named = [value for name, value in self.rules.levels.items() if plain(value) != name]
        lowest = [float(np.nanmin(self._array(f"curve.{name}"))) for name in self.rules.beside]
        named += [value for value in lowest if low_y - 1.5 * _ROOM * (high_y - low_y) <= value]
        y = (min([low_y, *(value - _ROOM * (high_y - low_y) for value in named)]), high_y)
        left, right = self.table.room
        area = frame_between(self.look, left, right, y, BOTTOM, TOP - 0.2)
        theme = self.look.theme
        colors = {"x": theme.role("input"), "y": theme.role("result")}
        bounds = [x for x in self.rules.bounds if low < x < high]
        return ReadingGraph(self.look, (low, high), y, area, ("x", "y"), colors, bounds)

    def _curve(self, number: int) -> Shape:
        ys = self._array("curve.output", number)
        name = self.trace.name if number == 0 and self.count == 1 else ""
        return self.graph.curve(self.x, ys, self.color(number), name, bold=True)

    def _gate_curve(self) -> list[Shape]:
        if self.rules.gate is None:
            return []
        name = self._gate_name()
        return [self.graph.curve(self.x, self._array("curve.gate"), self.look.theme.text, name)]

    def _gate_name(self) -> str:
        """`g = Φ(x)`, as far as it is short."""
        symbol = self.trace.symbol("gate")
        if self.rules.gate and self.rules.gate.says:
            return f"{symbol} {self.rules.gate.says}"
        step = self.trace.step("gate", self.index(self.rows[0]))
        rule = step.formula.symbols().replace("input", self.trace.symbol("input"))
        return symbol if "(" in symbol or len(rule) > _LONGEST_NAME else f"{symbol} = {rule}"

    def _limits(self) -> list[Shape]:
        """Levels on the y axis, and where pieces meet, but for 0, where the axis stands."""
        (left, right), (low, high) = self.graph.plot.frame.x, self.graph.plot.frame.y
        levels = [self.graph.level(y) for y in self.rules.levels.values() if low <= y <= high and y]
        meet = [self.graph.upright(x) for x in self.rules.bounds if left < x < right and x]
        return [*levels, *meet]

    def _ends(self) -> list[Shape]:
        """At a jump, a dot on the value there and a hollow one where the other side ends."""
        jumps = self._array("curve.jumps").reshape(-1, 3)
        return [
            self.graph.plot.dot(x, y, self.color(0), 0.07, hollow)
            for x, at, other in jumps
            for y, hollow in ((other, True), (at, False))
        ]

    def _weights(self) -> list[Box | Sampled | VGroup]:
        """The learned slopes, in the graph's free corner."""
        if "weight" not in self.trace.tensors:
            return []
        count, numbered = len(self.channels), len(self.channels) < self.trace.shape("weight")[0]
        cells = Cells.fit(1, count, 0.95 * count, 0.5, self.texts("weight"), 0.95)
        area, wide = self.graph.plot.frame.area, cells.width * count
        falls = float(self.trace.sample("weight", 1)[0]) < 0
        top = area[1] + 1.3 + numbered * _PLACE if falls else area[3] - 0.15
        middle = (area[0] + max(wide, 1.5) / 2 + 0.2, top - 0.4 - cells.height / 2)
        left, right = middle[0] - max(wide, 1.5) / 2 - 0.1, middle[0] + max(wide, 1.5) / 2 + 0.1
        foot = cells.height / 2 + 0.06 + numbered * _PLACE
        self.corner = self._places().corner((left, middle[1] - foot, right, top))
        middle = ((self.corner[0] + self.corner[2]) / 2, self.corner[1] + foot)
        grid = Sampled(
            self.look, self.trace, "weight", (0,), tuple(self.channels), lambda _, channel: (channel,),
            (cells.width, cells.height, cells.text_size), middle,
        )  # fmt: skip
        below = middle[1] - cells.height / 2 - 0.17
        places = VGroup(*(
            self.label(f"[{channel}]", (grid.center((0, place))[0], below), MIN_TEXT)
            for place, channel in enumerate(self.channels) if numbered
        ))  # fmt: skip
        head = self.title("weight", (middle[0], middle[1] + cells.height / 2 + 0.14), shape=False)
        left, bottom, right, top = self.corner
        ground = Box(
            right - left,
            top - bottom,
            ((left + right) / 2, (bottom + top) / 2),
            fill=self.look.theme.background,
        )
        parts = [ground, grid, head, places]
        for one in (one for part in parts for one in part.get_family()):
            one.z_index = 2.5
        return parts

    def _places(self) -> LabelPlaces:
        """The room in the graph that no path will take."""
        shown = [row for row in self.rows if self.shows(row)]
        stay = {self.figure, *self.slow}
        paths = [line for row in shown for line in self._route(row) * (_LIT if row in stay else 1)]
        return self.graph.places(paths)

    def _names(self) -> list[Label]:
        """What the curves, the pieces and the limits are called, where no path will run if there is room."""
        places = self._places()
        if self.corner:
            places.take(self.corner)
        bounds = self._named_bounds(places)
        pieces = [label for piece in self._said() if (label := self._named_piece(piece, places))]
        return [*bounds, *pieces, *self._named_levels(places), *self.graph.names(places)]

    def _said(self) -> list[Piece]:
        return [piece for piece in self.rules.pieces if piece.says]

    def _named_piece(self, piece: Piece, places: LabelPlaces) -> Label | None:
        plot, theme = self.graph.plot, self.look.theme
        left, right = (float(plot.frame.clamped(x, 0)[0]) for x in piece.span)
        text = piece.says
        size = extent(text)
        if right - left < 0.25:
            return None
        at = places.in_band(size, left, right)
        return Label(text, at, theme.text, theme.background)

    def _named_bounds(self, places: LabelPlaces) -> list[Label]:
        """What the settings are called at which one piece ends."""
        plot, theme = self.graph.plot, self.look.theme
        shown = [(name, x) for name, x in self.rules.marks.items() if plot.frame.x[0] < x < plot.frame.x[1]]
        return [
            Label(
                name,
                places.along_upright(extent(name), float(plot.point(x, 0)[0])),
                theme.muted,
                theme.background,
            )
            for name, x in shown
        ]

    def _named_levels(self, places: LabelPlaces) -> list[Label]:
        plot, theme = self.graph.plot, self.look.theme
        found = []
        for name, y in self.rules.levels.items():
            if plain(y) == name or not plot.frame.y[0] <= y <= plot.frame.y[1]:
                continue
            at = places.along(extent(name), float(plot.point(0, y)[1]))
            found.append(Label(name, at, theme.muted, theme.background))
        return found
