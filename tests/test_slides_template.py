"""A lecturer's deck as a template: theme, size and title are kept, its slides are not, and the clip finds room."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER as KIND
from pptx.oxml import parse_xml
from pptx.util import Emu

from torchreel.assets.errors import UserError
from torchreel.publish.slides import make, template
from torchreel.publish.slides.deck import slides
from torchreel.publish.slides.powerpoint import deck
from torchreel.tests.toyfilm import told

_P = "http://schemas.openxmlformats.org/presentationml/2006/main"
_SECTION = f"""\
<p:extLst xmlns:p="{_P}"><p:ext uri="{{{{521415D9-36F7-43E2-AB2F-B90AF26B5E84}}}}">
<p14:sectionLst xmlns:p14="http://schemas.microsoft.com/office/powerpoint/2010/main">
<p14:section name="One" id="{{{{6B0B6D6C-4B0E-4B1F-9C5E-0F6E1B0A7C11}}}}">
<p14:sldIdLst><p14:sldId id="{{}}"/></p14:sldIdLst>
</p14:section></p14:sectionLst></p:ext></p:extLst>"""
_SHOW = f"""\
<p:custShowLst xmlns:p="{_P}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<p:custShow name="Short" id="0"><p:sldLst><p:sld r:id="{{}}"/></p:sldLst></p:custShow></p:custShowLst>"""


@pytest.fixture
def lecture(tmp_path: Path) -> Path:
    """A 4:3 deck of three slides, in a section and a custom show."""
    made = Presentation()
    for number in range(3):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = f"Secret {number}"
    first = made.slides._sldIdLst[0]
    root = made.part._element
    root.append(parse_xml(_SECTION.format(first.id)))
    shows = parse_xml(_SHOW.format(first.rId))
    root.insert(list(root).index(root.find(f"{{{_P}}}notesSz")) + 1, shows)
    path = tmp_path / "lecture.pptx"
    made.save(path)
    return path


def as_potx(path: Path) -> Path:
    """The same file, as PowerPoint saves it as a template."""
    target = path.with_suffix(".potx")
    with zipfile.ZipFile(path) as given_, zipfile.ZipFile(target, "w") as taken:
        for name in given_.namelist():
            part = given_.read(name)
            if name == "[Content_Types].xml":
                part = part.replace(b"presentation.main+xml", b"template.main+xml")
            taken.writestr(name, part)
    return target


@pytest.mark.parametrize("kind", ["pptx", "potx"])
def test_the_template_gives_size_and_title_and_no_slides(tmp_path: Path, lecture: Path, kind: str) -> None:
    path = lecture if kind == "pptx" else as_potx(lecture)
    data = deck(slides([told(tmp_path)]), path)
    made = Presentation(io.BytesIO(data))
    given_ = Presentation(lecture)
    assert (made.slide_width, made.slide_height) == (given_.slide_width, given_.slide_height)
    assert [slide.shapes.title.text for slide in made.slides] == ["Toy (1/3)", "Toy (2/3)", "Toy (3/3)"]
    for slide in made.slides:
        title, movie = slide.shapes
        assert title._element.spPr.xfrm is None, "the title stands where the template has it"
        assert movie.top >= title.top + title.height
        assert movie.left >= 0
        assert movie.left + movie.width <= made.slide_width
        assert movie.top + movie.height <= made.slide_height
        assert movie.width * 9 == pytest.approx(movie.height * 16, rel=1e-4)
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert len(parts.namelist()) == len({*parts.namelist()})
        everything = b"".join(
            parts.read(name) for name in parts.namelist() if name.endswith((".xml", ".rels"))
        )
    for trace in (b"Secret", b"sectionLst", b"custShow"):
        assert trace not in everything


def test_a_layout_of_title_and_text_serves_where_there_is_no_other(tmp_path: Path, lecture: Path) -> None:
    made = Presentation(lecture)
    for layout in list(made.slide_layouts):
        if (
            layout.name not in ("Title Slide", "Title and Content", "Two Content")
            and not layout.used_by_slides
        ):
            made.slide_layouts.remove(layout)
    made.save(lecture)
    [slide] = Presentation(io.BytesIO(deck(slides([told(tmp_path)], "clip"), lecture))).slides
    assert slide.slide_layout.name == "Title and Content"
    assert [shape.is_placeholder for shape in slide.shapes] == [True, False], "nobody is asked to add text"


def test_a_template_without_any_title_is_refused_before_any_work(lecture: Path) -> None:
    made = Presentation(lecture)
    for layout in made.slide_layouts:
        for one in list(layout.placeholders):
            one._element.getparent().remove(one._element)
    made.save(lecture)
    with pytest.raises(UserError, match="none of its layouts has a title placeholder"):
        make.read(["Conv2d", str(lecture.with_name("a.pptx"))], template=lecture)
    assert [path.name for path in lecture.parent.iterdir()] == ["lecture.pptx"]


def test_a_file_that_is_a_zip_and_no_deck_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pptx"
    with zipfile.ZipFile(path, "w") as other:
        other.writestr("mimetype", "application/vnd.oasis.opendocument.presentation")
    with pytest.raises(UserError, match="not a PowerPoint file"):
        template.opened(path)


def placed(kind: Any, top: int, height: int) -> Any:
    return SimpleNamespace(
        placeholder_format=SimpleNamespace(type=kind), top=Emu(top), height=Emu(height), left=Emu(0)
    )


@given(
    st.integers(3_000_000, 12_000_000),
    st.floats(1.0, 2.0),
    st.floats(-0.2, 1.0),
    st.floats(0.02, 0.9),
    st.lists(st.floats(0.0, 1.1), max_size=3),
)
def test_the_clip_lies_on_the_slide_wherever_title_and_footers_stand(
    height: int, ratio: float, top: float, tall: float, footers: list[float]
) -> None:
    width = round(ratio * height)
    title = placed(KIND.TITLE, round(top * height), round(tall * height))
    layout = SimpleNamespace(
        placeholders=[title, *(placed(KIND.FOOTER, round(one * height), 300_000) for one in footers)]
    )
    box = template.room(SimpleNamespace(slide_width=width, slide_height=height), layout)
    assert box.left >= 0
    assert box.top >= 0
    assert box.left + box.width <= width
    assert box.top + box.height <= height
    assert box.width > width / 6
    assert abs(box.width * 9 - box.height * 16) <= 16


def test_a_clip_stands_under_a_title_at_the_top_and_over_one_at_the_bottom() -> None:
    sizes = SimpleNamespace(slide_width=9_144_000, slide_height=6_858_000)
    for top, height in ((274_638, 1_143_000), (5_500_000, 1_143_000)):
        layout = SimpleNamespace(placeholders=[placed(KIND.TITLE, top, height)])
        box = template.room(sizes, layout)
        assert box.top >= top + height or box.top + box.height <= top
