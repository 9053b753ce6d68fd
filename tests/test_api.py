"""torchreel from Python: a proved trace of any call, nothing of the caller's touched, one line where it cannot be."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import torchreel
from torchreel.assets.handbook import rows
from torchreel.tests.calls import check_call, same

CLASSES = [name for row in rows() for name in (*row.classes, *row.beyond)]


def test_the_readme_example_runs() -> None:
    trace = torchreel.trace(nn.Conv2d(1, 1, 3, padding="same"), torch.randn(1, 1, 5, 5))
    step = trace.step("output", (0, 0, 1, 2))
    assert {tensor for tensor, _ in step.reads} == {"input", "weight", "bias"}
    assert step.value == pytest.approx(float(trace.output[0, 0, 1, 2]))


def test_importing_the_package_imports_neither_torch_nor_manim() -> None:
    code = "import sys, torchreel; torchreel.__version__; print({'torch', 'manim'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        torchreel.nothing  # noqa: B018


def test_hooks_neither_run_nor_leave() -> None:
    module, called = nn.Linear(2, 1), []
    module.register_forward_hook(lambda *_: torch.zeros(9))
    module.register_forward_pre_hook(lambda *_: called.append("before"))
    plain = torchreel.trace(module, torch.ones(1, 2)).output
    assert (called, plain.shape) == ([], (1, 1))
    assert (len(module._forward_hooks), len(module._forward_pre_hooks)) == (1, 1)


def test_buffers_that_the_call_updates_stay() -> None:
    module = nn.BatchNorm1d(2)
    traced = check_call(module, torch.randn(4, 2))
    assert int(module.num_batches_tracked or 0) == 0
    assert traced.output.shape == (4, 2)


def test_inputs_and_parameters_that_need_gradients_are_taken() -> None:
    x = torch.randn(1, 1, 4, 4, requires_grad=True)
    traced = torchreel.trace(nn.ReLU(inplace=True), x * 2)
    assert not traced.output.requires_grad
    assert x.grad is None


def test_random_numbers_are_those_of_the_very_next_call() -> None:
    module, x = nn.Dropout(0.5), torch.ones(64)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        traced = torchreel.trace(module, x)
        same(traced.output, module(x))


def test_arguments_may_be_given_by_name() -> None:
    for module, given in (
        (nn.Conv1d(1, 1, 2), {"input": torch.randn(1, 1, 4)}),
        (nn.CosineSimilarity(), {"x1": torch.randn(2, 3), "x2": torch.randn(2, 3)}),
        (nn.MSELoss(), {"input": torch.randn(3), "target": torch.randn(3)}),
    ):
        assert torchreel.trace(module, **given).outputs


@pytest.mark.parametrize(
    ("module", "inputs", "said"),
    [
        (
            nn.Transformer(8, 2, batch_first=True),
            [],
            r"^nn\.Transformer is not supported\. .*'torchreel list' shows all",
        ),
        (nn.LazyConv2d(1, 1), [], r"^nn\.LazyConv2d is not supported\. Near: Conv2d"),
        (nn.Sequential(nn.ReLU()), [], r"not supported"),
        (3, [], r"^trace expects a torch\.nn module such as .*, not int\.$"),
        (nn.Conv2d, [], r"^trace expects a torch\.nn module .*, not Conv2d\.$"),
        (nn.Conv2d(1, 1, 3), [], r"^Conv2d: missing a required argument: 'input'"),
        (nn.Conv2d(1, 1, 3), [torch.zeros(3)], r"^Conv2d: Expected 3D \(unbatched\) or 4D \(batched\) input"),
        (nn.Conv2d(1, 1, 3), [[1, 2]], r"^Conv2d: "),
        (nn.Linear(3, 1), [torch.zeros(2, 4)], r"^Linear: mat1 and mat2 shapes cannot be multiplied"),
        (
            nn.ReLU(),
            [torch.zeros(2, dtype=torch.complex64)],
            r"^ReLU: input should be a dense tensor of real numbers",
        ),
        (nn.ReLU(), [torch.zeros(2).to_sparse()], r"^ReLU: input should be a dense tensor"),
    ],
)
def test_what_cannot_be_traced_is_refused_in_one_line(module: Any, inputs: list[Any], said: str) -> None:
    with pytest.raises(torchreel.UserError, match=said) as refused:
        torchreel.trace(module, *inputs)
    assert "\n" not in str(refused.value)


def test_a_class_of_ones_own_is_not_taken_for_its_base() -> None:
    class Mine(nn.Conv2d):
        def forward(self, input: Tensor) -> Tensor:
            return super().forward(input) + 1

    with pytest.raises(
        torchreel.UserError, match=r"^Mine is a class of its own: .* Trace its parts, or an nn\.Conv2d"
    ):
        torchreel.trace(Mine(1, 1, 1), torch.zeros(1, 1, 2, 2))


@pytest.mark.parametrize("name", CLASSES)
def test_nonsense_raises_nothing_but_torchreels_own(name: str) -> None:
    """Whatever is given, and however wrong, the exception is one line of ours."""
    try:
        module = getattr(nn, name)(*SETTINGS.get(name, ()))
    except TypeError:
        module = getattr(nn, name)(2)
    for inputs in (
        (),
        (None,),
        ("text",),
        (torch.zeros(0),),
        (torch.zeros(1, 1, 1, 1, 1, 1),),
        (torch.tensor(1),) * 2,
    ):
        try:
            torchreel.trace(module, *inputs)
        except torchreel.TorchreelError as error:
            assert "\n" not in str(error)
            assert "cannot be traced yet" not in str(error)


SETTINGS: dict[str, tuple[Any, ...]] = {
    **{f"{kind}{dims}d": (1, 1, 2) for kind in ("Conv", "ConvTranspose") for dims in (1, 2, 3)},
    **{f"ConstantPad{dims}d": (1, 0.5) for dims in (1, 2, 3)},
    **{f"LPPool{dims}d": (2, 2) for dims in (1, 2, 3)},
    **{f"FractionalMaxPool{dims}d": (2, 1) for dims in (2, 3)},
    "Fold": ((2, 2), 2),
    "Threshold": (0.1, 1.0),
    "GroupNorm": (1, 2),
    "Bilinear": (2, 2, 2),
    "Linear": (2, 2),
    "Embedding": (2, 2),
    "EmbeddingBag": (2, 2),
    "AdaptiveLogSoftmaxWithLoss": (2, 3, [1]),
    **dict.fromkeys(("RNNCell", "LSTMCell", "GRUCell", "RNN", "LSTM", "GRU"), (2, 2)),
    **dict.fromkeys(("Softmax", "Softmin", "LogSoftmax", "CosineSimilarity", "GLU"), (0,)),
}


class Counted(TorchDispatchMode):
    """Counts what torch is asked to compute."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **kwargs or {})


def test_an_image_is_proved_many_elements_at_a_time() -> None:
    with Counted() as asked:
        traced = torchreel.trace(nn.Conv2d(3, 8, 3, padding=1), torch.randn(3, 224, 224))
    assert asked.count < traced.output.numel() / 100
