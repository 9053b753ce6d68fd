"""`torchreel explain`: a call that is typed is read and never run; a net in a file is run and recorded."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import torchreel
from torchreel.cli import main
from torchreel.scenes.expressions import read_expression
from torchreel.scenes.own import Asked, recorded, typed

NET = """
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(x) + x

net = nn.Sequential(nn.Linear(3, 2), Block())
number = 3

def broken():
    raise ValueError("no weights")
"""


def explain(*args: str) -> Result:
    return CliRunner().invoke(main, ["explain", *args, "--lang", "en"])


@pytest.mark.parametrize(
    ("text", "name", "settings"),
    [
        (
            "nn.Conv2d(1, 4, 3, stride=2)",
            "Conv2d",
            {"in_channels": 1, "out_channels": 4, "kernel_size": 3, "stride": 2},
        ),
        ("torch.nn.MaxPool2d((2, 3))", "MaxPool2d", {"kernel_size": (2, 3)}),
        ("nn.ReLU", "ReLU", {}),
        ("nn.Hardtanh(-inf, 1.0)", "Hardtanh", {"min_val": float("-inf"), "max_val": 1.0}),
        ("F.conv2d(stride=2)", "F.conv2d", {"stride": 2}),
        ("torch.nn.functional.relu", "F.relu", {}),
    ],
)
def test_calls_are_read(text: str, name: str, settings: dict[str, object]) -> None:
    found = read_expression(text)
    assert (found.name, found.settings) == (name, settings)


def test_tensors_among_the_arguments_are_read_by_the_grammar() -> None:
    found = read_expression("nn.NLLLoss(weight=torch.tensor([1., 2.]))")
    assert torch.equal(found.settings["weight"], torch.tensor([1.0, 2.0]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("os.system('ls')", "'os' is not known"),
        ("__import__('os').system('ls')", "expected a class of nn"),
        ("nn.Sequential(nn.ReLU())", "is not in the grammar"),
        ("nn.Conv2D(1, 1, 1)", "Did you mean 'Conv2d'"),
        ("nn.ReLU(1, 2)", "takes 1 arguments, not 2"),
        ("nn.Linear(2, 3, in_features=2)", "in_features was given twice"),
        ("nn.Linear(**x)", "each argument is given once"),
        ("nn.Linear(open('x'))", "not in the grammar"),
        ("F.relu(3)", "give tensors with --input"),
        ("F.nope", "F.nope is not a function"),
        ("nn.Linear(2,", "never closed|invalid syntax"),
        ("nn.Activations()", "is no class of torch.nn"),
    ],
)
def test_anything_else_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(torchreel.UserError, match=message) as found:
        read_expression(text)
    assert "\n" not in str(found.value)


@given(st.text(alphabet="nnF.torch_ ()[]{}:=,'\"*+-/lambdaxyz0123456789\n", max_size=60))
def test_no_text_does_more_than_be_read_or_refused(text: str) -> None:
    with contextlib.suppress(torchreel.UserError):
        read_expression(text)


def test_a_typed_call_is_torchs_own() -> None:
    asked = Asked("nn.Linear(3, 2)", ["torch.arange(6.).reshape(2, 3)"], train=False, seed=4)
    trace = typed(asked).trace
    module = trace.module
    assert isinstance(module, nn.Linear)
    assert not module.training
    assert torch.equal(trace.output, module(torch.arange(6.0).reshape(2, 3)).detach())
    assert torch.equal(typed(asked).trace.output, trace.output)


def test_every_kind_of_input_reaches_its_place(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    torch.save({"weight": torch.eye(2), "bias": torch.zeros(2)}, weights)
    result = explain(
        "nn.Linear(2, 2)",
        "--input",
        "[[3., 4.]]",
        "--state",
        str(weights),
        "-f",
        "png",
        "-o",
        str(tmp_path),
        "--json",
    )
    assert result.exit_code == 0, result.output
    [path] = json.loads(result.output)["files"]
    assert Path(path).is_file()
    loss = explain(
        "F.mse_loss", "--input", "[1., 2.]", "--input", "target=[0., 4.]", "-f", "png", "-o", str(tmp_path)
    )
    assert loss.exit_code == 0, loss.output


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nn.ReLU"], "give its inputs"),
        (["nn.Conv2d(1, 1, 3, padding=5000)", "--input", "torch.randn(1, 1, 8, 8)"], "the limit is 1 GB"),
        (
            ["nn.Linear(2, 2)", "--input", "torch.randn(1, 3)"],
            "Linear: mat1 and mat2 shapes cannot be multiplied",
        ),
        (["F.relu", "--input", "[1.]", "--eval"], "is a function"),
        (["nn.ReLU", "--input", "[1.]", "--tour"], "are for nets"),
        (["none.py:net", "--input", "[1.]"], "no such file"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(args: list[str], message: str, tmp_path: Path) -> None:
    folder = tmp_path / "media"
    result = explain(*args, "-o", str(folder))
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not folder.exists()


@pytest.fixture
def net(tmp_path: Path) -> str:
    path = tmp_path / "my_net.py"
    path.write_text(NET)
    return f"{path}:"


def test_a_net_in_a_file_is_recorded(net: str) -> None:
    recorder, _ = recorded(Asked(f"{net}net", ["torch.ones(1, 3)"]))
    assert [(call.path, call.name) for call in recorder.calls] == [("0", "Linear"), ("1.act", "ReLU")]
    block, _ = recorded(Asked(f"{net}Block", ["torch.ones(1, 3)"]))
    assert [call.name for call in block.calls] == ["ReLU"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("number", "number is no torch.nn module. The file has Block, net"),
        ("missing", "missing is no torch.nn module"),
        ("broken", r"broken\(\) made no net: no weights"),
    ],
)
def test_what_is_no_net_is_refused(net: str, name: str, message: str) -> None:
    with pytest.raises(torchreel.UserError, match=message):
        recorded(Asked(f"{net}{name}", ["torch.ones(1, 3)"]))


def test_a_file_that_cannot_be_imported_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text("import nothing_of_that_name")
    with pytest.raises(torchreel.UserError, match="ModuleNotFoundError when it was imported"):
        recorded(Asked(f"{path}:net", ["torch.ones(1)"]))


def test_a_net_is_saved_by_kinds_or_toured(net: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    result = explain(f"{net}net", "--input", "torch.ones(1, 3)", "-f", "png", "-o", str(folder))
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == [
        "001-0-Linear.png",
        "002-1.act-ReLU.png",
        "index.html",
    ]
    tour = explain(
        f"{net}net", "--input", "torch.ones(1, 3)", "--tour", "-f", "png", "-o", str(tmp_path / "tour")
    )
    assert tour.exit_code == 0, tour.output
    [path] = (tmp_path / "tour").iterdir()
    assert path.name.endswith("-tour.en.light.png")
