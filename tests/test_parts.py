"""Shortcuts in how scenes are built: what they skip must make no difference."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from manim import VMobject

from torchreel.assets.examples import example
from torchreel.scenes import registry
from torchreel.scenes.parts.mark import Mark
from torchreel.scenes.trace.formula import cells

COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
SHARES = st.floats(0, 1)


@given(COLORS, SHARES, COLORS, SHARES, st.floats(0, 10), st.integers(-3, 3))
def test_a_mark_looks_to_manim_like_an_object_that_manim_made(
    fill: str, fill_opacity: float, stroke: str, stroke_opacity: float, width: float, z_index: int
) -> None:
    points = np.arange(24.0).reshape(8, 3)
    mark = Mark(points, fill, fill_opacity, stroke, stroke_opacity, width, z_index)
    manims = VMobject(
        fill_color=fill,
        fill_opacity=fill_opacity,
        stroke_color=stroke,
        stroke_opacity=stroke_opacity,
        stroke_width=width,
        z_index=z_index,
    )
    manims.points = points
    ours, theirs = vars(mark), vars(manims)
    assert theirs.keys() <= ours.keys()
    for name in theirs.keys() - {"name"}:
        assert np.array_equal(ours[name], theirs[name]), name
    assert mark.get_fill_color() == manims.get_fill_color()
    assert mark.get_stroke_color() == manims.get_stroke_color()


@given(st.lists(st.integers(1, 5), max_size=4), st.data())
def test_cells_count_in_row_major_order(shape: list[int], data: st.DataObject) -> None:
    total = int(np.prod(shape, dtype=int))
    start = data.draw(st.integers(0, total))
    stop = data.draw(st.integers(start, total))
    expected = list(np.ndindex(*shape))[start:stop]
    assert [tuple(cell) for cell in cells(shape, start, stop).tolist()] == expected


def test_a_trace_needs_no_symbolic_algebra() -> None:
    """`torch.unravel_index` imports sympy, which costs more than a trace; so do torch's own MaxUnpool and BCELoss."""
    code = (
        "import sys\nfrom torchreel.assets.examples import examples\nfrom torchreel.scenes import catalogue\n"
        "for name in catalogue.names_known():\n"
        "    for example in examples()[name].values() if not name.startswith(('MaxUnpool', 'BCELoss')) else ():\n"
        "        catalogue.operator(name).trace_example(example)\n"
        "print('sympy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("tensor", ["input", "product", "output"])
def test_many_values_are_read_at_once_as_they_are_one_by_one(tensor: str) -> None:
    trace = registry.find("Conv2d").operator.trace_example(example("Conv2d"))
    indices = [tuple(cell) for cell in cells(trace.shape(tensor), 0, 9).tolist()]
    expected = [trace.value(tensor, index) for index in indices]
    assert trace.values(tensor, indices) == expected
    assert trace.values(tensor, []) == []
    if isinstance(source := trace.tensors[tensor], torch.Tensor):
        assert expected == [source[index].item() for index in indices]
