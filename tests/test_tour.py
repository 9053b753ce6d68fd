"""A net's tour: few legible parts of any number of calls, true edges and counts, and no breach of a law."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from PIL import Image

import torchreel
from torchreel.render.check.check import Reading
from torchreel.render.check.stage import watch_scene
from torchreel.scenes.record.outline import edges, opened, outline
from torchreel.scenes.tour.tour import Tour, request
from torchreel.tests.nets import zoo

# A net is no formula: nothing stands in the formula bar, and no single element is explained at the end.
OF_OPERATORS = {"first_frame_says_what_this_is", "last_frame_is_the_figure"}
NETS = tuple(zoo())


def recorded(name: str) -> torchreel.Reel:
    net, x = zoo()[name]
    with torch.no_grad(), torchreel.record(net) as reel:
        net(x)
    return reel


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", NETS)
def test_a_tour_keeps_the_laws(name: str, lang: str) -> None:
    told = request(recorded(name).graph, name, lang, "light")
    found = Reading(watch_scene(Tour, told)).all()
    assert [breach for breach in found if breach[0] not in OF_OPERATORS] == []


@pytest.mark.parametrize("name", NETS)
def test_every_station_is_in_one_part_in_order(name: str) -> None:
    graph = recorded(name).graph
    parts = outline(graph)
    assert [node for part in parts for node in part.nodes] == graph.nodes
    assert len(parts) <= 16
    assert all(len(part.nodes) % part.times == 0 for part in parts)


@pytest.mark.parametrize("name", NETS)
def test_parameters_are_counted_as_torch_counts_them(name: str) -> None:
    net, _ = zoo()[name]
    parts = outline(recorded(name).graph)
    assert sum(part.parameters for part in parts) == sum(one.numel() for one in net.parameters())


def test_skips_of_a_unet_lead_from_the_way_down_to_the_way_up() -> None:
    parts = outline(recorded("unet").graph)
    names = [(parts[start].name, parts[end].name) for start, end in edges(parts)]
    assert names == [("down1", "cat"), ("down2", "cat")]


def test_what_repeats_is_told_once() -> None:
    parts = outline(recorded("encoder").graph)
    assert [(part.name, part.times) for part in parts] == [("input", 1), ("TransformerEncoderLayer", 3)]
    deep = outline(recorded("deep").graph)
    assert len(deep) <= 16
    assert max(part.times for part in deep) > 10


def test_a_block_is_opened_where_something_is_added() -> None:
    graph = recorded("resnet").graph
    found = opened(graph, outline(graph))
    assert found is not None
    block, inside = found
    assert (block.path, block.times) == ("layer1.0", 2)
    assert [part.name for part in inside] == [
        *("Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d"),
        *("Identity", "+", "ReLU"),
    ]
    assert (-1, 5) in edges(inside)


def test_a_tour_is_saved_like_any_clip(tmp_path: Path) -> None:
    clip = recorded("speech").tour(lang="en")
    paths = clip.save(tmp_path / "net.gif", tmp_path / "net.png")
    with Image.open(paths[0]) as moving, Image.open(paths[1]) as still:
        assert moving.is_animated
        assert still.size == (1280, 720)
    assert "chain of a net's parts" in clip.alt


def test_a_tour_of_nothing_is_refused() -> None:
    with torchreel.record() as reel:
        pass
    with pytest.raises(torchreel.UserError, match="Nothing was recorded"):
        reel.tour()


@pytest.mark.parametrize("name", NETS)
def test_what_a_tour_says_is_true_of_its_net(name: str) -> None:
    net, _ = zoo()[name]
    graph = recorded(name).graph
    tour = Tour(request(graph, name, "en", "light"))
    assert tour.facts["has_parameters"] == bool(list(net.parameters()))
    results = [node.shape for node in graph.nodes]
    if tour.facts["per_sample"]:
        assert all(len(shape) > 1 for shape in results)
    straight = all(node.sources == (before,) for before, node in pairwise(graph.nodes))
    assert not (straight and tour.facts["has_skips"])
