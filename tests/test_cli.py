"""The command line: every claim of the README, and every mistake a user makes with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from torchreel.assets.examples import examples
from torchreel.render import doctor, shrink
from torchreel.render.job import Output
from torchreel.render.plan import read_size
from torchreel.render.settings import View
from torchreel.tests.commands import call

SMALL = ("--width", "160", "--fps", "5")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def torchreel(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "torchreel", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)


def media() -> list[str]:
    return sorted(path.name for path in Path("media").iterdir()) if Path("media").exists() else []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["rendre"]])
def test_what_needs_no_operator_loads_nothing_of_ours_but_the_command_line(arguments: list[str]) -> None:
    """It is what makes the help answer at once, on a machine of any speed."""
    code = (
        "import sys\nfrom torchreel.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "print('LOADED', *sorted(name for name in sys.modules if name.startswith('torchreel.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = (
        "assets",
        "assets.errors",
        "cli",
        "render",
        "render.endings",
        "render.jsontext",
        "render.outputs",
    )
    loaded = done.stdout.splitlines()[-1].split()[1:]
    assert loaded == [f"torchreel.{name}" for name in (*names, "render.streams")]


def test_list_shows_every_operator_with_its_examples() -> None:
    shown = json.loads(call("list", "--json").output)
    assert {(one["operator"], one["name"]) for one in shown} == {
        (operator, name) for operator, named in examples().items() for name in named
    }
    lines = call("list").output.splitlines()
    for operator, named in examples().items():
        assert [operator, *named] in [line.split() for line in lines]


def test_list_names_the_handbooks_row_above_its_operators() -> None:
    lines = [line.strip() for line in call("list", "--family", "pooling").output.splitlines()]
    heading = lines.index("5  最大值池化（MaxPool）")
    assert any(
        line.startswith("MaxPool2d ")
        for line in lines[heading + 1 : lines.index("6  最大值反向池化（MaxUnpool）")]
    )
    shown = json.loads(call("list", "--family", "pooling", "--json").output)
    assert {one["row"]["number"] for one in shown if one["operator"] == "MaxPool2d"} == {5}


def test_list_of_one_family() -> None:
    assert {one["family"] for one in json.loads(call("list", "--family", "pooling", "--json").output)} == {
        "pooling"
    }


def test_info_shows_the_constructor_calls() -> None:
    output = call("info", "Conv2d").output
    for name, example in examples()["Conv2d"].items():
        assert name in output
        assert all(f"{key}={value!r}" in output for key, value in example.kwargs.items())


def test_render_writes_media_ledger_and_manifest(stage: Any) -> None:
    result = call("render", "Conv2d", *SMALL)
    assert result.exit_code == 0
    assert media() == [
        *(f"Conv2d.zh.light.{suffix}" for suffix in ("gif", "json", "mp4", "png")),
        "manifest.json",
    ]
    assert result.output.startswith("Conv2d.zh.light  gif ")
    assert result.output.endswith("1 clip in media/\n")


def test_render_takes_several_operators_and_examples(stage: Any) -> None:
    call("render", "Conv1d", "Conv2d:stride", "MaxUnpool2d:*", "-f", "gif", *SMALL)
    names = [
        "Conv1d",
        "Conv2d-stride",
        *("MaxUnpool2d" + ("" if name == "default" else f"-{name}") for name in examples()["MaxUnpool2d"]),
    ]
    assert [name for name in media() if name.endswith(".gif")] == sorted(
        f"{name}.zh.light.gif" for name in names
    )


@pytest.mark.parametrize("choice", [["--all"], ["--family", "pooling"]])
def test_render_takes_everything_or_a_family(stage: Any, choice: list[str]) -> None:
    result = call("render", *choice, "-f", "png", *SMALL, "--json", "-j", "1")
    rendered = {(clip["operator"], clip["example"]) for clip in json.loads(result.output)["clips"]}
    wanted = {
        (one.operator, one.name)
        for named in examples().values()
        for one in named.values()
        if choice == ["--all"] or one.family == "pooling"
    }
    assert rendered == wanted


@pytest.mark.parametrize(
    "formats", [["-f", "gif,webp"], ["-f", "gif", "-f", "webp"], ["-f", "webp", "--format", "gif"]]
)
def test_formats_are_repeatable_or_a_list(stage: Any, formats: list[str]) -> None:
    call("render", "Conv2d", *formats, *SMALL)
    assert {Path(name).suffix for name in media()} == {".gif", ".webp", ".json"}


def test_both_languages_and_themes_at_once(stage: Any) -> None:
    call("render", "Conv2d", "-f", "gif", "--lang", "zh,en", "--theme", "light,dark", *SMALL)
    assert [name for name in media() if name.endswith(".gif")] == [
        f"Conv2d.{lang}.{theme}.gif" for lang in ("en", "zh") for theme in ("dark", "light")
    ]


def test_language_and_theme_from_the_environment(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHREEL_LANG", "en")
    monkeypatch.setenv("TORCHREEL_THEME", "dark")
    call("render", "Conv2d", "-f", "gif", *SMALL)
    assert "Conv2d.en.dark.gif" in media()
    call("render", "Conv2d", "-f", "gif", "--lang", "zh", *SMALL)
    assert "Conv2d.zh.dark.gif" in media()


@pytest.mark.parametrize(
    ("options", "suffix", "size"),
    [
        ([], "png", (1280, 720)),
        ([], "gif", (800, 450)),
        (["-q", "l"], "gif", (480, 270)),
        (["--width", "320"], "png", (320, 180)),
    ],
)
def test_sizes(stage: Any, options: list[str], suffix: str, size: tuple[int, int]) -> None:
    call("render", "Conv2d", "-f", suffix, *options)
    height, width = iio.imread(f"media/Conv2d.zh.light.{suffix}", index=0).shape[:2]
    assert (width, height) == size


def test_output_folder(stage: Any) -> None:
    call("render", "Conv2d", "-f", "gif", "-o", "pages/clips", *SMALL)
    assert Path("pages/clips/Conv2d.zh.light.gif").exists()


def test_json_is_all_there_is_on_standard_output(stage: Any) -> None:
    answer = json.loads(call("render", "Conv2d", "Fold", "-f", "gif", *SMALL, "--json").output)
    assert answer["exit_code"] == 0
    assert [clip["status"] for clip in answer["clips"]] == ["rendered", "rendered"]
    for clip in answer["clips"]:
        assert Path(clip["files"]["gif"]["path"]).stat().st_size == clip["files"]["gif"]["bytes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Conv2f"], "Unknown operator 'Conv2f'. Did you mean 'Conv2d'? "),
        (["conv2d"], "Unknown operator 'conv2d'. Did you mean 'Conv2d'? "),
        (["Conv2d:strid"], "Conv2d has no example 'strid'. Did you mean 'stride'? "),
        ([], "Nothing to render: name an operator"),
        (["--family", "poling"], "Unknown family 'poling'. Did you mean 'pooling'? "),
        (
            ["Fold", "--family", "pooling"],
            "Fold: not in the family 'pooling'; leave out --family or the names.",
        ),
        (["Conv2d", "-f", "gfi"], "Unknown format 'gfi'. Did you mean 'gif'? "),
        (["Conv2d", "-f", ","], "Unknown format ''. Known: gif, mp4, png, webp."),
        (["Conv2d", "--lang", "fr"], "Unknown language 'fr'. Known: zh, en."),
        (["Conv2d", "--theme", "drak"], "Unknown theme 'drak'. Did you mean 'dark'? "),
        (
            ["Conv2d", "--set", "kernel_size"],
            "--set kernel_size: expected name=value, such as --set kernel_size=2.",
        ),
        (["Conv2d", "--max-size", "big"], "--max-size big: expected a size such as 600kB or 1MB."),
        (["Conv2d", "--width", "9"], "--width 9: expected 160 to 7680 px."),
        (["Conv2d", "--fps", "0"], "--fps 0: expected 1 to 60 frames per second."),
        (
            ["Conv2d", "--set", "kernal_size=2"],
            "Conv2d has no argument 'kernal_size'. Did you mean 'kernel_size'? ",
        ),
        (
            ["Conv2d", "--set", "kernel_size=9"],
            "Conv2d: kernel_size=9 does not fit the padded input 5 x 5 (padding=0)",
        ),
        (["Conv2d", "--set", "kernel_size=two"], "Conv2d: "),
        (["Conv2d", "--input", "torch.load('x')"], "Cannot read the input "),
        (["Conv2d", "--input", "missing.npy"], "Cannot read the input 'missing.npy': there is no such file"),
        (["Conv2d", "--input", "torch.ones(1, 3)"], "Conv2d: "),
        (["Conv2d", "--input", "torch.ones(3)"], "Conv2d: Expected 3D (unbatched) or 4D (batched) input"),
        (["Conv2d", "--set", "kernel_size=0"], "Conv2d: kernel_size=0 should be at least 1."),
        (
            ["Conv2d", "--set", "stride=abc"],
            "Conv2d: stride='abc' should be an integer or a tuple of 2 integers.",
        ),
        (["Conv2d", "--set", "bias=maybe"], "Conv2d: bias='maybe' should be True or False."),
        (["LSTMCell", "--set", "input_size=4"], "LSTMCell: input has inconsistent input_size"),
    ],
)
def test_a_mistake_is_one_line_code_2_and_writes_nothing(arguments: list[str], message: str) -> None:
    result = call("render", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"torchreel: {message}")
    assert result.stderr.count("\n") == 1
    assert media() == []


def test_set_and_input_change_the_clip_and_its_name() -> None:
    given = (
        "--set",
        "kernel_size=2",
        "--set",
        "stride=2",
        "--input",
        "torch.randn(1, 1, 4, 4)",
        "--seed",
        "7",
    )
    assert call("render", "Conv2d", "-f", "gif", *SMALL, *given).exit_code == 0
    [name] = [name for name in media() if name.endswith(".json") and name.startswith("Conv2d-set-")]
    ledger = json.loads((Path("media") / name).read_text())
    assert ledger["module"]["kwargs"]["kernel_size"] == 2
    assert ledger["module"]["kwargs"]["stride"] == 2
    assert ledger["tensors"]["input"]["shape"] == [1, 1, 4, 4]
    assert ledger["tensors"]["output"]["shape"][-2:] == [2, 2]
    assert ledger["seed"] == 7


def test_input_from_a_file() -> None:
    np.save("x.npy", np.arange(32, dtype=np.float32).reshape(1, 2, 4, 4))
    assert call("render", "Conv2d", "-f", "png", *SMALL, "--input", "x.npy").exit_code == 0
    [name] = [name for name in media() if name.endswith(".json") and name.startswith("Conv2d-set-")]
    ledger = json.loads((Path("media") / name).read_text())
    assert np.array_equal(ledger["tensors"]["input"]["values"], np.load("x.npy"))


def test_a_failure_is_code_1_and_the_summary_says_what(stage: Any) -> None:
    draw = stage.construct

    def construct(scene: Any) -> None:
        draw(scene)
        if scene.request.example.operator == "Fold":
            raise ZeroDivisionError("no such window")

    stage.construct = construct
    result = call("render", "Conv2d", "Fold", "-f", "gif", *SMALL, "-j", "1")
    assert result.exit_code == 1
    assert "1 of 2 failed:\n  Fold.zh.light: Fold: ZeroDivisionError: no such window" in result.stderr
    assert "Traceback" not in result.output
    assert "Conv2d.zh.light.gif" in media()
    assert "Traceback" in call("render", "Fold", "-f", "gif", *SMALL, "-v").stderr


def test_max_size_retries_smaller_and_says_what_it_chose(stage: Any) -> None:
    free = json.loads(call("render", "Conv2d", "-f", "gif", "--json").output)["clips"][0]["files"]["gif"][
        "bytes"
    ]
    bound = free * 3 // 4
    result = call("render", "Conv2d", "-f", "gif", "--max-size", f"{bound}B")
    assert result.exit_code == 0
    assert Path("media/Conv2d.zh.light.gif").stat().st_size <= bound
    width = iio.imread("media/Conv2d.zh.light.gif", index=0).shape[1]
    assert f"Conv2d.zh.light.gif: {width}x" in result.output


def test_a_max_size_that_cannot_be_met_is_a_failure(stage: Any) -> None:
    result = call("render", "Conv2d", "-f", "gif", "--max-size", "100B")
    assert result.exit_code == 1
    assert result.stderr.endswith("Use a smaller input, or MP4 or WebP.\n")
    assert media() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--family", "poling"],
        ["info", "Conv2D"],
        ["render", "Conv2d", "--width", "9"],
        ["render", "Conv2d", "-q", "x"],
        ["render", "Conv2d", "-j", "0"],
        ["render", "Conv2d", "--seed", "-1"],
        ["render", "Conv2d", "--precision", "9"],
        ["render", "Conv2d", "--target", "1"],
        ["rendre"],
        ["info"],
    ],
)
def test_a_mistake_is_an_object_for_programs_too(arguments: list[str]) -> None:
    result = call(*arguments, "--json")
    said = json.loads(result.stdout)
    assert (result.exit_code, said["exit_code"]) == (2, 2)
    assert said["error"]
    assert result.stderr == ""


def test_a_gif_gets_narrower_then_slower_then_poorer_in_colours() -> None:
    tried = [Output("gif", View(800, 450, 20))]
    with pytest.raises(ValueError, match="the smallest GIF"):
        while True:
            tried.append(shrink.smaller(tried[-1], 1_000_000, 900_000, "Conv2d"))
    sizes = [(one.view.width, one.view.fps, one.colors or 256) for one in tried]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[1][0] == 720
    assert sizes[-1][1:] == (10, 16)


@pytest.mark.parametrize(
    ("text", "size"), [("600kB", 600_000), ("1MB", 1_000_000), ("1.5 MiB", 1_572_864), ("42", 42)]
)
def test_sizes_in_bytes(text: str, size: int) -> None:
    assert read_size(text) == size


def test_doctor_finds_nothing_missing_here() -> None:
    result = call("doctor")
    assert result.exit_code == 0
    assert "missing" not in result.output


def test_doctor_names_the_command_that_installs_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uharfbuzz", None)
    result = call("doctor")
    assert result.exit_code == 1
    assert f"-> {sys.executable} -m pip install uharfbuzz" in result.output


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("platform", "win32", "win32 is not supported"),
        ("maxsize", 2**31 - 1, "32 bit, for which there is no torch"),
        ("version_info", (3, 10, 14), "install Python 3.11 or newer"),
    ],
)
def test_doctor_names_a_platform_that_is_not_supported(
    name: str, value: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, name, value)
    found = [doctor._platform(), doctor._python()]
    monkeypatch.undo()
    [one] = [finding for finding in found if not finding.ok]
    assert said in f"{one.detail} {one.remedy}"


def test_doctor_writes_nothing() -> None:
    call("doctor", "-o", "media")
    assert not Path("media").exists()


def test_preview_prints_the_path_where_there_is_no_screen(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    result = call("preview", "Conv2d", "-o", "look")
    assert result.output == f"{Path('look/Conv2d.zh.light.mp4').resolve()}\n"


def test_preview_opens_the_clip_where_there_is_a_screen(
    stage: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/opened"\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{opener.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(sys, "platform", "linux")
    assert call("preview", "Conv2d", "-o", "look").output == ""
    assert (tmp_path / "opened").read_text().strip() == str(Path("look/Conv2d.zh.light.mp4").resolve())


def test_killed_in_the_middle_leaves_whole_files_and_the_next_run_completes() -> None:
    command = [
        sys.executable,
        "-m",
        "torchreel",
        "render",
        "Conv2d:*",
        "-j",
        "2",
        "-f",
        "gif,mp4",
        "--width",
        "320",
        "--fps",
        "5",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 120
    while not any(name.endswith(".gif") and not name.startswith(".") for name in media()):
        assert time.monotonic() < limit
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [name for name in media() if name.startswith(".torchreel-")], "nothing was being written"
    for name in media():
        if name.endswith(".gif") and not name.startswith("."):
            assert len(iio.imread(Path("media") / name)) > 1
    time.sleep(0.2)
    done = torchreel(*command[3:])
    assert done.returncode == 0, done.stderr
    stems = [f"Conv2d{'' if name == 'default' else '-' + name}.zh.light" for name in examples()["Conv2d"]]
    assert media() == sorted(
        [f"{stem}.{suffix}" for stem in stems for suffix in ("gif", "json", "mp4")] + ["manifest.json"]
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_says_so_and_leaves_no_temporary_file(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "torchreel", "render", "Conv2d:*", "-j", "2", "--width", "320"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    limit = time.monotonic() + 120
    while not any(name.startswith(".torchreel-") and name.endswith(".mp4") for name in media()):
        assert time.monotonic() < limit
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said == "torchreel: interrupted; what is finished is kept.\n"
    assert not [name for name in media() if name.startswith(".")]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_full_disk_fails_the_clips_and_leaves_nothing(jobs: str) -> None:
    """No file may grow beyond 8 kB: every encoder meets an error of the system in the middle of its work."""
    code = (
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))\n"
        "from torchreel.cli import main\nmain()"
    )
    command = [
        sys.executable,
        "-c",
        code,
        "render",
        "Conv2d",
        "Conv1d",
        "-f",
        "gif,mp4,png,webp",
        "-j",
        jobs,
        "--width",
        "320",
        "--fps",
        "5",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "Conv2d.zh.light: Conv2d: cannot write to media: File too large.\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert media() == []


def test_an_unchanged_run_of_everything_takes_less_than_a_second(stage: Any) -> None:
    call("render", "--all", *SMALL, "-j", "1")
    start = time.perf_counter()
    result = call("render", "--all", *SMALL, "--json")
    assert time.perf_counter() - start < 1
    assert {clip["status"] for clip in json.loads(result.output)["clips"]} == {"cached"}


def test_info_says_what_a_call_may_be_given() -> None:
    lines = [line.split(maxsplit=1) for line in call("info", "EmbeddingBag").output.splitlines()]
    given = dict(line for line in lines if len(line) == 2)
    assert given["--input"] == "input (5,) int64, offsets (3,) int64"
    assert "also --input     per_sample_weights" in call("info", "EmbeddingBag").output
    assert given["--set"].startswith("num_embeddings, embedding_dim, max_norm=None, norm_type=2.0,")
    assert given["--state"] == "weight (5, 3) float32"
    [entry] = json.loads(call("info", "MaxUnpool1d:default", "--json").output)
    assert entry["takes"]["call_arguments"] == [{"name": "output_size", "default": "None", "required": False}]
    assert entry["takes"]["input_names"] == ["source", "input", "indices"]


def test_render_takes_every_input_and_says_what_it_made_to_fit() -> None:
    given = ("--input", "torch.randn(5, 7)", "--lang", "en", "-f", "png", *SMALL, "-j", "1")
    result = call("render", "CrossEntropyLoss", *given, "--json")
    [clip] = json.loads(result.output)["clips"]
    made = "target is torch.randint(0, 7, (5,)), as the example's own would not fit"
    assert clip["notes"][0] == made
    assert made in call("render", "CrossEntropyLoss", *given).output
    ledger = json.loads(Path(clip["files"]["json"]["path"]).read_text("utf-8"))
    assert ledger["notes"] == [made]
    assert clip["notes"][1:] == [f"drawn in part: {' '.join(ledger['left_out'])}"]
    own = call("render", "CrossEntropyLoss", *given, "--input", "target=[0, 1, 2, 3, 9]")
    assert own.exit_code == 2
    assert "CrossEntropyLoss: " in own.output
