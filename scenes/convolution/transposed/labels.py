"""What is said on the stage of a transposed convolution: names, channels, slices, signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from manim import Mobject, VGroup

from torchreel.scenes.convolution.transposed.canvas import StampCanvas
from torchreel.scenes.convolution.transposed.geometry import Stamp
from torchreel.scenes.convolution.transposed.rooms import StampRooms
from torchreel.scenes.convolution.transposed.volume import Volume
from torchreel.scenes.parts.grid import Grid
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.mathtext import width as math_width
from torchreel.scenes.parts.shapes import Box, Path, Point
from torchreel.scenes.parts.stack import Position
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.trace.formula import Index

_GROWTH, _MARK, _BACKED, _IS = 0.55, 0.2, -0.5, 0.34


class StampLabels(StampRooms):
    """The labels of the stations that stand on the stage."""

    inputs: dict[int, Volume]
    canvases: dict[int, StampCanvas]

    def labels(self) -> list[Mobject]:
        """Everything that is said from the first picture on."""
        name = self.title("input", self._over_input(), shape=self.names_shapes)
        labels: list[Mobject] = [name, self._output_title()]
        labels += self._plane_labels("input", self.inputs, "c")
        labels += self._plane_labels("output", self.canvases, "o")
        if self.size.dims == 3:
            labels += [self._side(f"d={d}", "weight", at) for d, at in enumerate(self._centers("weight", 0))]
        labels += self._signs()
        return [*labels, *self._lane_names()]

    def _over_input(self) -> tuple[float, float]:
        """Above the input: a line's has fewer columns than its lane."""
        x, y = self.placed["input"].head
        if self.size.dims > 1:
            return x, y
        grid = self.inputs[self.channels[0]].grids[0]
        first, last = (float(grid.center((0, col))[0]) for col in (0, grid.cells.cols - 1))
        return (first + last) / 2, y

    def _output_title(self) -> VGroup:
        """Above the output; a row alone has it at its side, where nothing comes down from the stamps."""
        placed = self.placed["output"]
        if self.size.dims > 1 or len(self.outs) > 1:
            return self.title("output", placed.head)
        left, middle = placed.block.left, placed.block.middle[1]
        return self.title("output", (left - 0.16, middle - 0.35 * NAME_TEXT), align="right")

    def _lane_names(self) -> Iterator[Mobject]:
        """What each lane holds, and that all of them are added up: `2·w`, `+ 1·w`."""
        if self.size.dims > 1 or not self.has_places:
            return
        theme, placed = self.look.theme, self.placed["stamp"]
        names = self.size.stamps(self.outs[0])
        for number, (stamp, at) in enumerate(zip(names, placed.at, strict=True)):
            right = at[0] - placed.cells.cols * placed.cells.width / 2 - 0.12
            index = self._element((*self.size.lead, stamp.channel), stamp.at)
            pieces = [(self._written("input", index), theme.role("input")), ("·w", theme.role("parameter"))]
            yield from self._ending([("+ ", theme.muted)] * bool(number) + pieces, (right, at[1]))

    def _factors(self, out: int, met: Sequence[tuple[Stamp, Position]], grid: Grid) -> Iterator[Mobject]:
        """What each of some stamps' cells below each other is made of: `+ 3·2`."""
        theme, size = self.look.theme, self.size
        lines: list[tuple[list[tuple[str, str]], Point]] = []
        for number, (stamp, tap) in enumerate(met):
            x, y, _ = grid.center((number, 0))
            element = self._element((*size.lead, stamp.channel), stamp.at)
            weight = self._element((stamp.channel, out % (size.outs // size.groups)), tap)
            pieces = [
                (self._written("input", element), theme.role("input")),
                ("·", theme.muted),
                (self._written("weight", weight), theme.role("parameter")),
            ]
            left = [("+ ", theme.muted)] * bool(number)
            lines.append((left + pieces, (x - grid.cells.width / 2 - 0.14, y)))
        if all(self._is_clear(*line) for line in lines):
            for line in lines:
                yield from self._ending(*line)

    def _is_clear(self, pieces: Sequence[tuple[str, str]], at: Point) -> bool:
        """Whether a line that ends at a place runs neither into the kernel nor over the sign behind it."""
        start = at[0] - sum(measure(text, NAME_TEXT) for text, _ in pieces)
        sign = self.placed["is"].area.middle
        across = start < sign[0] + _IS / 2 and abs(at[1] - sign[1]) < (_IS + NAME_TEXT) / 2
        return start > self.placed["weight"].block.right + 0.1 and not across

    def _written(self, tensor: str, index: Index) -> str:
        text = self.text(tensor, self.trace.value(tensor, index))
        return f"({text})" if tensor == "weight" and text.startswith("−") else text

    def _ending(self, pieces: Sequence[tuple[str, str]], at: Point) -> Iterator[Mobject]:
        """Coloured pieces of one line that ends at a place."""
        right = at[0]
        for text, color in reversed(pieces):
            made, wide = (MathText, math_width) if text == "·w" else (Text, measure)
            yield made(text, NAME_TEXT, color).place((right, at[1]), align="right")
            right -= wide(text, NAME_TEXT)

    def _plane_labels(self, name: str, planes: Mapping[int, Volume], letter: str) -> list[Mobject]:
        labels: list[Mobject] = []
        back = self.look.theme.background
        for number, volume in planes.items():
            for depth, grid in enumerate(volume.grids):
                said = [f"{letter}={number}"] if len(planes) > 1 else []
                more = self.size.growth[0] if name == "output" else 0
                added = f" (+{more})" if more and depth >= self.size.canvas[0] - more else ""
                said += [f"d={depth}{added}"] if self.size.dims == 3 else []
                if said and (depth == 0 or self.size.dims == 3):
                    label = self._side(" ".join(said), name, grid.middle, grid)
                    left, bottom, right, top = label.box()
                    middle = (left + right) / 2, (bottom + top) / 2
                    labels.append(
                        Box(right - left + 0.06, top - bottom + 0.06, middle, fill=back, z_index=_BACKED)
                    )
                    labels.append(label)
        return labels

    def _side(self, text: str, name: str, at: Point, grid: Grid | None = None) -> Text:
        """A label beside a plane round `at`; of a line's input, beside its cells."""
        cells = self.placed[name].cells
        if name == "output" and self.size.dims > 1:
            right = at[0] + cells.cols * cells.width / 2
            last = right > self.placed[name].block.right - 1e-3
            right += _GROWTH if last and self.size.growth[1] else 0.12
            return self.label(text, (right, at[1]), MIN_TEXT, align="left")
        left = at[0] - cells.cols * cells.width / 2
        if grid is not None and name == "input" and self.size.dims == 1:
            left = float(grid.outline((0, 0), (0, 0))[:, 0].min())
        return self.label(text, (left - 0.12, at[1]), MIN_TEXT, align="right")

    def stamp_title(self, at: Point) -> VGroup:
        """The name of the stamps: `stamps x·w`."""
        theme, line = self.look.theme, VGroup()
        said = f"{self.stamps_name} "
        pieces = [
            (said, theme.muted),
            ("x", theme.role("input")),
            ("·", theme.muted),
            ("w", theme.role("parameter")),
        ]
        wide = [
            measure(text, NAME_TEXT) if text == said else math_width(text, NAME_TEXT) for text, _ in pieces
        ]
        left = self.stamps_from(sum(wide), self.placed["stamp"])
        for (text, color), width in zip(pieces, wide, strict=True):
            made = Text if text == said else MathText
            line.add(made(text, NAME_TEXT, color).place((left, at[1]), align="left", vertical="baseline"))
            left += width
        return line

    def _signs(self) -> list[Mobject]:
        if self.size.dims == 1:
            return []
        return [
            self.label(sign, self.placed[name].area.middle, _IS)
            for name, sign in (("times", "×"), ("is", "="))
        ]

    def growth(self, out: int) -> VGroup:
        """A bar and a number at the cells that `output_padding` adds at the far end of rows and columns."""
        size, canvas, marks = self.size, self.canvases[out], VGroup()
        last = [p + n for p, n in zip(size.padding, size.out, strict=True)]
        for axis, more in list(enumerate(size.growth))[-2:]:
            places = [
                at
                for at in canvas.positions()
                if at[0] == len(canvas.grids) - 1
                and last[axis] - more <= at[axis] < last[axis]
                and size.kept(at) is not None
            ]
            if not more or not places or (axis == 2 and out != self.outs[-1]):
                continue
            box = canvas.outline(places, 0.0)
            (left, bottom, _), (right, top, _) = box.min(0), box.max(0)
            color, text = self.look.theme.text, f"+{more}"
            wide = measure(text, MIN_TEXT, "mono")
            _, lowest, edge, _ = canvas.edges()
            # On cells of the rim only if it has room in one of them, and its middle is not on a line.
            if axis == 2:
                fits = more % 2 and wide < canvas.cells.width and canvas.cells.height > _MARK + MIN_TEXT
                y = (bottom if fits or lowest > bottom - 1e-6 else lowest) - 0.1
                marks.add(Path([(left, y), (right, y)], color, 3.0))
                marks.add(self.label(text, ((left + right) / 2, y - 0.17), MIN_TEXT, color))
            else:
                fits = more % 2 and _MARK + wide < canvas.cells.width and canvas.cells.height > MIN_TEXT
                x = (right if fits or edge < right + 1e-6 else edge) + 0.1
                marks.add(Path([(x, top), (x, bottom)], color, 3.0))
                marks.add(self.label(text, (x + 0.08, (top + bottom) / 2), MIN_TEXT, color, align="left"))
        return marks
