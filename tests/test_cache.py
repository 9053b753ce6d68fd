"""The cache: the same clip is never rendered twice, a different one never taken for it, and damage is noticed."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.cli import main
from torchreel.render import batch, cache
from torchreel.render.cache import Cache, ledger_key, media_key
from torchreel.render.job import Job, Output
from torchreel.render.outputs import temporary
from torchreel.render.progress import Silent
from torchreel.render.settings import View

GIF = Output("gif", View(160, 90, 5))
JOB = Job(example("Conv2d"), Path("media"), (GIF,))


def change_example() -> Job:
    kwargs = {**JOB.example.kwargs, "stride": 2}
    return dataclasses.replace(JOB, example=dataclasses.replace(JOB.example, kwargs=kwargs))


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


def test_a_changed_source_or_version_changes_all_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {media_key(JOB, GIF), ledger_key(JOB)}
    for part in ("source", "torch", "manim", "python"):
        monkeypatch.setattr(cache, "_identity", lambda part=part: {part: "another"})
        keys |= {media_key(JOB, GIF), ledger_key(JOB)}
    assert len(keys) == 10


def test_the_identity_covers_scenes_renderer_assets_and_versions() -> None:
    known = cache._identity()
    assert {"source", "python", "torch", "manim", "av"} <= known.keys()
    assert all(known.values())


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
