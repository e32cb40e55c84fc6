"""The frame of every study: its command line, its parameters, its progress, and the pages it leaves.

    python pipelines/NAME.py [--params FILE] [--set NAME=VALUE ..] [--data DIR] [--work DIR] -o OUT

Parameters are YAML. ``params/NAME.yaml`` beside the script has all of them: a file of ``--params``, then
``--set``, change what they name (`settings`), and a name that is not there is an error. Paths in them are
relative to ``--data``. What a study makes goes to OUT; to ``--work`` go its ``report.md``, figures and
``results.json``, and what it goes on from when it was stopped. Bad parameters end with exit code 2, bad data
with 1, Ctrl-C with 130.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pages import write
from settings import read_settings

import genoseq
from genoseq.cli._progress import duration
from genoseq.errors import GenoseqError, InputError
from genoseq.io.files import check_output
from genoseq.io.table import write_json

sys.path.append(str(Path(__file__).parents[1] / "benchmarks" / "align"))  # where what a run costs is measured
from measure import processor

HERE = Path(__file__).parent
LIBRARIES = {
    "numpy": "numpy", "numba": "numba", "faiss": "faiss-cpu", "sklearn": "scikit-learn", "torch": "torch",
    "transformers": "transformers",
}  # fmt: skip
REPORT, RESULTS = "report.md", "results.json"


@dataclass(frozen=True)
class Study:
    """One run of a study.

    Attributes
    ----------
    name : str
        Of its script.
    params : dict
    given : Path
        The file of parameters; recipes that it names lie beside it.
    data, output, work : Path
        Folders; the latter two are made by `begin`.
    options : argparse.Namespace
        Options of this study alone.
    """

    name: str
    params: dict[str, Any]
    given: Path
    data: Path
    output: Path
    work: Path
    options: argparse.Namespace
    _wall: float = field(default_factory=time.monotonic)
    _cpu: float = field(default_factory=lambda: cpu_seconds())

    def begin(self) -> None:
        """Make the folders, and refuse what cannot be written, before long work."""
        for folder in (self.output, self.work):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"cannot be made a folder ({error.strerror})", folder) from error
            check_output(folder / REPORT)

    def say(self, words: str) -> None:
        """A line of progress."""
        print(f"{self.name}: {words}", file=sys.stderr, flush=True)

    def finish(self, title: str, body: str, results: Mapping[str, Any]) -> None:
        """Write the results, and the page: what was found, then how it was made."""
        wall, cpu = time.monotonic() - self._wall, cpu_seconds() - self._cpu
        found = [(name, package) for name, package in LIBRARIES.items() if name in sys.modules]
        versions = {"genoseq": genoseq.__version__, "Python": platform.python_version()}
        versions |= {package: importlib.metadata.version(package) for _, package in found}
        command = shlex.join(["python", *sys.argv])
        about = {"command": command, "versions": versions, "processor": processor(), "cores": os.cpu_count()}
        about |= {"seconds": wall, "cpu_seconds": cpu, "params": self.params}
        write_json(self.work / RESULTS, {"study": self.name, **about, "results": results})
        told = ", ".join(f"{name} {version}" for name, version in versions.items())
        lines = [
            f"# {title}\n\n{body.strip()}\n\n## How this was made\n\n    {command}\n",
            f"{told}; {processor()} ({platform.system()} {platform.machine()}). This run took "
            f"{duration(wall)}, {cpu:,.0f} CPU seconds; what an earlier one had kept was not done again.\n",
            f"```yaml\n{self._yaml()}```\n",
        ]
        write(self.work / REPORT, "\n".join(lines))
        self.say(f"wrote {self.work / REPORT}")

    def _yaml(self) -> str:
        return yaml.safe_dump(
            self.params, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None
        )


class Steps:
    """Says how far a study is, and how long it still takes by what the steps took that were not kept.

    Parameters
    ----------
    study : Study
    total : int
        Steps there are.
    """

    def __init__(self, study: Study, total: int) -> None:
        self._study, self._total, self._done, self._new = study, total, 0, 0
        self._start = time.monotonic()

    def done(self, words: str, *, to: int | None = None, kept: bool = False) -> None:
        """Count a step, or all up to the number `to`; nothing is said of what an earlier run had kept."""
        before, self._done = self._done, self._done + 1 if to is None else to
        if not kept:
            self._new += self._done - before
            left = (time.monotonic() - self._start) / max(self._new, 1) * (self._total - self._done)
            tail = f"; {duration(left)} left" if self._done < self._total else ""
            self._study.say(f"{self._done:,}/{self._total:,} {words}{tail}")


def cpu_seconds() -> float:
    """Of this process and the programs that it ran."""
    return sum(os.times()[:4])


def run_study(
    script: str, about: str | None, work: Callable[[Study], None],
    options: Callable[[argparse.ArgumentParser], None] = lambda parser: None,
) -> None:  # fmt: skip
    """The `main` of a study: read command line and parameters, do the work, tell errors in a line.

    Parameters
    ----------
    script : str
        ``__file__`` of it; its name is that of the file of parameters.
    about : str
        Help: its docstring.
    work
    options
        Adds options that only this study has.
    """
    name = Path(script).stem
    parser = argparse.ArgumentParser(
        prog=f"{name}.py", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add, usual = parser.add_argument, HERE / "params" / f"{name}.yaml"
    for option, default, help_words in (
        ("--params", usual, f"parameters, YAML (default: params/{usual.name})"),
        ("--data", HERE.parent / "data", "folder of the files that the parameters name (default: data/)"),
        ("--work", None, "folder of report, results, and what a stopped run goes on from (default: OUT)"),
    ):
        add(option, type=Path, default=default, metavar="PATH", help=help_words)
    add(
        "--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="change single parameters"
    )
    add("-o", "--output", type=Path, required=True, metavar="OUT", help="folder of what is made")
    options(parser)
    args = parser.parse_args()
    try:
        work(Study(name, read_settings(usual, args.params, args.set), args.params, args.data, args.output,
                   args.work or args.output, args))  # fmt: skip
    except GenoseqError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        sys.exit(130)
