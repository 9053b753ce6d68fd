"""The renderer's bookkeeping: counted work, threads that end, errors that surface, threads and views that agree."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from manim import (
    LEFT,
    RIGHT,
    UP,
    Circle,
    Create,
    Dot,
    FadeIn,
    MovingCameraScene,
    Scene,
    Square,
    VGroup,
    config,
    linear,
)

from torchreel.render.areas import cut, longest_rising, merge
from torchreel.render.display import DisplayList
from torchreel.render.encoders import ENCODERS
from torchreel.render.renderer import ReelRenderer, capture, render_scene
from torchreel.render.settings import FILM, Rect, View
from torchreel.render.sink import FrameThread
from torchreel.scenes.parts.family import family

VIEW = View(160, 90, 10)
OTHER = View(128, 72, 15)
NOWHERE = Path("unused")


class Tape:
    """An encoder that writes down how it was called, and fails where it is told to."""

    def __init__(self, fails: str = "", error: type[BaseException] = OSError) -> None:
        self.fails, self.error = fails, error
        self.calls: list[str] = []
        self.counts: list[int] = []
        self.threads: set[int] = set()
        self.last: np.ndarray | None = None

    def start(self, path: Path, view: View) -> None:
        self._call("start")

    def frame(self, rgba: np.ndarray, rects: list[Rect], count: int) -> None:
        self.counts.append(count)
        self.last = rgba.copy()
        self._call("frame")

    def stop(self, ok: bool) -> None:
        self._call(f"stop {ok}")

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self.threads.add(threading.get_ident())
        if self.fails and name.startswith(self.fails):
            raise self.error(28, "No space left on device")


class Moves(Scene):
    def construct(self) -> None:
        square = Square()
        self.play(Create(square), run_time=1)
        self.play(square.animate.shift(RIGHT), run_time=1)
        self.wait(0.5)


@pytest.fixture(autouse=True)
def no_thread_is_left_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


def render(scene: type[Scene], *tapes: Tape, **kwargs: Callable[[float], None]) -> Scene:
    outputs = {view: [(tape, NOWHERE)] for view, tape in zip((VIEW, OTHER), tapes, strict=False)}
    return render_scene(lambda renderer: scene(renderer=renderer), outputs, **kwargs)


def test_every_view_gets_its_own_number_of_frames() -> None:
    first, second = Tape(), Tape()
    scene = render(Moves, first, second)
    assert (sum(first.counts), sum(second.counts)) == (25, 37)
    assert scene.time == pytest.approx(2.5, abs=1 / 15)


def test_still_pictures_are_handed_on_once_with_a_count() -> None:
    tape = Tape()
    render(Moves, tape)
    assert tape.counts[-1] >= 5
    assert len(tape.counts) < 22


def test_each_encoder_is_started_fed_and_stopped_in_one_thread() -> None:
    first, second = Tape(), Tape()
    render_scene(lambda renderer: Moves(renderer=renderer), {VIEW: [(first, NOWHERE), (second, NOWHERE)]})
    for tape in (first, second):
        assert tape.calls[0] == "start"
        assert set(tape.calls[1:-1]) == {"frame"}
        assert tape.calls[-1] == "stop True"
    assert len(first.threads | second.threads) == 1
    assert threading.get_ident() not in first.threads


def test_progress_runs_from_the_start_to_the_length_of_the_clip() -> None:
    seconds: list[float] = []
    scene = render(Moves, Tape(), on_frame=seconds.append)
    assert seconds == sorted(seconds)
    assert seconds[0] == pytest.approx(1 / VIEW.fps)
    assert seconds[-1] == scene.time == pytest.approx(2.5)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_in_construct_surfaces_and_stops_every_encoder(error: type[BaseException]) -> None:
    class Breaks(Moves):
        def construct(self) -> None:
            super().construct()
            raise error("half way")

    tapes = Tape(), Tape()
    with pytest.raises(error, match="half way"):
        render(Breaks, *tapes)
    assert [tape.calls[-1] for tape in tapes] == ["stop False", "stop False"]


@pytest.mark.parametrize("fails", ["start", "frame", "stop True"])
@pytest.mark.parametrize("error", [OSError, MemoryError])
def test_an_error_in_an_encoder_surfaces_and_stops_the_others(fails: str, error: type[Exception]) -> None:
    full, other = Tape(fails, error), Tape()
    with pytest.raises(error, match="No space left"):
        render(Moves, full, other)
    for tape in (full, other):
        assert len([call for call in tape.calls if call.startswith("stop")]) == 1
    assert other.calls[-1].startswith("stop")


def test_an_error_in_an_encoder_ends_a_long_scene_early() -> None:
    class Long(Scene):
        def construct(self) -> None:
            for _ in range(1000):
                self.play(Dot().animate.shift(RIGHT), run_time=1)

    tape = Tape("frame")
    seconds: list[float] = []
    with pytest.raises(OSError, match="No space left"):
        render(Long, tape, on_frame=seconds.append)
    assert seconds[-1] < 100
    assert tape.calls == ["start", "frame", "stop False"]


def test_an_error_that_construct_swallows_still_surfaces() -> None:
    class Stubborn(Scene):
        def construct(self) -> None:
            for _ in range(20):
                try:
                    self.play(Dot().animate.shift(RIGHT), run_time=1)
                except OSError:
                    continue

    with pytest.raises(OSError, match="No space left"):
        render(Stubborn, Tape("frame"))


def test_the_queue_to_the_encoders_is_bounded() -> None:
    gate = threading.Event()

    class Slow(Tape):
        def frame(self, rgba: np.ndarray, rects: list[Rect], count: int) -> None:
            gate.wait()

    thread = FrameThread(VIEW, [(Slow(), NOWHERE)])
    frame = np.zeros((VIEW.height, VIEW.width, 4), np.uint8)
    handed_on = 0

    def hand_on() -> None:
        nonlocal handed_on
        for _ in range(500):
            thread.put(frame, [VIEW.whole], 1)
            handed_on += 1

    producer = threading.Thread(target=hand_on)
    producer.start()
    producer.join(0.2)
    held_back = handed_on
    gate.set()
    producer.join()
    thread.end()
    thread.close(ok=True)
    assert (held_back < 20, handed_on) == (True, 500)


def test_nothing_is_written_and_manims_configuration_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {key: config[key] for key in config}
    render(Moves, Tape(), Tape())
    assert list(tmp_path.iterdir()) == []
    assert {key: config[key] for key in config} == before


def test_a_scene_without_animations_is_one_frame() -> None:
    class Still(Scene):
        def construct(self) -> None:
            self.add(Square(fill_opacity=1))

    tape = Tape()
    render(Still, tape)
    assert tape.counts == [1]
    assert tape.last is not None and tape.last[45, 80].tolist() == [255, 255, 255, 255]


def test_a_wait_shorter_than_a_frame_lasts_one_frame_of_each_view() -> None:
    class Blink(Scene):
        def construct(self) -> None:
            self.add(Square())
            self.wait(0.01)

    first, second = Tape(), Tape()
    render(Blink, first, second)
    assert (sum(first.counts), sum(second.counts)) == (1, 1)


def test_a_wait_ends_when_its_condition_holds() -> None:
    class Until(Scene):
        def construct(self) -> None:
            dot = Dot().add_updater(lambda mob, dt: mob.shift(RIGHT * dt))
            self.add(dot)
            self.wait_until(lambda: dot.get_x() > 0.45, max_time=5)

    tape = Tape()
    render(Until, tape)
    assert 4 <= sum(tape.counts) <= 7


def test_a_moving_camera_is_refused_in_one_line() -> None:
    class Zoom(MovingCameraScene):
        def construct(self) -> None:
            self.wait()

    with pytest.raises(NotImplementedError, match=r"^Zoom: torchreel draws with a fixed camera[^\n]*$"):
        render(Zoom, Tape())


def test_a_scene_with_another_renderer_is_refused() -> None:
    with pytest.raises(TypeError, match="Moves: make_scene has to pass its renderer on"):
        render_scene(lambda renderer: Moves(), {VIEW: [(Tape(), NOWHERE)]})


def test_scene_sounds_sections_and_subcaptions_do_no_harm() -> None:
    class Talks(Scene):
        def construct(self) -> None:
            self.next_section("one")
            self.add_sound("nothing.wav")
            self.play(FadeIn(Square()), run_time=0.3, subcaption="A square.")

    tape = Tape()
    render(Talks, tape)
    assert sum(tape.counts) == 3


class Window(Scene):
    """A window over a grid of `n` x `n` cells, each with a dot in the place of a number."""

    n = 6

    def construct(self) -> None:
        side = 6 / self.n
        cells = VGroup(
            *[
                VGroup(Square(side, fill_opacity=0.5), Dot(radius=side / 4)).shift(
                    side * (column - self.n / 2) * RIGHT + side * (row - self.n / 2) * UP
                )
                for row in range(self.n)
                for column in range(self.n)
            ]
        )
        self.add(cells)
        window = Square(3 * side).move_to(cells[2 * self.n + 2])
        self.add(window)
        self.wait(0.1)
        renderer = self.renderer
        assert isinstance(renderer, ReelRenderer)
        at_rest = self.work()
        self.play(window.animate(rate_func=linear).shift(side * RIGHT), run_time=2)
        self.items = len(renderer.display.order)
        self.frames_and_work = [now - then for now, then in zip(self.work(), at_rest, strict=True)]

    def work(self) -> list[int]:
        renderer = self.renderer
        assert isinstance(renderer, ReelRenderer)
        lane = renderer.lanes[0]
        return [lane.frames, lane.raster.drawn, renderer.display.looked_at]


class WideWindow(Window):
    n = 32


def work_per_frame(scene: type[Window]) -> tuple[float, float]:
    """Items drawn, and mobjects looked at beyond one look at everything as the play starts, per frame."""
    rendered = render(scene, Tape())
    assert isinstance(rendered, Window)
    frames, drawn, looked_at = rendered.frames_and_work
    return drawn / frames, (looked_at - rendered.items) / frames


def test_a_moving_window_costs_the_same_on_a_small_and_on_a_large_grid() -> None:
    drawn, looked_at = work_per_frame(Window)
    drawn_wide, looked_at_wide = work_per_frame(WideWindow)
    assert drawn_wide <= 2 * drawn
    assert looked_at == looked_at_wide == 1


def test_capture_gives_the_frames_asked_for_in_that_order() -> None:
    tape = Tape()
    render(Moves, tape)
    last, first = capture(lambda renderer: Moves(renderer=renderer), VIEW, [-1, 0])
    assert tape.last is not None
    assert np.array_equal(last, tape.last)
    assert not first[..., :3].any()


def test_what_is_off_stage_is_forgotten() -> None:
    display = DisplayList()
    square, circle = Square(), Circle()
    display.refresh(display.arrange(family([square, circle])))
    display.arrange(family([circle]))
    assert [item.mobject for item in display.order] == [circle]
    assert display.items_of([square]) == []


def test_only_what_looks_different_is_reported() -> None:
    display = DisplayList()
    square, circle = Square(), Circle()
    display.refresh(display.arrange(family([square, circle])))
    assert display.refresh(display.order) == []
    square.shift(LEFT)
    circle.set_z_index(3)
    assert [item.mobject for item in display.refresh(display.order)] == [square]


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_an_encoder_is_found_by_the_name_of_its_format(name: str) -> None:
    assert type(ENCODERS[name]()).__name__.lower() == f"{name}encoder"


@pytest.mark.parametrize("size", [(0, 720, 30), (1280, -1, 30), (1280, 720, 0)])
def test_a_view_without_pixels_or_frames_is_refused(size: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        View(*size)


edges = st.tuples(st.integers(-50, 1400), st.integers(-50, 800), st.integers(0, 300), st.integers(0, 300))


@given(st.lists(edges.map(lambda e: (e[0], e[1], e[0] + e[2], e[1] + e[3])), max_size=120))
def test_merged_rectangles_cover_the_given_ones_inside_the_frame(rects: list[Rect]) -> None:
    def mask(of: list[Rect]) -> np.ndarray:
        covered = np.zeros((FILM.height, FILM.width), bool)
        for x0, y0, x1, y1 in of:
            covered[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
        return covered

    merged = merge(rects, FILM.whole)
    assert len(merged) <= 64
    assert all(cut(rect, FILM.whole) == rect and rect[0] < rect[2] and rect[1] < rect[3] for rect in merged)
    assert not (mask(rects) & ~mask(merged)).any()


@given(st.permutations(range(9)), st.integers(0, 9))
def test_longest_rising_is_rising_and_none_is_longer(values: list[int], size: int) -> None:
    values = values[:size]
    best = [1] * size
    for end in range(size):
        best[end] = 1 + max((best[i] for i in range(end) if values[i] < values[end]), default=0)
    chain = longest_rising(values)
    assert chain == sorted(set(chain)) and len(chain) == max(best, default=0)
    assert [value for value in values if value in chain] == chain
