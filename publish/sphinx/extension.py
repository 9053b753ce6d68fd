"""The extension: what happens when, in a build of Sphinx."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import ENUM, Config
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

import torchreel
from torchreel.publish.sphinx.directive import TorchreelDirective
from torchreel.publish.sphinx.making import copy, make, moves
from torchreel.publish.sphinx.nodes import ClipNode, Collector, Made, Noted, notes
from torchreel.publish.sphinx.wish import FORMATS, THEMES, Wish
from torchreel.publish.sphinx.writing import visit_clip, write_clips
from torchreel.render.task import Failure

if TYPE_CHECKING:
    from sphinx.util.typing import ExtensionMetadata

_STATIC = Path(__file__).parent / "static"
_NOTES_VERSION = 1

_logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.add_config_value("torchreel_format", "gif", "env", ENUM(*FORMATS))
    app.add_config_value("torchreel_theme", "auto", "env", ENUM(*THEMES))
    app.add_config_value("torchreel_lang", _lang, "env", ENUM("zh", "en"))
    app.add_config_value("torchreel_jobs", None, "", (int,))
    app.add_config_value("torchreel_prerendered", None, "", (str,))
    app.add_directive("torchreel", TorchreelDirective)
    app.add_node(ClipNode, html=(visit_clip, None))
    app.add_env_collector(Collector)
    app.connect("config-inited", _offer_static_files)
    app.connect("env-updated", _make_clips)
    app.connect("doctree-resolved", write_clips)
    app.connect("html-page-context", _dress)
    return {
        "version": torchreel.__version__,
        "env_version": _NOTES_VERSION,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }


def _lang(config: Config) -> str:
    """The language of clips in a documentation that does not say it."""
    return "zh" if (config.language or "").lower().startswith("zh") else "en"


def _offer_static_files(app: Sphinx, config: Config) -> None:
    config.html_static_path = [*config.html_static_path, str(_STATIC)]


def _make_clips(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Make all clips that pages wish; returns the documents to be written because of what became of theirs."""
    noted = notes(env)
    made = make(app, [one.wish for one in noted.all()])
    for one in noted.all():
        _warn(one, made.get(one.wish))
    if moves(app.builder):
        copy(app, [one for one in made.values() if isinstance(one, Made)])
    before = noted.made.get(app.builder.name, {})
    now: dict[Wish, Made | Failure | None] = {one.wish: made.get(one.wish) for one in noted.all()}
    noted.made[app.builder.name] = now
    return [
        name
        for name, wishes in noted.wishes.items()
        if any(one.wish not in before or before[one.wish] != now[one.wish] for one in wishes)
    ]


def _warn(noted: Noted, made: Made | Failure | None) -> None:
    for complaint in noted.complaints:
        _say("usage", noted, complaint)
    if isinstance(made, Failure):
        _say(made.kind, noted, made.message)
    elif made is not None and made.remark:
        _say("missing", noted, made.remark)


def _say(kind: str, noted: Noted, message: str) -> None:
    _logger.warning("torchreel: %s", message, location=noted.place, type="torchreel", subtype=kind)


def _dress(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Pages with clips, and no others, get what clips need."""
    if doctree is not None and next(doctree.findall(ClipNode), None) is not None:
        app.add_css_file("torchreel.css")
        app.add_js_file("torchreel.js", loading_method="defer")
