"""Run the examples of the documentation; compare the output that the pages show, or write it anew.

Usage: python docs/run_examples.py [--write] PAGE.md...

Three kinds of fenced blocks mean something:

- ``console``: what follows ``$ `` is a command, a backslash continues it, the lines below are what it printed
  to standard output and standard error. Every command must end with exit code 0.
- ``python``: a program that runs as it stands. What it prints is the ``text`` block right below it.
- all others are shown and not run.

The examples of a page run in order in one empty folder with a copy of `data/` in it. Seconds
and the digest of the encoder are not compared, and other numbers may differ by 2 % or by 1: a page is no test
of accuracy.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "docs/guide.md",
    "docs/presets.md",
    "docs/file-formats.md",
    "docs/api.md",
    "docs/recipes.md",
    "docs/classify.md",
    "docs/mapq.md",
    "docs/hyenadna.md",
)

_FENCE = re.compile(r"^```(\w*)$")
_VOLATILE = re.compile(r"\b\d+\.\d s\b|\b[0-9a-f]{16}\b")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
# is said once on every machine, or by runs of half a minute and more
_ASIDES = re.compile(r"compiling for this machine|: [\d,]+ \w+, [\d,]+ a second")


@dataclass
class Example:
    """A command or a program of a page, and the output that stands there.

    Attributes
    ----------
    kind : str
        ``console`` or ``python``.
    source : str
        The command, continued lines joined, or the program.
    first, last : int
        The lines of the page that hold the output, half-open; equal where none is shown.
    shown : list of str
        These lines.
    """

    kind: str
    source: str
    first: int
    last: int
    shown: list[str]


def examples(page: str) -> Iterator[Example]:
    """The examples of a page of Markdown, in order."""
    lines = page.split("\n")
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence is None:
            at += 1
            continue
        end = lines.index("```", at + 1)
        if fence[1] == "console":
            yield from _commands(lines, at + 1, end)
        elif fence[1] == "python":
            follows = end + 1
            while follows < len(lines) and not lines[follows]:
                follows += 1
            first = last = end + 1
            if follows < len(lines) and lines[follows] == "```text":
                first, last = follows + 1, lines.index("```", follows + 1)
            yield Example("python", "\n".join(lines[at + 1 : end]), first, last, lines[first:last])
            end = max(end, last)
        at = end + 1


def _commands(lines: list[str], first: int, end: int) -> Iterator[Example]:
    at = first
    while at < end:
        command = lines[at].removeprefix("$ ")
        if command == lines[at]:
            raise ValueError(f"line {at + 1}: a console block begins with '$ '")
        while command.endswith("\\"):
            at += 1
            command = command[:-1] + lines[at].strip()
        at += 1
        output = list(takewhile(lambda line: not line.startswith("$ "), lines[at:end]))
        yield Example("console", command, at, at + len(output), output)
        at += len(output)


def run(example: Example, folder: Path) -> list[str]:
    """What an example prints when it runs in `folder`, line by line."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "HOME": str(folder), "XDG_CONFIG_HOME": ""}
    environment.pop("GENOSEQ_INDEX", None)
    if example.kind == "python":
        command = [sys.executable, "-c", example.source]
    else:  # `genoseq` is this interpreter's, wherever it is installed
        itself = f'genoseq() {{ {shlex.quote(sys.executable)} -m genoseq "$@"; }}\n'
        command = ["bash", "-c", itself + example.source]
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        raise RuntimeError(f"{example.source}\nended with exit code {done.returncode}:\n{done.stdout}")
    return [line.rstrip() for line in done.stdout.splitlines() if not _ASIDES.search(line)]


def run_page(page: str) -> Iterator[tuple[Example, list[str]]]:
    """Run all examples of a page; yields each with the output that it has now."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(REPOSITORY / "data", folder / "data", ignore=shutil.ignore_patterns("*.gsx"))
        for example in examples(page):
            yield example, run(example, folder)


def agrees(shown: list[str], found: list[str]) -> bool:
    """Whether two outputs are the same but for seconds, digests and small differences of numbers."""
    if len(shown) != len(found):
        return False
    for one, other in zip(shown, found, strict=True):
        one, other = _VOLATILE.sub("", one), _VOLATILE.sub("", other)
        if _NUMBER.sub("#", " ".join(one.split())) != _NUMBER.sub("#", " ".join(other.split())):
            return False
        for left, right in zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True):
            values = float(left.replace(",", "")), float(right.replace(",", ""))
            if not math.isclose(*values, rel_tol=0.02, abs_tol=1):
                return False
    return True


def refreshed(page: str) -> str:
    """The page with the output that its examples have now; seconds alone are no reason to change a line."""
    lines = page.split("\n")
    for example, found in reversed(list(run_page(page))):
        shown = example.shown
        if [_VOLATILE.sub("", line) for line in shown] != [_VOLATILE.sub("", line) for line in found]:
            lines[example.first : example.last] = found
    return "\n".join(lines)


def main() -> int:
    """Compare or write the pages that the command line names."""
    arguments = sys.argv[1:]
    write = "--write" in arguments
    stale = 0
    for name in [argument for argument in arguments if argument != "--write"] or PAGES:
        path = REPOSITORY / name
        page = path.read_text(encoding="utf-8")
        if write:
            path.write_text(refreshed(page), encoding="utf-8")
            continue
        for example, found in run_page(page):
            if not agrees(example.shown, found):
                stale += 1
                print(f"{name}:{example.first}: {example.source}\n" + "\n".join(found) + "\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
