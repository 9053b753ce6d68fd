"""The page that lists every call of a recorded run, with a link to the clip that shows it or one of its kind."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torchreel.assets.pages import words
from torchreel.render.html import filled, link
from torchreel.render.outputs import write_whole
from torchreel.scenes.record.calls import RecordedCall

_TEMPLATE = Path(__file__).with_name("overview.html")
_COLUMNS = ("path", "call", "input", "output")


@dataclass(frozen=True)
class Shown:
    """The clip of a call: its file, and what it shows in words."""

    file: Path
    alt: str


def write(
    path: Path,
    calls: Sequence[RecordedCall],
    clips: Mapping[RecordedCall, Shown],
    notes: Sequence[str],
    lang: str,
) -> None:
    """Write the page: a row a call, then the clips. `clips` are files beside the page, by the calls that they show."""
    said = words(lang)
    by_kind = {call.kind: call for call in reversed(list(clips))}
    page = filled(
        _TEMPLATE,
        lang=lang,
        heading=said["calls_of"].format(calls=len(calls), clips=len(clips)),
        notes="".join(f"<p>{html.escape(note)}</p>" for note in notes),
        columns=_columns(said),
        rows="\n".join(_row(call, clips, by_kind, said) for call in calls),
        all=said["all_calls"],
        parameters=f"{sum(call.parameters for call in calls):,}",
        figures="\n".join(_figure(call, link(one.file, path), one.alt) for call, one in clips.items()),
    )
    write_whole(path, page.encode())


def _columns(said: Mapping[str, str]) -> str:
    texts = "".join(f"<th>{said[f'column_{name}']}</th>" for name in _COLUMNS)
    numbers = f'<th class="number">{said["column_parameters"]}</th>'
    return f'<th class="number">#</th>{texts}{numbers}<th>{said["column_clip"]}</th>'


def _row(
    call: RecordedCall,
    clips: Mapping[RecordedCall, Shown],
    by_kind: Mapping[str, RecordedCall],
    said: Mapping[str, str],
) -> str:
    shown = call if call in clips else by_kind.get(call.kind)
    if shown is not None and call.is_supported:
        text = said["its_clip"] if shown is call else said["of_its_kind"].format(number=shown.number)
        clip, look = f'<a href="#call-{shown.number}">{text}</a>', ""
    else:
        clip, look = html.escape(call.why_not or said["not_drawn"]), ' class="without"'
    texts = (call.path, f"{call.name}({call.settings})", call.inputs, call.output)
    cells = "".join(f"<td><code>{html.escape(text)}</code></td>" for text in texts)
    return (
        f'<tr{look}><td class="number">{call.number}</td>{cells}'
        f'<td class="number">{call.parameters or ""}</td><td>{clip}</td></tr>'
    )


def _figure(call: RecordedCall, clip: str, alt: str) -> str:
    title = html.escape(f"{call.number} {call.path} {call.name}({call.settings})")
    source, told = html.escape(clip), html.escape(alt)
    shown = (
        f'<video src="{source}" aria-label="{told}" controls loop muted playsinline width="800"></video>'
        if clip.endswith(".mp4")
        else f'<img src="{source}" alt="{told}" width="800" loading="lazy">'
    )
    return f'<figure id="call-{call.number}"><figcaption><code>{title}</code></figcaption>{shown}</figure>'
