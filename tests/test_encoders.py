"""What the encoders promise: the files, read back by other decoders, show the frames given, for as long as asked."""

from __future__ import annotations

import gc
import resource
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import imageio.v3 as imageio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from torchreel.render.encoders import ENCODERS
from torchreel.render.encoders.gif import GifEncoder
from torchreel.render.encoders.mp4 import Yuv, cut, planes
from torchreel.render.encoders.palette import choose
from torchreel.render.encoders.timing import Pacer, ticks
from torchreel.render.settings import View

FORMATS = sorted(ENCODERS)
SMALL = View(96, 64, 20)


@dataclass
class Shot:
    """A picture (H, W, 3), the rectangles said to have changed, the frame periods it lasts."""

    picture: np.ndarray
    rects: list[tuple[int, int, int, int]]
    count: int


def grid(view: View) -> np.ndarray:
    """A numbered grid of coloured cells."""
    image = Image.new("RGB", (view.width, view.height), "white")
    draw = ImageDraw.Draw(image)
    for k in range(view.width // 24 * (view.height // 16)):
        x, y = k % (view.width // 24) * 24, k // (view.width // 24) * 16
        draw.rectangle(
            (x, y, x + 24, y + 16), fill=(255 - 7 * k % 90, 220, 150 + 11 * k % 100), outline="gray"
        )
        draw.text((x + 4, y + 2), str(k), fill="black")
    return np.asarray(image)


def window_clip(view: View, steps: int, count: int = 1) -> Iterator[Shot]:
    """A frame moves over the grid; the rectangles cover where it was and where it is."""
    base = grid(view)
    before = view.whole
    for k in range(steps):
        x, y = k * 3 % (view.width - 30), k * 2 % (view.height - 20)
        picture = base.copy()
        picture[y : y + 20, x : x + 30] = (120, 70, 220)
        picture[y + 2 : y + 18, x + 2 : x + 28] = base[y + 2 : y + 18, x + 2 : x + 28]
        now = (x, y, x + 30, y + 20)
        yield Shot(picture, [before, now], count)
        before = now


def still(view: View, count: int = 1) -> list[Shot]:
    return [Shot(grid(view), [view.whole], count)]


def encode(kind: str, path: Path, view: View, shots: Iterator[Shot] | list[Shot], **options: Any) -> Path:
    """Feed an encoder as the renderer does: from one buffer that changes under it."""
    encoder = ENCODERS[kind](**options)
    buffer = np.full((view.height, view.width, 4), 255, np.uint8)
    encoder.start(path, view)
    for shot in shots:
        buffer[..., :3] = shot.picture
        encoder.frame(buffer, shot.rects, shot.count)
        buffer[..., :3] = 1
    encoder.stop(True)
    return path


def decoded(path: Path) -> tuple[list[np.ndarray], list[int], dict[str, object]]:
    """Pictures (H, W, 3), their times in ms, and what else the file says, by Pillow."""
    pictures, times = [], []
    with Image.open(path) as image:
        info = dict(image.info)
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            pictures.append(np.asarray(image.convert("RGB")))
            times.append(int(image.info.get("duration", 0)))
    return pictures, times, info


def at(pictures: list[np.ndarray], times: list[int], moment: float) -> np.ndarray:
    """The picture on screen `moment` ms into the clip."""
    return pictures[min(int(np.searchsorted(np.cumsum(times), moment, side="right")), len(pictures) - 1)]


def played(shots: list[Shot]) -> list[Shot]:
    """The shots as a loop plays them: the last picture, with its whole hold, comes first."""
    differing = [n for n, shot in enumerate(shots) if (shot.picture != shots[-1].picture).any()]
    held = differing[-1] + 1 if differing else 0
    return [*shots[held:], *shots[:held]]


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_loop_begins_with_the_last_picture_and_its_hold(tmp_path: Path, kind: str) -> None:
    first, second, third = window_clip(SMALL, 3)
    shots = [first, second, Shot(third.picture, third.rects, 30)]
    pictures, times, _ = decoded(encode(kind, tmp_path / "clip", SMALL, shots))
    for picture, shot in zip(pictures, [third, first, second], strict=True):
        assert np.abs(picture.astype(int) - shot.picture).mean() < 0.5
    assert times == [1500, 50, 50]


def assert_shows(path: Path, view: View, shots: list[Shot]) -> None:
    """In the middle of each shot the file shows exactly its picture, and it lasts as long as they do."""
    pictures, times, _ = decoded(path)
    period = 1000 / view.fps
    start = 0.0
    for shot in played(shots):
        np.testing.assert_array_equal(at(pictures, times, start + shot.count * period / 2), shot.picture)
        start += shot.count * period
    assert abs(sum(times) - start) <= 10


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity of the grey pictures (Wang et al. 2004, gaussian window of 1.5 px)."""
    x, y = (picture @ np.array([0.299, 0.587, 0.114]) for picture in (a, b))

    def blur(z: np.ndarray) -> np.ndarray:
        return gaussian_filter(z, 1.5, truncate=3.5)

    mx, my = blur(x), blur(y)
    vx, vy, cov = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(np.mean((2 * mx * my + c1) * (2 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))))


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Writing beyond `size` bytes of a file fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def open_files() -> int:
    gc.collect()
    return len(list(Path("/dev/fd").iterdir()))


@st.composite
def random_clips(draw: st.DrawFn, colours: int) -> tuple[View, list[Shot]]:
    """Rectangles of one of `colours` colours, or of noise of them, painted over one another."""
    view = View(
        draw(st.integers(1, 40)), draw(st.integers(1, 30)), draw(st.sampled_from([5, 10, 20, 25, 50]))
    )
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    table = random.integers(0, 256, (colours, 3), dtype=np.uint8)
    picture = table[random.integers(0, colours, (view.height, view.width))]
    shots = [Shot(picture, [view.whole], draw(st.integers(1, 3)))]
    for _ in range(draw(st.integers(0, 8))):
        picture, rects = picture.copy(), []
        for _ in range(draw(st.integers(0, 3))):
            x0, y0 = draw(st.integers(0, view.width - 1)), draw(st.integers(0, view.height - 1))
            x1, y1 = draw(st.integers(x0 + 1, view.width)), draw(st.integers(y0 + 1, view.height))
            size = (y1 - y0, x1 - x0) if draw(st.booleans()) else (1, 1)
            picture[y0:y1, x0:x1] = table[random.integers(0, colours, size)]
            rects.append((x0, y0, x1, y1))
        shots.append(Shot(picture, rects, draw(st.integers(1, 3))))
    return view, shots


@given(random_clips(colours=255))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_gif_of_up_to_255_colours_is_exact(tmp_path: Path, clip: tuple[View, list[Shot]]) -> None:
    view, shots = clip
    assert_shows(encode("gif", tmp_path / "clip", view, shots), view, shots)


@given(random_clips(colours=2000))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_webp_is_always_exact(tmp_path: Path, clip: tuple[View, list[Shot]]) -> None:
    view, shots = clip
    assert_shows(encode("webp", tmp_path / "clip", view, shots), view, shots)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_animations_loop_for_ever_at_the_size_asked_for(tmp_path: Path, kind: str) -> None:
    pictures, _, info = decoded(encode(kind, tmp_path / "clip", SMALL, window_clip(SMALL, 5)))
    assert info["loop"] == 0
    assert [picture.shape for picture in pictures] == [(64, 96, 3)] * 5


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_equal_frames_become_one_longer_frame(tmp_path: Path, kind: str) -> None:
    first, second = window_clip(SMALL, 2)
    again = Shot(second.picture, [SMALL.whole], 4)
    shots = [first, Shot(first.picture, [], 2), second, again]
    pictures, times, _ = decoded(encode(kind, tmp_path / "clip", SMALL, shots))
    assert len(pictures) == 2
    assert times == [250, 150]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_clip_of_one_frame(tmp_path: Path, kind: str) -> None:
    path = encode(kind, tmp_path / "clip", SMALL, still(SMALL))
    picture = imageio.imread(path, plugin="pyav", index=0) if kind == "mp4" else decoded(path)[0][0]
    assert picture.shape == (64, 96, 3)
    assert np.abs(picture.astype(int) - grid(SMALL)).mean() < {"mp4": 6, "gif": 0.5}.get(kind, 1e-9)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_clip_without_frames_is_an_error(tmp_path: Path, kind: str) -> None:
    with pytest.raises(RuntimeError, match="no frame"):
        encode(kind, tmp_path / "clip", SMALL, [])


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, kind: str) -> None:
    first, second = (
        encode(kind, tmp_path / name, SMALL, window_clip(SMALL, 12)).read_bytes() for name in ("a", "b")
    )
    assert first == second


@pytest.mark.parametrize("fps", [1, 12, 15, 24, 30, 60, 100, 144])
def test_gif_delays_add_up_and_are_never_too_short(tmp_path: Path, fps: int) -> None:
    view = View(96, 64, fps)
    _, times, _ = decoded(encode("gif", tmp_path / "clip", view, window_clip(view, 40)))
    assert min(times) >= 20
    assert abs(sum(times) - 40_000 / fps) <= (10 if fps <= 50 else 25)


@given(st.lists(st.integers(1, 5), min_size=1), st.integers(1, 240), st.sampled_from([(100, 2), (1000, 11)]))
def test_pacing_keeps_to_the_clock(counts: list[int], fps: int, format_: tuple[int, int]) -> None:
    per_second, shortest = format_
    pacer = Pacer(fps, per_second, shortest)
    times = [pacer.show(count, last=k == len(counts) - 1) for k, count in enumerate(counts)]
    shown = [time for time in times if time is not None]
    assert times[0] == 0 or counts[0] * per_second / fps < 1
    assert times[-1] is not None
    assert all(b - a >= shortest for a, b in zip(shown, [*shown[1:], pacer.end], strict=True))
    assert abs(pacer.end - sum(counts) * per_second / fps) <= 2 * shortest
    for k, time in enumerate(times):
        if time is not None:
            assert 0 <= time - ticks(sum(counts[:k]), fps, per_second) <= shortest


def test_gif_of_many_colours_stays_close_and_keeps_flat_areas(tmp_path: Path) -> None:
    view = View(320, 180, 20)
    shade = (
        np.linspace(0, 255, 320)[None, :, None] * np.array([1, 0.6, 0.3]) + np.arange(180)[:, None, None] / 20
    )
    base = np.clip(shade, 0, 255).astype(np.uint8)
    base[100:] = (247, 248, 250)
    shots = []
    for k in range(8):
        picture = base.copy()
        picture[110:150, 20 + 5 * k : 60 + 5 * k] = (124, 58, 237)
        shots.append(Shot(picture, [view.whole], 1))
    pictures, _, _ = decoded(encode("gif", tmp_path / "clip", view, shots))
    for shot, picture in zip(played(shots), pictures, strict=True):
        assert ssim(shot.picture, picture) >= 0.995
        np.testing.assert_array_equal(picture[100:], shot.picture[100:])


def test_fewer_colours_make_a_smaller_gif(tmp_path: Path) -> None:
    view = View(160, 90, 20)
    noise = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    sizes, used = [], []
    for colours in (255, 64, 8, 2):
        path = encode("gif", tmp_path / "clip", view, [Shot(noise, [view.whole], 1)], max_colors=colours)
        sizes.append(path.stat().st_size)
        used.append(len(np.unique(decoded(path)[0][0].reshape(-1, 3), axis=0)))
    assert sizes == sorted(sizes, reverse=True)
    assert all(n <= colours for n, colours in zip(used, (255, 64, 8, 2), strict=True))


@pytest.mark.parametrize("colours", [0, 1, 256])
def test_gif_refuses_impossible_palettes(colours: int) -> None:
    with pytest.raises(ValueError, match=f"max_colors={colours}"):
        GifEncoder(max_colors=colours)


@given(st.integers(1, 2000), st.integers(2, 255))
@settings(max_examples=30, deadline=None)
def test_palette_maps_each_colour_to_its_nearest_entry(number: int, size: int) -> None:
    random = np.random.default_rng(number)
    colours = np.unique(random.integers(0, 1 << 24, number, dtype=np.uint32))
    palette, entries = choose(colours, random.integers(1, 10_000, len(colours)), size)
    points = np.stack([colours & 255, colours >> 8 & 255, colours >> 16], axis=-1).astype(int)
    distance = ((points[:, None] - palette[None].astype(int)) ** 2).sum(axis=-1)
    assert len(palette) <= size
    np.testing.assert_array_equal(distance[np.arange(len(colours)), entries], distance.min(axis=1))


@pytest.mark.parametrize("size", [(96, 64), (97, 63)])
def test_mp4_plays_everywhere(tmp_path: Path, size: tuple[int, int]) -> None:
    view = View(*size, 30)
    shots = list(window_clip(view, 20, count=2))
    path = encode("mp4", tmp_path / "clip", view, shots)
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(path) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert (stream.codec.name, stream.average_rate, float(stream.duration * stream.time_base)) == (
            "h264",
            30,
            pytest.approx(40 / 30, abs=1e-3),
        )
    assert [round(frame.time * 30) for frame in frames] == list(range(40))
    first = frames[0]
    assert (first.width, first.height, first.format.name) == (
        size[0] + size[0] % 2,
        size[1] + size[1] % 2,
        "yuv420p",
    )
    bt709 = limited = 1
    assert (first.colorspace, first.color_primaries, first.color_trc) == (bt709, bt709, bt709)
    assert first.color_range == limited
    for number, frame in enumerate(frames):
        picture = frame.to_ndarray(format="rgb24")[: view.height, : view.width]
        assert ssim(picture, shots[number // 2].picture) > 0.98


def keyframes(path: Path) -> list[int]:
    with av.open(path) as container:
        packets = [packet for packet in container.demux(video=0) if packet.dts is not None]
        return [number for number, packet in enumerate(packets) if packet.is_keyframe]


def pictures(path: Path) -> list[np.ndarray]:
    """All frames as they are stored, one for each period."""
    with av.open(path) as container:
        frames = list(container.decode(video=0))
        rate = float(container.streams.video[0].average_rate)
    assert [round(frame.time * rate) for frame in frames] == list(range(len(frames)))
    return [frame.to_ndarray() for frame in frames]


def test_mp4_has_keyframes_where_cues_are_and_without_cues_only_at_its_start(tmp_path: Path) -> None:
    view, cues = View(96, 64, 30), [0.0, 0.3, 1.0, 1.0 + 1 / 30]
    shots = list(window_clip(view, 20, count=3))
    assert keyframes(encode("mp4", tmp_path / "cued", view, shots, cues=lambda: cues)) == [0, 9, 30, 31]
    assert keyframes(encode("mp4", tmp_path / "plain", view, shots)) == [0]


def test_cues_may_become_known_while_the_clip_is_drawn(tmp_path: Path) -> None:
    view, known = View(96, 64, 30), [0.0]

    def drawn() -> Iterator[Shot]:
        for number, shot in enumerate(window_clip(view, 20)):
            if number == 7:
                known.append(7 / 30)
            yield shot

    assert keyframes(encode("mp4", tmp_path / "clip", view, drawn(), cues=lambda: known)) == [0, 7]


def test_cut_pieces_are_the_pictures_of_the_whole(tmp_path: Path) -> None:
    view, cues = View(96, 64, 30), [0.0, 0.3, 1.0, 1.0 + 1 / 30]
    shots = list(window_clip(view, 20, count=3))
    whole = encode("mp4", tmp_path / "clip", view, shots, cues=lambda: cues)
    targets = [tmp_path / f"{number} 段.mp4" for number in range(len(cues))]
    cut(whole, cues, targets)
    assert [len(pictures(path)) for path in targets] == [9, 21, 1, 29]
    np.testing.assert_array_equal([one for path in targets for one in pictures(path)], pictures(whole))


def test_what_has_no_keyframe_there_is_not_cut(tmp_path: Path) -> None:
    whole = encode("mp4", tmp_path / "clip", SMALL, list(window_clip(SMALL, 20)))
    for start in (0.5, 7.0):
        with pytest.raises(ValueError, match=r"no keyframe at .* s; render it with --keyframes captions\.$"):
            cut(whole, [0.0, start], [tmp_path / "a.mp4", tmp_path / "b.mp4"])
    assert [path.name for path in tmp_path.iterdir()] == ["clip"]


@pytest.mark.parametrize("loop", [1, 2, 5])
def test_a_gif_that_ends_begins_at_its_beginning_and_stays_on_its_last_picture(
    tmp_path: Path, loop: int
) -> None:
    shots = list(window_clip(SMALL, 4, count=2))
    shown, times, info = decoded(encode("gif", tmp_path / "clip", SMALL, shots, loop=loop))
    assert info.get("loop") == (None if loop == 1 else loop - 1)
    for picture, shot in zip(shown, shots, strict=True):
        assert np.abs(picture.astype(int) - shot.picture).mean() < 0.5
    assert times == [100] * 4


@pytest.mark.parametrize("loop", [-1, (1 << 16) + 1])
def test_gif_refuses_impossible_loops(loop: int) -> None:
    with pytest.raises(ValueError, match="not between 0 and"):
        GifEncoder(loop=loop)


def test_mp4_colours_are_those_of_bt709() -> None:
    for rgb, yuv in {
        (255, 0, 0): (63, 102, 240),
        (0, 0, 255): (32, 240, 118),
        (255,) * 3: (235, 128, 128),
    }.items():
        picture = Yuv(16, 16)
        picture.update(np.full((16, 16, 4), (*rgb, 255), np.uint8), [])
        assert all((plane == value).all() for plane, value in zip(planes(picture.frame), yuv, strict=True))


@given(random_clips(colours=5000))
@settings(max_examples=60, deadline=None)
def test_converting_dirty_rectangles_equals_converting_whole_frames(clip: tuple[View, list[Shot]]) -> None:
    view, shots = clip
    picture = Yuv(view.width, view.height)
    for shot in shots:
        rgba = np.dstack([shot.picture, np.full(shot.picture.shape[:2], 255, np.uint8)])
        picture.update(rgba, shot.rects)
        whole = Yuv(view.width, view.height)
        whole.update(rgba, [])
        for part, full in zip(planes(picture.frame), planes(whole.frame), strict=True):
            np.testing.assert_array_equal(part, full)


def test_png_is_the_last_frame_without_loss(tmp_path: Path) -> None:
    shots = list(window_clip(SMALL, 7))
    path = encode("png", tmp_path / "poster", SMALL, shots)
    np.testing.assert_array_equal(imageio.imread(path), shots[-1].picture)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("frames", [0, 5])
def test_giving_up_leaves_nothing_open(tmp_path: Path, kind: str, frames: int) -> None:
    encode(kind, tmp_path / "warm up", SMALL, still(SMALL))
    before = open_files()
    encoder = ENCODERS[kind]()
    encoder.start(tmp_path / "clip", SMALL)
    for shot in window_clip(SMALL, frames):
        encoder.frame(np.dstack([shot.picture, shot.picture[..., :1]]), shot.rects, 1)
    encoder.stop(False)
    assert open_files() == before
    assert {path.name for path in tmp_path.iterdir()} <= {"clip", "warm up"}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("full_before", ["start", "stop"])
def test_a_full_disk_is_an_os_error_and_leaves_nothing_open(
    tmp_path: Path, kind: str, full_before: str
) -> None:
    view = View(320, 200, 20)
    noise = np.random.default_rng(0).integers(0, 256, (200, 320, 4), dtype=np.uint8)
    encode(kind, tmp_path / "warm up", SMALL, still(SMALL))
    before = open_files()
    encoder = ENCODERS[kind]()

    def run() -> None:
        for k in range(4):
            encoder.frame(np.roll(noise, k, axis=1), [view.whole], 1)

    try:
        if full_before == "stop":
            encoder.start(tmp_path / "clip", view)
            run()
        with file_size_limit(1000), pytest.raises(OSError, match="too large"):
            if full_before == "start":
                encoder.start(tmp_path / "clip", view)
                run()
            encoder.stop(True)
    finally:
        encoder.stop(False)
    assert open_files() == before


@pytest.mark.parametrize("kind", FORMATS)
def test_memory_does_not_grow_with_the_length_of_the_clip(tmp_path: Path, kind: str) -> None:
    def peak(steps: int) -> int:
        tracemalloc.start()
        encode(kind, tmp_path / "clip", SMALL, window_clip(SMALL, steps))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(5)
    one_frame = SMALL.width * SMALL.height * 4
    assert peak(400) - peak(40) < 4 * one_frame
