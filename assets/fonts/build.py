"""Cut the bundled fonts from their sources; run it when the coverage in assets/fonts.py changes.

The sources are not kept here: they are the files of Debian 12's packages fonts-noto-cjk (20220127),
fonts-dejavu-core (2.37) and fonts-stix (1.1.1). With fonttools installed: python assets/fonts/build.py /usr/share/fonts
The same sources give the same bytes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from torchreel.assets import fonts

SIMPLIFIED_CHINESE = 2  # the collection's third font
MATHEMATICS = fonts.SYMBOLS
LATIN = "".join(c for c in fonts.LATIN + fonts.GREEK + fonts.QUOTES if c not in MATHEMATICS)
NOT_IN_MONO = dict.fromkeys(map(ord, "⋮⋱"))
CHINESE = LATIN + "−" + fonts.CIRCLED + fonts.CJK_PUNCTUATION + fonts.hanzi()


@dataclass(frozen=True)
class Cut:
    """One bundled file: where it comes from, what is kept, and the name it goes by."""

    target: str
    source: str
    characters: str
    name: str
    number: int = -1


CUTS = (
    Cut("sans.otf", "NotoSansCJK-Regular.ttc", CHINESE, "Torchreel Sans", SIMPLIFIED_CHINESE),
    Cut("bold.otf", "NotoSansCJK-Bold.ttc", CHINESE + "✓", "Torchreel Sans Bold", SIMPLIFIED_CHINESE),
    Cut("mono.ttf", "DejaVuSansMono.ttf", LATIN + MATHEMATICS.translate(NOT_IN_MONO), "Torchreel Mono"),
    Cut("italic.otf", "STIXGeneral-Italic.otf", fonts.LETTERS, "Torchreel Italic"),
    Cut("symbols.ttf", "DejaVuSans.ttf", MATHEMATICS, "Torchreel Symbols"),
    Cut("symbols-bold.ttf", "DejaVuSans-Bold.ttf", MATHEMATICS, "Torchreel Symbols Bold"),
)


def build(cut: Cut, sources: Path) -> Path:
    """Write one subset beside this script and return its path."""
    font = TTFont(_find(cut.source, sources), fontNumber=cut.number, recalcTimestamp=False)
    cutter = subset.Subsetter(_options())
    cutter.populate(text=cut.characters)
    cutter.subset(font)
    _rename(font, cut.name)
    target = Path(__file__).with_name(cut.target)
    font.save(target)
    return target


def _options() -> subset.Options:
    options = subset.Options()
    options.hinting = False
    options.desubroutinize = True
    options.glyph_names = False
    options.layout_features = ["kern", "halt", "pwid"]
    options.name_IDs = [0, 13, 14]  # copyright, licence, its address: the licences ask for these
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE", "DSIG", "meta", "gasp", "FFTM"]
    return options


def _rename(font: TTFont, name: str) -> None:
    """A changed font must not go by a reserved name: "Source" for Noto's outlines, "Vera" for DejaVu's,
    "STIX" for its own."""
    plain = name.replace(" ", "")
    for number, value in ((1, name), (2, "Regular"), (3, plain), (4, name), (6, plain)):
        font["name"].setName(value, number, 3, 1, 0x409)
    if "CFF " in font:
        cff = font["CFF "].cff
        cff.fontNames = [plain]
        cff.topDictIndex[0].FullName = cff.topDictIndex[0].FamilyName = name


def _find(name: str, sources: Path) -> Path:
    found = sorted(sources.rglob(name))
    if not found:
        raise SystemExit(f"{name} is not in {sources}: unpack the three font packages there")
    return found[0]


if __name__ == "__main__":
    for cut in CUTS:
        written = build(cut, Path(sys.argv[1]))
        print(f"{written.name}: {written.stat().st_size / 1000:.0f} kB")
