"""In a notebook: `%torchreel`, `%%torchreel`, and what becomes of a clip in the pages that are made of it."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbconvert import HTMLExporter, LatexExporter
from PIL import Image

import torchreel
from torchreel.assets.errors import UserError
from torchreel.publish.jupyter.extension import with_beginning
from torchreel.publish.jupyter.words import split

pytestmark = pytest.mark.xdist_group("jupyter")

LOAD = "%load_ext torchreel\nimport sys\nprint({'torch', 'manim', 'click'} & sys.modules.keys())"
PREPARE = """
import os, random, numpy, torch, torchreel
import torch.nn.functional as F
from torch import nn
os.environ["TORCHREEL_LANG"] = "en"
x, classes = torch.tensor([[1.0, 2.0]], requires_grad=True), [0, 1]
precise = x.double()
layer = nn.Linear(2, 1)
net = nn.Sequential(layer, nn.ReLU())
kernel_size = 2
"""
EXAMPLE = "%torchreel ReLU"
HELD = "clip = %torchreel net[0] --input x --precision 3\nprint(clip.lang, torch.equal(clip.trace.output, layer(x)))"
TYPED = "clip = %torchreel nn.Softmax(dim=1) --input precise[:, :1]\nprint(clip.call, clip.trace.output)"
FUNCTION = "clip = %torchreel F.relu --input [-1., 2.]\nprint(clip.call, clip.trace.output)"
CHANGED = """
picture = torch.arange(9.0).reshape(1, 1, 3, 3)
clip = %torchreel Conv2d --set kernel_size={kernel_size} --set bias=False --input picture
print(clip.trace.kwargs["kernel_size"], clip.trace.tensors["input"].tolist())
"""
LOSS = """
clip = %torchreel CrossEntropyLoss --input torch.eye(2) --input target=classes --lang zh
print(clip.lang, clip.trace.tensors["target"].tolist())
"""
README = (Path(torchreel.__file__).parent / "README.md").read_text("utf-8")
[RECIPE] = re.findall(r"^    %load_ext torchreel\n((?:    .*\n|\n)+)", README, re.MULTILINE)
LINES, IN_A_CELL = (dedent(part).splitlines() for part in RECIPE.strip("\n").split("\n\n"))
# Kept instead of shown, which takes longer.
RECIPES = [f"clip = {re.split('  +', line.removeprefix('clip = '))[0]}" for line in LINES]
RECIPES.append("\n".join(IN_A_CELL))
PREPARE_RECIPES = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3)
    def forward(self, x):
        return self.conv(x)
net, x = Net(), torch.ones(2, 1, 3, 3)
"""
MISTAKES = {
    "%torchreel Conv2dd": "Unknown operator 'Conv2dd'. Did you mean 'Conv2d'?",
    "%torchreel": "Missing argument 'OPERATOR[:EXAMPLE]|CALL|NAME'. See '%torchreel --help'.",
    "%torchreel layer --inptu x": "No such option '--inptu'. Did you mean '--input'?",
    "%torchreel layer": "layer: give its inputs, as in --input x.",
    "%torchreel layer --input torch.zeros(1, 3)": "mat1 and mat2 shapes cannot be multiplied",
    "%torchreel layer --input net": "'net' is Sequential: an input is a tensor",
    "%torchreel net --input x": "Sequential",
    "%torchreel net[5] --input x": "net[5]: IndexError",
    "%torchreel layer --input x --set bias=False": "--set changes an example, such as Conv2d",
    "%torchreel layer --input x --eval": "layer is yours",
    "%torchreel Conv2d:*": "name one example, such as Conv2d:",
    "%torchreel ReLU --lang zh,en": "a clip has one lang",
    "%torchreel nn.Linear(2, 1 --input x": "a bracket is not closed",
    "%torchreel model.py:net --input x": "put %%torchreel over the cell that calls it",
    "%%torchreel --mots 3\nprint('never')": "No such option '--mots'. Did you mean '--most'?",
    "%%torchreel --only Conf2d\nprint('never')": "Unknown operator 'Conf2d'",
    "%%torchreel --max-memory much\nprint('never')": "--max-memory",
}
CELL = """%%torchreel
print("own output")
for step in range(3):
    y = layer(x)
clip = torchreel.explain(nn.Tanh(), x)
F.relu(y)"""
RAISES = "%%torchreel --only Tanh\nnn.Sigmoid()(x)\nnn.Tanh()(x)\n1 / 0"
PLAIN_RAISES = "\nnn.Sigmoid()(x)\nnn.Tanh()(x)\n1 / 0"
AWAITS = """%%torchreel --most 1
import asyncio
await asyncio.sleep(0)
kept = nn.Sigmoid()(x), nn.Tanh()(x), nn.ELU()(x)
_"""
DRAWS = "print(random.random(), numpy.random.rand(), torch.rand(1).item())"
SEEDED = f"random.seed(0), numpy.random.seed(0), torch.manual_seed(0)\n{DRAWS}\n"
OWN = """%%torchreel
class Own(nn.Module):
    def forward(self, x):
        return x
Own()(x)"""
EVERY = "%%torchreel --every all --most 2\nfor step in range(3):\n    layer(step * x)"
NONE = "%%torchreel --only Conv2d\n1 + 1"
AFTER = "print(nn.Module.__call__.__qualname__, torch.overrides._get_current_function_mode())"
CELLS = [
    *(
        LOAD,
        PREPARE,
        EXAMPLE,
        HELD,
        TYPED,
        FUNCTION,
        CHANGED,
        LOSS,
        *MISTAKES,
        CELL,
        "_",
        RAISES,
        PLAIN_RAISES,
    ),
    *(AWAITS, SEEDED + DRAWS, "%%torchreel\n" + SEEDED + "_ = nn.ReLU()(x)", DRAWS, OWN, EVERY, NONE, AFTER),
    *("%torchreel --help", "%torchreel?", PREPARE_RECIPES, *RECIPES),
]


class Notebook:
    """A notebook that was run, and what each of its cells came to."""

    def __init__(self, cells: list[str]) -> None:
        self.replies: list[dict[str, Any]] = []
        made = [nbformat.v4.new_code_cell(source) for source in cells]
        self.content = nbformat.v4.new_notebook(cells=made)
        client = NotebookClient(
            self.content,
            kernel_name="python3",
            allow_errors=True,
            timeout=600,
            on_cell_executed=lambda cell, cell_index, execute_reply: self.replies.append(execute_reply),
        )
        client.execute()

    def at(self, source: str) -> int:
        return next(at for at, cell in enumerate(self.content.cells) if cell.source == source)

    def outputs(self, source: str) -> list[Any]:
        return list(self.content.cells[self.at(source)].outputs)

    def reply(self, source: str) -> dict[str, Any]:
        found: dict[str, Any] = self.replies[self.at(source)]["content"]
        return found

    def text(self, source: str, name: str = "stdout") -> str:
        """What a cell printed; it must have done nothing else."""
        kinds = {(one.output_type, one.get("name")) for one in self.outputs(source)}
        assert kinds == {("stream", name)}, self.outputs(source)
        return "".join(one.text for one in self.outputs(source))

    def shown(self, source: str) -> list[Any]:
        """The clips that stand below a cell."""
        return [one for one in self.outputs(source) if "text/html" in one.get("data", {})]


@pytest.fixture(scope="module")
def ran() -> Notebook:
    return Notebook(CELLS)


def test_loading_is_quick(ran: Notebook) -> None:
    assert ran.text(LOAD) == "{'click'}\n"


def test_a_clip_is_a_moving_picture_a_still_and_words(ran: Notebook) -> None:
    [shown] = ran.outputs(EXAMPLE)
    assert shown.output_type == "execute_result"
    found = re.fullmatch(
        r'<img src="data:image/gif;base64,([^"]+)" width="800" alt="([^"]+)">', shown.data["text/html"]
    )
    assert found is not None
    moving = Image.open(io.BytesIO(base64.b64decode(found[1])))
    still = Image.open(io.BytesIO(base64.b64decode(shown.data["image/png"])))
    assert (moving.size, still.size, still.format) == ((800, 450), (800, 450), "PNG")
    assert getattr(moving, "n_frames", 1) > 20
    assert found[2].startswith("ReLU: inputs go to the x axis")
    assert shown.metadata["image/png"]["alt"] == found[2]
    assert shown.data["text/plain"] == f"nn.ReLU(): {found[2]}"


def test_modules_and_tensors_of_the_notebook_are_taken_as_they_are(ran: Notebook) -> None:
    assert ran.text(HELD) == "en True\n"
    assert ran.text(TYPED) == "nn.Softmax(dim=1) tensor([[1.]], dtype=torch.float64)\n"
    assert ran.text(FUNCTION) == "F.relu() tensor([0., 2.])\n"
    assert ran.text(LOSS) == "zh [0, 1]\n"
    assert ran.text(CHANGED) == "2 [[[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]]]\n"


@pytest.mark.parametrize("source", MISTAKES)
def test_a_mistake_is_one_line(ran: Notebook, source: str) -> None:
    """The cell has failed, so that what comes after it is not run on; nothing of it was done."""
    said = ran.text(source, "stderr").strip()
    assert said.startswith("UsageError: ")
    assert MISTAKES[source] in said
    assert "\n" not in said
    assert ran.reply(source)["status"] == "error"


def test_a_cell_does_what_it_would_and_its_clips_stand_below(ran: Notebook) -> None:
    printed, value, linear, relu, note = ran.outputs(CELL)
    assert printed.text == "own output\n"
    assert (value.output_type, value.execution_count) == ("execute_result", ran.at(CELL) + 1)
    assert value.data["text/plain"].startswith("tensor([[")
    assert ran.outputs("_")[0].data["text/plain"] == value.data["text/plain"]
    assert linear.data["text/plain"].startswith("nn.Linear(2, out_features=1): ")
    assert relu.data["text/plain"].startswith("F.relu(): ")
    assert note.text == "note: Linear in line 4 was called 3 times; this is the first.\n"


def test_an_error_is_the_cells_own_and_what_was_called_before_is_shown(ran: Notebook) -> None:
    with_magic, plain = ran.outputs(RAISES), ran.outputs(PLAIN_RAISES)
    [raised] = [one for one in with_magic if one.output_type == "error"]
    assert (raised.ename, raised.evalue) == (plain[0].ename, plain[0].evalue)
    assert len(raised.traceback) == len(plain[0].traceback)
    assert "line 4" in re.sub(r"\x1b\[[\d;]*m", "", "".join(raised.traceback))
    assert ran.reply(RAISES)["status"] == "error"
    [tanh] = ran.shown(RAISES)
    assert tanh.data["text/plain"].startswith("nn.Tanh(): ")


def test_a_cell_may_await_and_what_is_left_out_is_said(ran: Notebook) -> None:
    [sigmoid] = ran.shown(AWAITS)
    assert sigmoid.data["text/plain"].startswith("nn.Sigmoid(): ")
    assert ran.outputs(AWAITS)[-1].text == "not drawn: 2 further calls, since --most is 1.\n"
    assert ran.reply(AWAITS)["status"] == "ok"


def test_random_numbers_are_those_of_the_cell(ran: Notebook) -> None:
    first, second = ran.text(SEEDED + DRAWS).splitlines()
    recorded = ran.outputs("%%torchreel\n" + SEEDED + "_ = nn.ReLU()(x)")
    assert [recorded[0].text, ran.text(DRAWS)] == [f"{first}\n", f"{second}\n"]


def test_what_has_no_clip_is_named_with_the_reason(ran: Notebook) -> None:
    assert ran.outputs(OWN)[-1].text.startswith("not drawn: Own: Own is a class of its own")
    value, note = ran.outputs(NONE)
    assert (value.data["text/plain"], note.text) == ("2", "note: no call of Conv2d was made in this cell.\n")


def test_every_call_of_a_line_can_be_shown(ran: Notebook) -> None:
    assert len({one.data["text/html"] for one in ran.shown(EVERY)}) == 2
    assert ran.outputs(EVERY)[-1].text == "not drawn: 1 further call, since --most is 2.\n"


def test_nothing_is_recorded_after_the_cell(ran: Notebook) -> None:
    assert ran.text(AFTER) == "Module._wrapped_call_impl None\n"


def test_help_is_shown_without_a_shell(ran: Notebook) -> None:
    assert "Usage: %torchreel [OPTIONS] OPERATOR[:EXAMPLE]|CALL|NAME" in ran.text("%torchreel --help")
    [payload] = ran.reply("%torchreel?")["payload"]
    assert "%%torchreel --only Conv2d --most 3" in payload["data"]["text/plain"]


def test_recipes_run_as_the_readme_has_them(ran: Notebook) -> None:
    assert [recipe.partition("%")[2].split()[1] for recipe in RECIPES[:-1]] == [
        "Conv2d:stride",
        "nn.Conv2d(1,",
        "net.conv",
        "ReLU",
    ]
    for recipe in RECIPES:
        assert ran.reply(recipe)["status"] == "ok", recipe
    [conv] = ran.shown(RECIPES[-1])
    assert conv.data["text/plain"].startswith("nn.Conv2d(1, 1, kernel_size=3): ")


def test_a_page_made_of_the_notebook_moves(ran: Notebook) -> None:
    body, _ = HTMLExporter().from_notebook_node(ran.content)
    clips = sum(len(ran.shown(source)) for source in CELLS)
    assert clips == len(re.findall(r'<img [^>]*src="data:image/gif;base64,', body)) > 4
    assert "data:image/png;base64" not in body.partition("<main>")[2]


def test_a_latex_document_made_of_the_notebook_has_the_stills(ran: Notebook) -> None:
    body, resources = LatexExporter().from_notebook_node(ran.content)
    stills = {name: data for name, data in resources["outputs"].items() if name.endswith(".png")}
    assert len(stills) == sum(len(ran.shown(source)) for source in CELLS)
    for name, data in stills.items():
        assert f"{{{name}}}" in body
        assert Image.open(io.BytesIO(data)).size == (800, 450)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  Conv2d:stride   --lang en ", ["Conv2d:stride", "--lang", "en"]),
        ("nn.Conv2d(1, 1, 3) --input x[:, :1]", ["nn.Conv2d(1, 1, 3)", "--input", "x[:, :1]"]),
        ("Conv2d --set stride=(2, 1)", ["Conv2d", "--set", "stride=(2, 1)"]),
        ('X --input "torch.randn(1, 2)"', ["X", "--input", "torch.randn(1, 2)"]),
        ('X --input target="[0, 2]" --set ""', ["X", "--input", "target=[0, 2]", "--set", ""]),
        ("nn.Conv2d(1, 1, 3, padding_mode='circular)')", ["nn.Conv2d(1, 1, 3, padding_mode='circular)')"]),
    ],
)
def test_a_line_is_split_as_it_is_read(line: str, words: list[str]) -> None:
    assert split(line) == words


@given(st.lists(st.text(st.characters(exclude_characters='"'), max_size=10)))
def test_quoted_words_are_what_they_were(words: list[str]) -> None:
    assert split(" ".join(f'"{word}"' for word in words)) == words


@pytest.mark.parametrize("line", ["nn.ReLU(", "X --input 'a", "nn.X('a) b"])
def test_what_is_left_open_is_refused(line: str) -> None:
    with pytest.raises(UserError, match="is not closed"):
        split(line)


@pytest.mark.parametrize(
    "cell", ["", "%%torchreel", "%%torchreel\n\n", "%%torchreel?", "%%torchreels\nx", "x\n%%torchreel\ny"]
)
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert with_beginning(cell.splitlines(keepends=True)) == cell.splitlines(keepends=True)


@pytest.mark.parametrize("first", ["%%time\n", "from __future__ import annotations\n"])
def test_what_has_to_come_first_does(first: str) -> None:
    """Such a cell is run by the magic."""
    lines = ["%%torchreel\n", first, "x\n"]
    assert with_beginning(lines) == lines
