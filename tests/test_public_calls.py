"""Calls that people asked about in public: each is drawn within the laws, and nothing false is said of it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from torchreel.assets.examples import example
from torchreel.render.check.check import OF_EXAMPLES, Reading
from torchreel.render.check.stage import watch
from torchreel.scenes.catalogue import operator

CALLS = tomllib.loads((Path(__file__).parent / "data" / "public_calls.toml").read_text("utf-8"))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_public_call_is_told_truly(call: dict[str, Any]) -> None:
    name, _, shown = call["clip"].partition(":")
    chosen = example(name, shown or "default")
    trace = operator(name).trace_example(chosen, call["changes"], call.get("input"))
    for lang in ("en", "zh"):
        clip = Reading(watch(chosen, trace, lang, "light"))
        said = " ".join([*(part.caption["en"] for part in clip.sections), clip.alt["en"]]).lower()
        assert [words for words in call["false"] if words.lower() in said] == []
        apart = {"title_whole", *OF_EXAMPLES}
        assert [(law, message) for law, message in clip.all() if law not in apart] == []
