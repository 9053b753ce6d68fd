"""What lies in an output folder: the list of clips is kept there, and nothing that is not torchreel's is touched."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render import batch, manifest, plan, unlisted
from torchreel.render.job import Job, Output
from torchreel.render.progress import Bar, Silent
from torchreel.render.settings import View

STEM = "Conv2d.zh.light"
OURS = {"generator": "torchreel 9.9", "clips": {}}
FOREIGN = {
    "a web app's": b'{"name": "My App", "icons": [], "start_url": "/"}',
    "a browser extension's": b'{"manifest_version": 3, "name": "clips", "version": "1"}',
    "another with clips": b'{"clips": {"x": {"files": {"gif": 5}}}}',
    "another generator": b'{"generator": "torchreels 1", "clips": {}}',
    "a generator of numbers": b'{"generator": 1, "clips": {}}',
    "a list": b"[]",
    "empty": b"",
    "cut": b'{"generator": "torchreel 0.1.0", "cli',
    "not text": b"\xff\xfe\x00",
    "very deep": b"[" * 100_000,
    "clips of no kind": b'{"generator": "torchreel 0.1.0", "clips": []}',
    "an odd clip": b'{"generator": "torchreel 0.1.0", "clips": {"x": 1}}',
    "odd files": b'{"generator": "torchreel 0.1.0", "clips": {"x": {"files": [1]}}}',
    "an odd file": b'{"generator": "torchreel 0.1.0", "clips": {"x": {"files": {"gif": 5}}}}',
    "an odd name": b'{"generator": "torchreel 0.1.0", "clips": {"x": {"files": {"gif": {"name": ["a"], "bytes": 1}}}}}',
    "a long number": b'{"generator": "torchreel 0.1.0", "clips": {}, "n": ' + b"9" * 10_000 + b"}",
}


def job(folder: Path, suffix: str = "png") -> Job:
    return Job(example("Conv2d"), folder, (Output(suffix, View(160, 90, 5)),))


def run(folder: Path, suffix: str = "png", **options: Any) -> list[str]:
    """Render a clip that succeeds; what was noted on the way."""
    silent = Silent()
    [result] = batch.run([job(folder, suffix)], silent, **options)
    assert result.failure is None
    return silent.notes


def clips(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text("utf-8"))
    assert content["generator"].startswith("torchreel ")
    found: dict[str, Any] = content["clips"]
    return found


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_manifest_that_is_not_ours_stays_and_the_clips_are_listed_beside_it(
    stage: Any, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    [note] = run(tmp_path)
    assert note == (
        f"{tmp_path / 'manifest.json'} is not torchreel's and stays as it is; "
        "the clips are listed in torchreel.manifest.json there."
    )
    assert (tmp_path / "manifest.json").read_bytes() == content
    assert list(clips(tmp_path / "torchreel.manifest.json")) == [STEM]


def test_a_folder_a_pipe_and_a_lost_link_of_that_name_are_left_alone(stage: Any, tmp_path: Path) -> None:
    for number, make in enumerate([Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(folder / "manifest.json")
        assert len(run(folder)) == 1
        assert not (folder / "manifest.json").is_file()
        assert list(clips(folder / "torchreel.manifest.json")) == [STEM]


def test_a_manifest_that_is_too_large_is_left_alone(
    stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.dumps(OURS) + 10_000 * " "
    (tmp_path / "manifest.json").write_text(content)
    monkeypatch.setattr(unlisted, "LARGEST", 9_999)
    assert len(run(tmp_path)) == 1
    assert (tmp_path / "manifest.json").read_text() == content


def test_where_both_names_are_taken_the_clips_are_not_listed(stage: Any, tmp_path: Path) -> None:
    for name in ("manifest.json", "torchreel.manifest.json"):
        (tmp_path / name).write_text("mine")
    [note] = run(tmp_path)
    assert note.endswith("are not torchreel's and stay as they are; the clips are made, but not listed.")
    assert {(tmp_path / name).read_text() for name in ("manifest.json", "torchreel.manifest.json")} == {
        "mine"
    }
    assert (tmp_path / f"{STEM}.png").exists()


def test_a_manifest_written_before_manifests_said_whose_they_are_is_taken_over(
    stage: Any, tmp_path: Path
) -> None:
    assert run(tmp_path) == []
    path = tmp_path / "manifest.json"
    listed = clips(path)
    for file in listed[STEM]["files"].values():
        del file["sha256"]
    path.write_text(json.dumps({"torchreel": "0.1.0", "clips": listed}))
    assert run(tmp_path, "gif") == []
    assert set(clips(path)[STEM]["files"]) == {"gif", "json", "png"}


def test_a_full_disk_at_the_manifest_is_one_line(
    stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(manifest, "write_whole", full)
    assert run(tmp_path) == [
        f"cannot write {tmp_path / 'manifest.json'}: No space left on device; the clips are made, but not listed."
    ]
    assert not (tmp_path / "manifest.json").exists()


def test_a_lock_that_another_program_holds_is_said_and_not_waited_for_without_end(
    stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(manifest.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(manifest.time, "sleep", lambda seconds: None)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        notes = run(tmp_path)
    finally:
        os.close(descriptor)
    assert notes == [
        f"waiting for another program to unlock {tmp_path}, 20 s at most.",
        f"{tmp_path} is still locked by another program; the clips are made, but not listed in manifest.json.",
    ]


@pytest.mark.parametrize("suffix", ["png", "json"])
def test_a_file_that_no_run_wrote_is_refused_before_anything_is_done(
    stage: Any, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"{STEM}.{suffix}"
    path.write_bytes(b"mine")
    with pytest.raises(UserError, match=r"not written by torchreel, or changed since; .*--force\.$"):
        run(tmp_path)
    assert path.read_bytes() == b"mine"
    assert stage.rendered == []
    run(tmp_path, force=True)
    assert path.read_bytes() != b"mine"
    assert run(tmp_path) == []


def test_a_file_of_ours_may_be_replaced_even_where_the_cache_is_gone(
    stage: Any, tmp_path: Path, cache_folder: Path
) -> None:
    run(tmp_path)
    for path in cache_folder.glob("*/*"):
        path.unlink()
    assert run(tmp_path) == []
    assert len(stage.rendered) == 2


def test_a_killed_runs_finished_clips_are_known_to_the_next_run(
    stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is written with each clip, not at the end of the run, which may never come."""
    monkeypatch.setattr(batch._Batch, "write_manifests", lambda self: None)
    run(tmp_path)
    assert list(manifest.read(tmp_path)) == [STEM]


def test_a_note_is_a_line_on_standard_error_beside_a_bar(
    stage: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "manifest.json").write_text("mine")
    screen = io.StringIO()
    with Bar(1, screen) as bar:
        batch.run([job(tmp_path)], bar)
    assert capsys.readouterr().err == f"torchreel: {bar.notes[0]}\n"
    assert "is not torchreel's" not in screen.getvalue()
    assert f"{STEM}  png " in screen.getvalue()


def test_an_entry_names_family_title_and_the_handbooks_row(stage: Any, tmp_path: Path) -> None:
    run(tmp_path)
    entry = clips(tmp_path / "manifest.json")[STEM]
    assert (entry["family"], entry["title"]) == ("convolution", {"zh": "方块", "en": "Square"})
    assert entry["handbook"] == {
        "row": 1,
        "section": "卷积（Convolution）",
        "title": "卷积（Conv）",
        "page": "Convolution/Conv.ipynb",
    }


def test_folders_copied_together_are_one_list_after_the_next_run(stage: Any, tmp_path: Path) -> None:
    """The second folder's manifest has replaced the first's; what it does not list comes in by its ledger."""
    one, other, both = (tmp_path / name for name in ("one", "other", "both"))
    run(one, "mp4")
    batch.run([Job(example("Fold"), other, (Output("png", View(160, 90, 5)),), lang="en")], Silent())
    entries = {**manifest.read(one), **manifest.read(other)}
    for folder in (one, other):
        shutil.copytree(folder, both, dirs_exist_ok=True)
    assert list(clips(both / "manifest.json")) == ["Fold.en.light"]
    assert manifest.read(both) == entries
    batch.run([Job(example("Unfold"), both, (Output("png", View(160, 90, 5)),))], Silent())
    listed = clips(both / "manifest.json")
    assert set(listed) == {*entries, "Unfold.zh.light"}
    assert {stem: listed[stem] for stem in entries} == entries


def test_what_was_copied_may_be_replaced_by_a_run_that_knows_no_cache(
    stage: Any, tmp_path: Path, cache_folder: Path
) -> None:
    run(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "copy", ignore=shutil.ignore_patterns("manifest.json"))
    for path in cache_folder.glob("*/*"):
        path.unlink()
    assert run(tmp_path / "copy") == []
    assert len(stage.rendered) == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Fold.zh.light", {}),
        ("Conv2d.en.light", {}),
        ("Conv2d-stride.zh.light", {}),
        (STEM, {"alt": "text"}),
        (STEM, {"steps": None}),
        ("package.zh", {}),
    ],
    ids=["another operator", "another language", "another example", "odd words", "no steps", "no such name"],
)
def test_a_json_file_that_is_no_ledger_of_its_name_does_not_come_into_the_list(
    stage: Any, tmp_path: Path, name: str, said: dict[str, Any]
) -> None:
    run(tmp_path / "made")
    ledger = json.loads((tmp_path / "made" / f"{STEM}.json").read_text("utf-8"))
    folder = tmp_path / "copied"
    folder.mkdir()
    (folder / f"{name}.json").write_text(json.dumps({**ledger, **said}), "utf-8")
    assert manifest.read(folder) == {}


def test_a_changed_clip_comes_in_by_its_own_name(stage: Any, tmp_path: Path) -> None:
    run(tmp_path / "made")
    shutil.copy(tmp_path / "made" / f"{STEM}.json", tmp_path / "Conv2d-set-12ab34.zh.light.json")
    assert list(manifest.read(tmp_path)) == ["Conv2d-set-12ab34.zh.light"]


@given(st.integers(1, 40), st.integers(1, 12))
def test_shards_are_disjoint_complete_and_even(length: int, parts: int) -> None:
    planned = [job(Path(str(number))) for number in range(length)]
    shards = [plan.shard(planned, f"{number}/{parts}") for number in range(1, parts + 1)]
    numbers = [int(one.folder.name) for shard in shards for one in shard]
    assert sorted(numbers) == list(range(length))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("text", ["0/8", "9/8", "3", "3/", "a/b", "-1/8", "1/0", "1.5/2"])
def test_a_shard_that_is_none_is_a_mistake(text: str) -> None:
    with pytest.raises(UserError, match=r"expected a part and their number, from 1/8 to 8/8\.$"):
        plan.shard([], text)
