"""Dask: the same clips, files and endings as without it, whatever happens to workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import Client, LocalCluster

from torchreel.assets.errors import UserError
from torchreel.assets.examples import example
from torchreel.render import batch
from torchreel.render.cache import Cache
from torchreel.render.cluster import Cluster, done_here
from torchreel.render.job import Job, Output
from torchreel.render.keys import keys
from torchreel.render.progress import Silent
from torchreel.render.settings import View
from torchreel.render.task import Result, Task
from torchreel.tests.commands import call
from torchreel.tests.killing import KilledWhileDrawing

TINY = View(160, 90, 5)
CLIPS = ("ReLU", "Tanh", "Linear", "Conv2d")
RENDER = (sys.executable, "-m", "torchreel", "render")
LONG = 600  # seconds, for a machine that is slow


def jobs(folder: Path, *names: str) -> list[Job]:
    files = tuple(Output(suffix, TINY) for suffix in ("gif", "png"))
    return [Job(example(name), folder, files) for name in names]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Told(Silent):
    """Notes which clips were begun and ended, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str] = []
        self.ended: list[str] = []

    def started(self, job: Job) -> None:
        self.begun.append(job.label)

    def finished(self, result: Result) -> None:
        assert result.job.label in self.begun
        self.ended.append(result.job.label)


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Client]:
    """A cluster of two processes, which gives a clip up when it has cost two of them."""
    settings = {"distributed.scheduler.allowed-failures": 1, "distributed.scheduler.worker-saturation": 1.0}
    with (
        dask.config.set(settings),
        LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=0, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def address(client: Client) -> str:
    found: str = client.scheduler.address
    return found


def test_a_worker_killed_in_mid_run_costs_nothing(two_workers: Client, tmp_path: Path) -> None:
    two_workers.register_plugin(KilledWhileDrawing(tmp_path / "killed"), name="killed")
    told = Told()
    results = batch.run(jobs(tmp_path / "dask", *CLIPS), told, crew=Cluster(address(two_workers)))
    two_workers.unregister_worker_plugin("killed")
    assert (tmp_path / "killed").exists()
    assert [result.status for result in results] == ["rendered"] * len(CLIPS)
    assert sorted(told.begun) == sorted(told.ended) == sorted(CLIPS)
    batch.run(jobs(tmp_path / "plain", *CLIPS), Silent(), force=True)
    assert contents(tmp_path / "dask") == contents(tmp_path / "plain")


def test_a_clip_that_kills_its_workers_fails_alone(two_workers: Client, tmp_path: Path) -> None:
    two_workers.register_plugin(KilledWhileDrawing(tmp_path / "killed", number=0), name="deadly")
    results = batch.run(jobs(tmp_path, "Tanh", "ReLU"), Silent(), crew=Cluster(address(two_workers)))
    two_workers.unregister_worker_plugin("deadly")
    assert [result.status for result in results] == ["failed", "rendered"]
    assert results[0].failure is not None
    assert results[0].failure.message == "Tanh: 2 workers died while they had it."
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".", "Tanh"))]


def test_what_has_not_changed_needs_no_cluster(two_workers: Client, tmp_path: Path) -> None:
    batch.run(jobs(tmp_path, "ReLU"), Silent(), crew=Cluster(address(two_workers)))
    [again] = batch.run(jobs(tmp_path, "ReLU"), Silent(), crew=Cluster("tcp://127.0.0.1:9"))
    assert again.status == "cached"


def test_changed_clips_travel_too_and_a_mistake_is_found_before(two_workers: Client, tmp_path: Path) -> None:
    options = ("-q", "l", "-f", "png", "--dask", address(two_workers), "-o", tmp_path / "clips", "--json")
    wrong = call("render", "Conv2d", "--set", "kernel_size=99", *options)
    assert wrong.exit_code == 2
    assert "kernel_size" in wrong.output
    assert list((tmp_path / "clips").iterdir()) == []
    (tmp_path / "x.csv").write_text("1,2,3\n4,5,6\n")
    right = call("render", "ReLU", "--input", tmp_path / "x.csv", *options)
    assert right.exit_code == 0
    [clip] = json.loads(right.output)["clips"]
    ledger = json.loads((tmp_path / "clips" / clip["files"]["json"]["name"]).read_text("utf-8"))
    assert ledger["tensors"]["input"]["shape"] == [2, 3]


def test_another_version_draws_nothing(tmp_path: Path) -> None:
    [job] = jobs(tmp_path, "ReLU")
    task = Task(0, job, Cache(), force=True)
    task.keys = {suffix: f"{key}, but of another torch" for suffix, key in keys(job).items()}
    parcel = done_here(task, "tcp://10.0.0.2:4000", lambda _: None)
    assert parcel.files == {}
    assert parcel.answer.failure is not None
    assert parcel.answer.failure.message.startswith(
        "ReLU: tcp://10.0.0.2:4000 has another torchreel, torch or Python"
    )


@pytest.mark.parametrize("where", ["tcp://127.0.0.1:9", "127.0.0.1", "foo://here:1", ""])
def test_where_nobody_answers_one_line_says_so(tmp_path: Path, where: str) -> None:
    result = call("render", "ReLU", "-f", "png", "--dask", where, "-o", tmp_path)
    assert result.exit_code == 2
    assert result.output.startswith(f"torchreel: --dask {where}: no dask scheduler answers there; expected")
    assert result.output.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_has_the_workers_it_has(tmp_path: Path) -> None:
    result = call("render", "ReLU", "--dask", "tcp://127.0.0.1:9", "-j", "2", "-o", tmp_path)
    assert result.exit_code == 2
    assert result.output.startswith("torchreel: -j 2 is for --dask local")


def test_without_dask_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = call("render", "ReLU", "--dask", "local", "-o", tmp_path)
    assert result.exit_code == 2
    assert result.output == (
        'torchreel: --dask needs distributed, which is missing: pip install "torchreel[dask]".\n'
    )
    with pytest.raises(UserError):
        Cluster("local")


def test_local_starts_workers_and_ends_them(tmp_path: Path) -> None:
    command = (
        *RENDER,
        "ReLU",
        "Tanh",
        "-q",
        "l",
        "-f",
        "png",
        "-o",
        str(tmp_path),
        "--dask",
        "local",
        "-j",
        "2",
    )
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, timeout=LONG)
    assert (done.returncode, done.stderr) == (0, "")
    assert [clip["status"] for clip in json.loads(done.stdout)["clips"]] == ["rendered"] * 2
    assert len(list(tmp_path.glob("*.png"))) == 2


def test_ctrl_c_ends_it_in_one_line(tmp_path: Path) -> None:
    """As a terminal sends it: to the command and to all that it has started."""
    command = (*RENDER, *CLIPS, "-f", "gif", "-o", str(tmp_path), "--dask", "local", "-j", "2")
    run: Any = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert run.stdout.readline()
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=LONG)
    assert run.returncode == 130
    assert errors == "torchreel: interrupted; what is finished is kept.\n"
    _until_nobody_is_left(run.pid)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def _until_nobody_is_left(group: int) -> None:
    """The pipes are closed when the processes of a group have ended, but they may not have been taken away yet."""
    for _ in range(LONG):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(1)
    raise AssertionError("some workers are still there")
