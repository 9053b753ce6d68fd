"""The stage of an element-wise activation: the curve, its slope below it, and the elements as rows of a table."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.activation_labels import LABEL, Places
from torchreel.scenes.activation_laws import Law, Piece
from torchreel.scenes.formula import Index
from torchreel.scenes.parts.gates import Cursors, Sampled, sample
from torchreel.scenes.parts.grid import drawn_texts
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Vanish
from torchreel.scenes.parts.plot import Curve, Plot, Rider, Tag, Twin, covering
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace import Trace

_AREA = (-6.1, -2.2, 0.7, 2.72)
_RIGHT, _MIDDLE = 6.72, 0.1
_WIDTH, _HEIGHT, _GAP, _TALL = 1.16, 0.66, 0.12, 4.2
_MOST_ROWS, _FEW_ROWS = 7, 5
_TEXT = 0.26


class Board:
    """What stands on stage, and what moves on it. `words` gives the label of a regime, "" for none."""

    def __init__(self, look: Look, trace: Trace, rules: Law, words: Callable[[str], str]) -> None:
        self.look, self.trace, self.rules, self.words = look, trace, rules, words
        self.x = trace.sample("curve.x").numpy()
        self.twin = self._axes()
        theme = look.theme
        self.curves = [self._curve("output", row) for row in range(self.rows)]
        self.slopes = [self._curve("slope", row) for row in range(self.rows)]
        self.beside = {
            name: self.twin.upper.curve(self.x, self._array(f"curve.{name}"), theme.wire, 2.6)
            for name in rules.beside
        }
        self.slots = sample(math.prod(trace.shape("input")), _FEW_ROWS if rules.moments else _MOST_ROWS)
        self.columns = {name: self._column(name, k) for k, name in enumerate(self._names())}
        self.cursors = Cursors(look)
        self.riders: dict[str, Rider] = {}

    @property
    def rows(self) -> int:
        """How many curves there are: one, or one a learned slope."""
        return self.trace.shape("curve.output")[0]

    @property
    def height(self) -> float:
        """The height of a row of the table."""
        return min(_HEIGHT, (_TALL - (1.4 if self.rules.moments else 0.0)) / len(self.slots))

    @property
    def elements(self) -> list[int]:
        """The shown elements, by their row in the table."""
        return [row for row, slot in enumerate(self.slots) if slot is not None]

    @property
    def is_sampled(self) -> bool:
        """Whether some elements are left out."""
        return None in self.slots

    @property
    def has_numbers(self) -> bool:
        """Whether cells are wide enough for their numbers."""
        return all(column.cells.text_size for column in self.columns.values())

    def scenery(self) -> VGroup:
        """Everything that stands from the beginning."""
        return VGroup(
            self.twin.upper, self.twin.lower, *self.curves, *self.columns.values(), *self._headings()
        )

    def index(self, row: int) -> Index:
        """The tensor index of a row's element."""
        return self._unravel(self.slots[row] or 0)

    def value(self, tensor: str, row: int) -> float:
        """A tensor's value for a row's element."""
        return self.trace.value(tensor, self.index(row))

    def piece(self, row: int) -> Piece | None:
        """The regime that a row's element is in; None for NaN."""
        if math.isnan(self.value("input", row)):
            return None
        return self.rules.pieces[int(self.value("regime", row))]

    def curve(self, row: int) -> int:
        """The number of the curve that a row's element is on: its channel's, where slopes are learned."""
        index = self.index(row)
        return index[1] if self.rows > 1 and len(index) > 1 and index[1] < self.rows else 0

    def point(self, row: int, *names: str) -> list[Animation]:
        """The cursors go to a row's cells in some columns."""
        shown = [name for name in names if name in self.columns]
        return self.cursors.glide(*(self.columns[name].around((row, 0)) for name in shown))

    def ride(self, row: int) -> list[Animation]:
        """The dot rides to a row's element; on another channel's curve it appears anew."""
        return self._ride(self.twin.upper, self.curves[self.curve(row)], row, "output")

    def ride_slope(self, row: int) -> list[Animation]:
        """The second dot, at the same x, rides to the slope of a row's element."""
        return self._ride(self.twin.lower, self.slopes[self.curve(row)], row, "slope")

    def write(self, tensor: str, row: int) -> list[Animation]:
        """A value of a row's element flies from its dot into its column, if it has one."""
        if tensor not in self.columns:
            return []
        rider = self.riders["slope" if tensor == "slope" else "output"]
        place = rider.curve.frame.clamped(*(0.0 if math.isnan(at) else at for at in rider.at))
        return self.columns[tensor].write((row, 0), place)

    def dismiss(self) -> list[Rider]:
        """The dots, which have done their work; the next ride makes new ones."""
        gone = list(self.riders.values())
        self.riders = {}
        return gone

    def regime(self, row: int) -> VGroup:
        """The piece that holds for a row: its span of x shaded and named, its part of the curve thick."""
        piece = self.piece(row)
        if piece is None or len(self.rules.pieces) == 1:
            return VGroup()
        shade = self.shade(piece, 0.12)
        thick = self.curves[self.curve(row)].part(*piece.span, self.look.theme.accent)
        return VGroup(shade, *([thick] if len(thick.points) else []))

    def summary(self) -> VGroup:
        """All regimes with their names, every other one shaded."""
        ordered = sorted(self.rules.pieces, key=lambda piece: piece.span)
        if len(ordered) == 1:
            return VGroup()
        return VGroup(*(self.shade(piece, 0.0 if k % 2 else 0.1) for k, piece in enumerate(ordered)))

    def shade(self, piece: Piece, strength: float) -> VGroup:
        """A regime's span of x, with its label where the curve leaves room."""
        upper, theme = self.twin.upper, self.look.theme
        band = upper.band(*piece.span, theme.accent, strength=strength)
        text = self.words(piece.key)
        if not len(band) or not text:
            return band
        left, right = (float(band[0].points[:, 0].min()), float(band[0].points[:, 0].max()))
        if right - left < measure(text, LABEL) + 0.3:
            return band
        place = Places(upper.frame.area, [*self.curves, *self.beside.values()]).in_band(text, left, right)
        band.add(Tag(text, place, theme.text, theme.tint(theme.accent, strength)))
        return band

    def mark(self, row: int) -> Shape:
        """The dot that an element leaves on the curve."""
        place = [self.value("input", row)], [self.value("output", row)]
        return self.twin.upper.dots(*place, self._color(self.curve(row)), 0.075)

    def neighbours(self) -> list[VGroup | Shape]:
        """The functions beside this one, each with its name, and the limits."""
        theme, upper = self.look.theme, self.twin.upper
        places = Places(upper.frame.area, [*self.curves, *self.beside.values()])
        tags = [
            Tag(name, places.beside(name, curve), theme.muted, theme.background)
            for name, curve in self.beside.items()
        ]
        known = self.trace.range("output")
        levels = [
            upper.level(level, theme.muted, self.look.number(level, known.integer and level == int(level)))
            for level in self.rules.levels
            if upper.frame.y[0] <= level <= upper.frame.y[1]
        ]
        return [*self.beside.values(), *tags, *levels]

    def moments(self) -> VGroup:
        """Mean and variance before and after the function, as a small table under the elements."""
        theme = self.look.theme
        bottom = self._middle - self.height * len(self.slots) / 2
        middle = (_RIGHT - _WIDTH - _GAP / 2, bottom - 1.2)
        size = (_WIDTH, 0.46, 0.24)
        grid = Sampled(
            self.look, self.trace, "moments", (0, 1), (0, 1), lambda i, j: (i, j), size, middle, scale=2.0
        )
        names = [self.words("mean"), self.words("variance")]
        heads = [
            Text(name, LABEL, theme.muted).place(
                (grid.center((0, k))[0], middle[1] + 0.56), vertical="baseline"
            )
            for k, name in enumerate(names)
        ]
        sides = [
            Text(name, LABEL, theme.muted, "mono").place(
                (grid.center((k, 0))[0] - _WIDTH / 2 - 0.12, grid.center((k, 0))[1]), align="right"
            )
            for k, name in enumerate(("z ~ N(0, 1)", f"{self.trace.name}(z)"))
        ]
        return VGroup(grid, *heads, *sides)

    def _ride(self, plot: Plot, curve: Curve, row: int, tensor: str) -> list[Animation]:
        x, y = self.value("input", row), self.value(tensor, row)
        rider = self.riders.get(tensor)
        if rider is not None and rider.curve is curve:
            return [rider.ride(x, y)]
        gone = [Vanish(rider)] if rider is not None else []
        self.riders[tensor] = plot.rider(curve, x, self.look.theme.accent, y)
        return [*gone, Appear(self.riders[tensor])]

    def _array(self, tensor: str, row: int | None = None) -> np.ndarray:
        source = self.trace.tensors[tensor]
        return np.asarray((source if row is None else source[row]).tolist(), float)  # type: ignore[index]

    def _axes(self) -> Twin:
        heights = [
            self._array("curve.output").ravel(),
            *(self._array(f"curve.{n}") for n in self.rules.beside),
        ]
        heights.append(np.array([*self.rules.levels, 0.0]))
        slopes = [*self._array("curve.slope").ravel(), 0.0, 1.0]
        x = (float(self.x[0]), float(self.x[-1])) if len(self.x) else (-1.0, 1.0)
        return Twin.over(
            self.look, x, covering(np.concatenate(heights)), covering(slopes, 0.12), _AREA,
            ("input", "output", "slope"), 0.66,
        )  # fmt: skip

    def _curve(self, name: str, row: int) -> Curve:
        plot = self.twin.upper if name == "output" else self.twin.lower
        return plot.curve(self.x, self._array(f"curve.{name}", row), self._color(row), 4.4)

    def _color(self, row: int) -> str:
        return self.look.theme.channel(row + 1 if self.rows == 1 else row)

    def _names(self) -> list[str]:
        drawn = ["a"] if "a" in self.trace.tensors else []
        slope = [] if drawn else ["slope"]
        return ["input", *self.rules.columns, *drawn, "output", *slope]

    def _column(self, name: str, number: int) -> Sampled:
        ems = max((measure(text, 1.0) for text in drawn_texts(self.look, self.trace, name)), default=1.0)
        size = min(_TEXT, (_WIDTH - 0.1) / ems)
        x = _RIGHT - _WIDTH / 2 - (len(self._names()) - 1 - number) * (_WIDTH + _GAP)
        cells = (_WIDTH, self.height, size if size >= MIN_TEXT else 0.0)
        return Sampled(
            self.look, self.trace, name, self.slots, (0,), lambda slot, _: self._unravel(slot), cells,
            (x, self._middle), blank=name in ("output", "slope"),
        )  # fmt: skip

    @property
    def _middle(self) -> float:
        return _MIDDLE + (0.75 if self.rules.moments else 0.0)

    def _headings(self) -> list[Text]:
        theme = self.look.theme
        heads = [column.caption(name, LABEL) for name, column in self.columns.items()]
        shape = str(self.trace.shape("input")).replace(" ", "")
        at = self.columns["input"].middle
        top = at[1] + self.height * len(self.slots) / 2 + 0.46
        return [*heads, Text(shape, MIN_TEXT, theme.muted, "mono").place((at[0], top), vertical="baseline")]

    def _unravel(self, flat: int) -> Index:
        index: list[int] = []
        for size in reversed(self.trace.shape("input")):
            index.append(flat % size)
            flat //= size
        return tuple(reversed(index))
