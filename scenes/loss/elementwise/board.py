"""The stage of the element-wise losses: inputs left, the curve in the middle, the losses right, what they make below.

One element is one row. A lit path leads from its row below the axis up to its place on the curve, and on at the height
of its loss to the loss's cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.loss.board import LossBoard
from torchreel.scenes.loss.elementwise.columns import LossColumns, Rows, number_size
from torchreel.scenes.loss.elementwise.graph import GraphNames, LossGraph, gutter, heights
from torchreel.scenes.loss.elementwise.trace import Span, shown
from torchreel.scenes.parts.frame import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.mathtext import width as math_width
from torchreel.scenes.parts.motion import Tween
from torchreel.scenes.parts.shapes import Disc, Path, Shape, polyline
from torchreel.scenes.parts.text import fit
from torchreel.scenes.trace.proof import Trace

_LEFT, _RIGHT = -EDGE + MARGIN, EDGE - MARGIN
_TOP, _BOTTOM = STAGE_TOP - 0.88, STAGE_BOTTOM + 0.44
_PLOT_BOTTOM = STAGE_BOTTOM + 1.26
_TALLEST, _BETWEEN, _JOIN, _DOT = 0.68, 0.14, 0.42, 0.11
_LANE, _AFTER = 0.2, 0.6
_UNDER, _PART, _OVER_NOTE = 0.5, 0.42, 0.25
_SHORTEST_LANE, _FRAMED = 0.14, 0.03

_LEFT_OF_CURVE = ("input", "target", "var", "pos_weight", "difference", "agreement", "p", "q")
_RIGHT_OF_CURVE = ("unweighted", "weight", "loss")
COMPUTED = ("difference", "agreement", "p", "q", "unweighted", "loss")


@dataclass(frozen=True)
class LossTelling:
    """What a loss wants on its stage: the words at the graph, names above columns, which column tells the curve.

    `tells` is that column, whose cells have the colours of the curves; `color` says the colour of an element there
    where it is not that of its curve. `parts` are what an element's loss is made of, tensor by tensor with its law, and
    at last the loss.
    """

    names: GraphNames
    heads: dict[str, str]
    tells: str = ""
    color: Callable[[int], str] | None = None
    parts: Callable[[int], Sequence[tuple[str, str]]] = lambda number: ()


class Grow(Tween):
    """A path is drawn from its beginning to its end."""

    quick = 0.3

    def __init__(self, path: Path, corners: Sequence[tuple[float, float]], **kwargs: object) -> None:
        super().__init__(path, introducer=True, **kwargs)  # type: ignore[arg-type]
        self.path = path
        self.corners = np.array(corners, float)
        self.along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self.corners, axis=0), axis=1))])

    def begin(self) -> None:
        self.interpolate(0)

    def interpolate_mobject(self, alpha: float) -> None:
        share = self.rate_func(min(1.0, alpha * max(1.0, self.run_time / self.quick)))
        reached = np.minimum(self.along, share * self.along[-1])
        x, y = (np.interp(reached, self.along, self.corners[:, k]) for k in (0, 1))
        self.path.points = polyline(np.stack([x, y], axis=1))  # type: ignore[arg-type]


class LossPanel(LossBoard):
    """All that stands on stage, and what points at an element."""

    def __init__(self, look: Look, trace: Trace, span: Span, reduction: str, telling: LossTelling) -> None:
        super().__init__(look, trace)
        self.span, self.reduction, self.telling = span, reduction, telling
        self.held, self.numbers = span.curves(trace.tensors, trace.shape("loss"))  # type: ignore[arg-type]
        rows = self._rows()
        size = number_size(look, rows.height)
        self.columns = [self._columns(names, rows, size) for names in (_LEFT_OF_CURVE, _RIGHT_OF_CURVE)]
        self.left, self.right = self.columns
        self.count = rows.count
        self.graph = self._graph()
        self.left.put(_LEFT, COMPUTED, self._tints(), ("target",))
        self.right.put(_RIGHT - self.right.width, COMPUTED, {}, ())
        self.results = self._results(rows)

    @property
    def scenery(self) -> VGroup:
        """What stands from the beginning."""
        return VGroup(
            self.graph.scenery,
            *(one.scenery for one in self.columns),
            *self.results.values(),
            *self._result_names(),
        )

    @property
    def is_cropped(self) -> bool:
        """Whether there are more elements than are shown."""
        return self.count < math.prod(self.trace.shape("loss"))

    @property
    def height(self) -> str:
        """The tensor that is the height on the curve: the loss, or what it is before its weight."""
        return "unweighted" if "unweighted" in self.right.grids else "loss"

    def has(self, name: str) -> bool:
        """Whether a tensor has a column."""
        return any(name in one.grids for one in self.columns)

    def value(self, name: str, number: int) -> float:
        """A tensor's value for an element."""
        return self.left.value(name, number)

    def write(self, name: str, number: int) -> list[Animation]:
        """A value is born in its cell."""
        return self._column(name).write(name, number)

    def mark(self, number: int) -> VGroup:
        """The dot that an element leaves on its curve."""
        dot = self.graph.dot(self.numbers[number], *self._spot(number))
        return VGroup() if dot is None else VGroup(dot)

    def frames(self, number: int, sources: Sequence[str], target: str) -> VGroup:
        """Frames round cells of an element: thin ones round what a value is made of, a thick one round it."""
        made = [self._column(one).frame_of(one, number, Stroke.SOURCE) for one in sources if self.has(one)]
        return VGroup(*made, self._column(target).frame_of(target, number, Stroke.FRAME))

    def way(self, number: int) -> list[tuple[float, float]]:
        """The corners of the lit path of an element."""
        last, first = self.left.names[-1], self.right.names[0]
        start, end = self.left.edge(last, number, 1), self.right.edge(first, number, -1)
        lanes = (start[0] + _LANE, self.graph.plot.right + _AFTER / 2)
        return self.graph.way(*self._spot(number), start, end, lanes)

    def path(self, number: int) -> VGroup:
        """The lit path with its dot, and the curve that holds; empty where there is no such point."""
        corners = self.way(number)
        if not corners:
            return VGroup()
        accent, background = self.look.theme.accent, self.look.theme.background
        dot = Disc(_DOT, corners[4], fill=accent, stroke=background, stroke_width=2.4, z_index=3)
        curve = [self.graph.lit(self.numbers[number])] if self.graph.has_many else []
        parts = [self.parts(number)] if self.telling.parts(number) else []
        return VGroup(*curve, *parts, *self._behind(number), Path(corners, accent, 3.0, z_index=1.5), dot)

    def parts(self, number: int) -> VGroup:
        """What a finite loss of an element is made of, under the columns, where these leave room."""
        lines = self.telling.parts(number)
        low, made = self.left.rows.bottom - _UNDER, VGroup()
        named = [name for name, _ in lines if name]
        index = self.left.index(number)
        values = [self.trace.value(name, index) for name in named]
        if low - _PART * (len(lines) - 1) < STAGE_BOTTOM + _OVER_NOTE or not all(map(math.isfinite, values)):
            return made
        theme = self.look.theme
        for row, (name, law) in enumerate(lines):
            y, text = low - row * _PART, f"{law} = " if name else law
            made.add(MathText(text, NAME_TEXT, theme.text).place((_LEFT + 0.05, y), align="left"))
            if name:
                x = _LEFT + 0.05 + math_width(text, NAME_TEXT)
                made.add(
                    self.number(name, index, NAME_TEXT, theme.role("result")).place((x, y), align="left")
                )
        return made

    def is_beyond(self, number: int) -> bool:
        """Whether an element has no place in the graph."""
        return self.graph.spot(*self._spot(number)) is None

    def _behind(self, number: int) -> list[Shape]:
        """Where the last column has no part in the loss, the path comes from behind it."""
        if not (self.left.names[-1] == "pos_weight" and self.value("target", number) == 0):
            return []
        ends = self.left.edge("target", number, 1), self.left.edge("pos_weight", number, 1)
        return [Shape(polyline(ends), stroke=self.look.theme.accent, stroke_width=3.0, z_index=-1)]

    def _spot(self, number: int) -> tuple[float, float]:
        return self.value(self.span.x, number), self.value(self.height, number)

    def _column(self, name: str) -> LossColumns:
        return next(one for one in self.columns if name in one.grids)

    def _columns(self, names: Sequence[str], rows: Rows, size: float) -> LossColumns:
        held = [name for name in names if name in self.trace.tensors]
        results = [
            name
            for name in ("total", "output")
            if not self.trace.shape("output") and name in self.trace.tensors
        ]
        return LossColumns(self.look, self.trace, held, rows, self.telling.heads, size, results)

    def _rows(self) -> Rows:
        groups, size = shown(self.trace.shape("loss"))
        extra = {"none": 0, "sum": 1}.get(self.reduction, 2)
        room = _TOP - _BOTTOM - extra * _JOIN - (groups - 1) * _BETWEEN
        height = min(_TALLEST, room / (groups * size + extra))
        elements = self.span.elements(self.trace.tensors, self.trace.shape("loss"))  # type: ignore[arg-type]
        return Rows(groups, size, _TOP, height, _BETWEEN, tuple(elements))

    def _graph(self) -> LossGraph:
        dots = [(self.numbers[k], *self._spot_of(k)) for k in range(self.count)]
        xs = self.trace.sample("curve.x")
        inside = [y for _, x, y in dots if float(xs[0]) <= x <= float(xs[-1])]
        y = heights(self.trace, self.span, inside)
        left = _LEFT + self.left.width + _LANE + _SHORTEST_LANE + gutter(y)
        right = _RIGHT - self.right.width - _AFTER
        area = (left, _PLOT_BOTTOM, right, _TOP)
        return LossGraph(self.look, self.trace, self.span, y, area, self.telling.names, self.held, dots)

    def _spot_of(self, number: int) -> tuple[float, float]:
        name = "unweighted" if "unweighted" in self.trace.tensors else "loss"
        return self.value(self.span.x, number), self.value(name, number)

    def _tints(self) -> dict[str, Callable[[int], str]]:
        if not self.telling.tells:
            return {}
        own = self.telling.color or (lambda number: self.graph.color(self.numbers[number]))
        return {self.telling.tells: own}

    # What the losses make.

    def _results(self, rows: Rows) -> dict[str, Grid]:
        names = {"none": [], "sum": ["output"]}.get(self.reduction, ["total", "output"])
        x = float(self.right.grids["loss"][0].middle[0])
        top, found = rows.bottom - _JOIN, {}
        for name in names:
            found[name] = self._result(name, (x, top - rows.height / 2), rows.height)
            top -= rows.height + _JOIN
        return found

    def _result(self, name: str, at: tuple[float, float], height: float) -> Grid:
        text = self.text(name, self.trace.value(name, ()))
        wide = self.right.widths["loss"]
        size = fit(text, wide - 0.2, number_size(self.look, height), MIN_NUMBER)
        cells = Cells(wide, height, size, 1, 1)
        return self.grid(name, (), cells, at, index=lambda _: (), blank=True)

    def sum_frames(self, name: str) -> VGroup:
        """What points at a sum, or at the mean below it: frames, and lines between them."""
        grid = self.results[name]
        target = grid.outline((0, 0), (0, 0), _FRAMED)
        if name == "output" and "total" in self.results:
            made = [self.frame(self.results["total"].outline((0, 0), (0, 0), _FRAMED), Stroke.SOURCE, 3)]
        else:
            groups = range(self.right.rows.groups)
            made = [self.right.frame_group("loss", group, Stroke.SOURCE) for group in groups]
        lines = []
        for side in (0, 1):
            x = float((target.min(0), target.max(0))[side][0])
            ends = [(x, float(made[-1].points[:, 1].min())), (x, float(target[:, 1].max()))]
            color = self.look.theme.tint(self.look.theme.accent, 0.55)
            lines.append(Shape(polyline(ends), stroke=color, stroke_width=2.2, z_index=-1))
        return VGroup(*lines, *made, self.frame(target, Stroke.FRAME, 3))

    def divisor(self) -> str:
        """What the sum is divided by, as it stands in the proved formula."""
        return self.trace.step("output", ()).tokens(lambda name, value: "", 2)[-1].text

    def _result_names(self) -> list[VGroup | MathText]:
        """Between the cells what happens to the losses, and under the last one what it is called."""
        if not self.results:
            return []
        signs = dict(
            zip(self.results, ("Σ", f"÷ {self.divisor()}" if "total" in self.results else ""), strict=False)
        )
        found: list[VGroup | MathText] = []
        for name, grid in self.results.items():
            x, y, _ = grid.middle
            above = (x, y + grid.cells.height / 2 + _JOIN / 2)
            found.append(MathText(signs[name], NAME_TEXT, self.look.theme.text).place(above))
        last = self.results["output"]
        below = (last.middle[0], last.middle[1] - last.cells.height / 2 - 0.3)
        return [*found, self.title("output", below, shape=False)]
