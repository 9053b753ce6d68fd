"""Text: every promised character is there, set right, and the same on every machine."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
from fontTools.misc.bezierTools import calcCubicArcLength
from fontTools.pens.areaPen import AreaPen
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from torchreel.assets import fonts
from torchreel.assets.errors import UserError
from torchreel.assets.fonts import MissingGlyph, advance, outline
from torchreel.scenes.parts.text import Text, fit, measure, wrap

NAMES = ("sans", "bold", "mono")
FILES = sorted([*fonts.FOLDER.glob("*.otf"), *fonts.FOLDER.glob("*.ttf")])
NEEDED_IN_FORMULAS = "−×·÷±⊙⊗Σ∏√∞≤≥≠≈→←↑↓↦∈σμγβεαθλπΔ²³⁰¹⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉'′…✓✗⌊⌋⌈⌉‖∂" + "".join(
    map(chr, range(33, 127))
)
NEEDED_IN_CAPTIONS = "，。：；、（）“”‘’—…《》「」！？·"

UNHURRIED = settings(deadline=None)  # the first string opens the fonts

font_names = st.sampled_from(NAMES)
hanzi = st.sampled_from(fonts.hanzi())
mixed_text = st.text(st.one_of(hanzi, st.sampled_from("abc XYZ 019 ,.()，。（）“”《》——…− ")), max_size=40)
lengths = st.floats(-8, 8, allow_nan=False)
sizes = st.floats(0.1, 2.0)


def ink(points: np.ndarray) -> tuple[float, float, float, float]:
    """Exact (left, bottom, right, top) of cubics, by fontTools instead of the code under test."""
    pen = BoundsPen(None)
    draw(points, pen)
    return pen.bounds


def draw(points: np.ndarray, pen: AreaPen | BoundsPen) -> None:
    last = None
    for start, one, two, end in points[:, :2].reshape(-1, 4, 2):
        if last is None or not np.array_equal(start, last):
            if last is not None:
                pen.closePath()
            pen.moveTo(tuple(start))
        pen.curveTo(tuple(one), tuple(two), tuple(end))
        last = end
    if last is not None:
        pen.closePath()


@pytest.mark.parametrize("font", NAMES)
def test_every_promised_character_has_a_glyph(font):
    for character in fonts.coverage() + NEEDED_IN_FORMULAS + NEEDED_IN_CAPTIONS:
        drawn = outline(character, font)
        assert drawn.advance > 0, character
        assert len(drawn.points) or character in " \u00a0", character


def test_coverage_has_gb_2312_level_1():
    common = fonts.hanzi().removesuffix(fonts.RARER)
    assert len(set(common)) == 3755
    assert {common[0], common[-1]} == {"啊", "座"}
    assert not set(fonts.RARER) & set(common)
    assert set(fonts.hanzi()) <= set(fonts.coverage())


@pytest.mark.parametrize("character", ["𠮷", "あ", "\n", "\ufffd", "🙂"])
def test_a_missing_character_is_named_with_its_text(character):
    with pytest.raises(MissingGlyph) as caught:
        outline(f"卷积 {character}", "sans")
    assert isinstance(caught.value, UserError)
    assert f"U+{ord(character):04X}" in str(caught.value)
    assert "卷积" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("character", list("窗A8gφ−⊙，"))
@pytest.mark.parametrize("font", NAMES)
def test_outline_is_the_glyph_of_the_font_file(font, character):
    """Area and bounds against fontTools, which reads CFF and TrueType curves by code of its own."""
    file = next(f for f in fonts.CHAINS[font] if ord(character) in TTFont(fonts.FOLDER / f).getBestCmap())
    source = TTFont(fonts.FOLDER / file)
    glyphs, em = source.getGlyphSet(), source["head"].unitsPerEm
    glyph = glyphs[source.getBestCmap()[ord(character)]]
    area, bounds, ours = AreaPen(glyphs), BoundsPen(glyphs), AreaPen()
    glyph.draw(area)
    glyph.draw(bounds)
    drawn = outline(character, font)
    draw(drawn.points, ours)
    assert ours.value == pytest.approx(area.value / em**2, rel=1e-6)
    assert ink(drawn.points) == pytest.approx([v / em for v in bounds.bounds], abs=1e-9)
    assert drawn.advance == pytest.approx(glyph.width / em)


@UNHURRIED
@given(mixed_text, font_names)
def test_contours_are_closed_and_in_manims_layout(text, font):
    points = outline(text, font).points
    assert points.dtype == np.float64 and points.shape[1:] == (3,) and len(points) % 4 == 0
    assert not points[:, 2].any()
    first = last = None
    for start, *_, end in points.reshape(-1, 4, 3):
        if last is None or not np.array_equal(start, last):
            assert last is None or np.array_equal(first, last)
            first = start
        last = end
    assert last is None or np.array_equal(first, last)
    lengths_of_curves = [calcCubicArcLength(*curve[:, :2]) for curve in points.reshape(-1, 4, 3)[:20]]
    assert all(length > 1e-6 for length in lengths_of_curves)


@UNHURRIED
@given(st.text(st.sampled_from("0123456789−+.,-eEinfa×=[]()πσ²₀↦⊙ "), max_size=20))
def test_mono_keeps_columns(text):
    assert advance(text, "mono") == pytest.approx(len(text) * advance("0", "mono"))


@UNHURRIED
@given(st.from_regex(r"\A−?[0-9]{1,6}\.[0-9]{1,4}\Z"), font_names)
def test_figures_are_tabular_in_every_font(number, font):
    """The minus is as wide as a figure, so that signed numbers of equal length stand one below the other."""
    figures = len(number) - 1
    assert advance(number, font) == pytest.approx(figures * advance("0", font) + advance(".", font))


@UNHURRIED
@given(st.text(hanzi, max_size=20), font_names)
def test_chinese_is_set_solid(text, font):
    assert advance(text, font) == pytest.approx(len(text))


@UNHURRIED
@given(mixed_text, mixed_text, font_names)
def test_setting_side_by_side_changes_only_the_seam(left, right, font):
    """Kerning, the Han-Latin gap and squeezed punctuation move at most an em at the place where two texts meet."""
    assert abs(advance(left + right, font) - advance(left, font) - advance(right, font)) <= 1.0


def test_the_gap_between_chinese_and_latin_is_added_once():
    assert advance("门i门") == pytest.approx(2 + advance("i") + 0.25)
    assert advance("门 i 门") == pytest.approx(2 + advance(" i "))
    assert advance("门i", "mono") == pytest.approx(1 + advance("i", "mono"))


def test_punctuation_gives_up_its_empty_half_only_beside_punctuation():
    assert advance("（门）。") == pytest.approx(3.5)
    assert advance("门，门") == pytest.approx(3.0)
    assert advance("《“门”》") == pytest.approx(4.0)
    assert ink(outline("（（").points)[1::2] == ink(outline("（").points)[1::2]


def test_quotes_are_narrow_in_latin_and_wide_in_chinese():
    assert advance("it’s") < 1.7
    assert advance("“门”") == pytest.approx(3.0)


def test_strings_are_kept_and_cannot_be_spoilt():
    assert outline("−0.77", "mono") is outline("−0.77", "mono")
    with pytest.raises(ValueError, match="read-only"):
        outline("−0.77", "mono").points[0, 0] = 1.0


def test_the_height_of_capitals_is_that_of_the_letters():
    for font in NAMES:
        assert ink(outline("H", font).points)[3] == pytest.approx(fonts.cap_height(font))
        assert ink(outline("5", font).points)[3] == pytest.approx(fonts.cap_height(font), abs=0.02)


PRINT_OUTLINES = """
import hashlib, sys
from torchreel.assets.fonts import coverage, outline
digest = hashlib.sha256()
for font in ("sans", "bold", "mono"):
    for text in ("卷积 Conv2d：−0.77 × 2 → σ(x)", coverage()):
        digest.update(outline(text, font).points.tobytes())
assert not {"manim", "torch", "manimpango", "cairo"} & set(sys.modules)
print(digest.hexdigest())
"""


def test_outlines_do_not_depend_on_installed_fonts_nor_import_manim(tmp_path):
    (tmp_path / "fonts.conf").write_text("<fontconfig></fontconfig>")
    bare = os.environ | {
        "FONTCONFIG_FILE": str(tmp_path / "fonts.conf"),
        "HOME": str(tmp_path),
        "LC_ALL": "C",
    }
    run = [sys.executable, "-c", PRINT_OUTLINES]
    there = subprocess.run(run, env=bare, check=True, capture_output=True, text=True).stdout.strip()
    here = hashlib.sha256()
    for font in NAMES:
        for text in ("卷积 Conv2d：−0.77 × 2 → σ(x)", fonts.coverage()):
            here.update(outline(text, font).points.tobytes())
    assert there == here.hexdigest()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_font_has_its_licence_beside_it_and_no_reserved_name(file):
    naming = [path for path in fonts.FOLDER.glob("LICENSE-*.txt") if file.name in path.read_text("utf-8")]
    assert len(naming) == 1
    names = {number: TTFont(file)["name"].getDebugName(number) for number in (1, 3, 4, 6)}
    assert all(name.startswith("Torchreel") for name in names.values())


def test_the_chains_name_the_files_that_are_there_and_they_stay_small():
    assert {file.name for file in FILES} == {name for chain in fonts.CHAINS.values() for name in chain}
    assert sum(file.stat().st_size for file in FILES) < 3_000_000


@UNHURRIED
@given(mixed_text, sizes, font_names, lengths, lengths, st.sampled_from(["left", "center", "right"]))
def test_place_puts_the_advance_box_where_it_was_asked(text, size, font, x, y, align):
    placed = Text(text, size, "#123456", font).place((x, y), align)
    width = measure(text, size, font)
    left = {"left": x, "center": x - width / 2, "right": x - width}[align]
    baseline = y - fonts.cap_height(font) * size / 2
    assert np.allclose(placed.points, outline(text, font).points * size + [left, baseline, 0])
    again = placed.shift((1.0, 1.0, 0.0)).place(np.array([x, y, 0.0]), align)
    assert np.allclose(again.points, outline(text, font).points * size + [left, baseline, 0])


@UNHURRIED
@given(sizes, font_names, lengths)
def test_middle_centres_a_capital_and_baseline_stands_on_the_line(size, font, y):
    _, bottom, _, top = ink(Text("H", size, font=font).place((0, y)).points)
    assert (bottom + top) / 2 == pytest.approx(y, abs=1e-9)
    _, bottom, _, _ = ink(Text("H", size, font=font).place((0, y), vertical="baseline").points)
    assert bottom == pytest.approx(y, abs=1e-9)


def test_text_is_one_filled_path():
    text = Text("−0.77", 0.2, "#b33a1e", "mono")
    assert text.submobjects == []
    assert text.get_fill_color().to_hex().lower() == "#b33a1e"
    assert (text.get_fill_opacity(), text.get_stroke_width()) == (1.0, 0.0)
    assert (text.text, text.size, text.width_em) == ("−0.77", 0.2, advance("−0.77", "mono"))


@UNHURRIED
@given(mixed_text.filter(str.strip), sizes)
def test_box_holds_the_ink(text, size):
    placed = Text(text, size).place((1.0, -2.0))
    if len(placed.points):
        left, bottom, right, top = placed.box()
        inner = ink(placed.points)
        assert left <= inner[0] + 1e-9 and bottom <= inner[1] + 1e-9
        assert right >= inner[2] - 1e-9 and top >= inner[3] - 1e-9


def test_an_empty_text_is_nothing_at_its_place():
    assert len(Text("").place((1, 2)).points) == 0
    assert measure("", 1.0) == 0.0
    assert wrap("", 1.0, 1.0) == []


@UNHURRIED
@given(st.text(hanzi, min_size=1, max_size=30), st.floats(0.5, 10), sizes, st.floats(0.05, 0.1))
def test_fit_is_the_largest_size_that_fits(text, room, size, smallest):
    chosen = fit(text, room, size, smallest)
    assert smallest <= chosen <= size
    assert measure(text, chosen, "sans") <= room * (1 + 1e-9) or chosen == smallest
    assert chosen == size or measure(text, chosen, "sans") >= room * (1 - 1e-9)


@UNHURRIED
@given(mixed_text, st.floats(0.3, 12), font_names)
def test_wrap_loses_nothing_and_obeys_the_width(text, width, font):
    lines = wrap(text, width, 0.5, font)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines:
        assert line == line.strip(" ") != ""
        assert len(line) == 1 or measure(line, 0.5, font) <= width


@UNHURRIED
@given(mixed_text)
def test_wrap_keeps_what_fits_on_one_line(text):
    assert wrap(text, 100.0, 0.5) == ([text.strip(" ")] if text.strip(" ") else [])


CAPTION = "窗口每次右移 stride=1 格：两个通道各自逐元素相乘（“乘积”），再全部相加，得到一个 output[0, 0] 值。"


@pytest.mark.parametrize("ems", range(6, 40))
def test_wrap_breaks_as_chinese_is_broken(ems):
    lines = wrap(CAPTION, ems * 0.25, 0.25)
    assert not any(line[0] in "，。：；、）”’》？！…—" for line in lines)
    assert not any(line[-1] in "（“‘《" for line in lines)
    assert sum("stride=1" in line for line in lines) == 1


def test_a_numeral_stays_with_what_it_counts():
    lines = wrap("①求均值②减去均值③求方差", 1.3, 0.25)
    assert len(lines) > 1 and not any(line[-1] in "①②③" for line in lines)


def test_wrap_breaks_latin_at_spaces():
    lines = wrap("Each window (2 x 2) becomes one column: it’s read row by row.", 3.0, 0.25)
    assert len(lines) > 1
    assert " ".join(lines) == "Each window (2 x 2) becomes one column: it’s read row by row."


def test_a_word_wider_than_the_line_is_cut():
    lines = wrap("nn.AdaptiveLogSoftmaxWithLoss，好", 1.0, 0.25)
    assert len(lines) > 2
    assert not any(line.startswith("，") for line in lines)


def test_the_font_files_hold_what_the_build_script_cuts():
    spec = importlib.util.spec_from_file_location("build_fonts", fonts.FOLDER / "build.py")
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script
    spec.loader.exec_module(script)
    assert {cut.target for cut in script.CUTS} == {file.name for file in FILES}
    for cut in script.CUTS:
        wanted = {ord(character) for character in cut.characters}
        assert wanted <= set(TTFont(fonts.FOLDER / cut.target).getBestCmap())


def test_every_caption_and_title_can_be_drawn():
    files = sorted((fonts.FOLDER.parent / "captions").rglob("*.toml"))
    assert files
    for file in files:
        characters = set(file.read_text("utf-8")) - {"\n"}
        assert characters <= set(fonts.coverage()), file
