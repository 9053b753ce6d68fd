"""What stands on stage: every visible object as a flat record in drawing order, for checks that need no pixels.

Sizes are scene units; messages give boxes in px of a 1280 x 720 frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np
from manim import Animation, VMobject

from torchreel.assets.examples import Example, example
from torchreel.assets.fonts import outline
from torchreel.assets.themes import blend
from torchreel.render.renderer import capture
from torchreel.render.settings import View
from torchreel.scenes import registry
from torchreel.scenes.parts.family import family
from torchreel.scenes.parts.grid import Grid
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.motion import Fly, Morph, Move
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.scene import OperatorScene, Section
from torchreel.scenes.stage.telling import Request
from torchreel.scenes.trace.proof import Trace

Bounds = tuple[float, float, float, float]
"""(left, bottom, right, top)."""
_DRY = View(16, 9, 30)
_SEEN = 0.02
_MID_FLIGHT = (0.25, 0.5, 0.75)
_ARRAYS = ("points", "fill_rgbas", "stroke_rgbas")
_ALONG = np.linspace(0, 1, 5)
_BERNSTEIN = np.stack(
    [(1 - _ALONG) ** 3, 3 * _ALONG * (1 - _ALONG) ** 2, 3 * _ALONG**2 * (1 - _ALONG), _ALONG**3], axis=1
)


class Outline:
    """The path of an object, with what is asked of it kept: `bounds`, `corners` of its polygons, `trail` along it."""

    def __init__(self, points: np.ndarray) -> None:
        self.points = points
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        self.bounds: Bounds = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    @cached_property
    def trail(self) -> np.ndarray:
        """Points (n, 2) along the path, at most 0.03 apart."""
        starts, ends = self._pieces
        counts = np.maximum(1, np.ceil(np.linalg.norm(ends - starts, axis=1) / 0.03).astype(int))
        steps = [np.linspace(a, b, count + 1) for a, b, count in zip(starts, ends, counts, strict=True)]
        return np.concatenate(steps)

    def contains(self, places: np.ndarray) -> np.ndarray:
        """Which places (m, 2) lie inside, by the non-zero winding rule."""
        a, b = self._edges
        x, y = places[:, :1], places[:, 1:]
        side = (b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (x - a[:, 0]) * (b[:, 1] - a[:, 1])
        up = (a[:, 1] <= y) & (b[:, 1] > y) & (side > 0)
        down = (a[:, 1] > y) & (b[:, 1] <= y) & (side < 0)
        inside: np.ndarray = up.sum(1) != down.sum(1)
        return inside

    @cached_property
    def _pieces(self) -> tuple[np.ndarray, np.ndarray]:
        """Straight pieces along the curves, as starts and ends."""
        curves = self.points[: len(self.points) // 4 * 4, :2].reshape(-1, 4, 2)
        flat = np.einsum("tk,nkd->ntd", _BERNSTEIN, curves)
        return flat[:, :-1].reshape(-1, 2), flat[:, 1:].reshape(-1, 2)

    @cached_property
    def _edges(self) -> tuple[np.ndarray, np.ndarray]:
        """The pieces, and what closes each subpath."""
        starts, ends = self._pieces
        breaks = np.flatnonzero(np.abs(starts[1:] - ends[:-1]).max(axis=1) > 1e-6) + 1
        first, last = np.append(0, breaks), np.append(breaks, len(starts)) - 1
        return np.concatenate([starts, ends[last]]), np.concatenate([ends, starts[first]])


@dataclass(frozen=True, eq=False)
class Piece:
    """One visible object: where it is, in which zone it belongs, how it is painted (`#rrggbb`, opacity)."""

    mobject: VMobject
    outline: Outline
    zone: str
    fill: str
    fill_opacity: float
    stroke: str
    stroke_opacity: float

    @cached_property
    def bounds(self) -> Bounds:
        """The box of its path."""
        return self.outline.bounds

    @cached_property
    def is_text(self) -> bool:
        return isinstance(self.mobject, (Text, MathText)) and bool(self.mobject.text.strip())

    @property
    def em(self) -> float:
        """The type size as drawn, also when the object was scaled."""
        if isinstance(self.mobject, MathText):
            return float(self.mobject.size)
        drawn, made = self.bounds, outline(self.mobject.text, self.mobject.font).points
        if not len(made):
            return float(self.mobject.size)
        wide, high = np.ptp(made[:, 0]), np.ptp(made[:, 1])
        return float((drawn[2] - drawn[0]) / wide if wide > high else (drawn[3] - drawn[1]) / high)

    def __str__(self) -> str:
        name = f"{self.mobject.text!r}" if self.is_text else type(self.mobject).__name__
        return f"{name} {pixels(self.bounds)}"


class Around(NamedTuple):
    """A text and every other shape that meets its box, in drawing order: those under it and those over it.

    `again`: the same words are drawn once more in the same place, over all this.
    """

    text: Piece
    under: tuple[Piece, ...]
    over: tuple[Piece, ...]
    again: bool

    def colors(self, background: str, place: np.ndarray) -> tuple[str, str]:
        """Two colours at a place (x, y) of the text as they are seen: that of its ink, that of what it stands on."""
        below = _painted(background, self.under, place)
        ink = blend(below, self.text.fill, self.text.fill_opacity)
        return _painted(ink, self.over, place), _painted(below, self.over, place)


def _painted(color: str, pieces: Iterable[Piece], place: np.ndarray) -> str:
    for piece in pieces:
        if piece.fill_opacity and piece.outline.contains(place[None])[0]:
            color = blend(color, piece.fill, piece.fill_opacity)
    return color


@dataclass
class Stage:
    """The stage at the end of one beat: everything visible in drawing order, and the words said."""

    section: Section
    number: int
    background: str
    lang: str
    zones: dict[str, Bounds]
    pieces: list[Piece]
    places: Places
    grids: list[Grid]

    @cached_property
    def texts(self) -> list[Piece]:
        """The texts in drawing order."""
        return [piece for piece in self.pieces if piece.is_text]

    @cached_property
    def surroundings(self) -> list[Around]:
        """Each text with what it stands on and what stands on it."""
        boxes = np.array([piece.bounds for piece in self.pieces]).reshape(-1, 4)
        shapes = np.array([not piece.is_text for piece in self.pieces])
        return [
            self._around(order, boxes, shapes) for order, piece in enumerate(self.pieces) if piece.is_text
        ]

    def _around(self, order: int, boxes: np.ndarray, shapes: np.ndarray) -> Around:
        left, bottom, right, top = boxes[order]
        across = (boxes[:, 0] <= right) & (boxes[:, 2] >= left)
        near = np.flatnonzero(shapes & across & (boxes[:, 1] <= top) & (boxes[:, 3] >= bottom))
        under, over = (tuple(self.pieces[k] for k in near[chosen]) for chosen in (near < order, near > order))
        return Around(self.pieces[order], under, over, self._again(order, boxes[order], boxes))

    def _again(self, order: int, box: np.ndarray, boxes: np.ndarray) -> bool:
        same = np.flatnonzero(np.abs(boxes[order + 1 :] - box).max(axis=1) < 0.02) + order + 1
        words = self.pieces[order].mobject.text
        return any(self.pieces[k].is_text and self.pieces[k].mobject.text == words for k in same)


@dataclass
class Show:
    """A whole clip as it passed by, without being painted: its first stage, its stages in flight and at every beat."""

    scene: OperatorScene
    stages: list[Stage] = field(default_factory=list)
    glimpses: list[Stage] = field(default_factory=list)
    first: Stage | None = None


def bounds_of(points: np.ndarray) -> Bounds:
    return Outline(points).bounds


def pixels(bounds: Bounds) -> str:
    """A box in px of a 1280 x 720 frame, y down: `(left, top)-(right, bottom)`."""
    left, bottom, right, top = bounds
    scale = 1280 / bars.WIDTH
    x0, x1 = ((x + bars.EDGE) * scale for x in (left, right))
    y0, y1 = ((bars.HEIGHT / 2 - y) * scale for y in (top, bottom))
    return f"({x0:.0f},{y0:.0f})-({x1:.0f},{y1:.0f})"


@cache
def proved(operator: str, name: str) -> Trace:
    """The trace of an example, computed once for all its looks."""
    trace: Trace = registry.find(operator).operator.trace_example(example(operator, name))
    return trace


def watch(chosen: Example, trace: Trace, lang: str, theme: str) -> Show:
    """Play an example's scene and note the stage at the end of every beat. Nothing is painted."""
    scene_class = registry.find(chosen.operator)
    return watch_scene(scene_class, Request(trace, chosen, lang, theme))


def watch_scene(scene_class: type[OperatorScene], request: Request | None) -> Show:
    """The same for any operator scene."""
    shows: list[Show] = []

    class Watched(scene_class):  # type: ignore[misc, valid-type]
        def setup(self) -> None:
            super().setup()
            shows.append(Show(self))
            self.known: Known = {}

        def _end_section(self, section: Section) -> None:
            super()._end_section(section)
            number = len(self.sections)
            shows[0].stages[number - 1 :] = [look_at(self, self.sections[-1], number, self.known)]

        def wait(self, duration: float = 1.0, *args: Any, **kwargs: Any) -> None:
            self._open()
            super().wait(duration, *args, **kwargs)

        def play(self, *animations: Any, **kwargs: Any) -> None:
            self._open()
            for share in _MID_FLIGHT:
                with in_flight(self, animations, share) as moving:
                    if moving:
                        shows[0].glimpses.append(self._glimpse())
            super().play(*animations, **kwargs)

        def _open(self) -> None:
            if shows[0].first is None:
                shows[0].first = self._glimpse()

        def _glimpse(self) -> Stage:
            now = Section("in flight", self.time, self.time, {self.request.lang: self._said}, ())
            return look_at(self, now, len(self.sections) + 1, self.known)

    capture(lambda renderer: Watched(request, renderer=renderer), _DRY, [])
    return shows[0]


@contextmanager
def in_flight(scene: OperatorScene, animations: Sequence[Animation], share: float) -> Iterator[bool]:
    """The stage while things are on their way, `share` of it done; afterwards everything is as it was before.

    Says whether anything moves; what only fades or changes colour stays where it is.
    """
    moving = [one for one in animations if isinstance(one, (Fly, Move, Morph))]
    members = family([part for one in moving for part in one.parts])
    before = [(one, {name: getattr(one, name) for name in _ARRAYS if hasattr(one, name)}) for one in members]
    staged = list(scene.mobjects)
    for one in moving:
        one._setup_scene(scene)
        one.begin()
        one.interpolate_mobject(share * min(1.0, one.quick / max(one.run_time, 1e-6)))
    yield bool(moving)
    for member, arrays in before:
        for name, value in arrays.items():
            setattr(member, name, value)
    scene.mobjects = staged


Known = dict[int, tuple[tuple[object, ...], Piece]]
"""The piece made of each object, by its id, with what it was made from."""


def look_at(scene: Any, section: Section, number: int, known: Known) -> Stage:
    """Everything visible on a scene now. What has not changed since is the same piece as before (`known`)."""
    zone_of = dict(_zones(scene))
    shown = sorted(family(scene.mobjects), key=lambda found: found.z_index)
    pieces = [
        _piece(mobject, zone_of.get(id(mobject), "stage"), known)
        for mobject in shown
        if isinstance(mobject, VMobject) and len(mobject.points)
    ]
    visible = [piece for piece in pieces if max(piece.fill_opacity, piece.stroke_opacity) > _SEEN]
    return Stage(
        section,
        number,
        scene.look.theme.background,
        scene.request.lang,
        _places(scene),
        visible,
        Places(scene.staged),
        [part for part in family(scene.staged) if isinstance(part, Grid)],
    )


def _zones(scene: Any) -> Iterator[tuple[int, str]]:
    """The zone of everything that is not on the stage proper, by the object's id."""
    owners: list[tuple[str, Callable[[Any], bool]]] = [
        ("title", lambda found: isinstance(found, bars.TitleBar)),
        ("formula", lambda found: found is scene._formula),
        ("caption", lambda found: found is scene._caption),
        ("bar", lambda found: found is scene.formula_bar or found is scene.progress),
    ]
    for mobject in scene.mobjects:
        for zone, owns in owners:
            if owns(mobject):
                yield from ((id(member), zone) for member in mobject.get_family())


def _places(scene: Any) -> dict[str, Bounds]:
    """Where each zone's texts may stand: inside its bar and a small margin away from the frame's sides."""
    side, low = bars.EDGE - 0.15, bounds_of(scene.formula_bar.submobjects[0].points)
    progress = bounds_of(scene.progress.points)[3]
    return {
        "title": (-side, bars.STAGE_TOP, side, bars.HEIGHT / 2),
        "stage": (-side, bars.STAGE_BOTTOM, side, bars.STAGE_TOP),
        "formula": (-side, low[1], side, low[3]),
        "caption": (-side, progress, side, low[1]),
    }


def _piece(mobject: VMobject, zone: str, known: Known) -> Piece:
    fill, stroke, width = mobject.fill_rgbas[0], mobject.stroke_rgbas[0], mobject.stroke_width
    look = (mobject, mobject.points.tobytes(), fill.tobytes(), stroke.tobytes(), width, zone)
    before = known.get(id(mobject))
    if before is not None and before[0] == look:
        return before[1]
    drawn = float(stroke[3]) if width else 0.0
    piece = Piece(
        mobject, Outline(mobject.points.copy()), zone, _hex(fill), float(fill[3]), _hex(stroke), drawn
    )
    known[id(mobject)] = look, piece
    return piece


def _hex(rgba: np.ndarray) -> str:
    return "#" + "".join(f"{round(float(part) * 255):02x}" for part in rgba[:3])
