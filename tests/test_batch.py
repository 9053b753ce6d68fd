"""Batches: whatever goes wrong with one clip, the others are made, and no file is ever half there."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render import batch, encoders, manifest, outputs
from torchreel.render.job import Job, Output
from torchreel.render.progress import Bar, Silent
from torchreel.render.settings import View
from torchreel.render.task import Result

TINY = View(160, 90, 5)


def job(folder: Path, operator: str = "Conv2d", formats: tuple[str, ...] = ("gif",), **changes: Any) -> Job:
    return Job(example(operator), folder, tuple(Output(name, TINY) for name in formats), **changes)


def run(jobs: list[Job], **options: Any) -> list[Result]:
    return batch.run(jobs, Silent(), **options)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_clip_is_its_media_a_ledger_and_a_manifest(stage: Any, tmp_path: Path) -> None:
    [result] = run([job(tmp_path, formats=("gif", "mp4", "png", "webp"))])
    assert result.status == "rendered"
    suffixes = ("gif", "json", "mp4", "png", "webp")
    assert names(tmp_path) == [*(f"Conv2d.zh.light.{suffix}" for suffix in suffixes), "manifest.json"]
    entry = json.loads((tmp_path / "manifest.json").read_text())["clips"]["Conv2d.zh.light"]
    assert entry["alt"]["en"] == "a square"
    for suffix in suffixes:
        assert entry["files"][suffix]["bytes"] == (tmp_path / entry["files"][suffix]["name"]).stat().st_size


def test_two_workers_give_the_same_bytes_as_none(stage: Any, tmp_path: Path) -> None:
    for folder, at_once in (("one", 1), ("two", 2)):
        clips = [
            job(tmp_path / folder, name, ("gif", "mp4", "png")) for name in ("Conv2d", "Fold", "MaxPool2d")
        ]
        results = run(clips, at_once=at_once, force=True)
        assert [result.status for result in results] == ["rendered"] * 3
    assert names(tmp_path / "one") == names(tmp_path / "two")
    for name in names(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_an_unchanged_clip_is_not_rendered_again(stage: Any, tmp_path: Path) -> None:
    run([job(tmp_path)])
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in names(tmp_path)}
    [again] = run([job(tmp_path)])
    assert again.status == "cached"
    assert stage.rendered == ["Conv2d"]
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in names(tmp_path)} == before


def test_force_renders_an_unchanged_clip(stage: Any, tmp_path: Path) -> None:
    run([job(tmp_path)])
    [again] = run([job(tmp_path)], force=True)
    assert again.status == "rendered"
    assert len(stage.rendered) == 2


def test_a_new_format_renders_only_what_is_missing(stage: Any, tmp_path: Path) -> None:
    run([job(tmp_path)])
    gif = (tmp_path / "Conv2d.zh.light.gif").stat().st_mtime_ns
    run([job(tmp_path, formats=("gif", "png"))])
    assert (tmp_path / "Conv2d.zh.light.gif").stat().st_mtime_ns == gif
    assert (tmp_path / "Conv2d.zh.light.png").exists()


def failing(draw: Any, operator: str, error: BaseException | int) -> Any:
    """`draw`, but for one operator it ends in an error, or the process is killed by a signal."""

    def construct(scene: Any) -> None:
        draw(scene)
        if scene.request.example.operator == operator:
            if isinstance(error, BaseException):
                raise error
            os.kill(os.getpid(), error)

    return construct


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_scene_that_raises_fails_alone(stage: Any, tmp_path: Path, at_once: int) -> None:
    stage.construct = failing(stage.construct, "Fold", ZeroDivisionError("no such window"))
    results = run([job(tmp_path, name) for name in ("Conv2d", "Fold", "Unfold")], at_once=at_once)
    assert [result.status for result in results] == ["rendered", "failed", "rendered"]
    assert results[1].failure is not None
    assert results[1].failure.message.startswith("Fold: ZeroDivisionError: no such window (test_batch.py:")
    assert not [name for name in names(tmp_path) if name.startswith((".", "Fold"))]


def test_a_killed_worker_is_one_clips_failure(stage: Any, tmp_path: Path) -> None:
    stage.construct = failing(stage.construct, "Fold", signal.SIGKILL)
    results = run([job(tmp_path, name) for name in ("Conv2d", "Fold", "Unfold")], at_once=2)
    assert [result.status for result in results] == ["rendered", "failed", "rendered"]
    assert results[1].failure is not None
    assert results[1].failure.message == "Fold: its worker process was killed (SIGKILL)."
    assert not [name for name in names(tmp_path) if name.startswith((".", "Fold"))]


@pytest.mark.parametrize("at_once", [1, 2])
def test_fail_fast_ends_the_run(stage: Any, tmp_path: Path, at_once: int) -> None:
    stage.construct = failing(stage.construct, "Conv1d", ValueError("bad"))
    clips = [job(tmp_path, name) for name in ("Conv1d", "Conv2d", "Fold", "Unfold", "MaxPool2d", "GroupNorm")]
    results = run(clips, at_once=at_once, keep_going=False)
    assert results[0].status == "failed"
    assert len(results) < len(clips)
    assert not [name for name in names(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_full_disk_is_said_and_leaves_nothing(
    stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    class FullDisk:
        suffix = "gif"

        def start(self, path: Path, view: View) -> None:
            self.path = path
            path.write_bytes(b"GIF89a")

        def frame(self, *_: Any) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

        def stop(self, ok: bool) -> None:
            pass

    monkeypatch.setitem(encoders.ENCODERS, "gif", FullDisk)
    [result] = run([job(tmp_path)], at_once=at_once)
    assert result.failure is not None
    assert result.failure.message == (
        f"Conv2d: cannot write to {tmp_path}: No space left on device. Free some space and run the same command again."
    )
    assert names(tmp_path) == []


def test_an_empty_batch_is_a_mistake() -> None:
    with pytest.raises(UserError, match="Nothing to render"):
        run([])


def test_arguments_are_refused_before_anything_is_written(stage: Any, tmp_path: Path) -> None:
    def refuse(example: Any, overrides: Any, *_: Any) -> Any:
        raise UserError(f"{example.operator}: kernel_size={overrides['kernel_size']} does not fit.")

    stage.trace = refuse
    with pytest.raises(UserError, match="Conv2d: kernel_size=9 does not fit"):
        run([job(tmp_path / "new", overrides={"kernel_size": "9"})])
    assert names(tmp_path / "new") == []


def test_a_defect_in_a_changed_clip_fails_alone(stage: Any, tmp_path: Path) -> None:
    trace = stage.trace

    def defective(example: Any, *rest: Any) -> Any:
        if example.operator == "Fold":
            raise KeyError("no such step")
        return trace(example, *rest)

    stage.trace = defective
    results = run([job(tmp_path, name, seed=1) for name in ("Conv2d", "Fold")])
    assert [result.status for result in results] == ["rendered", "failed"]


def test_a_person_sees_a_bar_and_a_line_per_clip(stage: Any, tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    stage.construct = failing(stage.construct, "Fold", ValueError("bad"))
    clips = [job(tmp_path, name) for name in ("Conv2d", "Fold")]
    with Bar(len(clips), screen) as bar:
        batch.run(clips, bar)
    shown = screen.getvalue()
    assert "2/2" in shown
    assert "Conv2d.zh.light  gif " in shown
    assert "Fold.zh.light  failed" in shown
    assert "s drawn" in shown


def test_a_changed_clip_has_a_name_of_its_own(tmp_path: Path) -> None:
    plain = job(tmp_path)
    changed = job(tmp_path, overrides={"kernel_size": "2", "stride": "(2, 1)"})
    spelt_otherwise = job(tmp_path, overrides={"stride": "(2,1)", "kernel_size": " 2"})
    assert plain.stem == "Conv2d.zh.light"
    assert changed.stem.startswith("Conv2d-set-")
    assert changed.stem == spelt_otherwise.stem
    others = [
        job(tmp_path, overrides={"kernel_size": "3"}),
        job(tmp_path, input_text="torch.ones(1, 2, 5, 5)"),
    ]
    assert len({one.stem for one in (plain, changed, *others, job(tmp_path, seed=1))}) == 5


def test_an_input_file_counts_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"one")
    (tmp_path / "b.npy").write_bytes(b"one")
    (tmp_path / "c.npy").write_bytes(b"two")
    stems = [job(tmp_path, input_text=str(tmp_path / name)).stem for name in ("a.npy", "b.npy", "c.npy")]
    assert stems[0] == stems[1] != stems[2]


def test_a_ledger_writes_nan_and_infinity_as_text(stage: Any, tmp_path: Path) -> None:
    run([job(tmp_path)])
    ledger = json.loads((tmp_path / "Conv2d.zh.light.json").read_text(), parse_constant=pytest.fail)
    assert ledger["tensors"]["output"] == {"shape": [3], "values": [1.0, "nan", "inf"]}
    assert ledger["size"] == {"width": 160, "height": 90}
    [step] = ledger["steps"]
    assert step["caption"] == {"zh": "移动", "en": "it moves"}
    assert step["numbers"] == [
        {"text": "inf", "tensor": "output", "index": [2], "value": "inf", "box": [68.75, 33.75, 91.25, 56.25]}
    ]


def test_a_manifest_keeps_the_clips_of_other_runs(stage: Any, tmp_path: Path) -> None:
    run([job(tmp_path, "Conv2d")])
    run([job(tmp_path, "Fold")])
    assert list(manifest.read(tmp_path)) == ["Conv2d.zh.light", "Fold.zh.light"]
    for path in tmp_path.glob("Conv2d*"):
        path.unlink()
    run([job(tmp_path, "Fold")])
    assert list(manifest.read(tmp_path)) == ["Fold.zh.light"]


def test_leftovers_of_dead_processes_are_cleared_and_nothing_else(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    ours = outputs.temporary(tmp_path / "Conv2d.zh.light.gif")
    theirs = ours.with_name(ours.name.replace(f"-{os.getpid()}-", f"-{dead.pid}-"))
    foreign = tmp_path / ".torchreel-notes.gif"
    for path in (ours, theirs, foreign):
        path.write_bytes(b"half")
    outputs.prepare_folder(tmp_path)
    assert names(tmp_path) == sorted([ours.name, foreign.name])


def test_an_output_folder_that_cannot_be_written_to_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UserError, match=r"cannot write to the output folder .*; choose another folder with -o"
    ):
        run([job(tmp_path / "file" / "clips")])


def test_interrupting_ends_all_workers(stage: Any, tmp_path: Path) -> None:
    """Ctrl-C while two clips are at work: both processes end at once and leave nothing."""

    class Interrupting(Silent):
        def progress(self, job: Job, seconds: float) -> None:
            raise KeyboardInterrupt

    def slow(scene: Any) -> None:
        for _ in range(100):
            scene.wait(1)
            time.sleep(0.05)

    stage.construct = slow
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        batch.run([job(tmp_path, name) for name in ("Conv2d", "Fold")], Interrupting(), at_once=2)
    assert time.monotonic() - start < 3
    assert [name for name in names(tmp_path) if name != "manifest.json"] == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
