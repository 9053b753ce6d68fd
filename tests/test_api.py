"""torchreel from Python: a proved trace of any call, nothing of the caller's touched, one line where it cannot be."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm
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


def _pruned() -> nn.Module:
    module = prune.l1_unstructured(nn.Linear(4, 3), "weight", 6)
    module.weight_orig.data.mul_(10)
    return module


def _normed() -> nn.Module:
    module = weight_norm(nn.Linear(4, 3))
    module.weight_g.data.mul_(10)
    return module


def _lstm() -> nn.Module:
    return parametrizations.spectral_norm(nn.LSTM(4, 3, 2, dropout=0.5), "weight_hh_l0")


def _adaptive() -> nn.Module:
    module = nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2])
    spectral_norm(module.head)
    return module


class _Held(nn.Linear):
    """A Linear with what cannot be copied."""

    def __init__(self, *sizes: int) -> None:
        super().__init__(*sizes)
        self.lock, self.lines = threading.Lock(), (line for line in "ab")


def _softplus() -> nn.Module:
    module = nn.BatchNorm1d(4)
    parametrize.register_parametrization(module, "weight", nn.Softplus())
    return module


X = torch.linspace(-2, 3, 8).reshape(2, 4)
COMPUTED: list[tuple[Callable[[], nn.Module], tuple[Tensor, ...]]] = [
    (lambda: spectral_norm(nn.Linear(4, 3)), (X,)),
    (_normed, (X,)),
    (_pruned, (X,)),
    (lambda: parametrizations.weight_norm(nn.Linear(4, 3)), (X,)),
    (lambda: parametrizations.orthogonal(nn.Linear(4, 3)), (X,)),
    (lambda: parametrizations.spectral_norm(nn.Conv2d(1, 2, 2)), (X[None],)),
    (lambda: parametrizations.weight_norm(nn.GRUCell(4, 3), "weight_hh"), (X,)),
    (_lstm, (X[:, None],)),
    (_softplus, (X,)),
    (_adaptive, (X, torch.tensor([0, 5]))),
    (lambda: _Held(4, 3), (X,)),
]


@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
@pytest.mark.parametrize("called_before", [False, True])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("build", "inputs"), COMPUTED)
def test_weights_that_are_computed_are_those_of_the_call(
    build: Callable[[], nn.Module], inputs: tuple[Tensor, ...], training: bool, called_before: bool
) -> None:
    """Hooks and parametrizations run: the result is that of the call, even when the weight at hand is an old one."""
    module = build().train(training)
    if called_before:
        with torch.no_grad():
            module(*inputs)
    traced = check_call(module, *inputs)
    names = {"weight_orig", "weight_mask", "weight_g", "weight_v", "weight_u"}
    assert not names & traced.tensors.keys(), "what a weight is computed from is no part of the operator"
    assert type(traced.module) in vars(nn).values()


def test_a_hook_that_looks_sees_the_call_once_and_on_a_copy() -> None:
    module, seen = nn.Conv2d(1, 1, 2), []
    module.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append((len(args), [*kwargs])), with_kwargs=True
    )
    module.register_forward_hook(lambda mine, *_: seen.append(mine is module))
    torchreel.trace(module, torch.ones(1, 3, 3))
    torchreel.trace(module, input=torch.ones(1, 3, 3))
    assert seen == [(1, []), False, (0, ["input"]), False]
    assert (len(module._forward_hooks), len(module._forward_pre_hooks)) == (1, 1)


@pytest.mark.parametrize("module", [nn.ReLU(), nn.PReLU(), nn.Dropout(), nn.BatchNorm1d(4), nn.LSTM(4, 2)])
def test_a_hook_for_all_modules_sees_the_call_once(module: nn.Module) -> None:
    seen: list[nn.Module] = []
    hook = nn.modules.module.register_module_forward_hook(lambda mine, *_: seen.append(mine))
    try:
        torchreel.trace(module, X)
    finally:
        hook.remove()
    assert len(seen) == 1
    assert seen[0] is not module


def test_random_numbers_of_a_hook_are_drawn_before_those_of_the_operator() -> None:
    module = nn.Dropout(0.5)
    module.register_forward_pre_hook(_drawing)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        traced = check_call(module, torch.ones(64))
        assert 0 < float(traced.tensors["mask"].mean()) < 1


def _more(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (inputs[0] + 100,)


def _in_place(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    inputs[0].mul_(2)


def _drawing(*_: Any) -> None:
    torch.rand(3)


def _raising(*_: Any) -> None:
    raise KeyError("boom")


@pytest.mark.parametrize(
    ("register", "hook", "said"),
    [
        (
            "register_forward_pre_hook",
            _more,
            "the forward pre-hook _more changes the input, which no step of ReLU",
        ),
        ("register_forward_pre_hook", _in_place, "the forward pre-hook _in_place changes the input"),
        ("register_forward_hook", lambda *_: torch.zeros(9), "the forward hook <lambda> changes the output"),
        ("register_forward_hook", lambda _, __, y: y.add_(1), "the forward hook <lambda> changes the output"),
        ("register_forward_pre_hook", _raising, "the forward pre-hook _raising raised KeyError: 'boom'"),
        ("register_forward_hook", _raising, "the forward hook _raising raised KeyError: 'boom'"),
    ],
)
def test_a_hook_that_interferes_is_refused_by_name(register: str, hook: Any, said: str) -> None:
    module, x = nn.ReLU(), torch.ones(2)
    getattr(module, register)(hook)
    with pytest.raises(torchreel.UserError, match=f"^ReLU: {said}") as refused:
        torchreel.trace(module, x)
    assert "\n" not in str(refused.value)
    assert x.tolist() == [1, 1]


def test_a_trace_outlives_what_becomes_of_its_module() -> None:
    module = nn.Linear(4, 3)
    traced = torchreel.trace(module, X)
    before = traced.value("weight", (0, 0))
    with torch.no_grad():
        module.weight.zero_()
    assert traced.value("weight", (0, 0)) == before != 0


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
        (nn.LazyConv2d(1, 1), [], r"^LazyConv2d: .*missing 1 required positional argument"),
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


class _Forward(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) + 1


class _Inner(nn.Conv2d):
    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return super()._conv_forward(input, weight * 2, bias)


class _Alike(nn.Conv2d):
    def extra_repr(self) -> str:
        return "mine"

    def train(self, mode: bool = True) -> Any:
        return super().train(False)

    def helper(self) -> int:
        return 3


@pytest.mark.parametrize(("kind", "own"), [(_Forward, "forward"), (_Inner, "_conv_forward")])
def test_a_class_that_computes_its_own_way_is_not_taken_for_its_base(kind: Any, own: str) -> None:
    said = rf"^{kind.__name__} is a class of its own: its {own} is not that of nn\.Conv2d.* or an nn\.Conv2d itself"
    with pytest.raises(torchreel.UserError, match=said):
        torchreel.trace(kind(1, 1, 1), torch.zeros(1, 1, 2, 2))


def test_a_replaced_forward_is_not_taken_for_torchs() -> None:
    module = nn.ReLU()
    module.forward = lambda input: input  # type: ignore[method-assign]
    with pytest.raises(
        torchreel.UserError, match=r"^this ReLU is a class of its own: its forward is not that"
    ):
        torchreel.trace(module, torch.zeros(2))


def test_a_class_that_computes_as_its_base_is_taken_for_it() -> None:
    assert check_call(_Alike(1, 1, 1), torch.ones(1, 1, 2, 2)).name == "Conv2d"


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (("nope", (0,)), r"'nope' is no tensor of this trace\. It has .*output"),
        ((["x"], (0,)), r"\['x'\] is no tensor of this trace"),
        *(
            (
                ("output", given),
                r"output: no index .* in the shape \(2, 3\)\. Give 2 whole numbers \(0 to 1, 0 to 2\)",
            )
            for given in [
                (9,),
                (0, 3),
                (-1, 0),
                (0.5, 0),
                (True, 0),
                (0, 0, 0),
                0,
                None,
                "ab",
                (10**30, 0),
                X,
                [[0, 0]],
            ]
        ),
    ],
)
@pytest.mark.parametrize("ask", ["step", "value"])
def test_what_a_trace_does_not_have_is_refused_in_one_line(ask: str, index: Any, said: str) -> None:
    traced = torchreel.trace(nn.Linear(4, 3), X)
    with pytest.raises(torchreel.UserError, match=said) as refused:
        getattr(traced, ask)(*index)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_a_given_tensorhas_values_and_no_steps() -> None:
    traced = torchreel.trace(nn.Linear(4, 3), X)
    assert traced.value("input", (1, 3)) == 3
    with pytest.raises(
        torchreel.UserError, match=r"no step fills input \(2, 4\), which is given\. Steps fill"
    ):
        traced.step("input", (0, 0))


def test_an_index_may_be_any_librarys_whole_numbers() -> None:
    wide, flat = torchreel.trace(nn.Linear(4, 3), X), torchreel.trace(nn.ReLU(), X[1])
    for index in ((1, 2), [np.int64(1), np.uint8(2)], (torch.tensor(1), torch.tensor(2))):
        assert wide.value("output", index) == wide.step("output", index).value == wide.value("output", (1, 2))
        assert wide.step("output", index).index == (1, 2)
    assert flat.value("output", 2) == flat.value("output", (2,)) == flat.step("output", np.int8(2)).value


def _fake() -> Tensor:
    with FakeTensorMode():
        return torch.randn(3)


UNUSUAL: dict[str, Callable[[], Tensor]] = {
    "on the meta device": lambda: X.to("meta"),
    "sparse_csr": lambda: X.to_sparse_csr(),
    "sparse_coo": lambda: X.to_sparse(),
    "mkldnn": lambda: X.to_mkldnn(),
    "nested": lambda: torch.nested.nested_tensor([X, X]),
    "NestedTensor": lambda: torch.nested.nested_tensor([X, X], layout=torch.jagged),
    "FakeTensor": _fake,
    "complex64": lambda: X.to(torch.complex64),
    "qint8": lambda: torch.quantize_per_tensor(X, 1.0, 0, torch.qint8),
}


@pytest.mark.parametrize("kind", UNUSUAL)
@pytest.mark.filterwarnings("ignore")
def test_a_tensor_without_plain_numbers_is_refused_in_plain_words(kind: str) -> None:
    given = UNUSUAL[kind]()
    words = rf"should be a dense tensor of real numbers on the CPU, not .*{kind}"
    for module, inputs in ((nn.ReLU(), (given,)), (nn.LSTM(4, 3), (X[:, None], (given, given)))):
        with pytest.raises(torchreel.UserError, match=words):
            torchreel.trace(module, *inputs)


def test_a_module_without_numbers_is_refused_in_plain_words() -> None:
    with pytest.raises(
        torchreel.UserError, match=r"^Linear: weight should be a dense tensor .* on the meta device"
    ):
        torchreel.trace(nn.Linear(4, 3, device="meta"), X)


def test_the_default_device_does_not_matter() -> None:
    torch.set_default_device("meta")
    try:
        torchreel.trace(nn.Dropout(), X)
        with pytest.raises(torchreel.UserError, match="weight should be a dense tensor"):
            torchreel.trace(nn.Linear(4, 3), X)
    finally:
        torch.set_default_device(None)


def test_inside_a_transform_there_is_nothing_to_trace() -> None:
    def asked(x: Tensor) -> Tensor:
        with pytest.raises(torchreel.UserError, match=r"^ReLU: a call cannot be traced inside torch\.func"):
            torchreel.trace(nn.ReLU(), x)
        return x.sum()

    torch.func.vmap(asked)(X)
    torch.func.grad(asked)(X)
    with FakeTensorMode(), pytest.raises(torchreel.UserError, match="inside FakeTensorMode"):
        torchreel.trace(nn.ReLU(), X)


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
