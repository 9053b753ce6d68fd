"""The command line: parse, call, report. Everything slow is imported inside the command that needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import torchreel

if TYPE_CHECKING:
    from torchreel.render.job import Job
    from torchreel.render.task import Result

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
_LANG = click.option(
    "--lang",
    "langs",
    multiple=True,
    metavar="zh|en",
    envvar="TORCHREEL_LANG",
    default=("zh",),
    show_default="zh",
    show_envvar=True,
    help="Language of the words; both with zh,en.",
)
_THEME = click.option(
    "--theme",
    "themes",
    multiple=True,
    metavar="light|dark",
    envvar="TORCHREEL_THEME",
    default=("light",),
    show_default="light",
    show_envvar=True,
    help="Colours; both with light,dark.",
)
_OUTPUT = click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("media"),
    show_default=True,
    help="Folder to write to.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print machine-readable JSON instead of text.")
_FAMILY = click.option("--family", metavar="NAME", help="Only this family, such as pooling.")
_CHANGES = (
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="A constructor argument, such as kernel_size=2 or stride=(2, 1). Repeatable.",
    ),
    click.option(
        "--input",
        "input_text",
        multiple=True,
        metavar="TENSOR|FILE",
        help='The first input: "torch.randn(1, 1, 6, 6)", nested lists, a .npy, .npz, .pt, .csv or picture file, '
        "or - for standard input.",
    ),
    click.option(
        "--resize",
        metavar="SIZE",
        help="Make an input picture smaller: 64 is its longer side in px, 64x48 its width and height.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**63 - 1),
        default=0,
        show_default=True,
        help="Seed of everything random.",
    ),
    click.option(
        "--precision", type=click.IntRange(0, 6), default=2, show_default=True, help="Decimals shown."
    ),
)


@contextmanager
def _friendly(as_json: bool = False) -> Iterator[None]:
    """Turn a user's mistake into one line (and an object of JSON) and exit code 2, and Ctrl-C into a quiet end."""
    from torchreel.assets.errors import UserError

    try:
        yield
    except UserError as error:
        click.echo(f"torchreel: {error}", err=True)
        if as_json:
            click.echo(_json({"exit_code": WRONG_USAGE, "error": str(error)}))
        sys.exit(WRONG_USAGE)
    except KeyboardInterrupt:
        click.echo("torchreel: interrupted; finished clips are kept.", err=True)
        sys.exit(INTERRUPTED)


def _changes(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_CHANGES):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(torchreel.__version__, prog_name="torchreel")
def main() -> None:
    """See what a tensor operator does, with the numbers torch really computes.

    \b
    torchreel list
    torchreel render Conv2d MaxPool2d:padding -f gif,mp4
    torchreel render Conv2d --set kernel_size=2 --input "torch.randn(1, 1, 6, 6)"
    torchreel render --all -j 2
    """


@main.command("list")
@_FAMILY
@_JSON
def list_command(family: str | None, as_json: bool) -> None:
    """Show the operators and their examples, by family and by the rows of the handbook's index."""
    with _friendly(as_json):
        from torchreel.render import listing
        from torchreel.render.plan import select

        chosen = select((), everything=True, family=family)
    if as_json:
        click.echo(_json(listing.plain(chosen)))
        return
    for line in listing.lines(chosen):
        click.echo(line)


@main.command()
@click.argument("operator")
@_JSON
def info(operator: str, as_json: bool) -> None:
    """Show the examples of one OPERATOR: its constructor calls and where they come from."""
    with _friendly(as_json):
        from torchreel.render.plan import select

        chosen = select([operator if ":" in operator else f"{operator}:*"])
    if as_json:
        fields = ("operator", "name", "family", "kwargs", "call", "inputs", "state", "section")
        click.echo(_json([{field: getattr(example, field) for field in fields} for example in chosen]))
        return
    click.echo(f"{chosen[0].operator}  ({chosen[0].family})")
    for example in chosen:
        call = ", ".join(f"{name}={value!r}" for name, value in example.kwargs.items())
        extra = "".join(f"  {name}={value}" for name, value in example.call.items())
        click.echo(f"  {example.name:<16} {example.operator}({call}){extra}")
        if example.section:
            click.echo(f"  {'':<16} handbook: {example.section}")
    click.echo(f"render one:  torchreel render {chosen[0].operator}:{chosen[0].name}")


@main.command()
@click.argument("operators", nargs=-1, metavar="[OPERATOR[:EXAMPLE|:*]]...")
@click.option("--all", "everything", is_flag=True, help="Every example of every operator.")
@_FAMILY
@click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    default=("gif,mp4,png",),
    metavar="gif,mp4,png,webp",
    show_default="gif,mp4,png",
    help="Files to write; repeatable or with commas.",
)
@_OUTPUT
@click.option(
    "-q",
    "--quality",
    type=click.Choice(["l", "m", "h", "k"]),
    default="m",
    show_default=True,
    help="Size and rate of MP4 and PNG (of GIF and WebP): l 854x480@20 (480x270@10), m 1280x720@30 (800x450@20), "
    "h 1920x1080@60 (1280x720@20), k 3840x2160@60 (1920x1080@20).",
)
@click.option("--fps", type=int, help="Frames per second, instead of the quality's.")
@click.option(
    "--width", type=int, help="Width in px, made even, instead of the quality's; the height follows as 16:9."
)
@_LANG
@_THEME
@_changes
@click.option(
    "--max-size", metavar="SIZE", help="Most bytes of a GIF, such as 600kB: retries smaller and says how."
)
@click.option(
    "-j", "--jobs", type=click.IntRange(1), help="Clips rendered at once.  [default: one a processor]"
)
@click.option("--force", is_flag=True, help="Render even what has not changed.")
@click.option("--keep-going/--fail-fast", default=True, show_default=True, help="After a clip that failed.")
@click.option("-v", "--verbose", is_flag=True, help="Print the traceback of a clip that failed.")
@_JSON
def render(
    operators: tuple[str, ...],
    everything: bool,
    family: str | None,
    jobs: int | None,
    force: bool,
    keep_going: bool,
    verbose: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Render clips of OPERATORs, of a family or of everything.

    `Conv2d` is the default example, `Conv2d:stride` another one, `Conv2d:*` all of them.
    """
    with _friendly(as_json):
        from torchreel.render.plan import jobs as plan_jobs

        planned = plan_jobs(operators, everything, family, **asked)
        results = _run(planned, jobs or _processors(), force, keep_going, as_json)
        from torchreel.render import summary

    code = _exit_code(results)
    if as_json:
        click.echo(_json({"exit_code": code, "clips": [summary.plain(result) for result in results]}))
    else:
        for text in summary.successes(results, asked["folder"]):
            click.echo(text)
        for text in summary.failures(results, len(planned)):
            click.echo(text, err=True)
    if verbose:
        for result in results:
            click.echo(result.failure.trace if result.failure else "", err=True, nl=False)
    sys.exit(code)


@main.command()
@click.argument("operator", metavar="OPERATOR[:EXAMPLE]")
@_LANG
@_THEME
@_changes
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path), help="Keep the clip in this folder."
)
def preview(operator: str, folder: Path | None, **asked: Any) -> None:
    """Render one clip quickly, small, and open it; without a screen, print its path."""
    import tempfile

    from torchreel.assets.errors import UserError

    with _friendly():
        folder = folder or Path(tempfile.gettempdir()) / f"torchreel-preview-{os.getuid()}"
        from torchreel.render.plan import jobs

        planned = jobs((operator,), formats=("mp4",), folder=folder, quality="l", **asked)
        if len({job.label for job in planned}) > 1:
            raise UserError(f"preview shows one clip: name one example, such as {planned[0].label}.")
        result = _run(planned[:1], 1, force=False, keep_going=True, as_json=False, quiet=True)[0]
    if result.failure is not None:
        click.echo(f"torchreel: {result.failure.message}", err=True)
        sys.exit(_exit_code([result]))
    path = planned[0].path("mp4").resolve()
    if not _open(path):
        click.echo(path)


@main.command()
@_OUTPUT
@_JSON
def doctor(folder: Path, as_json: bool) -> None:
    """Check what rendering needs and print the command that installs what is missing. Never asks anything."""
    import dataclasses

    from torchreel.render.doctor import examine

    findings = examine(folder)
    if as_json:
        click.echo(_json([dataclasses.asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            click.echo(f"{'ok     ' if finding.ok else 'missing'}  {finding.name:<14} {finding.detail}")
            if not finding.ok:
                click.echo(f"         {'':<14} -> {finding.remedy}")
    sys.exit(DONE if all(finding.ok for finding in findings) else FAILED)


@main.group()
def cache() -> None:
    """The store of finished clips, which makes an unchanged run instant."""


@cache.command()
@_JSON
def size(as_json: bool) -> None:
    """Show how much the cache holds, and where."""
    from torchreel.render.cache import Cache
    from torchreel.render.progress import human_size

    with _friendly(as_json):
        store = Cache()
    count, total = store.size()
    if as_json:
        folder = None if store.folder is None else str(store.folder)
        click.echo(_json({"folder": folder, "files": count, "bytes": total}))
    else:
        click.echo(store.trouble or f"{store.folder}: {count} files, {human_size(total)}")


@cache.command()
def clear() -> None:
    """Empty the cache; clips that were written elsewhere stay."""
    from torchreel.render.cache import Cache
    from torchreel.render.progress import human_size

    with _friendly():
        count, total = Cache().clear()
    click.echo(f"removed {count} files, {human_size(total)}")


def _run(
    planned: Sequence[Job], at_once: int, force: bool, keep_going: bool, as_json: bool, quiet: bool = False
) -> list[Result]:
    from torchreel.render import batch, progress

    reporter = progress.Silent() if quiet else progress.reporter(len(planned), as_json)
    with reporter:
        return batch.run(
            planned, reporter, at_once=min(at_once, len(planned)), force=force, keep_going=keep_going
        )


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _exit_code(results: Sequence[Result]) -> int:
    kinds = {result.failure.kind for result in results if result.failure is not None}
    if not kinds:
        return DONE
    return WRONG_USAGE if kinds == {"usage"} else FAILED


def _json(value: Any) -> str:
    from torchreel.render.jsontext import readable

    return readable(value)


def _open(path: Path) -> bool:
    """Open a file with the desktop's program; False where there is no screen or no such program."""
    import shutil
    import subprocess

    mac = sys.platform == "darwin"
    opener = shutil.which("open" if mac else "xdg-open")
    if opener is None or not (mac or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    return subprocess.run([opener, str(path)], check=False).returncode == 0
