"""The real Nextflow, from PATH or from `make nextflow`. Where there is none its tests are skipped, but not in
.ci/run.
"""

from __future__ import annotations

import csv
import gzip
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
        starts = any("nextflow" in name for name in item.fixturenames)
        if Path(__file__).parent in item.path.parents and starts:
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

    @property
    def processes(self) -> set[str]:
        """Names of all processes, without workflows."""
        return {task["process"].split(":")[-1] for task in self.tasks}

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
        run = self.command(*self._words(arguments), version=version, **environment)
        out = self.folder / "out"
        trace = out / "pipeline_info" / "trace.txt"
        with trace.open() if trace.exists() else open(os.devnull) as file:  # noqa: PTH123
            tasks = list(csv.DictReader(file, delimiter="\t"))
        return Run(run.returncode, run.stdout, out, tasks)

    def command(
        self, *arguments: object, version: str = "25.04", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Any command of Nextflow."""
        return subprocess.run(
            ["nextflow", *map(str, arguments)], cwd=self.folder, env=self._environment(version, environment),
            timeout=840, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        """A run that is not waited for, in a process group of its own."""
        return subprocess.Popen(
            ["nextflow", *map(str, self._words(arguments))], cwd=self.folder,
            env=self._environment("25.04", {}), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _words(self, arguments: tuple[object, ...]) -> list[object]:
        out, work = self.folder / "out", self.folder / "work"
        return ["run", PROJECT, "--outdir", out, "-work-dir", work, *arguments]

    def _environment(self, version: str, more: dict[str, str]) -> dict[str, str]:
        paths = PATHS if self.before is None else f"{self.before}{os.pathsep}{PATHS}"
        own = {"NXF_VER": version} if OWN.is_dir() else {}
        return {
            **os.environ, **own, "PATH": paths, "NXF_ANSI_LOG": "false", "NXF_OFFLINE": "true",
            "NXF_HOME": str(self.folder / "home"), **more,
        }  # fmt: skip


@pytest.fixture
def nextflow(tmp_path) -> Nextflow:
    """Nextflow in the folder of the test."""
    return Nextflow(tmp_path)


@pytest.fixture
def nextflow_with(tmp_path) -> Callable[[Path], Nextflow]:
    """Nextflow whose tasks find the commands of a folder first."""
    return lambda before: Nextflow(tmp_path, before)


@pytest.fixture(scope="module")
def make_nextflow(tmp_path_factory) -> Callable[[str], Nextflow]:
    """Nextflow in a folder that the tests of a module share."""
    return lambda name: Nextflow(tmp_path_factory.mktemp(name))


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder of the workflows."""
    return PROJECT


@pytest.fixture(scope="session")
def shipped() -> Path:
    """The data that ships."""
    return REPOSITORY / "data"


@pytest.fixture(scope="session")
def output_of() -> Callable[..., str]:
    """What a command prints; it must end well."""
    return _output_of


@pytest.fixture(scope="session")
def records() -> Callable[[Path], list[str]]:
    """What a result says, without the lines that tell of the run: SAM or VCF records, rows of a table."""

    def read(path: Path) -> list[str]:
        if path.suffix == ".bam":
            return _output_of("samtools", "view", path).splitlines()
        opening = gzip.open if path.suffix == ".gz" else open
        with opening(path, "rt") as file:
            return [line.rstrip("\n") for line in file if not line.startswith("#")]

    return read


def _output_of(*command: object) -> str:
    variables = {**os.environ, "PATH": PATHS}
    run = subprocess.run(
        [str(word) for word in command], env=variables, check=True, stdout=subprocess.PIPE, text=True
    )
    return run.stdout


@pytest.fixture
def sheet(tmp_path, shipped) -> Path:
    """A samplesheet of two good samples."""
    path = tmp_path / "samples.csv"
    path.write_text(f"sample,fastq_1\none,{shipped}/reads.fq.gz\ntwo,{shipped}/reads_foreign.fq.gz\n")
    return path


@pytest.fixture
def bad_sheet(sheet) -> Path:
    """And one whose reads are cut in the middle of a record."""
    cut = sheet.with_name("cut.fq")
    cut.write_text("@a\nACGTACGT\n+\nIIIIIIII\n@b\nACGT\n")
    sheet.write_text(f"{sheet.read_text()}bad,{cut}\n")
    return sheet


@pytest.fixture
def standing_in(tmp_path) -> Callable[[str], Path]:
    """Lines of bash in place of `genoseq`, which is `$real`; the folder to put before PATH."""

    def make(body: str) -> Path:
        before = tmp_path / "before"
        before.mkdir()
        script = before / "genoseq"
        real = shutil.which("genoseq", path=PATHS)
        script.write_text(f'#!/bin/bash\nreal={real}\n{body}\nexec "$real" "$@"\n')
        script.chmod(0o755)
        return before

    return make


@pytest.fixture
def killing_once(standing_in, tmp_path) -> Path:
    """The first alignment of sample one is killed, as the kernel does where memory is short."""
    mark = tmp_path / "killed"
    is_first = f'"$*" == "align "*one.bam* && ! -e {mark}'
    return standing_in(f"if [[ {is_first} ]]; then touch {mark}; kill -KILL $$; fi")
