"""The wheel: one package, `torchreel`, that holds exactly what the tree holds."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import torchreel

ROOT = Path(torchreel.__file__).parent
FOLDERS = ("assets", "publish", "render", "scenes")
TOP = ("__init__.py", "__main__.py", "cli.py", "py.typed")
DATA = (".toml", ".otf", ".ttf", ".txt", ".html", ".css", ".js")


def _is_part(path: Path) -> bool:
    return path.suffix == ".py" or path.suffix in DATA


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel built from a copy of the tree."""
    copy, dist = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", *TOP):
        shutil.copy(ROOT / name, copy)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        str(copy),
        "-w",
        str(dist),
        "--no-deps",
        "--no-build-isolation",
        "-q",
    ]
    subprocess.run(command, check=True, capture_output=True)
    [built] = dist.glob("torchreel-*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_exactly_the_trees_modules_and_data(wheel: zipfile.ZipFile) -> None:
    tree = {f"torchreel/{name}" for name in TOP}
    for folder in FOLDERS:
        tree |= {
            f"torchreel/{path.relative_to(ROOT).as_posix()}"
            for path in (ROOT / folder).rglob("*")
            if _is_part(path)
        }
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == tree


def test_the_wheel_installs_one_package_and_one_command(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel.namelist()} == {"torchreel"}
    [entry] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    points = configparser.ConfigParser()
    points.read_string(wheel.read(entry).decode())
    assert dict(points["console_scripts"]) == {"torchreel": "torchreel.cli:main"}


def test_the_licence_is_stated_and_comes_along(wheel: zipfile.ZipFile) -> None:
    [metadata] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    assert "License-Expression: MIT\n" in wheel.read(metadata).decode()
    [licence] = [name for name in wheel.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
    assert wheel.read(licence).decode() == (ROOT / "LICENSE").read_text("utf-8")


def test_fonts_come_with_their_licences(wheel: zipfile.ZipFile) -> None:
    packed = [Path(name) for name in wheel.namelist() if name.startswith("torchreel/assets/fonts/")]
    assert [path for path in packed if path.suffix in (".otf", ".ttf")]
    assert [path for path in packed if "LICENSE" in path.name or "OFL" in path.name]


def test_the_wheel_runs_without_the_checkout(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    command = [
        sys.executable,
        "-c",
        "import sys; sys.path.insert(0, '.'); import torchreel.cli, torchreel as t; "
        "print(t.__file__); torchreel.cli.main(['list'])",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path))
    assert "Conv2d" in done.stdout


def test_the_wheel_brings_the_extension_of_sphinx(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "installed")
    (tmp_path / "conf.py").write_text("extensions = ['torchreel.sphinx']\nexclude_patterns = ['installed']\n")
    (tmp_path / "index.rst").write_text("A\n=\n\n.. torchreel:: ReLU\n")
    code = (
        "import sys; sys.path.insert(0, 'installed')\n"
        "from sphinx.cmd.build import main\n"
        "assert main(['-q', '-W', '-t', 'skip-torchreel', '.', 'out']) == 0\n"
        "print(sys.modules['torchreel.sphinx'].__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_relative_to(tmp_path / "installed")
    assert (tmp_path / "out" / "_static" / "torchreel.css").is_file()


def test_the_version_is_stated_once_for_all(wheel: zipfile.ZipFile) -> None:
    [metadata] = [name for name in wheel.namelist() if name.endswith("METADATA")]
    assert f"Version: {torchreel.__version__}\n" in wheel.read(metadata).decode()


def test_python_dash_m_is_the_command() -> None:
    command = [sys.executable, "-m", "torchreel", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"torchreel, version {torchreel.__version__}\n"
