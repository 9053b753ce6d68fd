"""The stations of a net and the wires between them, as nouns of the stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.look import MIN_TEXT, Look, Stroke
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.shapes import Arrow, Box, Path, Shape, box_points
from torchreel.scenes.parts.text import Text
from torchreel.scenes.record.outline import Part, edges
from torchreel.scenes.tour.layout import Band, Spot, Zone, band, lanes_of, name_lines, short
from torchreel.scenes.tour.picture import Picture


class Chain:
    """Some parts of a net in a band: names, shapes and parameters from the start, pictures as the data gets there."""

    def __init__(
        self, look: Look, parts: Sequence[Part], zone: Zone, per_sample: bool, rows: int = 3
    ) -> None:
        self.look, self.parts, self.per_sample = look, parts, per_sample
        self.band = self._stand(zone, rows)
        self.pictures = [self._picture(number) for number in range(len(parts))]
        self.wires = VGroup(*self._wires())
        self.skips = VGroup(*self._skips())
        self.labels = VGroup(*(label for number in range(len(parts)) for label in self._labels(number)))
        self.frames = VGroup(*(self._room(number) for number in range(len(parts))))
        self.focus = Shape(np.zeros((0, 3)), stroke=look.theme.accent, stroke_width=Stroke.FRAME, z_index=2)

    def _stand(self, zone: Zone, rows: int) -> Band:
        names = [name_of(part) for part in self.parts]
        facts = 2 if any(part.parameters for part in self.parts) else 1
        return band(zone, names, facts, max(lanes_of(list(edges(self.parts))), default=-1) + 1, rows)

    def show(self, number: int) -> list[Animation]:
        """What a part made comes to be seen."""
        return [Appear(self.pictures[number])]

    def look_at(self, number: int) -> list[Animation]:
        """The frame is at a part."""
        side = self.band.picture + 0.08
        self.focus.points = box_points(side, side, self.band.spots[number], 0.06)
        return []

    def leave(self) -> list[Animation]:
        """The frame is nowhere."""
        self.focus.points = np.zeros((0, 3))
        return []

    def show_all(self, numbers: Iterable[int]) -> list[Animation]:
        """What some parts made comes to be seen, the last of them framed."""
        run = list(numbers)
        self.look_at(run[-1])
        return [one for number in run for one in self.show(number)]

    def _room(self, number: int) -> Shape:
        """An empty place of the picture that is to come."""
        theme, side = self.look.theme, self.band.picture
        return Box(
            side, side, self.band.spots[number], 0.05, fill=theme.empty, stroke=theme.line, stroke_width=1.2
        )

    def _picture(self, number: int) -> VGroup:
        node, spot = self.parts[number].last, self.band.spots[number]
        if node.picture is None:
            return VGroup()
        role = "input" if node.is_input else "result"
        return Picture(self.look, node.picture.numpy(), self.band.picture - 0.08, spot, role)

    def _labels(self, number: int) -> list[Text]:
        part, band, theme = self.parts[number], self.band, self.look.theme
        names = reversed(name_lines(name_of(part), band.room))
        found = [
            Text(line, MIN_TEXT, theme.text, "bold").place(band.name_at(number, k))
            for k, line in enumerate(names)
        ]
        shape = part.last.shape[1:] if self.per_sample else part.last.shape
        facts = [("×".join(map(str, shape)) or "1", theme.muted)]
        if part.parameters:
            facts.append((thousands(part.parameters), theme.role("parameter")))
        return found + [
            Text(short(text, band.room), MIN_TEXT, ink).place(band.fact_at(number, k))
            for k, (text, ink) in enumerate(facts)
        ]

    def _wires(self) -> list[Arrow]:
        side = self.band.picture / 2
        found: list[Arrow] = []
        for number in range(len(self.parts) - 1):
            (x, y), (to_x, to_y) = self.band.spots[number : number + 2]
            if self.band.rows[number] != self.band.rows[number + 1]:
                route = [(x, y - self.band.bottom), (to_x, to_y + self.band.top)]
            else:
                way = 1 if to_x > x else -1
                route = [(x + way * (side + 0.05), y), (to_x - way * (side + 0.05), to_y)]
            found.append(Arrow(route, self.look.theme.wire, 2.0, 0.1))
        return found

    def _skips(self) -> list[Arrow]:
        """Results that are read again later, as lines over what stands between."""
        jumps = list(edges(self.parts))
        color = self.look.theme.channel(1)
        return [
            Arrow(self._over(start, end, lane), color, 2.0, 0.1)
            for (start, end), lane in zip(jumps, lanes_of(jumps), strict=True)
        ]

    def _over(self, start: int, end: int, lane: int) -> list[Spot]:
        band, aside = self.band, 0.16 * self.band.width
        to_x, to_y = band.spots[end]
        height = band.lane(lane, band.rows[end])
        inside = band.picture / 2 + 0.04
        if start < 0:
            x, y = band.spots[0][0] - band.width / 2 + 0.05, band.spots[0][1]
            beginning = [(x, y), (x, height)]
        elif band.rows[start] == band.rows[end]:
            x, y = band.spots[start]
            way = aside if to_x > x else -aside
            corner = x + way / aside * (band.width / 2)
            beginning = [(x + way / aside * inside, y), (corner, y), (corner, height)]
        else:
            x, y = band.spots[start]
            corner = x + band.width / 2 - 0.03
            beginning = [(x + inside, y - 0.1), (corner, y - 0.1), (corner, height)]
        side = 1 if beginning[-1][0] > to_x else -1
        into = to_x + side * band.width / 2 * 0.94
        return [*beginning, (into, height), (into, to_y), (to_x + side * inside, to_y)]


class Opening(VGroup):
    """The panel in which a part is opened, with its name, and lines to it from where the part stands."""

    def __init__(self, look: Look, chain: Chain, number: int, zone: Zone, name: str) -> None:
        theme, band = look.theme, chain.band
        width, height = zone.right - zone.left, zone.top - zone.bottom
        middle = ((zone.left + zone.right) / 2, (zone.top + zone.bottom) / 2)
        panel = Box(width, height, middle, 0.08, fill=theme.bar, z_index=-2)
        label = Text(name, MIN_TEXT, theme.accent, "bold")
        label.place((zone.left + 0.14, zone.top - 0.2), align="left")
        super().__init__(panel, label)
        if band.rows[number] == band.rows[-1]:
            x, y = band.spots[number]
            under, half = y - band.bottom, band.picture / 2
            color = theme.tint(theme.accent, 0.5)
            for side in (-1, 1):
                corner = zone.left + 0.05 if side < 0 else zone.right - 0.05
                self.add(Path([(x + side * half, under), (corner, zone.top)], color, 1.4, z_index=-1))


def name_of(part: Part) -> str:
    """What a part is called, with how often it comes."""
    return f"{part.name} ×{part.times}" if part.times > 1 else part.name


def thousands(number: int) -> str:
    """A count with spaces between its thousands."""
    return f"{number:,}".replace(",", " ")
