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
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render import batch, encoders, manifest, outputs, plan
from torchreel.render.job import Job, Output
from torchreel.render.progress import Bar, Silent
from torchreel.render.settings import View
from torchreel.render.task import Failure, Result
from torchreel.scenes.trace.files import File, read_file
from torchreel.scenes.trace.inputs import read_input

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


@pytest.mark.parametrize("at_once", [1, 2])
def test_arguments_that_torch_refuses_can_be_one_clips_failure(
    stage: Any, tmp_path: Path, at_once: int
) -> None:
    toy = stage.trace

    def trace(example: Any, *arguments: Any, **named: Any) -> Any:
        if example.operator == "Fold":
            raise UserError("Fold: no such window")
        return toy(example, *arguments, **named)

    stage.trace = trace
    clips = [job(tmp_path, name, seed=1) for name in ("Conv2d", "Fold", "Unfold")]
    with pytest.raises(UserError, match="no such window"):
        run(clips, at_once=at_once)
    assert not names(tmp_path)
    results = run(clips, at_once=at_once, each_alone=True)
    assert [result.status for result in results] == ["rendered", "failed", "rendered"]
    assert results[1].failure == Failure("usage", "Fold: no such window")


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
    def refuse(example: Any, changes: Any, **_: Any) -> Any:
        raise UserError(f"{example.operator}: kernel_size={changes.settings['kernel_size']} does not fit.")

    stage.trace = refuse
    with pytest.raises(UserError, match="Conv2d: kernel_size=9 does not fit"):
        run([job(tmp_path / "new", overrides={"kernel_size": "9"})])
    assert names(tmp_path / "new") == []


def test_a_defect_in_a_changed_clip_fails_alone(stage: Any, tmp_path: Path) -> None:
    trace = stage.trace

    def defective(example: Any, **rest: Any) -> Any:
        if example.operator == "Fold":
            raise KeyError("no such step")
        return trace(example, **rest)

    stage.trace = defective
    results = run([job(tmp_path, name, seed=1) for name in ("Conv2d", "Fold")])
    assert [result.status for result in results] == ["rendered", "failed"]


def counted(stage: Any, counter: Path) -> None:
    """Let the toy's trace write down each time that it is asked for, in whatever process."""
    trace = stage.trace

    def write_down(*args: Any, **rest: Any) -> Any:
        with counter.open("a") as file:
            file.write("x")
        return trace(*args, **rest)

    stage.trace = write_down


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_changed_clip_is_traced_once_for_all_languages_and_themes(
    stage: Any, tmp_path: Path, at_once: int
) -> None:
    counted(stage, tmp_path / "counter")
    clips = [
        job(tmp_path / "clips", lang=lang, theme=theme, seed=seed)
        for lang in ("zh", "en")
        for theme in ("light", "dark")
        for seed in (1, 2)
    ]
    assert {result.status for result in run(clips, at_once=at_once)} == {"rendered"}
    assert (tmp_path / "counter").read_text() == "xx"


def test_traces_that_do_not_fit_are_let_go(
    stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_MOST_KEPT", stage.trace(job(tmp_path).example).tensors["output"].nbytes)
    counted(stage, tmp_path / "counter")
    run([job(tmp_path / "clips", seed=1), job(tmp_path / "clips", seed=2)])
    assert (tmp_path / "counter").read_text() == "xxx"


def test_a_kept_trace_gives_the_same_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, kept in (("kept", batch._MOST_KEPT), ("anew", 0)):
        monkeypatch.setattr(batch, "_MOST_KEPT", kept)
        clips = [job(tmp_path / folder, name, formats=("png",), seed=3) for name in ("Dropout", "Linear")]
        assert {result.status for result in run(clips, force=True)} == {"rendered"}
    assert names(tmp_path / "kept") == names(tmp_path / "anew")
    for name in names(tmp_path / "kept"):
        assert (tmp_path / "kept" / name).read_bytes() == (tmp_path / "anew" / name).read_bytes(), name


def test_an_input_file_is_read_once(stage: Any, tmp_path: Path) -> None:
    """What the key covers, what the clip is called after and what it shows are the same bytes."""
    path = tmp_path / "x.csv"
    shown: list[list[list[float]]] = []
    trace = stage.trace

    def look(example: Any, changes: Any, **rest: Any) -> Any:
        shown.append(read_input(changes.first).tolist())
        return trace(example)

    stage.trace = look
    path.write_text("1, 1")
    first = job(tmp_path / "clips", input_text=str(path))
    path.write_text("2, 2")
    run([first])
    path.write_text("1, 1")
    [again] = run([job(tmp_path / "clips", input_text=str(path))])
    assert shown == [[[1.0, 1.0]]]
    assert again.status == "cached"
    assert again.job.stem == first.stem


def test_an_animation_is_said_to_show_its_first_frame(stage: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.gif"
    frames = [Image.new("L", (4, 4), shade) for shade in (255, 0)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    [moving] = run([job(tmp_path / "clips", input_text=str(path))])
    frames[0].save(path)
    [still] = run([job(tmp_path / "clips", input_text=str(path))])
    assert moving.notes == ["x.gif: its first frame is shown"]
    assert still.notes == []


def plan_jobs(**asked: Any) -> list[Job]:
    options: dict[str, Any] = {
        "formats": ["gif"],
        "folder": Path("media"),
        "langs": ["zh", "en"],
        "themes": ["light"],
    }
    return plan.jobs(["ReLU"], **options, **asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"settings": ["inplace=True", "inplace=True"]}, "--set inplace was given twice; give it once."),
        (
            {"input_text": ("[1]", "[2]")},
            "--input without a name, which is the first input, was given twice; give it once, and others as",
        ),
        ({"input_text": ("x=[1]", "x = [2]")}, "--input x was given twice; give it once, and others as"),
        ({"input_text": ("-", "x=-")}, "--input - was given twice: standard input holds one tensor."),
        ({"call": ["5"]}, "--call 5: expected name=value, such as --call output_size=5."),
        ({"state": "weights.csv"}, "Cannot read the input 'weights.csv': there is no such file."),
        ({"max_memory": "much"}, "--max-memory much: expected a size such as 600kB or 1MB."),
        ({"max_size": ""}, "--max-size '': expected a size such as 600kB or 1MB."),
        ({"max_size": "9" * 400}, f"--max-size {'9' * 37}…: expected a size such as 600kB or 1MB."),
        ({"max_size": "0"}, "--max-size 0: expected a size such as 600kB or 1MB."),
        ({"resize": "64"}, "--resize makes a picture smaller: give one with --input photo.png."),
        ({"resize": "64", "input_text": "[1]"}, "--resize makes a picture smaller"),
        ({"resize": "0", "input_text": "x.png"}, "--resize '0': expected the longer side in px"),
        ({"resize": "9999x9999", "input_text": "x.png"}, "--resize '9999x9999': expected the longer side"),
        ({"input_text": "photo.svg"}, "Cannot read the input 'photo.svg': .svg is not read; give a .npy"),
    ],
)
def test_mistakes_are_found_without_torch(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        plan_jobs(**asked)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_all_jobs_share_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x.csv").write_text("1, 2")
    inputs = [one.input_text for one in plan_jobs(input_text=["~/x.csv"])]
    assert inputs[0] is inputs[1]
    assert isinstance(inputs[0], File)
    assert inputs[0].data == b"1, 2"


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"1, 2")))
    one, other = plan_jobs(input_text="-")
    assert one.input_text is other.input_text
    assert isinstance(one.input_text, File)
    assert one.input_text.data == b"1, 2"
    with pytest.raises(UserError, match="it is empty"):
        plan_jobs(input_text="-")


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
    assert "loading torch and Manim" in shown


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


def test_every_change_has_a_name_and_a_key_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(b"weights")
    changes: list[dict[str, Any]] = [
        {},
        {"input_text": "[1]"},
        {"inputs": {"input": "[1]"}},
        {"inputs": {"target": "[1]"}},
        {"call": {"output_size": "5"}},
        {"state": read_file(str(tmp_path / "w.pt"))},
        {"train": True},
        {"train": False},
    ]
    jobs = [job(tmp_path, **change) for change in changes]
    assert len({one.stem for one in jobs}) == len({one.call_key for one in jobs}) == len(changes)
    assert [one.is_changed for one in jobs] == [False] + [True] * 7
    spelt_otherwise = job(tmp_path, inputs={"input": "[ 1 ]"})
    assert spelt_otherwise.stem == jobs[2].stem
    whole = job(tmp_path, prove_all=True)
    assert whole.stem == jobs[0].stem
    assert whole.call_key != jobs[0].call_key


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("target=[0, 2]", "target", "[0, 2]"),
        (" h_0 = torch.zeros(1, 2)", "h_0", "torch.zeros(1, 2)"),
        ("offsets=-", "offsets", "-"),
        ("torch.arange(16, dtype=torch.float32)", "", "torch.arange(16, dtype=torch.float32)"),
        ("torch.zeros(size=(1,))", "", "torch.zeros(size=(1,))"),
        ("inf==1", "", "inf==1"),
        ("[1, 2]", "", "[1, 2]"),
        ("./x=1.npy", "", "./x=1.npy"),
    ],
)
def test_a_leading_name_is_an_inputs_and_an_expression_has_none(text: str, name: str, rest: str) -> None:
    assert plan.named_input(text) == (name, rest)


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
