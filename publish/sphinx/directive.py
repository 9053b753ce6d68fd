"""The directive: `.. torchreel:: Conv2d:stride`, and its options. It only notes what the page wishes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from torchreel.publish.markup import WIDTH, Plays
from torchreel.publish.sphinx.nodes import ClipNode, Look, Noted
from torchreel.publish.sphinx.wish import Wish, parts, placed

_ALIGNS = ("left", "center", "right")
_LENGTH = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(%|[a-z]*)", re.ASCII)
_UNITS = ("", "px", "%", "em", "ex", "rem", "ch", "vw", "in", "cm", "mm", "pt", "pc")
_TEXTS = (
    "set",
    "input",
    "call",
    "seed",
    "lang",
    "theme",
    "format",
    "quality",
    "width",
    "align",
    "alt",
    "name",
)
_FLAGS = ("no-autoplay", "no-loop", "nocontrols")


class TorchreelDirective(SphinxDirective):
    """A clip; with content it is a figure, whose first paragraph is the caption and the rest a legend."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        **dict.fromkeys(_TEXTS, directives.unchanged),
        **dict.fromkeys(_FLAGS, directives.flag),
        "class": directives.class_option,
    }

    def run(self) -> list[nodes.Node]:
        self.complaints: list[str] = []
        wish, align = self._wish(), self._align()
        node = ClipNode("", look=self._look(wish.format))
        self.set_source_info(node)
        shown = self._figure(node, align) if self.content else node
        if not self.content:
            node["classes"].append(f"align-{align}")
        shown["classes"] += self.options.get("class", [])
        node["noted"] = Noted(wish, self.get_location(), tuple(self.complaints))
        self.add_name(shown)
        return [shown]

    def _wish(self) -> Wish:
        given, config = self.options, self.config
        return Wish(
            self.arguments[0].strip(),
            given.get("lang") or config.torchreel_lang,
            given.get("theme") or config.torchreel_theme,
            given.get("format") or config.torchreel_format,
            given.get("quality") or "m",
            parts(given.get("set", "")),
            self._inputs(),
            parts(given.get("call", "")),
            given.get("seed") or "0",
            "no-loop" in given,
        )

    def _inputs(self) -> tuple[str, ...]:
        page = Path(self.env.doc2path(self.env.docname))
        return placed(parts(self.options.get("input", "")), page.parent, Path(self.env.srcdir))

    def _align(self) -> str:
        align = self.options.get("align") or "center"
        if align in _ALIGNS:
            return str(align)
        self.complaints.append(f":align: {align}: expected {', '.join(_ALIGNS)}.")
        return "center"

    def _look(self, format: str) -> Look:
        without = [name for name in _FLAGS if name in self.options]
        deaf = [name for name in without if format == "png" or (format == "gif" and name != "no-loop")]
        if deaf:
            names = " and ".join(f":{name}:" for name in deaf)
            self.complaints.append(f"{names}, but a {format} has nothing of the kind; add :format: mp4.")
        elif {"no-autoplay", "nocontrols"} <= {*without}:
            self.complaints.append(
                ":no-autoplay: with :nocontrols: is a film that nobody can start; drop one of them."
            )
        return Look(
            self._width(), self.options.get("alt", ""), Plays(*(name not in without for name in _FLAGS))
        )

    def _width(self) -> str:
        given = self.options.get("width") or str(WIDTH)
        match = _LENGTH.fullmatch(given.strip())
        if match and match[2] in _UNITS and float(match[1]) > 0:
            return f"{match[1]}{match[2] or 'px'}"
        self.complaints.append(f":width: {given}: expected a length such as 640, 640px, 60% or 30em.")
        return f"{WIDTH}px"

    def _figure(self, node: ClipNode, align: str) -> nodes.figure:
        inside = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, inside)
        figure = nodes.figure("", node, align=align)
        self.set_source_info(figure)
        if not inside.children or not isinstance(inside[0], nodes.paragraph):
            self.complaints.append("a clip's content is its caption: expected a paragraph first.")
            figure += inside.children
            return figure
        caption = nodes.caption(inside[0].rawsource, "", *inside[0].children)
        caption.source, caption.line = inside[0].source, inside[0].line
        figure += caption
        if legend := inside.children[1:]:
            figure += nodes.legend("", *legend)
        return figure
