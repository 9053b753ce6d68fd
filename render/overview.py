"""The page that lists every call of a recorded run, with a link to the clip that shows it or one of its kind."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from torchreel.render.html import generator, link
from torchreel.render.outputs import write_whole
from torchreel.scenes.record.calls import RecordedCall

_STYLE = """
:root{color-scheme:light dark;--muted:#666;--line:#ddd}
@media(prefers-color-scheme:dark){:root{--muted:#aaa;--line:#444}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td.number{text-align:right;font-variant-numeric:tabular-nums}
code{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
tr.without{color:var(--muted)}
img{max-width:100%;height:auto;border:1px solid var(--line)}
figure{margin:1.5rem 0}
"""


def write(
    path: Path,
    calls: Sequence[RecordedCall],
    clips: Mapping[RecordedCall, Path],
    notes: Sequence[str],
) -> None:
    """Write the page: a row a call, then the clips. `clips` are files beside the page, by the calls that they show."""
    by_kind = {call.kind: call for call in reversed(list(clips))}
    rows = "\n".join(_row(call, clips, by_kind) for call in calls)
    figures = "\n".join(_figure(call, link(clip, path)) for call, clip in clips.items())
    said = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    parameters = sum(call.parameters for call in calls)
    heading = f"{len(calls)} calls, {len(clips)} clips"
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
{generator()}
<title>{heading}</title><style>{_STYLE}</style></head><body>
<h1>{heading}</h1>{said}
<table><thead><tr><th>#</th><th>path</th><th>call</th><th>input</th><th>output</th><th>parameters</th><th>clip</th></tr></thead>
<tbody>
{rows}
</tbody><tfoot><tr><td></td><td colspan="4">all calls</td><td class="number">{parameters:,}</td><td></td></tr></tfoot>
</table>
{figures}
</body></html>
"""
    write_whole(path, page.encode())


def _row(call: RecordedCall, clips: Mapping[RecordedCall, Path], by_kind: Mapping[str, RecordedCall]) -> str:
    shown = call if call in clips else by_kind.get(call.kind)
    if shown is not None and call.is_supported:
        words = "its clip" if shown is call else f"of its kind: {shown.number}"
        clip, look = f'<a href="#call-{shown.number}">{words}</a>', ""
    else:
        clip, look = html.escape(call.why_not or "not drawn"), ' class="without"'
    texts = (call.path, f"{call.name}({call.settings})", call.inputs, call.output)
    cells = "".join(f"<td><code>{html.escape(text)}</code></td>" for text in texts)
    return (
        f'<tr{look}><td class="number">{call.number}</td>{cells}'
        f'<td class="number">{call.parameters or ""}</td><td>{clip}</td></tr>'
    )


def _figure(call: RecordedCall, clip: str) -> str:
    title = html.escape(f"{call.number} {call.path} {call.name}({call.settings})")
    source = html.escape(clip)
    shown = (
        f'<video src="{source}" controls loop muted playsinline width="800"></video>'
        if clip.endswith(".mp4")
        else f'<img src="{source}" alt="{title}" width="800" loading="lazy">'
    )
    return f'<figure id="call-{call.number}"><figcaption><code>{title}</code></figcaption>{shown}</figure>'
