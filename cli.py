"""The command line: parse, call, report."""

from __future__ import annotations

import click


@click.group()
def main() -> None:
    """See what a tensor operator does, with the numbers torch really computes."""
