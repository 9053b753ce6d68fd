"""A page is read as its author means it: by headings in any language, by an index's rows, and by what the code does."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from torch import nn

from torchreel.assets.examples import examples
from torchreel.assets.handbook import rows
from torchreel.publish.embed.finding import (
    _NO_OPERATORS,
    _WITHOUT_CLIP,
    Findings,
    calls_in,
    find,
    named_in,
    operators,
)
from torchreel.publish.embed.pieces import Piece, of_markdown

INDEX = (Path(__file__).parent / "data" / "handbook" / "index.md").read_text("utf-8")


def shown(text: str) -> list[str]:
    return [f"{one.example.operator}:{one.example.name}" for one in found(text).mentions]


def found(text: str) -> Findings:
    return find(of_markdown(text), "page.md")


def test_each_of_the_52_rows_of_the_handbooks_index_has_its_clip() -> None:
    """By the page that a row leads to: two of its headings name another one."""
    pieces = list(of_markdown(INDEX))
    mentions = find(pieces, "README.md").mentions
    shown = {one.at: one.example.operator for one in mentions}
    leads = [(unquote(piece.leads), piece.at) for piece in pieces if piece.leads]
    place = {row.page: next(at for link, at in leads if link.endswith(f"/{row.page}")) for row in rows()}
    overview = {"Activations/element-wise.ipynb": "Activations"}
    for row in rows():
        assert shown[place[row.page]] in (*row.classes, overview.get(row.page)), row
    assert len({*place.values()}) == len(rows())
    assert len({one.at for one in mentions}) == len(mentions)
    lines = INDEX.splitlines()
    assert all(not lines[one.at - 1].startswith("#") or not lines[one.at].strip() for one in mentions)


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("Conv1d", ["Conv1d"]),
        ("图解MaxPool2d", ["MaxPool2d"]),
        ("带logits的二元交叉熵损失(BCEWithLogitsLoss)", ["BCEWithLogitsLoss"]),
        ("MaxUnpool1d 、 MaxUnpool3d 和 MaxUnpool2d 类似", ["MaxUnpool1d", "MaxUnpool3d", "MaxUnpool2d"]),
        ("线性层/全连接层（Linear）", ["Linear"]),
        ("How nn.Linear works", ["Linear"]),
        ("The `Softmax` class", ["Softmax"]),
        ("Understanding BatchNorm2d", ["BatchNorm2d"]),
        ("Linear Algebra", []),
        ("The Softmax", []),
        ("Linear Neural Networks", []),
        ("RNNs", []),
        ("LSTMCellular", []),
        ("Normalization", []),
        ("my_Conv2d", []),
        ("F.Conv2d", []),
    ],
)
def test_a_heading_names_classes_and_not_what_only_looks_like_them(heading: str, names: list[str]) -> None:
    assert named_in(heading) == names


def test_every_operator_is_found_by_its_name_in_chinese_text() -> None:
    for name in operators():
        assert named_in(f"图解{name}的参数") == [name]
        assert shown(f"# 图解{name}的参数\n") == [f"{name}:default"]


def test_headings_under_a_class_show_the_example_of_the_setting_that_they_name() -> None:
    text = "# Conv1d\n\n## 图解stride\n\n## 图解padding=1, dilation=1\n\n## 图解dilation\n\n# 参考资料\n\n## stride\n"
    assert shown(text) == ["Conv1d:default", "Conv1d:stride", "Conv1d:dilation"]
    assert examples()["Conv1d"]["stride"].focus == ("stride",)


def test_where_a_heading_says_one_thing_and_its_code_another_the_code_is_right() -> None:
    text = "# 图解PixelShuffle\n\n```python\nm = nn.Upsampler(2)\n```\n\n# Softmax\n\n```python\nnn.Linear(2, 3)\n```\n"
    assert shown(text) == ["Linear:default"]
    assert [doubt for doubt in found(text).doubts if "PixelShuffle" in doubt and "Upsampler" in doubt]
    assert "nn.Upsampler has no clip" in found(text).doubts


def test_a_class_without_a_clip_is_told_where_a_heading_is_about_it() -> None:
    text = "## 上采样层(Upsample)\n\n# The Transformer\n\n# MultiheadAttention\n\n# Upsample\n"
    assert found(text).doubts == ["nn.Upsample has no clip", "nn.MultiheadAttention has no clip"]


def test_every_class_of_torch_has_a_clip_or_is_known_to_have_none() -> None:
    named = {name for name, one in vars(nn).items() if isinstance(one, type) and issubclass(one, nn.Module)}
    told = {*operators(), *_WITHOUT_CLIP, *_NO_OPERATORS}
    old_or_of_one_release = {"NLLLoss2d", "RNNBase", "RNNCellBase", "LinearCrossEntropyLoss"}
    assert named - told <= old_or_of_one_release


def test_code_below_a_subheading_speaks_for_the_heading_above_it() -> None:
    assert shown("# Conv2d\n\n## 用法\n\n```python\nnn.ReLU()(nn.Conv2d(1, 1, 3)(x))\n```\n") == [
        "Conv2d:default",
        "ReLU:default",
    ]


def test_a_chapters_heading_leaves_the_clip_to_the_heading_below_it() -> None:
    [mention] = found("# 线性网络（Linear）\n\n## 线性层（Linear）\n\ntext\n").mentions
    assert mention.at == 5


def test_of_a_comparison_the_classes_with_headings_of_their_own_wait_for_these() -> None:
    text = "# RNNCell  VS  LSTMCell\n\n# LSTMCell\n"
    assert [(one.example.operator, one.at) for one in found(text).mentions] == [
        ("RNNCell", 1),
        ("LSTMCell", 3),
    ]


@pytest.mark.parametrize(
    ("code", "calls"),
    [
        ("m = nn.Conv2d(1, 2, 3)", ["Conv2d"]),
        ("torch.nn.Conv2d (1)\nnn.ReLU()\nnn.ReLU()", ["Conv2d", "ReLU"]),
        ("# nn.Conv2d(1)\n    # nn.ReLU()", []),
        ("my.nn.Conv2d(1)", []),
        ("nn.Conv2d", []),
        ("nn.functional.relu(x)", []),
    ],
)
def test_code_calls_classes(code: str, calls: list[str]) -> None:
    assert calls_in(Piece("code", code, 0)) == calls


def test_a_link_to_torchs_documentation_is_a_mention() -> None:
    assert shown("See [it](https://pytorch.org/docs/stable/generated/torch.nn.GRU.html).\n") == [
        "GRU:default"
    ]


def test_a_reference_to_another_page_in_the_middle_of_a_text_is_no_row_of_an_index() -> None:
    text = "# MaxUnpool1d\n\n参考 [Conv](https://x.org/nn/Convolution/Conv.ipynb)\n"
    assert shown(text) == ["MaxUnpool1d:default"]


def test_a_pages_header_is_no_heading_and_code_of_another_language_is_not_read() -> None:
    assert shown("---\nname: Linear\nConv2d\n---\n\n```cpp\nnn.ReLU()\n```\n") == []
