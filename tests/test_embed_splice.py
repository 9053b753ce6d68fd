"""No byte of an author's file changes but in torchreel's own blocks, and taking these out gives the file back."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from torchreel.publish.embed.blocks import Block
from torchreel.publish.embed.markdown import Markdown
from torchreel.publish.embed.notebook import Notebook, Unreadable

NAMES = st.sampled_from(["Conv2d", "Conv2d:stride", "LSTMCell"])
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
BLOCKS = st.builds(
    lambda clip, key, alt, note: Block(
        clip, f"{key:x}", f"./torchreel/{key}.gif", 800, " ".join(alt.split()), note
    ),
    NAMES,
    st.integers(0, 2**32),
    WORDS,
    st.sampled_from(["", "这一行共调用了 29 次，图中是第一次。", "a < b & c"]),
)
SOURCES = st.one_of(
    WORDS, st.lists(st.sampled_from(["# 卷积\n", "x = nn.ReLU()\n", "</p>\n", "y"]), max_size=3)
)


@st.composite
def cells(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["code", "markdown", "raw"]))
    metadata = draw(st.sampled_from([{}, {"tags": ["a"]}, {"torchreel": "mine"}, {"torchreel": {"note": 1}}]))
    own = {"cell_type": kind, "metadata": metadata, "source": draw(SOURCES)}
    if kind == "code":
        own |= {"execution_count": draw(st.none() | st.integers(0, 9)), "outputs": []}
    return dict(draw(st.permutations(list(own.items()))))


@st.composite
def notebooks(draw: st.DrawFn) -> str:
    """A notebook as some program wrote it: indentation, line ends, escapes, ids, order of keys, a mark of encoding."""
    content = draw(st.lists(cells(), min_size=1, max_size=5))
    minor = draw(st.sampled_from([2, 4, 5]))
    if minor == 5:
        for number, cell in enumerate(content):
            cell["id"] = f"cell-{number}"
    whole: dict[str, Any] = {"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": minor}
    whole = dict(draw(st.permutations(list(whole.items()))))
    indent = draw(st.sampled_from([None, 1, 2, 4, "\t"]))
    separators = draw(st.sampled_from([None, (",", ":")])) if indent is None else None
    text = json.dumps(whole, ensure_ascii=draw(st.booleans()), indent=indent, separators=separators)
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return draw(st.sampled_from(["", "\ufeff"])) + text + draw(st.sampled_from(["", "\n", "\r\n\r\n"]))


@st.composite
def notebooks_with_blocks(draw: st.DrawFn) -> tuple[str, dict[int, list[Block]]]:
    text = draw(notebooks())
    places = st.integers(0, len(Notebook(text).authors) - 1)
    one_each = st.lists(BLOCKS, min_size=1, max_size=2, unique_by=lambda one: one.src)
    return text, draw(st.dictionaries(places, one_each, max_size=3))


@given(notebooks_with_blocks())
def test_what_is_put_into_a_notebook_is_there_and_can_be_taken_out_to_the_byte(
    case: tuple[str, dict[int, list[Block]]],
) -> None:
    text, wanted = case
    put = Notebook(Notebook(text).put(wanted))
    assert put.blocks == wanted
    assert put.put({}) == text
    assert put.put(wanted) == put.text
    assert [cell.content for cell in put.authors] == json.loads(text.removeprefix("\ufeff"))["cells"]


@given(notebooks_with_blocks())
def test_a_notebook_stays_valid_and_all_of_it_but_the_new_cells_the_same(
    case: tuple[str, dict[int, list[Block]]],
) -> None:
    text, wanted = case
    put = Notebook(text).put(wanted)
    before, after = (json.loads(one.removeprefix("\ufeff")) for one in (text, put))
    nbformat.validate(after)
    own = {"torchreel-" in str(cell.get("id")) for cell in after["cells"]}
    assert own <= {False, True} if before["nbformat_minor"] == 5 else own == {False}
    assert {**after, "cells": 0} == {**before, "cells": 0}
    assert put.isascii() == text.isascii()
    assert ("\r\n" in put) == ("\r\n" in text)


@given(notebooks_with_blocks(), notebooks_with_blocks())
def test_other_blocks_take_the_place_of_those_that_stood_there(
    case: tuple[str, dict[int, list[Block]]], other: tuple[str, dict[int, list[Block]]]
) -> None:
    text, wanted = case
    last = len(Notebook(text).authors)
    instead = {at % last: blocks for at, blocks in other[1].items()}
    assert Notebook(Notebook(text).put(wanted)).put(instead) == Notebook(text).put(instead)


def test_a_cell_that_jupyter_saved_in_its_own_order_counts_as_the_same() -> None:
    """Jupyter sorts keys and writes its own indentation: the right cell is left as it was saved."""
    text = json.dumps({"cells": [code("x")], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}, indent=1)
    wanted = {0: [Block("ReLU", "1f", "./torchreel/ReLU.gif", 800, "图")]}
    saved = json.dumps(json.loads(Notebook(text).put(wanted)), sort_keys=True, indent=2, ensure_ascii=False)
    assert Notebook(saved).put(wanted) == saved


def test_a_new_cell_looks_as_its_neighbours_do() -> None:
    whole = {"cells": [code("x"), code("y")], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    for indent in (None, 1, 2, 4, "\t"):
        text = json.dumps(whole, indent=indent)
        put = Notebook(text).put({0: [Block("ReLU", "1f", "./torchreel/ReLU.gif", 800, "")], 1: []})
        assert put == json.dumps(json.loads(put), indent=indent)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no notebook"),
        ("{", "it is no notebook"),
        ("[]", "no JSON object"),
        ("{}", "no cells"),
        ('{"cells": {}, "nbformat": 4}', "no list"),
        ('{"cells": [1], "nbformat": 4}', "a cell is no object"),
        ('{"worksheets": [], "cells": [], "nbformat": 3}', "not 4"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_notebook_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        Notebook(text)


def test_a_cell_has_one_name_whatever_stands_around_it() -> None:
    """By its id, else by its text; those that share one are numbered."""
    whole = [code("x", id="a"), code("y", id="a"), code("x"), code("x"), code("z", id="../../b")]
    names = Notebook(json.dumps({"cells": whole, "nbformat": 4})).names
    assert names[:2] == ["a", "a-2"]
    assert names[3] == f"{names[2]}-2"
    assert names[4] == "b"


def code(source: str, **others: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source,
        **others,
    }


LINES = st.sampled_from(
    [
        "# 卷积（Conv）",
        "",
        "text",
        "> [a](b.md)",
        "```",
        "    code",
        "- item",
        "<!-- torchreel -->",
        "\ufeff",
        "<p>",
    ]
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join(draw(st.lists(LINES, min_size=1, max_size=12))) + draw(st.sampled_from(["", end]))


@given(texts(), st.data())
def test_what_is_put_into_markdown_can_be_taken_out_to_the_byte(text: str, data: st.DataObject) -> None:
    page = Markdown(text)
    places = sorted({piece.at for piece in page.pieces})
    one_each = st.lists(BLOCKS, min_size=1, max_size=2)
    wanted = data.draw(st.dictionaries(st.sampled_from(places), one_each)) if places else {}
    assume(text.count("```") % 2 == 0)
    put = Markdown(page.put(wanted))
    assert put.blocks == wanted
    assert put.put({}) == text
    assert put.put(wanted) == put.text
    assert "".join(put.bare) == text
    assert list(put.pieces) == list(page.pieces)


def test_what_looks_like_a_block_in_code_is_code() -> None:
    text = "```html\n<!-- torchreel Conv2d key=1f -->\n```\n"
    assert Markdown(text).blocks == {}
    assert Markdown(text).put({}) == text


def test_code_that_never_ends_takes_no_block() -> None:
    with pytest.raises(Unreadable, match="close it"):
        Markdown("# a\n\n```\nnn.ReLU()\n").put({4: [Block("ReLU", "1f", "./torchreel/ReLU.gif", 800, "")]})


def test_a_block_without_its_end_leaves_the_file_alone() -> None:
    with pytest.raises(Unreadable, match="line 3 has no end"):
        Markdown("# a\n\n<!-- torchreel Conv2d key=1f -->\ntext\n")


def test_a_block_whose_empty_line_somebody_deleted_goes_without_the_authors_line() -> None:
    block = Block("ReLU", "1f", "./torchreel/ReLU.gif", 800, "")
    put = Markdown("# a\ntext\n").put({2: [block]})
    assert Markdown(put.replace("text\n\n<!--", "text\n<!--")).put({}) == "# a\ntext\n"
