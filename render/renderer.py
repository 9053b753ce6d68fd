"""Manim scenes, drawn fast: the one module, with what it is made of, that touches Manim's internals.

`ReelRenderer` takes the place of Manim's `CairoRenderer` behind an ordinary `manim.Scene`. It plays a scene once and
feeds any number of views from that one pass: animations are interpolated at the union of all views' sample times, and
each view paints at its own, so that it sees exactly what Manim would show at that size and rate. Between samples only
the mobjects of the running animations are looked at, unless updaters are at work, which may change anything.

Nothing is hashed, no partial movie is written, no media folder is made.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from torchreel.render.manimconfig import configured, frame_width, sized

# isort: split
# Only now: the module above sees to it that Manim reads nobody's configuration while it is imported.
from manim import Animation, Camera, Mobject, Scene, Wait
from manim.renderer.cairo_renderer import CairoRenderer
from manim.utils.color import color_to_int_rgba
from manim.utils.iterables import list_update

from torchreel.render.display import DisplayList, Item
from torchreel.render.encoders import Encoder
from torchreel.render.lanes import FilmLane, Lane, StillsLane, schedule
from torchreel.render.raster import Raster
from torchreel.render.settings import View
from torchreel.render.sink import FrameThread
from torchreel.render.watched import Watched
from torchreel.scenes.parts.family import family
from torchreel.scenes.parts.mark import Mark

MakeScene = Callable[[CairoRenderer], Scene]


def render_scene(
    make_scene: MakeScene,
    outputs: Mapping[View, Sequence[tuple[Encoder, Path]]],
    *,
    on_frame: Callable[[float], None] | None = None,
) -> Scene:
    """Render a scene to all outputs in one pass; returns the scene as it was left.

    `make_scene` gets the renderer and hands it to `Scene.__init__`. `on_frame` is called with the seconds rendered so
    far. Encoders run in one thread per view, and these have ended when this returns or raises. What `construct` or an
    encoder raises surfaces as it is; the files are not whole then.
    """
    sinks: list[FrameThread] = []
    try:
        with _configured(outputs), _old_objects_left_alone():
            lanes: list[Lane] = []
            for view, encoders in outputs.items():
                sinks.append(FrameThread(view, encoders))
                lanes.append(FilmLane(_raster(view), sinks[-1].put))
            scene = _play(make_scene, lanes, on_frame)
        for sink in sinks:
            sink.end()
        for sink in sinks:
            sink.close(ok=True)
    except BaseException:
        for sink in sinks:
            sink.close(ok=False)
        raise
    return scene


def capture(make_scene: MakeScene, view: View, times: Sequence[float]) -> list[np.ndarray]:
    """The frames (H, W, 4) uint8 RGBA on show at `times`, in seconds; -1, or any time past the end, means the last.

    Each is painted in full, byte for byte as Manim would. Nothing else is painted, so this is cheap.
    """
    with _configured([view]):
        lane = StillsLane(_raster(view), times)
        _play(make_scene, [lane], None)
        return lane.stills()


def _play(make_scene: MakeScene, lanes: Sequence[Lane], on_frame: Callable[[float], None] | None) -> Scene:
    renderer = ReelRenderer(lanes, on_frame)
    scene = make_scene(renderer)
    if scene.renderer is not renderer:
        raise TypeError(f"{type(scene).__name__}: make_scene has to pass its renderer on to Scene.__init__.")
    if scene.camera_class is not Camera:
        raise NotImplementedError(
            f"{type(scene).__name__}: torchreel draws with a fixed camera; use manim.Scene without a camera class."
        )
    scene.render()
    return scene


@contextmanager
def _configured(views: Mapping[View, Any] | Sequence[View]) -> Iterator[None]:
    """Manim's configuration for some views: Manim itself sees the size and rate of the fastest one."""
    lead = max(views, key=lambda view: view.fps)
    with configured(lead.width, lead.height, lead.fps):
        yield


@contextmanager
def _old_objects_left_alone() -> Iterator[None]:
    """Spare the garbage collector what torch and Manim made when imported: 0.2 s for each of its full rounds."""
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _raster(view: View) -> Raster:
    def paint_foreign(mobject: Mobject, frame: np.ndarray) -> None:
        with sized(view.width, view.height):
            camera = Camera()
            kind = camera.type_or_raise(mobject)
            camera.display_funcs[kind]([mobject], frame)

    return Raster(view, frame_width(), paint_foreign)


class _NoFile:
    """Stands where Manim's renderer has its file writer, and writes nothing."""

    def __init__(self) -> None:
        self.subcaptions: list[Any] = []

    def next_section(self, *args: Any) -> None:
        """Sections are the ledger's business."""

    def add_sound(self, *args: Any, **kwargs: Any) -> None:
        """Clips are silent."""

    def abort_encode_jobs(self, **kwargs: Any) -> None:
        """The frame threads are ended by `render_scene`."""


class ReelRenderer(CairoRenderer):
    """Plays a scene for several lanes at once. The fastest lane's time is the scene's time."""

    def __init__(self, lanes: Sequence[Lane], on_frame: Callable[[float], None] | None = None) -> None:
        super().__init__()
        self.lanes = lanes
        self._clock = max(lanes, key=lambda lane: lane.view.fps)
        self._on_frame = on_frame
        self.display = DisplayList(self.camera.cairo_line_width_multiple)
        self._background: tuple[int, ...] = ()
        self._on_stage: list[Mobject] = []

    def init_scene(self, scene: Scene, session_spec: Any, file_writer_settings: Any) -> None:
        self.file_writer = _NoFile()

    def play(self, scene: Scene, *args: Any, **kwargs: Any) -> None:
        """Play animations, or hold still during a wait without updaters."""
        animations = _compiled(scene, *args, **kwargs)
        for animation in animations:
            animation._setup_scene(scene)
            animation.begin()
        if scene.is_current_animation_frozen_frame():
            self._hold(scene)
        else:
            self._run(scene, animations)
        self.num_plays += 1

    def scene_finished(self, scene: Scene) -> None:
        """A scene without any play is one frame long."""
        if not self.num_plays:
            self._look_at_all(scene)
            for lane in self.lanes:
                lane.hold(1, self.display, self._background)

    def _hold(self, scene: Scene) -> None:
        self._look_at_all(scene)
        for lane in self.lanes:
            lane.hold(lane.held_frames(scene.duration), self.display, self._background)
        self._tick()

    def _run(self, scene: Scene, animations: Sequence[Animation]) -> None:
        watched = Watched(animations)
        self._look_at_all(scene)
        live = self._has_updaters(scene, watched)
        every = live or scene.stop_condition is not None
        for time, due in schedule(self.lanes, scene.get_run_time(animations), every):
            if live:
                scene.update_to_time(time)
                self._look_at_all(scene, closely=True)
            else:
                _interpolate(scene, animations, time)
                self._look_at(scene, watched)
            for lane, index in due:
                lane.sample(index, self.display, self._background)
            self._tick()
            if scene.stop_condition is not None and scene.stop_condition():
                break
        else:
            for lane in self.lanes:
                lane.end_play()
        for animation in animations:
            animation.finish()
            animation.clean_up_from_scene(scene)
        _unsettle(watched.members)
        if live:
            scene.update_mobjects(0)
            _unsettle(family(scene.mobjects))

    def _tick(self) -> None:
        self.time = self._clock.seconds
        if self._on_frame is not None:
            self._on_frame(self.time)

    def _look_at_all(self, scene: Scene, closely: bool = False) -> None:
        """Take in the stage as it is: every mobject of it, unless it is a mark that has not been set anew."""
        self._background = tuple(
            int(part)
            for part in color_to_int_rgba(self.camera.background_color, self.camera.background_opacity)
        )
        self._arrange(scene)
        self._refresh(self.display.order, closely)

    def _look_at(self, scene: Scene, watched: Watched) -> None:
        """Take in what the running animations may have changed, and nothing else."""
        regrouped = watched.walk()
        if regrouped or scene.mobjects != self._on_stage or self._restacked(watched):
            self._refresh(self._arrange(scene))
        self._refresh(self.display.items_of(watched.members))

    def _arrange(self, scene: Scene) -> list[Item]:
        self._on_stage = list(scene.mobjects)
        return self.display.arrange(family(list_update(scene.mobjects, scene.foreground_mobjects)))

    def _restacked(self, watched: Watched) -> bool:
        items = self.display.items_of(watched.members)
        return any(item.mobject.z_index != item.z_index for item in items)

    def _refresh(self, items: Sequence[Item], closely: bool = True) -> None:
        changed = self.display.refresh(items, closely)
        if changed:
            for lane in self.lanes:
                lane.note(changed)

    def _has_updaters(self, scene: Scene, watched: Watched) -> bool:
        if scene.updaters or scene.meshes or watched.updates_others:
            return True
        involved = chain(self.display.members, family(watched.involved()))
        return any(mobject.updaters for mobject in involved)


def _unsettle(mobjects: Iterable[Mobject]) -> None:
    """Manim's animations and updaters may write into the arrays of marks, which these do not notice."""
    for mobject in mobjects:
        if isinstance(mobject, Mark):
            mobject.steady = False


def _compiled(scene: Scene, *args: Any, **kwargs: Any) -> list[Animation]:
    """`Scene.compile_animation_data`, with one fast walk over the stage where that takes several slow ones."""
    if not args:
        raise ValueError("Called Scene.play with no animations")
    animations: list[Animation] = scene.compile_animations(*args, **kwargs)
    scene.animations = animations
    on_stage = dict.fromkeys(family(scene.mobjects))
    for animation in animations:
        mobject = animation.mobject
        if mobject not in on_stage and not animation.is_introducer():
            scene.add(mobject)
            on_stage.update(dict.fromkeys(family([mobject])))
    scene.last_t, scene.stop_condition = 0, None
    scene.moving_mobjects, scene.static_mobjects = [], []
    scene.duration = scene.get_run_time(animations)
    if len(animations) == 1 and isinstance(animations[0], Wait):
        _prepare_wait(scene, animations[0], on_stage)
    return animations


def _prepare_wait(scene: Scene, wait: Wait, on_stage: Iterable[Mobject]) -> None:
    """Decide whether the stage stands still during a wait, by Manim's rule: nothing on it depends on time."""
    if wait.is_static_wait is None:
        wait.is_static_wait = not (
            scene.always_update_mobjects
            or scene.updaters
            or wait.stop_condition is not None
            or any(mobject.updaters and mobject.has_time_based_updater() for mobject in on_stage)
        )
    if not wait.is_static_wait:
        scene.update_mobjects(dt=0)
        scene.stop_condition = wait.stop_condition


def _interpolate(scene: Scene, animations: Sequence[Animation], time: float) -> None:
    scene.last_t = time
    for animation in animations:
        animation.interpolate(time / animation.run_time)
