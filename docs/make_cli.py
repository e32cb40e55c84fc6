"""Write docs/cli.md: every command as its own `--help` shows it.

Usage: python docs/make_cli.py docs/cli.md
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from genoseq.cli import COMMANDS, command_parser


def main() -> None:
    """Print the help of every command into a page of Markdown."""
    os.environ["COLUMNS"] = "100"  # argparse breaks lines at the width of the terminal
    parts = ["# The command line\n\nMade by `make docs` from the help of the commands.\n"]
    for name, (_, summary) in COMMANDS.items():
        text = command_parser(name).format_help().rstrip()
        parts.append(f"## genoseq {name}\n\n{summary.capitalize()}.\n\n```text\n{text}\n```\n")
    Path(sys.argv[1]).write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
