"""Write docs/cli.md: every command and option, from the parsers themselves.

Usage: python docs/make_cli.py docs/cli.md
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from genoseq.cli import COMMANDS, command_parser

_HEAD = """# The command line

Written by `make docs` from the commands themselves; `genoseq COMMAND --help` shows the same in a terminal.

Data goes to standard output or to `-o`, words go to standard error, and `-` is standard input or output. An
output file appears whole, or not at all. Exit codes: 0 done, 1 bad data, 2 bad usage or a part that is not
installed, 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP.
"""
_COMMON = "Common options"


def page() -> str:
    """The page, as Markdown."""
    parsers = {name: command_parser(name) for name in COMMANDS}
    first = next(iter(parsers.values()))
    common = next(group for group in first._action_groups if group.title == _COMMON)
    parts = [_HEAD, _table(first, common, "Options of every command")]
    for name, parser in parsers.items():
        parts += _described(parser, f"genoseq {name}")
    return "\n".join(parts)


def _table(parser: argparse.ArgumentParser, group: argparse._ArgumentGroup, title: str) -> str:
    rows = [
        f"| {_named(action)} | {_help(parser, action)} |"
        for action in group._group_actions
        if not isinstance(action, argparse._SubParsersAction)
    ]
    return f"| {title} | |\n|---|---|\n" + "\n".join(rows) + "\n" if rows else ""


def _described(parser: argparse.ArgumentParser, name: str) -> Iterator[str]:
    """A command: what it does, its options in their groups, and its examples."""
    yield f"## {name}\n\n{parser.description}\n"
    for group in parser._action_groups:
        title = "Input" if group.title == "positional arguments" else str(group.title)
        if title != _COMMON and (table := _table(parser, group, title)):
            yield table
    if parser.epilog:
        heading, _, examples = parser.epilog.partition("\n")
        lines = "\n".join(line.removeprefix("  ") for line in examples.splitlines())
        yield f"{heading}\n\n```sh\n{lines}\n```\n"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for kind, kind_parser in action.choices.items():
                yield from _described(kind_parser, f"{name} {kind}")


def _named(action: argparse.Action) -> str:
    value = ""
    if action.nargs != 0:
        choices = "{" + ",".join(action.choices) + "}" if action.choices else ""
        value = str(action.metavar or choices or action.dest)
    if not action.option_strings:
        return f"`{value}`"
    return f"`{', '.join(action.option_strings)}{' ' + value if value else ''}`"


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    text = parser._get_formatter()._expand_help(action)  # with the default, as --help shows it
    return text.replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
