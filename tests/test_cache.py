"""The cache: the same clip is never rendered twice, a different one never taken for it, and damage is noticed."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.cli import main
from torchreel.render import batch, cache, keys
from torchreel.render.cache import Cache
from torchreel.render.job import Job, Output
from torchreel.render.keys import ledger_key
from torchreel.render.outputs import temporary
from torchreel.render.progress import Silent
from torchreel.render.settings import View

GIF = Output("gif", View(160, 90, 5))
JOB = Job(example("Conv2d"), Path("media"), (GIF,))


def change_example() -> Job:
    kwargs = {**JOB.example.kwargs, "stride": 2}
    return dataclasses.replace(JOB, example=dataclasses.replace(JOB.example, kwargs=kwargs))


def media_key(job: Job, output: Output) -> str:
    return keys.keys(dataclasses.replace(job, outputs=(output,)))[output.format]


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(JOB, lang="en"),
        dataclasses.replace(JOB, theme="dark"),
        dataclasses.replace(JOB, precision=3),
        dataclasses.replace(JOB, seed=1),
        dataclasses.replace(JOB, overrides={"stride": "2"}),
        dataclasses.replace(JOB, input_text="torch.ones(1, 2, 5, 5)"),
        dataclasses.replace(JOB, max_size=1000),
        dataclasses.replace(JOB, example=example("Conv2d", "stride")),
        change_example(),
    ],
)
def test_everything_that_decides_the_bytes_is_in_the_key(other: Job) -> None:
    assert media_key(other, GIF) != media_key(JOB, GIF)


@pytest.mark.parametrize(
    "output",
    [
        Output("webp", GIF.view),
        Output("gif", View(160, 90, 6)),
        Output("gif", View(320, 180, 5)),
        Output("gif", GIF.view, colors=64),
    ],
)
def test_the_output_is_in_the_key(output: Output) -> None:
    assert media_key(JOB, output) != media_key(JOB, GIF)


@pytest.mark.parametrize("part", ["torch", "manim", "numpy", "python"])
def test_versions_are_in_the_key(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {media_key(JOB, GIF), ledger_key(JOB)}
    runs_on = dict(keys._runs_on())
    assert runs_on[part]
    monkeypatch.setattr(keys, "_runs_on", lambda: tuple({**runs_on, part: "another"}.items()))
    assert not before & {media_key(JOB, GIF), ledger_key(JOB)}


# Clips by the operator, the example, the language and the theme they are of.
CLIPS = {
    "Conv1d": ("Conv1d", "default", "en", "light"),
    "Conv2d": ("Conv2d", "default", "zh", "light"),
    "Conv2d:stride": ("Conv2d", "stride", "zh", "dark"),
    "ConvTranspose2d": ("ConvTranspose2d", "default", "zh", "light"),
    "MaxPool2d": ("MaxPool2d", "default", "en", "dark"),
}
CONVOLUTIONS = {"Conv1d", "Conv2d", "Conv2d:stride", "ConvTranspose2d"}
ALL = set(CLIPS)
KEYS = """
import json, sys
from pathlib import Path
from torchreel.assets.examples import example
from torchreel.render.job import Job, Output
from torchreel.render.keys import keys
from torchreel.render.settings import View
files = (Output("gif", View(160, 90, 5)),)
found = {
    label: keys(Job(example(operator, name), Path(), files, lang, theme))
    for label, (operator, name, lang, theme) in json.loads(sys.argv[1]).items()
}
assert not {"torch", "manim", "numpy"} & sys.modules.keys()
print(json.dumps(found))
"""


def keys_of(package: Path) -> dict[str, dict[str, str]]:
    """The keys of the clips, worked out by a copy of the package."""
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    done = subprocess.run(
        [sys.executable, "-c", KEYS, json.dumps(CLIPS)],
        cwd=package.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, to be edited and put right again."""
    copy = tmp_path_factory.mktemp("site") / "torchreel"
    for folder in ("assets", "render", "scenes"):
        shutil.copytree(keys.ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "cli.py"):
        shutil.copy(keys.ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def before(package: Path) -> dict[str, dict[str, str]]:
    return keys_of(package)


def _stale(package: Path, before: dict[str, dict[str, str]]) -> set[str]:
    after = keys_of(package)
    stale = {label for label in before if after[label] != before[label]}
    for label in stale:
        assert not set(after[label].values()) & set(before[label].values()), "all files of a clip are stale"
    return stale


@pytest.mark.parametrize(
    ("file", "stale"),
    [
        ("scenes/pooling/operators.py", {"MaxPool2d"}),
        ("scenes/convolution/conv.py", CONVOLUTIONS),
        ("scenes/convolution/transposed/board.py", CONVOLUTIONS),
        ("scenes/linear/trace.py", set()),
        ("scenes/trace/proof.py", ALL),
        ("scenes/parts/desk.py", ALL),
        ("scenes/stage/beats.py", ALL),
        ("scenes/registry.py", ALL),
        ("render/encoders/gif.py", ALL),
        ("assets/faces.py", ALL),
        ("assets/fonts/mono.ttf", ALL),
        ("assets/fonts/LICENSE-DejaVu.txt", set()),
        ("assets/handbook.toml", set()),
        ("scenes/api.py", set()),
        ("cli.py", set()),
    ],
)
def test_an_edited_file_makes_stale_what_it_is_part_of(
    package: Path, before: dict[str, dict[str, str]], file: str, stale: set[str]
) -> None:
    path = package / file
    whole = path.read_bytes()
    try:
        path.write_bytes(whole + b"\n# edited\n")
        assert _stale(package, before) == stale
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("file", "pattern", "stale"),
    [
        ("captions/en/convolution.toml", r'^sweep = "', {"Conv1d", "Conv2d", "Conv2d:stride"}),
        ("captions/en/convolution.toml", r'^\[Conv1d\]\ntitle = "', {"Conv1d"}),
        ("captions/zh/convolution.toml", r'^\[Conv3d\]\ntitle = "', set()),
        ("captions/zh/common.toml", r'^\w+ = "', ALL),
        (
            "examples/convolution.toml",
            r'^\[Conv2d\.stride\](\n.*)*?\nsection = "',
            {"Conv2d", "Conv2d:stride"},
        ),
        ("themes.toml", r'^\[dark\]\nbackground = "#', {"Conv2d:stride", "MaxPool2d"}),
        ("examples/linear.toml", r'^section = "', set()),
    ],
)
def test_edited_words_data_and_colours_make_stale_what_shows_them(
    package: Path, before: dict[str, dict[str, str]], file: str, pattern: str, stale: set[str]
) -> None:
    path = package / "assets" / file
    whole = path.read_text("utf-8")
    found = re.search(pattern, whole, re.MULTILINE)
    assert found
    letter = "0" if whole[found.end()] != "0" else "1"
    try:
        path.write_text(whole[: found.end()] + letter + whole[found.end() + 1 :], "utf-8")
        assert _stale(package, before) == stale
    finally:
        path.write_text(whole, "utf-8")


MADE_OF = """
import atexit, json, sys
from torchreel.cli import main

@atexit.register
def tell():
    ours = [module for name, module in sys.modules.items() if name.split(".")[0] == "torchreel"]
    print("MADE OF", json.dumps([module.__file__ for module in ours if module.__file__]))

main(sys.argv[1:])
"""


def test_a_clip_is_made_of_one_family_and_of_nothing_that_its_key_leaves_out(tmp_path: Path) -> None:
    arguments = ["render", "ReLU", "-f", "png", "-q", "l", "-o", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", MADE_OF, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made_of = {Path(name) for name in json.loads(done.stdout.rsplit("MADE OF", 1)[1])}
    families = {path.parent.name for path in (keys.ROOT / "scenes").glob("*/operators.py")}
    scenes = {path.relative_to(keys.ROOT / "scenes").parts[0] for path in made_of if "scenes" in path.parts}
    assert scenes & families == {"activation"}
    covered = {*keys.common_sources(), *keys._files(keys.ROOT / "scenes" / "activation")}
    assert made_of - covered == {keys.ROOT / "__init__.py", keys.ROOT / "cli.py"}


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Cache, Path]:
    """A cache with one entry, `key`, and the file it was made of."""
    store, path = Cache(tmp_path / "store"), tmp_path / "clip.gif"
    path.write_bytes(b"GIF89a whole")
    store.store("ab" + "0" * 62, path, {"width": 160})
    return store, path


KEY = "ab" + "0" * 62


def test_an_entry_comes_back_whole(kept: tuple[Cache, Path], tmp_path: Path) -> None:
    store, path = kept
    note = store.find(KEY)
    assert note is not None
    assert note["info"] == {"width": 160}
    store.place(KEY, note, tmp_path / "again.gif")
    assert (tmp_path / "again.gif").read_bytes() == path.read_bytes()


def test_what_a_killed_run_left_half_is_cleared_by_the_next_store(kept: tuple[Cache, Path]) -> None:
    store, path = kept
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    half = temporary(store.folder / "ab" / "clip.data")
    half = half.with_name(half.name.replace(f"-{os.getpid()}-", f"-{dead.pid}-"))
    half.write_bytes(b"GIF89a ha")
    store.store("ab" + "1" * 62, path, {})
    assert not half.exists()
    assert store.find(KEY) is not None


def _flip(path: Path) -> None:
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [_flip, _cut, Path.unlink])
@pytest.mark.parametrize("suffix", ["data", "json"])
def test_a_damaged_entry_is_forgotten(kept: tuple[Cache, Path], damage: Any, suffix: str) -> None:
    store, _ = kept
    damage(store.folder / "ab" / f"{KEY}.{suffix}")
    assert store.find(KEY) is None
    assert store.size() == (0, 0)


def test_a_damaged_entry_is_rendered_again(stage: Any, tmp_path: Path, cache_folder: Path) -> None:
    job = dataclasses.replace(JOB, folder=tmp_path)
    batch.run([job], Silent())
    whole = job.path("gif").read_bytes()
    for entry in cache_folder.glob("*/*.data"):
        _flip(entry)
    job.path("gif").unlink()
    [result] = batch.run([job], Silent())
    assert result.status == "rendered"
    assert job.path("gif").read_bytes() == whole


def test_a_changed_output_file_is_put_right_by_force_only(stage: Any, tmp_path: Path) -> None:
    job = dataclasses.replace(JOB, folder=tmp_path)
    batch.run([job], Silent())
    whole = job.path("gif").read_bytes()
    job.path("gif").write_bytes(b"GIF89a edited")
    with pytest.raises(
        UserError, match=r"Conv2d.zh.light.gif: not written by torchreel, or changed since; .*--force"
    ):
        batch.run([job], Silent())
    assert job.path("gif").read_bytes() == b"GIF89a edited"
    batch.run([job], Silent(), force=True)
    assert job.path("gif").read_bytes() == whole


def test_editing_an_output_file_does_not_reach_the_cache(
    stage: Any, tmp_path: Path, cache_folder: Path
) -> None:
    job = dataclasses.replace(JOB, folder=tmp_path)
    batch.run([job], Silent())
    kept = {path: path.read_bytes() for path in cache_folder.glob("*/*.data")}
    with job.path("gif").open("ab") as file:
        file.write(b"more")
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_cache_that_cannot_be_written_to_does_not_stop_a_render(
    stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TORCHREEL_CACHE", str(tmp_path / "file" / "cache"))
    [result] = batch.run([dataclasses.replace(JOB, folder=tmp_path / "media")], Silent())
    assert result.status == "rendered"


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCHREEL_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_folder() == tmp_path / "own"
    monkeypatch.delenv("TORCHREEL_CACHE")
    assert cache.cache_folder() == tmp_path / "xdg" / "torchreel"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / ".cache" / "torchreel"


def test_clearing_removes_our_files_only(kept: tuple[Cache, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    store, path = kept
    (store.folder / "notes.txt").write_text("mine")
    monkeypatch.setenv("TORCHREEL_CACHE", str(store.folder))
    shown = CliRunner().invoke(main, ["cache", "size", "--json"])
    assert f'"bytes": {path.stat().st_size}' in shown.output
    cleared = CliRunner().invoke(main, ["cache", "clear"])
    assert cleared.output == f"removed 1 files, {path.stat().st_size} B\n"
    assert [name for _, _, names in os.walk(store.folder) for name in names] == ["notes.txt"]


def _entry(store: Cache, number: int, size: int = 100) -> str:
    path = store.folder.parent / "entry"  # type: ignore[union-attr]
    path.write_bytes(bytes(size))
    key = f"{number:064x}"
    store.store(key, path, {})
    os.utime(store._note(key), (number, number))
    return key


def test_what_was_not_asked_for_longest_goes_first(tmp_path: Path) -> None:
    filled = Cache(tmp_path / "store")
    entries = [_entry(filled, number) for number in range(10)]
    assert Cache(tmp_path / "store").find(entries[0]) is not None
    _entry(Cache(tmp_path / "store", most=1000), 10)
    again = Cache(tmp_path / "store")
    assert again.find(entries[0]) is not None
    assert again.find(entries[1]) is None
    assert again.find(entries[-1]) is not None
    assert again.size()[1] <= 1000


def test_what_a_run_has_found_is_not_taken_from_it(tmp_path: Path) -> None:
    store = Cache(tmp_path / "store", most=1000)
    key = _entry(store, 1)
    assert store.find(key) is not None
    os.utime(store._note(key), (0, 0))
    for number in range(2, 40):
        _entry(store, number)
    assert store.find(key) is not None
    assert store.size()[1] <= 1000


def test_a_file_larger_than_the_cache_is_not_kept(tmp_path: Path) -> None:
    store = Cache(tmp_path / "store", most=1000)
    assert store.find(_entry_of(store, 1001)) is None
    assert store.find(_entry_of(store, 1000)) is not None


def _entry_of(store: Cache, size: int) -> str:
    path = store.folder.parent / "entry"  # type: ignore[union-attr]
    path.write_bytes(bytes(size))
    store.store(KEY, path, {})
    return KEY


@pytest.mark.parametrize(
    ("text", "most"), [("500MB", 500 * 10**6), ("1GiB", 1 << 30), ("0", 0), ("", 2 * 10**9)]
)
def test_the_size_of_the_cache_is_the_users(text: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHREEL_CACHE_SIZE", text)
    assert Cache().most == most


@pytest.mark.parametrize("text", ["much", "-1", "9" * 400, "1 1"])
def test_a_size_that_is_none_is_a_mistake(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHREEL_CACHE_SIZE", text)
    for command in (["cache", "size"], ["cache", "clear"], ["render", "Conv2d"]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 2
        assert "TORCHREEL_CACHE_SIZE=" in done.output
        assert len(done.output.splitlines()) == 1


def test_no_cache_keeps_nothing(stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHREEL_CACHE_SIZE", "0")
    job = dataclasses.replace(JOB, folder=tmp_path)
    assert [batch.run([job], Silent())[0].status for _ in range(2)] == ["rendered"] * 2
    assert Cache().size() == (0, 0)


DAMAGED = [
    b"[1, 2]",
    b"{}",
    b"null",
    b"[" * 100_000,
    b"\xff",
    b'{"note": {"sha256": 1}}',
    b'{"MaxPool2d": null}',
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_note_is_forgotten(kept: tuple[Cache, Path], text: bytes) -> None:
    store, _ = kept
    store._note(KEY).write_bytes(text)
    assert store.find(KEY) is None
    assert store.size() == (0, 0)


def test_an_edited_note_is_not_believed(kept: tuple[Cache, Path]) -> None:
    store, _ = kept
    note = store._note(KEY)
    note.write_bytes(note.read_bytes().replace(b"160", b"161"))
    assert store.find(KEY) is None


@pytest.mark.parametrize("text", [*DAMAGED, b'{"Conv2d": Infinity, "Fold": true}'])
def test_damaged_timings_are_forgotten(stage: Any, tmp_path: Path, cache_folder: Path, text: bytes) -> None:
    (cache_folder / "timings.json").write_bytes(text)
    [result] = batch.run([dataclasses.replace(JOB, folder=tmp_path)], Silent())
    assert result.status == "rendered"
    assert json.loads((cache_folder / "timings.json").read_text())["Conv2d"] < 100


def test_clearing_removes_the_timings_too(stage: Any, tmp_path: Path, cache_folder: Path) -> None:
    batch.run([dataclasses.replace(JOB, folder=tmp_path)], Silent())
    assert (cache_folder / "timings.json").exists()
    Cache().clear()
    assert [name for _, _, names in os.walk(cache_folder) for name in names] == []


def test_a_render_goes_on_without_a_place_for_the_cache(
    stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCHREEL_CACHE", "~nobody-of-that-name/x")
    [result] = batch.run([dataclasses.replace(JOB, folder=tmp_path)], Silent())
    assert result.status == "rendered"
    said = capsys.readouterr().err
    assert said.startswith("torchreel: nothing is kept for the next run: ")
    assert len(said.splitlines()) == 1
    assert Cache().size() == Cache().clear() == (0, 0)
