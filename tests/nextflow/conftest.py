"""The real Nextflow, from PATH or from `make nextflow`. Where there is none, its tests are skipped, but not in .ci/run."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = REPOSITORY / "nextflow"
PATHS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # genoseq and multiqc of this Python
NEEDED = ("nextflow", "samtools", "bcftools", "multiqc")
OWN = Path(sys.executable).parent.parent / "nextflow"  # the releases of `make nextflow`


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot run, or let it fail where GENOSEQ_CI is set: it never passes by skipping there."""
    missing = [name for name in NEEDED if shutil.which(name, path=PATHS) is None]
    if not missing or os.environ.get("GENOSEQ_CI"):
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}: make nextflow"))


@dataclass(frozen=True)
class Run:
    """What a run of Nextflow gave.

    Attributes
    ----------
    exit : int
    log : str
        What it printed.
    out : Path
        Folder of the results.
    tasks : list of dict
        Rows of the trace.
    """

    exit: int
    log: str
    out: Path
    tasks: list[dict[str, str]] = field(default_factory=list)

    def of(self, process: str) -> list[dict[str, str]]:
        """Tasks of a process, by its name without workflows."""
        return [task for task in self.tasks if task["process"].split(":")[-1] == process]


@dataclass(frozen=True)
class Nextflow:
    """Nextflow in a folder of its own, with what comes before PATH."""

    folder: Path
    before: Path | None = None

    def __call__(self, *arguments: object, version: str = "25.04", **environment: str) -> Run:
        """`nextflow run` of the project; the work folder and the cache of -resume stay."""
        run = self.command(
            "run", PROJECT, "--outdir", self.folder / "out", "-work-dir", self.folder / "work", *arguments,
            version=version, **environment,
        )  # fmt: skip
        out = self.folder / "out"
        trace = out / "pipeline_info" / "trace.txt"
        with trace.open() if trace.exists() else open(os.devnull) as file:  # noqa: PTH123
            tasks = list(csv.DictReader(file, delimiter="\t"))
        return Run(run.returncode, run.stdout, out, tasks)

    def command(
        self, *arguments: object, version: str = "25.04", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Any command of Nextflow."""
        paths = PATHS if self.before is None else f"{self.before}{os.pathsep}{PATHS}"
        variables = {
            **os.environ, "PATH": paths, "NXF_ANSI_LOG": "false", "NXF_OFFLINE": "true",
            "NXF_HOME": str(self.folder / "home"), **environment,
        }  # fmt: skip
        if OWN.is_dir():
            variables["NXF_VER"] = version
        return subprocess.run(
            ["nextflow", *map(str, arguments)], cwd=self.folder, env=variables, timeout=280, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


@pytest.fixture
def nextflow(tmp_path) -> Nextflow:
    """Nextflow in the folder of the test."""
    return Nextflow(tmp_path)


@pytest.fixture(scope="module")
def make_nextflow(tmp_path_factory) -> Callable[[str], Nextflow]:
    """Nextflow in a folder that the tests of a module share."""
    return lambda name: Nextflow(tmp_path_factory.mktemp(name))
