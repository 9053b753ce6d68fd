"""A recorded run lists every leaf call in order and can make each of them again as it was."""

from __future__ import annotations

import html
import threading
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import torchreel
from torchreel.scenes.trace.calling import same


class Block(nn.Module):
    """Two convolutions and a skip, with an activation in place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.act = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.act(self.norm(self.conv1(x))))
        y += x
        return F.relu(y)


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), Block(2), nn.Dropout(0.5), Block(2), nn.Flatten(), nn.Linear(2 * 4 * 4, 3)
    )


@pytest.fixture
def reel() -> torchreel.Reel:
    model = net()
    with torchreel.record(model) as reel:
        model(torch.randn(1, 1, 6, 6))
    return reel


def test_every_leaf_call_is_listed_in_order(reel: torchreel.Reel) -> None:
    block = ["conv1 Conv2d", "norm BatchNorm2d", "act ReLU", "conv2 Conv2d"]
    first, second = ([*(f"{at}.{one}" for one in block), " F.relu"] for at in (1, 3))
    expected = ["0 Conv2d", *first, "2 Dropout", *second, "4 Flatten", "5 Linear"]
    assert [f"{call.path} {call.name}" for call in reel.calls] == expected
    assert [call.number for call in reel.calls] == [*range(1, len(expected) + 1)]
    assert (reel.calls[1].inputs, reel.calls[1].output) == ("(1, 2, 4, 4)", "(1, 2, 4, 4)")
    assert reel.calls[0].settings == "in_channels=1, out_channels=2, kernel_size=3"
    assert reel.calls[0].parameters == 2 * 9 + 2


def test_a_function_that_a_module_computes_too_is_a_call_with_a_clip(reel: torchreel.Reel) -> None:
    [call] = [call for call in reel.calls if call.name == "F.relu"][:1]
    clip = reel[call.number]
    assert clip.call == "F.relu()"
    assert same(clip.trace.output, clip.trace.inputs["input"].relu())


def test_a_lazy_module_is_recorded_at_its_first_call() -> None:
    model = nn.Sequential(nn.LazyLinear(2), nn.ReLU())
    with torchreel.record(model) as reel:
        model(torch.ones(1, 3))
    assert reel["0"].notes == ("in_features was found from the input: 3.",)


LOOP = """
part = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3))
for _ in range(5):
    x = part(torch.ones(1, 1, 6, 6))
    nn.Flatten()(x.relu())
nn.Flatten()(F.relu(x))
"""


def test_of_a_loop_the_first_call_of_each_class_at_each_line_is_noted_and_the_others_counted() -> None:
    with torchreel.record(once=True) as reel:
        exec(compile(LOOP, "page.py", "exec"), {"torch": torch, "nn": nn, "F": F})
    counted = [(call.name, call.times) for call in reel.calls]
    assert counted == [
        ("Conv2d", 10),
        ("ReLU", 5),
        ("Tensor.relu", 5),
        ("Flatten", 5),
        ("F.relu", 1),
        ("Flatten", 1),
    ]
    assert reel.graph.nodes == []
    assert same(reel[1].trace.inputs["input"], torch.ones(1, 1, 6, 6))


def test_recording_changes_nothing() -> None:
    plain, recorded, x = net(), net(), torch.randn(1, 1, 6, 6)
    call, fused = nn.Module.__call__, torch.backends.mha.get_fastpath_enabled()
    torch.manual_seed(3)
    expected = plain(x)
    torch.manual_seed(3)
    with torchreel.record(recorded):
        found = recorded(x)
    assert same(found, expected)
    assert same(dict(recorded.state_dict()), dict(plain.state_dict()))
    assert nn.Module.__call__ is call
    assert torch.backends.mha.get_fastpath_enabled() == fused


def test_calls_are_made_again_as_they_were() -> None:
    """In place, with running statistics, and with the random numbers of then."""
    model, results = net(), {}
    for path, module in model.named_modules():
        if not list(module.children()):
            module.register_forward_hook(lambda *a, path=path: results.__setitem__(path, a[2].clone()))
    with torchreel.record(model) as reel:
        model(torch.randn(2, 1, 6, 6))
    for path in ("0", "1.conv1", "1.norm", "1.act", "2", "3.norm", "5"):
        assert same(reel[path].trace.output, results[path].detach()), path


def test_a_run_that_fails_is_recorded_up_to_there() -> None:
    model = nn.Sequential(nn.ReLU(), nn.Linear(3, 2))
    with torchreel.record(model) as reel, pytest.raises(RuntimeError):
        model(torch.ones(1, 4))
    assert nn.Module.__call__ is nn.Module._wrapped_call_impl
    assert reel.calls[0].is_supported
    assert reel.calls[1].why_not.startswith("it raised RuntimeError")
    with pytest.raises(torchreel.UserError, match="has no clip: it raised"):
        reel["1"]


def test_skips_join_the_calls_that_made_what_is_added(reel: torchreel.Reel) -> None:
    nodes = reel.graph.nodes
    [first, second] = [node for node in nodes if node.name == "+"]
    assert [source.name for source in first.sources] == ["Conv2d", "Conv2d"]
    assert first.sources[1] is next(node for node in nodes if node.call and node.call.path == "0")
    assert second.sources[1].name == "Dropout"
    assert nodes[0].is_input
    assert all(source.number < node.number for node in nodes for source in node.sources)


def test_transformers_list_their_layers_and_that_the_fused_path_was_off() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2).eval()
    with torch.no_grad(), torchreel.record(encoder) as reel:
        encoder(torch.randn(1, 3, 4))
    inner = [call.path for call in reel.calls if call.name == "Linear"]
    assert inner == ["layers.0.linear1", "layers.0.linear2", "layers.1.linear1", "layers.1.linear2"]
    assert "fused attention" in reel.notes[0]
    assert [node.name for node in reel.graph.nodes][:5] == [
        "input",
        "MultiheadAttention",
        "Dropout",
        "+",
        "LayerNorm",
    ]


def test_calls_of_other_threads_are_not_recorded() -> None:
    with torchreel.record() as reel:
        other = threading.Thread(target=lambda: nn.ReLU()(torch.ones(1)))
        other.start()
        other.join()
        nn.Tanh()(torch.ones(1))
    assert [call.name for call in reel.calls] == ["Tanh"]


def test_memory_is_bounded_and_the_smallest_of_each_kind_is_kept() -> None:
    model = nn.Sequential(*(nn.Linear(size, size) for size in (256, 8, 128)), nn.Tanh())
    with torchreel.record(max_memory="100kB") as reel:
        for layer in model[:3]:
            layer(torch.ones(1, layer.in_features))
        model[3](torch.ones(2, 2))
    kept = {call.number for call in reel.calls if call.kept is not None}
    assert {2, 4} <= kept
    assert 1 not in kept
    with pytest.raises(torchreel.UserError, match=r'was not kept.*max_memory="4GB"'):
        reel[1]


def test_weights_that_have_changed_since_are_noticed() -> None:
    layer = nn.Linear(600, 600)
    with torchreel.record(layer) as reel:
        layer(torch.ones(1, 600))
    with torch.no_grad():
        layer.weight.mul_(2)
    with pytest.raises(torchreel.UserError, match="weights have changed"):
        reel[1]


def test_one_clip_a_kind_the_smallest_of_it() -> None:
    with torchreel.record() as reel:
        for size in (6, 4, 5):
            nn.Conv1d(1, size, 3)(torch.ones(1, 1, size))
        nn.Conv1d(1, 1, 3, stride=2)(torch.ones(1, 1, 8))
        nn.ReLU()(torch.ones(2))
    assert [call.number for call in reel.select()] == [2, 4, 5]
    assert [call.number for call in reel.select("all", most=3)] == [1, 2, 3]
    assert [call.number for call in reel.select("distinct")] == [1, 2, 3, 4, 5]
    with pytest.raises(torchreel.UserError, match="every='each' should be one of kind, distinct, all"):
        reel.select("each")


def test_a_reel_is_saved_with_a_page_that_lists_every_call(tmp_path: Path) -> None:
    model = nn.Sequential(nn.ReLU(), nn.Sigmoid(), Own())
    with torchreel.record(model) as reel:
        model(torch.tensor([[1.0, -2.0]]))
    paths = reel.save(tmp_path, lang="en", formats=["png"])
    assert [path.name for path in paths] == ["001-0-ReLU.png", "002-1-Sigmoid.png", "index.html"]
    page = paths[-1].read_text()
    assert page.count("<tr") == 1 + 3 + 1
    assert 'href="#call-1"' in page
    assert "Own is a class of its own" in page
    assert f'alt="{html.escape(reel.clip(reel.calls[0], lang="en").alt)}"' in page


def test_the_page_of_a_reel_speaks_the_language_of_its_clips(tmp_path: Path) -> None:
    with torchreel.record() as reel:
        nn.ReLU()(torch.ones(2))
    page = reel.save(tmp_path, lang="zh", formats=["png"])[-1].read_text("utf-8")
    assert '<html lang="zh">' in page
    assert "1 次调用，1 段动画" in page


def test_an_option_that_is_wrong_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    with torchreel.record() as reel:
        nn.ReLU()(torch.ones(2))
    with pytest.raises(torchreel.UserError, match="fr"):
        reel.save(tmp_path / "out", lang="fr")
    assert not (tmp_path / "out").exists()
    assert not reel.failed


def test_a_page_of_somebody_elses_stays_and_nothing_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my page")
    with torchreel.record() as reel:
        nn.ReLU()(torch.ones(2))
    with pytest.raises(torchreel.UserError, match=r"index\.html was not written by torchreel"):
        reel.save(tmp_path, formats=["png"])
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("index.html", "my page")]
    (tmp_path / "index.html").unlink()
    reel.save(tmp_path, formats=["png"])
    assert (tmp_path / "index.html") in reel.save(tmp_path, formats=["png"])


class Own(nn.Module):
    """A leaf that no clip explains."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2


@pytest.mark.parametrize("once", [False, True])
def test_clips_that_are_made_meanwhile_are_no_part_of_the_run(once: bool, tmp_path: Path) -> None:
    net = nn.Linear(2, 2)
    with torchreel.record(once=once) as reel:
        net(torch.ones(1, 2))
        clip = torchreel.explain(F.relu, torch.ones(2), lang="en")
        torchreel.trace(nn.Softmax(dim=0), torch.ones(2))
        clip.save(tmp_path / "relu.png", quality="l")
        clip.poster()
    assert [call.name for call in reel.calls] == ["Linear"]
