"""The command line: parse, call, report. Everything slow is imported inside the command that needs it."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import torchreel
from torchreel.assets.errors import UserError
from torchreel.render.endings import DONE, FAILED, WRONG_USAGE, ending, is_debugging
from torchreel.render.streams import OutputLost, dependable, say, say_json

if TYPE_CHECKING:
    from torchreel.render.batch import Crew
    from torchreel.render.job import Job
    from torchreel.render.task import Result

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
_ONE_LANG = click.option(
    "--lang",
    metavar="zh|en",
    envvar="TORCHREEL_LANG",
    default="zh",
    show_default=True,
    help="Language of the words.",
)
_ONE_THEME = click.option(
    "--theme",
    metavar="light|dark",
    envvar="TORCHREEL_THEME",
    default="light",
    show_default=True,
    help="Colours.",
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
_JOBS = click.option(
    "-j", "--jobs", type=click.IntRange(1), help="Clips rendered at once.  [default: one a processor]"
)
_FAMILY = click.option("--family", metavar="NAME", help="Only this family, such as pooling.")
_STATE = click.option(
    "--state", metavar="FILE", help="Parameters and buffers: a file of torch.save(module.state_dict(), ...)."
)
_SEED = click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random.",
)
_PRECISION = click.option(
    "--precision", type=click.IntRange(0, 6), default=2, show_default=True, help="Decimals shown."
)
_MAX_MEMORY = click.option(
    "--max-memory", metavar="SIZE", help="Most bytes that a call may take, such as 4GB.  [default: 1GB]"
)
_PROVE = click.option(
    "--prove",
    type=click.Choice(["sample", "all"]),
    default="sample",
    show_default=True,
    help="Elements of large tensors that are checked against torch.",
)
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
        metavar="[NAME=]TENSOR|FILE",
        help='An input by its name in forward, as in target="[0, 2]", or without one the first: '
        '"torch.randn(1, 1, 6, 6)", nested lists, a .npy, .npz, .pt, .csv or picture file, or - for standard input. '
        "Repeatable.",
    ),
    click.option(
        "--call",
        multiple=True,
        metavar="NAME=VALUE",
        help="A further argument of forward, such as output_size=5. Repeatable.",
    ),
    _STATE,
    click.option("--train/--eval", default=None, help="The module's mode, instead of the example's."),
    click.option(
        "--resize",
        metavar="SIZE",
        help="Make an input picture smaller: 64 is its longer side in px, 64x48 its width and height.",
    ),
    _SEED,
    _PRECISION,
    _MAX_MEMORY,
    _PROVE,
)


def _changes(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_CHANGES):
        command = option(command)
    return command


class _Commands(click.Group):
    """The group that ends every command, whatever happens in it, with an exit code and at most one line."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **options: Any,
    ) -> Any:
        """Run the command that `args` name and exit; without `standalone_mode` return or raise as click does."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **options)
        given = list(sys.argv[1:] if args is None else args)
        with dependable(), warnings.catch_warnings():
            if not is_debugging():
                warnings.simplefilter("ignore")
            try:
                code = super().main(given, prog_name, complete_var, False, **options) or DONE
                sys.stdout.flush()
            except (Exception, KeyboardInterrupt, OutputLost) as error:
                code = _report(error, as_json="--json" in given)
        sys.exit(code)

    def invoke(self, context: click.Context) -> Any:
        """Run a command; click would answer Ctrl-C with an empty line."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt as error:
            raise click.Abort from error


def _report(error: BaseException, as_json: bool) -> int:
    """Say what ended a command, to a program as JSON on standard output, and return the exit code."""
    if is_debugging():
        traceback.print_exception(error)
    code, text = _told(error)
    try:
        if as_json and not isinstance(error, OutputLost):
            say_json({"exit_code": code, "error": text})
        else:
            say(f"torchreel: {text}", err=True)
    except OutputLost as lost:
        say(f"torchreel: {ending(lost)[1]}", err=True)
    return code


def _told(error: BaseException) -> tuple[int, str]:
    """The exit code for what ended a command, and what to say of it in one line."""
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        hint = f" See '{context.command_path} --help'." if context else ""
        return error.exit_code, " ".join(error.format_message().split()) + hint
    return ending(KeyboardInterrupt() if isinstance(error, click.Abort) else error)


@click.group(
    cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(torchreel.__version__, prog_name="torchreel")
@click.pass_context
def main(context: click.Context) -> None:
    """See what a tensor operator does, with the numbers torch really computes.

    \b
    torchreel list
    torchreel render Conv2d MaxPool2d:padding -f gif,mp4
    torchreel render Conv2d --set kernel_size=2 --input "torch.randn(1, 1, 6, 6)"
    torchreel render --all -j 2
    """
    _help_unless_named(context)


@main.command("list")
@_FAMILY
@_JSON
def list_command(family: str | None, as_json: bool) -> None:
    """Show the operators and their examples, by family and by the rows of the handbook's index."""
    from torchreel.render import listing
    from torchreel.render.plan import select

    chosen = select((), everything=True, family=family)
    if as_json:
        say_json(listing.plain(chosen))
        return
    say("\n".join(listing.lines(chosen)))


@main.command()
@click.argument("operator")
@_JSON
def info(operator: str, as_json: bool) -> None:
    """Show the examples of one OPERATOR, its inputs with shapes and dtypes, and what of a call may be changed."""
    from torchreel.render import listing
    from torchreel.render.plan import select

    chosen = select([operator if ":" in operator else f"{operator}:*"])
    if as_json:
        say_json(listing.explained(chosen))
        return
    say("\n".join(listing.explanation(chosen)))


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
    "--loop",
    type=click.IntRange(0, 1 << 16),
    default=0,
    show_default=True,
    metavar="0|N",
    help="How often a GIF plays: 0 for ever, beginning with the finished figure; N times from the start, "
    "staying on the figure.",
)
@click.option(
    "--keyframes",
    type=click.Choice(["captions", "none"]),
    default="captions",
    show_default=True,
    help="Where an MP4 can be jumped to and cut: where captions begin, or nowhere for the smallest file.",
)
@click.option("--shard", metavar="I/N", help="Only part I of N of these clips, as for machine 3 of 8: 3/8.")
@_JOBS
@click.option(
    "--dask",
    metavar="ADDRESS|local",
    help="Render on the workers of a dask scheduler, such as tcp://10.0.0.1:8786, or on -j of this machine. Workers "
    "need torchreel as it is here, and send files back: no shared folder is needed.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Render even what has not changed, and replace files that torchreel did not write.",
)
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
    shard: str | None,
    dask: str | None,
    **asked: Any,
) -> int:
    """Render clips of OPERATORs, of a family or of everything.

    `Conv2d` is the default example, `Conv2d:stride` another one, `Conv2d:*` all of them.
    """
    from torchreel.render import plan, summary

    planned = plan.jobs(operators, everything, family, **asked)
    if shard is not None:
        whole, planned = len(planned), plan.shard(planned, shard)
        if not planned:
            return _nothing(f"nothing to do in part {shard} of {whole} clips", as_json)
    crew = None if dask is None else _cluster(dask, jobs, len(planned))
    results, notes = _run(planned, jobs or _processors(), force, keep_going, as_json, crew=crew)

    code = _exit_code(results)
    if as_json:
        clips = [summary.plain(result) for result in results]
        say_json({"exit_code": code, "clips": clips, "notes": notes})
    else:
        for text in summary.successes(results, asked["folder"]):
            say(text)
        for text in summary.failures(results, len(planned)):
            say(text, err=True)
    if verbose:
        for result in results:
            if result.failure:
                say(result.failure.trace, err=True)
    return code


@main.command()
@click.argument("call", metavar="CALL|FILE.py:NET")
@click.option(
    "--input",
    "input_text",
    multiple=True,
    metavar="[NAME=]TENSOR|FILE",
    help="An input of the call, in order or by its name in forward. Repeatable.",
)
@_STATE
@click.option("--train/--eval", default=None, help="The module's mode; by default the one it has.")
@click.option("--only", metavar="PATTERN", help='Of a net: only calls of these modules, such as "layer1.*".')
@click.option(
    "--every",
    type=click.Choice(["kind", "distinct", "all"]),
    default="kind",
    show_default=True,
    help="Of a net: a clip for each kind of call (class and settings), for each distinct one, or for all.",
)
@click.option(
    "--most", type=click.IntRange(1), default=12, show_default=True, help="Of a net: at most as many clips."
)
@click.option("--tour", is_flag=True, help="Of a net: one clip of the net as a whole.")
@click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    default=("gif,png",),
    metavar="gif,mp4,png,webp",
    show_default="gif,png",
    help="Files to write; repeatable or with commas.",
)
@_OUTPUT
@click.option(
    "-q",
    "--quality",
    type=click.Choice(["l", "m", "h", "k"]),
    default="m",
    show_default=True,
    help="Size and rate, as of render.",
)
@_SEED
@_PRECISION
@_MAX_MEMORY
@_PROVE
@_LANG
@_THEME
@_JSON
def explain(call: str, as_json: bool, **asked: Any) -> int:
    """Draw a call of your own: any class of torch.nn or function that there is an operator for, or a net in a file.

    \b
    torchreel explain "nn.Conv2d(1, 4, 3, stride=2)" --input "torch.randn(1, 1, 8, 8)"
    torchreel explain "F.mse_loss" --input "[1., 2.]" --input target="[0., 4.]"
    torchreel explain model.py:net --input "torch.randn(1, 3, 32, 32)" --tour

    A CALL is read and never run as code. A FILE.py is your own: it is imported, and so run, as Python would.
    """
    from torchreel.render import explaining

    report = explaining.explain(call, **asked)
    if as_json:
        say_json(report.plain())
    else:
        for text in report.lines():
            say(text)
    return report.exit_code


@main.command()
@click.argument("operator", metavar="OPERATOR[:EXAMPLE]")
@_LANG
@_THEME
@_changes
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path), help="Keep the clip in this folder."
)
def preview(operator: str, folder: Path | None, **asked: Any) -> int:
    """Render one clip quickly, small, and open it; without a screen, print its path."""
    import shutil
    import tempfile

    from torchreel.render.plan import jobs

    with contextlib.ExitStack() as unless_shown:
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="torchreel-preview-"))
            unless_shown.callback(shutil.rmtree, folder, ignore_errors=True)
        planned = jobs((operator,), formats=("mp4",), folder=folder, quality="l", **asked)
        if len({job.label for job in planned}) > 1:
            raise UserError(f"preview shows one clip: name one example, such as {planned[0].label}.")
        [result], notes = _run(planned[:1], 1, force=False, keep_going=True, as_json=False, quiet=True)
        for text in [*notes, *result.notes]:
            say(f"torchreel: {text}", err=True)
        if result.failure is not None:
            say(f"torchreel: {result.failure.message}", err=True)
            return _exit_code([result])
        unless_shown.pop_all()
    path = planned[0].path("mp4").resolve()
    if not _open(path):
        say(str(path))
    return DONE


@main.command()
@click.argument("operator", metavar="OPERATOR[:EXAMPLE]")
@click.option(
    "--as",
    "form",
    required=True,
    metavar="FORM",
    help="md, html, picture (light and dark, still for who wants no motion), video, myst, rst, ipynb (a cell), reveal, "
    "quarto, slidev, marp (with --html), beamer or typst.",
)
@click.option(
    "--relative-to",
    "page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The page it is pasted into: files are named as seen from there.  [default: from here]",
)
@click.option("--base-url", metavar="URL", help="Where the folder's files are on the web, instead.")
@click.option(
    "--width", type=click.IntRange(1), help="Shown this wide, in px.  [default: 800; on slides all there is]"
)
@click.option(
    "--align", type=click.Choice(["left", "center", "right"]), help="Where in a page.  [default: center]"
)
@_ONE_LANG
@click.option(
    "--theme",
    metavar="light|dark|auto",
    help="Colours; auto is the reader's own, for picture.  [default: light, for picture auto]",
)
@_changes
@_OUTPUT
@_JSON
def snippet(
    operator: str,
    form: str,
    page: Path | None,
    base_url: str | None,
    width: int | None,
    align: str | None,
    as_json: bool,
    **asked: Any,
) -> int:
    """Print what to paste so that a page, notebook or slide shows a clip; render first what is missing of it."""
    from torchreel.publish import snippet as snippets

    place = snippets.Page(page, base_url)
    default_theme = os.environ.get("TORCHREEL_THEME") or "light"
    planned = snippets.jobs(operator, form, default_theme=default_theme, **asked)
    snippets.refuse(planned, form, place, width, align)
    if missing := snippets.missing(planned):
        results, notes = _run(missing, min(2, _processors()), force=False, keep_going=True, as_json=True)
        for text in [*notes, *(note for result in results for note in result.notes)]:
            say(f"torchreel: {text}", err=True)
        if failed := [result.failure for result in results if result.failure is not None]:
            raise (
                UserError(failed[0].message)
                if _exit_code(results) == WRONG_USAGE
                else click.ClickException(failed[0].message)
            )
    made = snippets.snippet(planned, form, place, width, align)
    if as_json:
        say_json({"text": made.text, "files": [str(path) for path in made.files], "alt": made.alt})
    else:
        say(made.text)
    return DONE


@main.command()
@click.argument("given", nargs=-1, metavar="OPERATOR[:EXAMPLE|:*]... DECK")
@click.option(
    "--per",
    type=click.Choice(["caption", "clip", "both"]),
    default="caption",
    show_default=True,
    help="A slide a caption, whose movie stops where the next one begins; a slide a clip; or both, captions first.",
)
@click.option(
    "--click", "on_click", is_flag=True, help="Movies wait for a click instead of starting with their slide."
)
@click.option("--loop", is_flag=True, help="Whole clips begin again.")
@click.option(
    "--template",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A .pptx or .potx whose theme, size and title placeholder the slides take; its own slides stay out.",
)
@click.option(
    "-q",
    "--quality",
    type=click.Choice(["l", "m", "h", "k"]),
    default="m",
    show_default=True,
    help="Size and rate: l 854x480@20, m 1280x720@30, h 1920x1080@60, k 3840x2160@60.",
)
@_LANG
@_THEME
@_changes
@_JOBS
@click.option("--force", is_flag=True, help="Replace a deck that is there.")
@_JSON
def slides(
    given: tuple[str, ...],
    per: str,
    on_click: bool,
    loop: bool,
    template: Path | None,
    jobs: int | None,
    force: bool,
    as_json: bool,
    **asked: Any,
) -> int:
    """Make a deck of clips: DECK is lecture.pptx, or .html (one page that steps), .pdf (its figures, as a backup) or
    .json (for manim-slides).

    \b
    torchreel slides Conv2d LSTMCell lecture.pptx
    torchreel slides Conv2d:* lecture.pptx --per both --template my-lecture.pptx
    """
    import tempfile

    from torchreel.publish.slides import make
    from torchreel.render import plan, summary

    make.one_look(asked["langs"], asked["themes"])
    deck = make.read(given, per=per, click=on_click, loop=loop, template=template, force=force)
    with tempfile.TemporaryDirectory(prefix="torchreel-slides-") as folder:
        planned = plan.jobs(deck.names, formats=("mp4",), folder=Path(folder), **asked)
        results, notes = _run(planned, jobs or _processors(), False, True, as_json)
        code = _exit_code(results)
        for text in summary.failures(results, len(planned)):
            say(text, err=True)
        made = deck.write(make.told(results)) if code == DONE else ""
    if as_json:
        say_json({"exit_code": code, "deck": str(deck.target) if made else None, "notes": notes})
    elif made:
        say(made)
    return code


@main.command()
@_OUTPUT
@_JSON
def doctor(folder: Path, as_json: bool) -> int:
    """Check what rendering needs and print the command that installs what is missing. Never asks anything."""
    import dataclasses

    from torchreel.render.doctor import examine

    findings = examine(folder)
    if as_json:
        say_json([dataclasses.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            say(f"{'ok     ' if finding.ok else 'missing'}  {finding.name:<14} {finding.detail}")
            if not finding.ok:
                say(f"         {'':<14} -> {finding.remedy}")
    return DONE if all(finding.ok for finding in findings) else FAILED


@main.command()
@click.argument("clips", nargs=-1)
@click.option("--lang", "langs", multiple=True, default=("zh,en",), show_default=True, help="zh, en or both.")
@click.option(
    "--theme",
    "themes",
    multiple=True,
    default=("light,dark",),
    show_default=True,
    help="light, dark or both.",
)
@_FAMILY
@_JSON
def check(
    clips: tuple[str, ...], langs: tuple[str, ...], themes: tuple[str, ...], family: str | None, as_json: bool
) -> int:
    """Say where clips break a picture law (docs/laws.md): the named ones, a family, or all. Exit code 1 if any does."""
    import dataclasses

    from torchreel.render import plan

    chosen = plan.select(clips, not clips and family is None, family)
    looks = plan.read_langs(langs), plan.read_themes(themes)
    from torchreel.render.check import check as laws

    breaches = []
    for breach in laws.check(chosen, *looks):
        breaches.append(breach)
        if not as_json:
            say(str(breach))
    if as_json:
        say_json([dataclasses.asdict(breach) for breach in breaches])
    else:
        say(f"{len(breaches)} breaches in {len(chosen)} clips")
    return FAILED if breaches else DONE


@main.command()
@click.argument("clips", nargs=-1, required=True, metavar="OPERATOR[:EXAMPLE|:*]|FILE...")
@click.option(
    "-o", "--output", "target", type=click.Path(path_type=Path), required=True, help="The page, x.html."
)
@click.option("--one-file", is_flag=True, help="Put videos and posters into the page, instead of beside it.")
@_LANG
@_THEME
@_changes
@_JOBS
@click.option("--force", is_flag=True, help="Replace files that torchreel did not write.")
@_JSON
def player(
    clips: tuple[str, ...],
    target: Path,
    one_file: bool,
    jobs: int | None,
    force: bool,
    as_json: bool,
    **asked: Any,
) -> int:
    """Make one page that steps through clips: of OPERATORs, rendered first, or of rendered FILEs.

    Every number in the picture shows its exact value and what it was computed from. With --lang zh,en and
    --theme light,dark the page switches between the films.
    """
    import tempfile

    from torchreel.publish.player import write
    from torchreel.render.plan import jobs as plan_jobs

    write.check_target(target, force)
    names, films = write.split(clips)
    with contextlib.ExitStack() as until_written:
        folder = write.folder_of(target)
        if one_file:
            folder = Path(until_written.enter_context(tempfile.TemporaryDirectory(prefix="torchreel-")))
        planned = plan_jobs(names, formats=write.FORMATS, folder=folder, **asked) if names else []
        results, notes = _run(planned, jobs or _processors(), force, True, as_json) if planned else ([], [])
        failed = [result.failure.message for result in results if result.failure is not None]
        if not failed:
            write.write(target, write.clips_of(films, planned), one_file)
    code = _exit_code(results)
    if as_json:
        say_json(
            {"exit_code": code, "page": None if failed else str(target), "failed": failed, "notes": notes}
        )
        return code
    for text in failed:
        say(f"torchreel: {text}", err=True)
    if not failed:
        say(str(target))
    return code


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("media"))
@click.option(
    "-o",
    "--output",
    "site",
    type=click.Path(path_type=Path),
    default=Path("site"),
    show_default=True,
    help="Folder of the site.",
)
@click.option("--force", is_flag=True, help="Replace an index.html that torchreel did not write.")
@_JSON
def gallery(folder: Path, site: Path, force: bool, as_json: bool) -> int:
    """Make a site of all clips in FOLDER (by default media), to search and to step through. Renders nothing."""
    from torchreel.publish.gallery import site as pages

    made = pages.write(folder, site, force)
    code = FAILED if made.left_out else DONE
    if as_json:
        say_json({"exit_code": code, **pages.facts(made)})
        return code
    say(f"{made.index}: {made.clips} clips")
    for text in made.left_out:
        say(f"torchreel: {text}", err=True)
    return code


@main.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """The store of finished clips, which makes an unchanged run instant."""
    _help_unless_named(context)


@cache.command()
@_JSON
def size(as_json: bool) -> None:
    """Show how much the cache holds, and where."""
    from torchreel.render.cache import Cache
    from torchreel.render.progress import human_size

    store = Cache()
    count, total = store.size()
    if as_json:
        folder = None if store.folder is None else str(store.folder)
        say_json({"folder": folder, "files": count, "bytes": total})
    else:
        say(store.trouble or f"{store.folder}: {count} files, {human_size(total)}")


@cache.command()
def clear() -> None:
    """Empty the cache; clips that were written elsewhere stay."""
    from torchreel.render.cache import Cache
    from torchreel.render.progress import human_size

    count, total = Cache().clear()
    say(f"removed {count} files, {human_size(total)}")


@main.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option(
    "--execute", is_flag=True, help="Run notebooks, and show the calls that they make, in their numbers."
)
@click.option(
    "--timeout",
    type=click.IntRange(1),
    default=120,
    show_default=True,
    help="Most seconds that a cell may run.",
)
@click.option(
    "--assets",
    type=click.Path(path_type=Path),
    default=Path("torchreel-clips"),
    show_default=True,
    help="Folder of the pictures, beside each page.",
)
@click.option(
    "--lang",
    metavar="zh|en",
    envvar="TORCHREEL_LANG",
    help="Language of the words.  [default: that of the page's clips, else zh]",
)
@click.option(
    "--theme",
    metavar="light|dark",
    envvar="TORCHREEL_THEME",
    help="Colours.  [default: those of the page's clips, else light]",
)
@click.option(
    "--width", type=int, help="Width of the pictures in px.  [default: that of the page's clips, else 800]"
)
@click.option("--base-url", metavar="URL", help="Where the pictures will be, instead of beside the page.")
@click.option("--dry-run", "mode", flag_value="diff", help="Change nothing; show what would, as a diff.")
@click.option("--check", "mode", flag_value="check", help="Change nothing; exit code 1 if a page is stale.")
@click.option("--remove", "removes", is_flag=True, help="Take out what was embedded, to the byte.")
@click.option("--only", multiple=True, metavar="OPERATOR", help="Clips of this operator only. Repeatable.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Most clips a page.")
@click.option(
    "--force", is_flag=True, help="Draw and run anew, and replace pictures that torchreel did not write."
)
@_JOBS
@_JSON
def embed(
    paths: tuple[Path, ...],
    lang: str | None,
    theme: str | None,
    mode: str | None,
    jobs: int | None,
    as_json: bool,
    **asked: Any,
) -> int:
    """Put clips into notebooks and Markdown files, and into those of folders.

    Operators are found by headings, links and code; with --execute a notebook is run, and each of its torch.nn calls
    gets the clip of what it computed, below its cell. Nothing but torchreel's own cells and blocks ever changes.
    """
    from torchreel.publish.embed import report, work
    from torchreel.publish.embed.options import Options
    from torchreel.render import progress

    options = Options.read(
        lang=lang, theme=theme, mode=mode or "write", at_once=jobs or _processors(), **asked
    )
    notes: list[str] = []
    outcomes = work.embed(paths, options, lambda total: progress.reporter(total, as_json=True), notes.append)
    code = report.exit_code(outcomes, options.mode)
    if as_json:
        say_json({"exit_code": code, "pages": report.plain(outcomes), "notes": notes})
        return code
    for text in report.lines(outcomes, options.mode, options.removes):
        say(text)
    for text in notes:
        say(f"torchreel: {text}", err=True)
    return code


@click.command("%torchreel")
@click.argument("what", metavar="OPERATOR[:EXAMPLE]|CALL|NAME")
@_ONE_LANG
@_ONE_THEME
@_changes
def _clip_magic(what: str, **asked: Any) -> Any:
    """Show a clip of an example, of a call as typed, or of a module that the notebook has.

    \b
    %torchreel Conv2d:stride --lang en
    %torchreel nn.Conv2d(1, 1, 3, stride=2) --input x
    %torchreel net.conv1 --input x[:1]

    An input may be a tensor that the notebook has, by its name.
    """
    from torchreel.publish.jupyter import extension, line

    return line.clip(what, extension.names(), **asked)


@click.command("%%torchreel")
@click.option(
    "--every",
    type=click.Choice(["line", "kind", "distinct", "all"]),
    default="line",
    show_default=True,
    help="A clip of the first call of a class at each line of code, of each kind of call (class and settings), of each "
    "distinct one, or of all.",
)
@click.option("--most", type=click.IntRange(1), default=12, show_default=True, help="At most as many clips.")
@click.option("--only", multiple=True, metavar="OPERATOR", help="Clips of this operator only. Repeatable.")
@_PRECISION
@_MAX_MEMORY
@_PROVE
@_ONE_LANG
@_ONE_THEME
@click.pass_obj
def _cell_magic(source: str, **asked: Any) -> None:
    """Run the cell, then show a clip of every torch.nn call that it made, with the values of that very call."""
    from torchreel.publish.jupyter import cell, extension

    cell.Cell(extension.shell(), **asked).run(source)


def magic(line: str, cell: str | None = None) -> Any:
    """Show what torch.nn calls compute, as clips.

        %torchreel Conv2d                                   an example; also Conv2d:stride
        %torchreel Conv2d --set stride=2 --lang en          with other arguments, in English
        %torchreel nn.Conv2d(1, 1, 3) --input x             a call of your own, with your tensor x
        %torchreel net.conv1 --input x[:1]                  a module of yours, with its own weights
        clip = %torchreel ReLU                              to keep: clip.save("relu.gif")

        %%torchreel                                         over a cell: a clip of each torch.nn call in it
        %%torchreel --only Conv2d --most 3                  of some of them

    All options: `%torchreel --help` and `%%torchreel --help`. What stands in {braces} is a value of the notebook's.
    """
    from torchreel.publish.jupyter import extension, words

    command = _clip_magic if cell is None else _cell_magic
    assert command.name is not None
    try:
        with command.make_context(command.name, words.split(line), obj=cell) as context:
            return command.invoke(context)
    except click.exceptions.Exit:
        return None
    except Exception as error:
        if is_debugging():
            raise
        raise extension.refusal(_told(error)[1]) from None


def _help_unless_named(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        say(context.get_help())


def _nothing(why: str, as_json: bool) -> int:
    """There was nothing to do, and that is fine."""
    if as_json:
        say_json({"exit_code": DONE, "clips": [], "notes": [why]})
    else:
        say(why)
    return DONE


def _cluster(address: str, jobs: int | None, clips: int) -> Crew:
    from torchreel.render import cluster

    if address != cluster.LOCAL and jobs is not None:
        raise UserError(f"-j {jobs} is for --dask local; the scheduler at {address} has the workers it has.")
    return cluster.Cluster(address, min(jobs or _processors(), clips))


def _run(
    planned: Sequence[Job],
    at_once: int,
    force: bool,
    keep_going: bool,
    as_json: bool,
    quiet: bool = False,
    crew: Crew | None = None,
) -> tuple[list[Result], list[str]]:
    """The results of a run, and the notes on what was not as it should be."""
    from torchreel.render import batch, progress

    reporter = progress.Silent() if quiet else progress.reporter(len(planned), as_json)
    with reporter:
        results = batch.run(
            planned,
            reporter,
            at_once=min(at_once, len(planned)),
            crew=crew,
            force=force,
            keep_going=keep_going,
        )
    return results, reporter.notes


def _processors() -> int:
    from torchreel.render.workers import processors

    return processors()


def _exit_code(results: Sequence[Result]) -> int:
    kinds = {result.failure.kind for result in results if result.failure is not None}
    if not kinds:
        return DONE
    return WRONG_USAGE if kinds == {"usage"} else FAILED


def _open(path: Path) -> bool:
    """Open a file with the desktop's program; False where there is no screen or no such program."""
    import shutil
    import subprocess

    mac = sys.platform == "darwin"
    opener = shutil.which("open" if mac else "xdg-open")
    if opener is None or not (mac or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    return subprocess.run([opener, str(path)], check=False).returncode == 0
