"""The command line in the test's own process."""

from __future__ import annotations

from pathlib import Path

import click.testing

from torchreel import cli


def call(*arguments: str | Path) -> click.testing.Result:
    """What a command comes to; anything but an exit code is a defect, and surfaces as it is."""
    result = click.testing.CliRunner().invoke(cli.main, list(map(str, arguments)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
