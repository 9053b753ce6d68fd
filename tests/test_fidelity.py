"""The fast renderer shows what Manim shows, byte for byte, whether it paints in full or only what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manim import (
    BLUE,
    DOWN,
    GREEN,
    LEFT,
    ORANGE,
    ORIGIN,
    RED,
    RIGHT,
    UP,
    WHITE,
    YELLOW,
    AnimationGroup,
    Circle,
    Create,
    DashedLine,
    Dot,
    FadeIn,
    FadeOut,
    Indicate,
    LaggedStart,
    Line,
    PMobject,
    ReplacementTransform,
    Scene,
    Square,
    Star,
    Succession,
    Transform,
    Triangle,
    ValueTracker,
    VGroup,
    VMobject,
    Wait,
    always_redraw,
    linear,
    tempconfig,
)
from manim.constants import CapStyleType, LineJointType
from manim.renderer.cairo_renderer import CairoRenderer

from torchreel.render.display import DisplayList
from torchreel.render.raster import Raster
from torchreel.render.renderer import capture, render_scene
from torchreel.render.settings import Rect, View
from torchreel.scenes.parts.motion import Paint
from torchreel.scenes.parts.shapes import Box

VIEW = View(320, 180, 10)


class Fades(Scene):
    def construct(self) -> None:
        self.camera.background_color = WHITE
        boxes = VGroup(*[Square(0.8, fill_color=BLUE, fill_opacity=k / 6) for k in range(6)]).arrange(RIGHT)
        self.play(FadeIn(boxes, scale=0.5))
        self.play(FadeOut(boxes[2]), boxes[4].animate.set_fill(RED, 1))
        self.wait(0.25)
        boxes[0].set_stroke(ORANGE, 9)
        self.play(boxes.animate(lag_ratio=0.2).shift(UP), run_time=0.7)


class Transforms(Scene):
    def construct(self) -> None:
        self.add(Line(LEFT * 7, RIGHT * 7), DashedLine(LEFT * 6 + DOWN, RIGHT * 6 + DOWN, color=GREEN))
        window = Square(1.3, color=YELLOW).shift(LEFT * 3)
        self.play(Create(window), run_time=0.5)
        self.play(window.animate.shift(RIGHT * 4).rotate(0.4), run_time=0.8)
        star = Star(color=RED, fill_opacity=0.4)
        self.play(ReplacementTransform(window, star), run_time=0.6)
        self.play(Transform(star, Circle(2, color=BLUE)), Indicate(self.mobjects[0]), run_time=0.6)
        self.remove(star)
        self.wait(0.2)


class Paints(Scene):
    def construct(self) -> None:
        fill = Square(2, stroke_width=0).set_fill([BLUE, YELLOW, RED], opacity=0.8).shift(LEFT * 4)
        edge = Circle(1, stroke_width=12).set_stroke([GREEN, ORANGE])
        both = Triangle(fill_opacity=1, fill_color=RED).shift(RIGHT * 4)
        both.set_stroke(WHITE, 14, opacity=0.5, background=True)
        sharp = VMobject(stroke_width=10, joint_type=LineJointType.MITER, cap_style=CapStyleType.SQUARE)
        sharp.set_points_as_corners([LEFT * 2 + DOWN * 3, DOWN * 2, LEFT * 2 + DOWN * 2.6])
        self.add(fill, edge, both, sharp)
        self.play(fill.animate.shift(UP), edge.animate.scale(1.5), both.animate.shift(LEFT), run_time=0.6)
        self.play(sharp.animate.rotate(1), edge.animate.set_stroke(BLUE, 3), run_time=0.6)


class Layers(Scene):
    def construct(self) -> None:
        low, mid, top = (Square(2, fill_opacity=0.7, fill_color=c, color=c) for c in (RED, GREEN, BLUE))
        mid.shift(RIGHT * 0.7).set_z_index(2)
        self.add(low, mid, top.shift(RIGHT * 1.4))
        self.add_foreground_mobject(Dot(color=YELLOW, radius=0.4))
        self.play(low.animate.shift(RIGHT), top.animate.shift(LEFT), run_time=0.5)
        low.set_z_index(5)
        self.wait(0.1)
        self.bring_to_front(top)
        self.play(FadeIn(Circle(1.5, fill_opacity=1).set_z_index(1)), run_time=0.5)
        self.bring_to_back(mid.set_z_index(0))
        self.play(mid.animate.rotate(0.5), run_time=0.4)


class Updaters(Scene):
    def construct(self) -> None:
        tracker = ValueTracker(0)
        dot = Dot(radius=0.3).add_updater(lambda mob: mob.move_to(RIGHT * tracker.get_value()))
        ring = always_redraw(lambda: Circle(0.5 + tracker.get_value() / 4, color=GREEN).shift(DOWN))
        spinner = Square(1).shift(UP * 2).add_updater(lambda mob, dt: mob.rotate(dt))
        self.add(dot, ring, spinner)
        self.play(tracker.animate.set_value(3), run_time=0.8)
        self.wait(0.5)
        spinner.clear_updaters()
        self.wait(0.3)
        self.play(dot.animate.set_color(RED), run_time=0.4)


class Orders(Scene):
    def construct(self) -> None:
        dots = [Dot(LEFT * 4 + RIGHT * k, radius=0.3) for k in range(8)]
        self.play(LaggedStart(*[FadeIn(dot, scale=2) for dot in dots], lag_ratio=0.3), run_time=1)
        late = Square(1, fill_opacity=1, color=ORANGE)
        self.play(
            Succession(dots[0].animate.shift(UP), FadeIn(late), FadeOut(dots[3]), run_time=1.2),
            AnimationGroup(dots[7].animate.shift(UP), Wait(0.2), rate_func=linear),
        )
        self.play(LaggedStart(*[FadeOut(dot) for dot in dots[4:]], lag_ratio=0.5), run_time=0.6)
        self.wait(0.1)


class Points(Scene):
    def construct(self) -> None:
        places = np.random.default_rng(3).uniform(-3, 3, (40, 3))
        cloud = PMobject(stroke_width=6).add_points(places, color=GREEN)
        window = Square(1.5, color=RED, fill_opacity=0.3)
        self.add(Circle(3, fill_opacity=1), cloud)
        self.play(FadeIn(window), run_time=0.4)
        self.play(window.animate.shift(RIGHT), cloud.animate.shift(LEFT * 0.5), run_time=0.4)


class Regroups(Scene):
    def construct(self) -> None:
        group = VGroup(Square(), Circle()).arrange(RIGHT)
        self.add(group)
        self.play(group.animate.shift(UP), run_time=0.3)
        group.add(Triangle(fill_opacity=1).shift(DOWN))
        self.wait(0.1)
        self.play(FadeOut(group[0]), run_time=0.3)
        self.play(group[2].animate.become(Star(fill_opacity=0.5)), run_time=0.3)
        self.add(Dot(ORIGIN))
        self.clear()
        self.wait(0.1)
        self.play(FadeIn(Square(1e-9)), Create(Line(ORIGIN, ORIGIN)), FadeIn(VMobject()), run_time=0.3)


class Marks(Scene):
    """The package's own shapes, which say themselves whether they changed, changed in every way that Manim knows."""

    def construct(self) -> None:
        boxes = [Box(1, 1, (1.6 * k - 5, 0), fill="#0969da", stroke="#cf222e") for k in range(7)]
        self.add(*boxes)
        self.play(boxes[0].animate.shift(UP), run_time=0.4)
        boxes[0].set_fill(RED)
        boxes[1].set_opacity(0.4)
        boxes[2].scale(1.4)
        boxes[3].points = boxes[3].points + UP
        boxes[4].stroke_width = 12
        boxes[5].become(Box(0.5, 2, (3, -1), fill="#1a7f37"))
        self.wait(0.2)
        boxes[6].rotate(0.3)
        boxes[2].set_stroke(GREEN, 8)
        boxes[3].set_color(YELLOW).stretch(0.5, 0)
        self.play(Transform(boxes[1], Box(2, 2, (-3, 1), fill="#8250df")), Indicate(boxes[4]), run_time=0.5)
        boxes[1].shift(DOWN).set_fill(opacity=0.3)
        self.wait(0.2)
        boxes[0].add_updater(lambda box, dt: box.rotate(dt))
        self.wait(0.3)
        boxes[0].clear_updaters().set_fill(BLUE, 0.5)
        self.wait(0.2)
        self.play(*(FadeOut(box) for box in boxes[:3]), Paint(boxes[6], fill="#9a6700"), run_time=0.3)
        self.add(boxes[0])
        self.wait(0.2)


SCENES = [Fades, Transforms, Paints, Layers, Updaters, Orders, Points, Regroups, Marks]


class _Stock(CairoRenderer):
    """Manim's own renderer, keeping its frames."""

    def __init__(self) -> None:
        super().__init__()
        self.film: list[np.ndarray] = []

    def add_frame(self, frame: np.ndarray, num_frames: int = 1) -> None:
        super().add_frame(frame, num_frames)
        self.film += [frame] * num_frames


class Film:
    """An encoder that keeps every frame, and what was claimed to have changed."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []
        self.rects: list[list[Rect]] = []

    def start(self, path: Path, view: View) -> None:
        self.view = view

    def frame(self, rgba: np.ndarray, rects: list[Rect], count: int) -> None:
        self.frames += [rgba.copy()] * count
        self.rects += [rects] + [[]] * (count - 1)

    def stop(self, ok: bool) -> None:
        self.ok = ok


def manim_film(scene: type[Scene], view: View) -> np.ndarray:
    """All frames (T, H, W, 4) as Manim draws them."""
    options = {
        "pixel_width": view.width,
        "pixel_height": view.height,
        "frame_rate": view.fps,
        "dry_run": True,
        "disable_caching": True,
        "progress_bar": "none",
        "verbosity": "ERROR",
    }
    with tempconfig(options):
        renderer = _Stock()
        scene(renderer=renderer).render()
    return np.stack(renderer.film)


def reel_films(scene: type[Scene], *views: View) -> list[Film]:
    """All frames as torchreel draws them, for each of the views of one pass."""
    films = [Film() for _ in views]
    outputs = {view: [(film, Path("unused"))] for view, film in zip(views, films, strict=True)}
    render_scene(lambda renderer: scene(renderer=renderer), outputs)
    return films


@pytest.mark.parametrize("scene", SCENES)
def test_painted_in_full_every_frame_has_the_bytes_of_manim(scene: type[Scene]) -> None:
    stock = manim_film(scene, VIEW)
    middles = (np.arange(len(stock)) + 0.5) / VIEW.fps
    full = capture(lambda renderer: scene(renderer=renderer), VIEW, middles.tolist())
    different = [
        index for index, (a, b) in enumerate(zip(stock, full, strict=True)) if not np.array_equal(a, b)
    ]
    assert different == []


@pytest.mark.parametrize("view", [VIEW, View(1280, 720, 5)], ids=["small", "large"])
@pytest.mark.parametrize("scene", SCENES)
def test_painted_in_parts_every_frame_has_the_bytes_of_manim(scene: type[Scene], view: View) -> None:
    stock = manim_film(scene, view)
    film = np.stack(reel_films(scene, view)[0].frames)
    assert film.shape == stock.shape
    assert np.array_equal(film, stock)


@pytest.mark.parametrize("scene", [scene for scene in SCENES if scene not in (Updaters, Marks)])
def test_two_views_of_one_pass_equal_two_passes(scene: type[Scene]) -> None:
    other = View(256, 144, 15)
    together = reel_films(scene, VIEW, other)
    for view, film in zip((VIEW, other), together, strict=True):
        alone = reel_films(scene, view)[0]
        assert film.rects == alone.rects
        assert np.array_equal(film.frames, alone.frames)


def test_nothing_changes_outside_the_rectangles_given_to_the_encoders() -> None:
    film = reel_films(Transforms, VIEW)[0]
    assert film.rects[0] == [VIEW.whole]
    for before, after, rects in zip(film.frames, film.frames[1:], film.rects[1:], strict=False):
        outside = np.ones(after.shape[:2], bool)
        for x0, y0, x1, y1 in rects:
            outside[y0:y1, x0:x1] = False
        assert np.array_equal(before[outside], after[outside])


def test_the_same_scene_twice_gives_the_same_bytes() -> None:
    first, second = (reel_films(Orders, VIEW)[0] for _ in range(2))
    assert np.array_equal(first.frames, second.frames)


@pytest.mark.parametrize("time, index", [(0.0, 0), (0.31, 3), (1.0, 10), (-1, -1), (99.0, -1)])
def test_capture_finds_the_frame_on_show_at_a_time(time: float, index: int) -> None:
    stock = manim_film(Fades, VIEW)
    (still,) = capture(lambda renderer: Fades(renderer=renderer), VIEW, [time])
    assert np.array_equal(still, stock[index])


coordinates = st.floats(-4, 4).map(lambda value: round(value, 2))
corners = st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=7)
looks = st.tuples(
    st.sampled_from(list(LineJointType)),
    st.sampled_from(list(CapStyleType)),
    st.floats(0, 60),
    st.booleans(),
    st.booleans(),
)


def outline(places: list[tuple[float, float]], look: tuple[Any, ...]) -> VMobject:
    joint, cap, width, closed, smooth = look
    line = VMobject(stroke_width=width, stroke_opacity=0.7, joint_type=joint, cap_style=cap)
    points = [np.array((x, y, 0.0)) for x, y in places]
    line.set_points_as_corners([*points, points[0]] if closed else points)
    return line.make_smooth() if smooth and len(places) > 2 else line


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(corners, looks), min_size=1, max_size=3), st.lists(corners, min_size=1, max_size=3))
def test_any_outline_leaves_no_trace_where_it_was(
    outlines: list[tuple[list[tuple[float, float]], tuple[Any, ...]]], moves: list[list[tuple[float, float]]]
) -> None:
    stage = [Square(3, fill_opacity=0.6, color=BLUE), *[outline(*drawn) for drawn in outlines]]
    display, background = DisplayList(), (10, 20, 30, 255)
    parts, full = (Raster(VIEW, 14.0, lambda mobject, frame: None) for _ in range(2))
    for places in [[], *moves]:
        if places:
            stage[1].become(outline(places, outlines[0][1]))
        changed = [*display.refresh(display.arrange(stage)), *display.refresh(display.order)]
        for raster in (parts, full):
            raster.note(changed)
        parts.paint(display, background)
        full.adopt(display)
        full.repaint(background)
        assert np.array_equal(parts.frame, full.frame)
