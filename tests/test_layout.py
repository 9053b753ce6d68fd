"""Every example keeps the picture laws and the layout rules, in both languages and both themes.

They are in `render/check`. Whether they catch what they should is tested first, on a stage where things go wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest
from manim import VGroup

from torchreel.assets.examples import example, examples
from torchreel.assets.themes import theme
from torchreel.render.check.check import Reading, check, reading
from torchreel.render.check.stage import Outline, watch_scene
from torchreel.scenes import registry
from torchreel.scenes.parts.shapes import Box, Path
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.stage.telling import Request

LOOKS = [(lang, look) for lang in ("zh", "en") for look in ("light", "dark")]
CLIPS = [(operator, name) for operator, named in examples().items() for name in named]
INK = theme("light").text


OPERATOR = registry.find("Conv1d").operator


@cache
def request() -> Request:
    """Any proved call will do."""
    return Request(OPERATOR.trace_example(example("Conv1d")), example("Conv1d"), "en", "light")


def broken(*things: Any, caption: str = "Something happens.") -> dict[str, list[str]]:
    """What the rules say of a clip that puts some things on an otherwise empty stage."""

    class Faulty(OperatorScene):
        operator = OPERATOR

        def story(self) -> Iterable[Beat]:
            self.add(*things)
            yield Beat("only")

        def words(self, key: str, lang: str | None = None, **values: object) -> str:
            return caption

    found = Reading(watch_scene(Faulty, request())).broken
    return {name: messages for name, messages in found.items() if messages}


def text(words: str, place: tuple[float, float], size: float = 0.3, color: str = INK) -> Text:
    return Text(words, size, color).place(place)


@pytest.mark.parametrize(
    "rule, things",
    [
        ("texts_inside", [text("beyond the edge", (6.5, 0))]),
        ("texts_inside", [text("in the formula bar", (0, bars.STAGE_BOTTOM))]),
        ("texts_inside", [text("in the title bar", (0, bars.STAGE_TOP))]),
        ("shapes_inside", [Box(2, 1, (0, bars.STAGE_BOTTOM), fill="#ffffff")]),
        ("no_overlap", [text("12.34", (0, 0)), text("56.78", (0.3, 0.1))]),
        ("no_overlap", [text("12.34", (0, 0)), text("12.34", (0.05, 0))]),
        ("large_enough", [text("tiny", (0, 0), 0.17)]),
        ("large_enough", [text("shrunk", (0, 0), 0.3).scale(0.5)]),
        ("readable", [text("pale", (0, 0), color="#8c959f")]),
        ("readable", [Box(2, 1, fill="#57606a"), text("dark on dark", (0, 0))]),
        ("readable", [text("half gone", (0, 0)).set_opacity(0.4)]),
        ("readable", [text("behind a veil", (0, 0)), Box(4, 1, fill="#ffffff", opacity=0.49)]),
        ("inside_cells", [Box(0.5, 0.5, fill="#ffffff"), text("1234.5", (0, 0))]),
        ("nothing_across", [Path([(-2, 0), (2, 0)], INK), text("struck out", (0, 0))]),
        ("nothing_across", [text("struck out", (0, 0)), Path([(-2, 0), (2, 0)], INK)]),
        ("nothing_across", [text("half hidden", (0, 0)), Box(0.5, 0.5, (0.5, 0), fill="#ffffff")]),
        ("nothing_across", [Box(1, 1, (1, 0), fill="#0969da"), text("on an edge", (0, 0))]),
    ],
)
def test_the_rules_catch_what_is_wrong(rule: str, things: list[Any]) -> None:
    found = broken(*things)
    assert rule in found
    assert all(found[rule]), "a message says what is wrong"


@pytest.mark.parametrize(
    "things",
    [
        [text("alone", (0, 0))],
        [text("above", (0, 0.4)), text("below", (0, 0))],
        [text("12.34", (0, 0)), text("12.34", (0, 0))],
        [Box(1, 0.6, fill="#ffffff", stroke=INK), text("12.3", (0, 0))],
        [Path([(-2, 0), (2, 0)], INK), Box(1, 0.6, fill="#ffffff"), text("12.3", (0, 0))],
        [text("under a tint", (0, 0)), Box(4, 1, fill="#8250df", opacity=0.1)],
        [text("1.5", (0, 0)), Box(1, 0.6, fill="#ffffff"), text("1.5", (0, 0))],
    ],
)
def test_the_rules_leave_alone_what_is_right(things: list[Any]) -> None:
    assert broken(*things) == {}


def test_a_caption_that_loses_its_end_is_caught() -> None:
    assert broken(caption="Short.") == {}
    assert "caption_whole" in broken(caption="Words that go on and on. " * 20)


def test_a_message_names_the_beat_the_texts_and_their_boxes_in_pixels() -> None:
    left, right = Box(1, 1, fill="#ffffff"), VGroup(text("12.34", (0, 0)), text("5", (0.1, 0)))
    [message] = broken(left, right)["no_overlap"]
    assert re.match(r"beat 1 'only' \(\d+\.\d s\): '12\.34' \(", message)
    assert "' (" in message.split("overlaps '5")[1]


@pytest.mark.parametrize(("looks", "said"), [(False, 1), (True, 0)])
def test_numbers_that_stay_while_another_element_is_explained_are_caught(looks: bool, said: int) -> None:
    """What is looked at next brings the law back into the bar."""

    class Stale(OperatorScene):
        operator = OPERATOR

        def story(self) -> Iterable[Beat]:
            first, second = (self.trace.step("output", (0, 0, place)) for place in (0, 4))
            yield Beat("one", formula=first)
            yield Beat("another", look=(lambda: ()) if looks else None, sweep=True, focus=second)

        def words(self, key: str, lang: str | None = None, **values: object) -> str:
            return "Something happens."

    found = Reading(watch_scene(Stale, request())).breaches["formula_is_of_the_focus"]
    assert len(found) == said
    assert all("the formula is of output[0, 0, 0] while output[0, 0, 4]" in one for one in found)


def test_outlines_know_inside_from_outside_by_the_non_zero_rule() -> None:
    ring = np.concatenate([Box(4, 4).points, Box(2, 2).points[::-1]])
    places = np.array([(0, 0), (1.5, 0), (0, -1.7), (2.1, 0)])
    assert Outline(ring).contains(places).tolist() == [False, True, True, False]
    assert Outline(Box(2, 2, radius=0.5).points).contains(np.array([(0.98, 0.98), (0.7, 0.7)])).tolist() == [
        False,
        True,
    ]


@pytest.mark.parametrize("operator, name", CLIPS, ids=[f"{operator}:{name}" for operator, name in CLIPS])
def test_no_law_or_rule_is_broken(operator: str, name: str) -> None:
    """What `torchreel check` prints of a clip is nothing, in both languages and themes."""
    breaches = [str(one) for one in check([example(operator, name)], ("zh", "en"), ("light", "dark"))]
    if breaches:
        pytest.fail("\n".join(breaches), pytrace=False)
    for look in LOOKS:
        told_whole(reading(operator, name, *look))


def told_whole(clip: Reading) -> None:
    """Sections follow one another to the clip's end, and have a caption in both languages, as has the clip."""
    starts, ends = [part.start for part in clip.sections], [part.end for part in clip.sections]
    assert starts == pytest.approx([0.0, *ends[:-1]])
    assert ends[-1] == pytest.approx(clip.duration)
    for words in [*(part.caption for part in clip.sections), clip.alt]:
        assert {language: bool(said.strip()) for language, said in words.items()} == {"zh": True, "en": True}


@pytest.mark.parametrize("operator, name", CLIPS, ids=[f"{operator}:{name}" for operator, name in CLIPS])
def test_a_look_changes_no_story_and_a_language_only_its_pace(operator: str, name: str) -> None:
    def told(lang: str, look: str, exact: bool) -> list[tuple[object, ...]]:
        parts = reading(operator, name, lang, look).sections
        return [(part.name, part.start, part.end) if exact else (part.name,) for part in parts]

    assert told("zh", "light", False) == told("en", "light", False)
    for lang in ("zh", "en"):
        assert told(lang, "light", True) == told(lang, "dark", True)
