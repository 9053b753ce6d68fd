"""Both languages say the same things, and a caption is found from the particular to the general."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from torchreel.assets import captions
from torchreel.assets.captions import LANGUAGES, all_captions, caption, fields, title
from torchreel.assets.examples import example
from torchreel.scenes.catalogue import names_known, operator
from torchreel.scenes.stage.telling import IN_PART
from torchreel.tests.house import ROOT

FAMILY = """
slide = "family"
[Conv9d]
title = "Ninefold"
slide = "operator {count}"
[Conv8d]
title = "Eightfold"
[Conv9d.stride]
slide = "example {count}"
braces = "{{literal}}"
counted = "{count:row is|rows are} drawn"
attribute = "{count.real}"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "family.toml").write_text(FAMILY, encoding="utf-8")
    common = 'slide = "common"\nhold = "hold"\n[Conv9d]\ndone = "done {count}"'
    (tmp_path / "en" / "common.toml").write_text(common, encoding="utf-8")
    monkeypatch.setattr(captions, "_FOLDER", tmp_path)
    captions._table.cache_clear()
    captions._home.cache_clear()
    yield
    captions._table.cache_clear()
    captions._home.cache_clear()


@pytest.mark.parametrize(
    ("operator", "example", "key", "expected"),
    [
        ("Conv9d", "stride", "slide", "example 3"),
        ("Conv9d", "default", "slide", "operator 3"),
        ("Conv8d", "default", "slide", "family"),
        ("Conv9d", "stride", "done", "done 3"),
        ("Conv8d", "stride", "hold", "hold"),
        ("Conv9d", "stride", "braces", "{literal}"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_caption_is_found_from_the_particular_to_the_general(
    operator: str, example: str, key: str, expected: str
) -> None:
    assert caption(operator, example, key, "en", count="3", unused="4") == expected


@pytest.mark.usefixtures("folder")
def test_what_is_missing_is_named() -> None:
    with pytest.raises(KeyError, match=r"no en caption 'nothing' for Conv9d:stride in family\.toml"):
        caption("Conv9d", "stride", "nothing", "en")
    with pytest.raises(KeyError, match="en Conv9d:stride slide: the caption wants count"):
        caption("Conv9d", "stride", "slide", "en")
    with pytest.raises(KeyError, match="no en title for Conv7d"):
        title("Conv7d", "en")


@pytest.mark.usefixtures("folder")
def test_a_table_is_never_taken_for_a_caption() -> None:
    with pytest.raises(KeyError, match="no en caption 'stride'"):
        caption("Conv9d", "default", "stride", "en")


@pytest.mark.usefixtures("folder")
def test_a_field_is_a_plain_name() -> None:
    with pytest.raises(ValueError, match=r"takes \{name\}"):
        caption("Conv9d", "stride", "attribute", "en", count=3)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, "1 row is drawn"), ("1", "1 row is drawn"), (0, "0 rows are drawn"), (3, "3 rows are drawn")],
)
@pytest.mark.usefixtures("folder")
def test_a_count_brings_the_form_that_agrees_with_it(count: object, expected: str) -> None:
    assert caption("Conv9d", "stride", "counted", "en", count=count) == expected


@pytest.mark.usefixtures("folder")
def test_a_title_is_found_in_whichever_file_has_it() -> None:
    assert title("Conv9d", "en") == "Ninefold"


@pytest.mark.parametrize("text", ["{0}", "{}", "{a!r}", "{a:.2f}", "{a[0]}", "{a.b}", "{a:b|c|d}"])
def test_no_other_field_is_taken(text: str) -> None:
    with pytest.raises(ValueError, match=r"takes \{name\}"):
        fields(text)


def test_both_languages_have_the_same_captions_with_the_same_values() -> None:
    told = {lang: {place: fields(text) for place, text in all_captions(lang).items()} for lang in LANGUAGES}
    assert told["zh"] == told["en"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_caption_is_empty_or_has_stray_space(lang: str) -> None:
    assert [
        place for place, text in all_captions(lang).items() if not text or text != " ".join(text.split())
    ] == []


CLAIMS = {
    "en": re.compile(r"\b(always|never|all|only|every)\b", re.IGNORECASE),
    "zh": re.compile("总是|从不|永远|所有|全部|只(?!画|列出)"),
}
"""Words that claim something of every call; what a picture leaves out (`只画`) is said where it does."""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_claim_about_all_calls_names_the_facts_it_needs(lang: str) -> None:
    """`key[0 fact]` is a sentence that is spoken where a fact holds."""
    told = {
        place: text for place, text in all_captions(lang).items() if not place.endswith((".title", ".law"))
    }
    bare = {place: text for place, text in told.items() if " " not in place}
    assert {place: text for place, text in bare.items() if CLAIMS[lang].search(text)} == {}


def test_each_fact_that_a_caption_needs_is_computed_another_way_by_a_test() -> None:
    """It is at least named in one, as `"fact"` or in a list of words."""
    needed = {
        fact.removeprefix("!")
        for place in all_captions("en")
        for facts in re.findall(r"\[\d+ (.+?)\]", place)
        for fact in facts.split()
    }
    tests = "\n".join(path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("test_*.py")))
    named = set(re.findall(r"\w+", " ".join(re.findall(r'"[^"\n]*"', tests))))
    assert len(needed) > 100
    assert needed - named == set()


def test_each_fact_that_is_computed_is_asked_for() -> None:
    """By a caption of the family, after `when`, or by a story of it, as `facts["fact"]`."""
    computed, asked = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for place in all_captions("en"):
        words = [fact for facts in re.findall(r"\[\d+ (.+?)\]", place) for fact in facts.split()]
        asked[re.split("[/_]", place)[0]].update(word.removeprefix("!") for word in words)
    for name in names_known():
        made = operator(name).trace_example(example(name))
        computed[example(name).family].update(operator(name).facts(made))
    for family in computed:
        for path in (ROOT / "scenes" / family).rglob("*.py"):
            asked[family].update(re.findall(r'facts\["(\w+)"\]', path.read_text("utf-8")))
    assert {
        family: found - asked[family] for family, found in computed.items() if found - asked[family]
    } == {}


def test_a_clip_reports_every_note_that_says_what_its_picture_leaves_out() -> None:
    notes = {
        re.split(r"[./]", place)[-1]
        for place, text in all_captions("en").items()
        if re.search(r"\b(is|are) (drawn|shown|listed)\b|^(Drawn|shown):", text) and ".alt" not in place
    }
    assert len(notes) > 5
    assert notes <= IN_PART
