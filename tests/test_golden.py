"""Golden frames: middle and last picture of every example look as they did. `make golden` draws them anew to review.

How close is close enough is in `golden.py`. A frame that differs is saved beside its golden, with what differs
magnified, in `build/golden-diff`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from manim import Scene
from PIL import Image

from torchreel.assets.errors import UserError
from torchreel.render.renderer import capture
from torchreel.render.settings import PAGE
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.shapes import Box
from torchreel.scenes.parts.text import Text
from torchreel.tests.golden import (
    DIFFERENCES,
    FOLDER,
    OFF,
    Golden,
    Shot,
    expected,
    keep_difference,
    shots,
    take,
)
from torchreel.tests.golden_review import accept, pending, review


@pytest.mark.parametrize("shot", shots(), ids=lambda shot: shot.name.removesuffix(".png"))
def test_every_example_looks_as_it_did(shot: Shot, request: pytest.FixtureRequest) -> None:
    path = FOLDER / shot.name
    frame = take(shot)
    if request.config.getoption("--golden-update"):
        Golden.of(frame).save(path)
    assert path.exists(), (
        f"{shot.name} is missing from {FOLDER}. Run `make golden CLIPS={shot.operator}`, and look at it."
    )
    golden = Golden.load(path)
    difference, where = golden.compare(frame)
    if difference:
        saved = keep_difference(shot, golden, frame, where, DIFFERENCES)
        pytest.fail(
            f"{shot.name}: {difference}. See {', '.join(map(str, saved))}. "
            f"If the change is wanted, run `make golden CLIPS={shot.operator}` and accept it."
        )


def test_every_example_has_its_golden_frames_and_none_is_left_over(request: pytest.FixtureRequest) -> None:
    there = {path.name for path in FOLDER.glob("*")}
    if request.config.getoption("--golden-update"):
        for name in there - expected():
            (FOLDER / name).unlink()
        there &= expected()
    assert there == expected()


def picture(number: str = "0.85", shift: float = 0.0, bar: str = "#f6f8fa") -> np.ndarray:
    """A page of the smallest type, in which one number may be another one."""

    class Page(Scene):
        def construct(self) -> None:
            self.camera.background_color = "#ffffff"
            self.add(Box(14, 1, (0, 3.2), fill=bar), Box(3, 2, fill="#ec8f5c"))
            for row in range(8):
                for col in range(10):
                    words = number if (row, col) == (3, 4) else "0.85"
                    at = (-5 + col + shift, -3 + 0.7 * row)
                    self.add(Text(words, MIN_TEXT, "#57606a").place(at))

    return capture(lambda renderer: Page(renderer=renderer), PAGE, [-1])[0]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Golden:
    path = tmp_path_factory.mktemp("golden") / "page.png"
    Golden.of(picture()).save(path)
    return Golden.load(path)


def test_the_same_picture_differs_nowhere(kept: Golden) -> None:
    difference, where = kept.compare(picture())
    assert difference == ""
    assert not where.any()


@pytest.mark.parametrize("number", ["0.86", "0.84", "0.65", "−0.85"])
def test_one_changed_digit_of_the_smallest_type_is_noticed(kept: Golden, number: str) -> None:
    difference, where = kept.compare(picture(number))
    assert f"off by more than {OFF}" in difference
    rows, cols = np.nonzero(where)
    assert np.ptp(rows) < 20
    assert np.ptp(cols) < 30


def test_another_machines_rounding_is_not_noticed(kept: Golden) -> None:
    """A hundredth of a pixel off changes the anti-aliasing only."""
    assert kept.compare(picture(shift=2e-4))[0] == ""


def test_another_colour_of_a_large_area_is_noticed(kept: Golden) -> None:
    assert "another colour" in kept.compare(picture(bar="#f0f6fa"))[0]


def test_another_size_is_noticed(kept: Golden) -> None:
    assert "size" in kept.compare(picture()[:-1])[0]


def test_a_difference_is_saved_magnified(kept: Golden, tmp_path: Path) -> None:
    frame = picture("0.86")
    shot = Shot("Page", "default", "zh", "light", "last")
    saved = keep_difference(shot, kept, frame, kept.compare(frame)[1], tmp_path)
    assert [path.name.split(".")[-2] for path in saved] == ["frame", "golden", "difference"]
    assert all(path.stat().st_size for path in saved)
    with Image.open(saved[-1]) as difference:
        assert difference.width > 3 * 4 * 16
        assert difference.height < 4 * 40


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Golden frames of one clip, one of them as it was, one changed, and the candidates of a review."""
    goldens, waiting = tmp_path / "golden", tmp_path / "review"
    [middle, last] = (shot for shot in shots() if shot.name.startswith("ReLU-default.zh.light"))
    Golden.of(take(middle)).save(goldens / middle.name)
    Golden.of(255 - take(last)).save(goldens / last.name)
    return goldens, waiting


def test_what_differs_waits_for_review_and_is_accepted_one_by_one(folders: tuple[Path, Path]) -> None:
    goldens, waiting = folders
    found = review(["ReLU:default"], goldens=goldens, folder=waiting)
    assert "ReLU-default.zh.light.last.png" in found
    assert "ReLU-default.zh.light.middle.png" not in found
    page = (waiting / "index.html").read_text("utf-8")
    for kind in ("golden", "frame", "difference"):
        assert f"ReLU-default.zh.light.last.{kind}.png" in page
        assert (waiting / f"ReLU-default.zh.light.last.{kind}.png").exists()
    before = {path.name: path.read_bytes() for path in goldens.glob("*")}
    assert accept(["ReLU-default.zh.light.last"], goldens, waiting) == ["ReLU-default.zh.light.last.png"]
    after = {path.name: path.read_bytes() for path in goldens.glob("*")}
    assert [name for name in after if after[name] != before[name]] == ["ReLU-default.zh.light.last.png"]
    assert "ReLU-default.zh.light.last" not in (waiting / "index.html").read_text("utf-8")
    assert set(pending(waiting)) == set(found) - {"ReLU-default.zh.light.last.png"}
    assert "ReLU-default.zh.light.last.png" not in review(["ReLU:default"], goldens=goldens, folder=waiting)


def test_accepting_what_does_not_wait_changes_nothing(folders: tuple[Path, Path]) -> None:
    goldens, waiting = folders
    review(["ReLU:default"], goldens=goldens, folder=waiting)
    before = {path.name: path.read_bytes() for path in goldens.glob("*")}
    with pytest.raises(
        UserError, match=r"^No golden frame of 'ReLU-default\.zh\.light\.lost' waits .* Did you mean"
    ):
        accept(["ReLU-default.zh.light.last", "ReLU-default.zh.light.lost"], goldens, waiting)
    assert {path.name: path.read_bytes() for path in goldens.glob("*")} == before
