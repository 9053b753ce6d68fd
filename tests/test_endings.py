"""How commands end: with a code of the table and one line, on any console, under any fault of the system."""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import pytest

from torchreel import cli
from torchreel.assets.errors import UserError
from torchreel.render import doctor, endings, workers

SMALL = ("--width", "160", "--fps", "5", "-j", "1")
RENDER = ("render", "Conv2d", "-f", "png", *SMALL)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TORCHREEL_DEBUG", raising=False)


def call(*arguments: str, charset: str = "utf-8") -> click.testing.Result:
    return click.testing.CliRunner(charset=charset).invoke(cli.main, list(arguments))


def in_a_shell(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A script in which `$T` is the command."""
    environment = {**os.environ, "T": f"{sys.executable} -m torchreel", **variables}
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, env=environment, timeout=120
    )


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("no such\nthing."), 2, "no such thing."),
        (KeyboardInterrupt(), 130, "interrupted; what is finished is kept."),
        (MemoryError(), 1, "there is not enough memory;"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 1, "there is not enough memory;"),
        (
            ImportError("libx.so: cannot map\nmore", name="numpy"),
            1,
            "cannot load numpy: libx.so: cannot map;",
        ),
        (PermissionError(errno.EACCES, "?", "/a/b"), 1, "/a/b: Permission denied."),
        (RecursionError("too deep"), 1, "internal error: RecursionError: too deep ("),
        (ZeroDivisionError(), 1, "internal error: ZeroDivisionError: no message ("),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_whatever_ends_a_command_is_a_code_and_a_line(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, line: str, as_json: bool
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("torchreel.render.plan.select", fail)
    result = call("list", *(["--json"] if as_json else []))
    assert result.exit_code == code
    if as_json:
        said = json.loads(result.stdout)
        assert (said["exit_code"], result.stderr) == (code, "")
        assert said["error"].startswith(line)
    else:
        assert result.stdout == ""
        assert result.stderr.startswith(f"torchreel: {line}")
        assert result.stderr.count("\n") == 1


def test_a_traceback_is_for_who_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHREEL_DEBUG", "1")
    monkeypatch.setattr("torchreel.render.plan.select", lambda *_, **__: 1 / 0)
    result = call("list")
    assert result.stderr.startswith("Traceback ")
    assert result.stderr.splitlines()[-1].startswith("torchreel: internal error: ZeroDivisionError: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["render", "--precision", "9"],
            "Invalid value for '--precision': 9 is not in the range 0<=x<=6. See '",
        ),
        (
            ["render", "-q", "x"],
            "Invalid value for '-q' / '--quality': 'x' is not one of 'l', 'm', 'h', 'k'. See '",
        ),
        (["render", "-j", "0"], "Invalid value for '-j' / '--jobs': 0 is not in the range x>=1. See '"),
        (["render", "--target", "1"], "No such option '--target'."),
        (["rendre"], "No such command 'rendre'."),
        (["info"], "Missing argument 'OPERATOR'. See '"),
    ],
)
def test_clicks_mistakes_are_one_line_too(arguments: list[str], message: str) -> None:
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"torchreel: {message}")
    assert result.stderr.endswith(" --help'.\n")
    assert result.stderr.count("\n") == 1


def test_without_a_command_the_help_is_shown() -> None:
    for arguments in ([], ["cache"]):
        result = call(*arguments)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith("Usage: ")


@pytest.mark.parametrize(
    ("script", "code", "line"),
    [
        ("$T list >&-", 0, ""),
        ("$T list >&- 2>&-", 0, ""),
        ("$T nothing >&- 2>&-", 2, ""),
        ("$T list >/dev/full", 1, "No space left on device."),
        ("$T list --json >/dev/full", 1, "No space left on device."),
        ("$T --help >/dev/full", 1, "No space left on device."),
        ("$T nothing --json >/dev/full", 2, "No space left on device."),
        ("$T nothing 2>/dev/full", 2, ""),
        ("exec 3> >(exec true); wait $!; $T list >&3", 1, "Broken pipe."),
    ],
)
def test_a_lost_standard_output_is_one_line_at_most(script: str, code: int, line: str) -> None:
    done = in_a_shell(script)
    assert done.returncode == code
    assert done.stdout == ""
    expected = f"torchreel: stopped, because standard output cannot be written to: {line}\n" if line else ""
    assert done.stderr == expected


@pytest.mark.parametrize("charset", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16", "gbk"])
def test_any_encoding_of_the_console_will_do(charset: str) -> None:
    for arguments in (["list"], ["info", "Conv2d"], ["--help"]):
        result = call(*arguments, charset=charset)
        assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("charset", ["ascii", "latin-1", "gbk"])
def test_json_stays_json_where_the_console_lacks_its_letters(charset: str) -> None:
    def answer(charset: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "torchreel", "list", "--json"],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONIOENCODING": charset},
        )
        return json.loads(done.stdout.decode(charset))

    assert answer(charset) == answer("utf-8")


class _Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_run_whose_output_is_lost_ends_and_leaves_nothing_half_made(
    stage: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", _Full())
    with pytest.raises(SystemExit) as ended:
        cli.main(["render", "Conv2d", "Fold", "-f", "png", *SMALL])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert (
        said == "torchreel: stopped, because standard output cannot be written to: No space left on device.\n"
    )
    assert not [path for path in Path("media").iterdir() if path.name.startswith(".")]
    assert Path("media/manifest.json").exists()
    assert stage.rendered == ["Conv2d"]


def test_a_worker_never_outlives_its_fork_whatever_its_output_does(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def flush(self) -> None:
            if os.getpid() != parent:
                raise OSError(errno.EBADF, "closed")

    parent = os.getpid()
    monkeypatch.setattr(sys, "stdout", Closed())
    events = list(workers.run(["task"], lambda task, report: task.upper(), 1))
    assert os.getpid() == parent
    assert [(event.kind, event.value) for event in events] == [("started", None), ("done", "TASK")]


class Fault:
    """Lets one call of the system fail, the `turn`th one that changes something of ours."""

    def __init__(self, turn: int, number: int) -> None:
        self.number, self.left, self.has_struck = number, turn, False

    def in_front_of(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def fail(*arguments: Any, **options: Any) -> Any:
            if self._concerns(real, arguments, options):
                self.left -= 1
                if self.left == 0:
                    self.has_struck = True
                    raise OSError(self.number, os.strerror(self.number), str(arguments[0]))
            return real(*arguments, **options)

        return fail

    def _concerns(self, real: Callable[..., Any], arguments: Any, options: Any) -> bool:
        if real is io.open and "w" not in (options.get("mode") or (*arguments, "r")[1]):
            return False
        return any("media" in str(one) or "cache" in str(one) for one in arguments)


CALLS = {"replace": os.replace, "rename": os.rename, "mkdir": os.mkdir, "unlink": os.unlink, "open": io.open}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("name", CALLS)
def test_a_fault_at_any_call_of_the_system_is_a_code_and_lines(
    stage: Any, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    """The first call of a kind fails, next time the second one, and so on, until a run meets no fault."""
    call(*RENDER)
    for turn in range(1, 40):
        fault = Fault(turn, number)
        with monkeypatch.context() as patch:
            for home in (io, builtins) if name == "open" else (os,):
                patch.setattr(home, name, fault.in_front_of(CALLS[name]))
            result = call(*RENDER, "--force", "-o", f"media/{turn}")
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
        assert "internal error" not in result.output
        assert (result.exit_code, "\ntorchreel: " in f"\n{result.stderr}") in (
            (0, False),
            (0, True),
            (1, True),
            (2, True),
        )
        if not fault.has_struck:
            assert (result.exit_code, result.stderr) == (0, "")
            return
    pytest.fail("the faults do not come to an end")


@pytest.mark.parametrize("command", [["cache", "size"], ["cache", "clear"], RENDER])
def test_a_user_without_a_home_is_served(
    stage: Any, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    def unknown(path: str) -> str:
        return path

    monkeypatch.setattr(os.path, "expanduser", unknown)
    for variable in ("TORCHREEL_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(RuntimeError):
        Path.home()
    result = call(*command)
    assert result.exit_code == 0
    kept = "torchreel: nothing is kept for the next run: "
    assert result.stderr == "" if command != RENDER else result.stderr.startswith(kept)
    monkeypatch.setenv("TORCHREEL_CACHE", "~nobody-of-that-name/x")
    assert call(*command).exit_code == 0


def test_a_preview_lies_in_a_folder_nobody_else_can_foresee_or_open(
    stage: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    (tmp_path / "victim").mkdir()
    (tmp_path / f"torchreel-preview-{os.getuid()}").symlink_to("victim")
    shown = [Path(call("preview", "Conv2d").stdout.strip()) for _ in range(2)]
    assert all(path.is_file() for path in shown)
    assert shown[0].parent != shown[1].parent
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in shown} == {0o700}
    assert not list((tmp_path / "victim").iterdir())


def test_a_preview_that_fails_leaves_no_folder(
    stage: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stage.construct = lambda scene: 1 / 0
    assert call("preview", "Conv2d").exit_code == 1
    assert call("preview", "Conv2d:*").exit_code == 2
    assert not list(tmp_path.glob("torchreel-preview-*"))


@pytest.mark.parametrize("folder", ["/proc/x", "/dev/null/x", "file/x", "file", "n" * 300])
def test_doctor_says_of_a_folder_what_render_will_meet(stage: Any, folder: str) -> None:
    Path("file").write_text("")
    [finding] = [one for one in doctor.examine(Path(folder)) if one.name == "output folder"]
    rendered = call(*RENDER, "-o", folder)
    assert not finding.ok
    assert rendered.exit_code == 2
    assert rendered.stderr == f"torchreel: {finding.detail}\n"


def test_doctor_leaves_nothing_of_the_folders_it_tries(tmp_path: Path) -> None:
    [finding] = [one for one in doctor.examine(Path("a/b/c")) if one.name == "output folder"]
    assert finding.ok
    assert list(tmp_path.iterdir()) == []


def test_doctor_names_a_platform_that_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.sys, "platform", "win32")
    finding = doctor._platform()
    assert not finding.ok
    assert "win32" in finding.detail


def test_interrupting_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("torchreel.render.plan.select", interrupt)
    result = call("list")
    assert (result.exit_code, result.stdout) == (endings.INTERRUPTED, "")
    assert result.stderr == "torchreel: interrupted; what is finished is kept.\n"
