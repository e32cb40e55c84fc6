"""The programs that are compared: how each is called, on one core unless told, and its version.

Commands are those of the published defaults, and for LAST, which has none for short divergent reads, the
seeds and scores that did best among those tried (YASS seeds, +5 -5, gaps 15 + 3 a base). `{index}` is a
path without suffix, `{ref}` a plain FASTA, `{reads}` a FASTQ, `{out}` a SAM file. LAST writes MAF, which
`maf-convert` turns into SAM afterwards; that conversion is not counted as LAST's time.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from measure import CommandError


@dataclass(frozen=True)
class Tool:
    """A program with its settings.

    Attributes
    ----------
    name
        What tables call it.
    program
        Executable, which also tells the version.
    index, align
        Commands with places in braces.
    suffix
        Of the index: tools with the same index command share one.
    stdout
        The output of `align` comes on standard output.
    maf
        The output is MAF.
    own
        It is genoseq.
    pairs
        The command that aligns pairs, with `{mates}`; None for a tool that takes none.
    reads, divergences
        Most reads that it is given in the accuracy table, and the divergences (%) that it is run at: slow
        settings see less.
    """

    name: str
    program: str
    index: str
    align: str
    suffix: str
    stdout: bool = True
    maf: bool = False
    own: bool = False
    pairs: str | None = None
    reads: int = 1 << 60
    divergences: tuple[int, ...] | None = None

    def index_command(self, index: Path, reference: Path, *, threads: int = 1) -> list[str]:
        """The command that builds the index."""
        return self._fill(self.index, index=index, ref=reference, threads=threads)

    def align_command(
        self, index: Path, reads: Path, out: Path, *, threads: int = 1, mates: Path | None = None
    ) -> list[str]:
        """The command that aligns; with `stdout`, its standard output belongs into `out`."""
        template = self.align if mates is None else self.pairs or ""
        return self._fill(template, index=index, reads=reads, mates=mates, out=out, threads=threads)

    def index_path(self, folder: Path, genome: str) -> Path:
        """Prefix or folder of the index of a genome."""
        return folder / f"{genome}.{self.suffix}"

    def index_bytes(self, index: Path) -> int:
        """Size of the index on disk; bytes."""
        files = index.rglob("*") if index.is_dir() else index.parent.glob(index.name + "*")
        return sum(p.stat().st_size for p in files if p.is_file())

    def available(self) -> bool:
        """Whether the program is installed."""
        return executable(self.program) is not None

    def _fill(self, template: str, **places: object) -> list[str]:
        program, *words = template.split()
        return [executable(program) or program, *(word.format(**places) for word in words)]


_LAST = "lastal -P{threads} --split -Qkeep -D100 -r5 -q5 -a15 -b3"
_LASTDB = "lastdb -P{threads} -uYASS {index} {ref}"

TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "genoseq",
            "genoseq",
            "genoseq index -q -t {threads} --preset divergent {ref} -o {index}",
            "genoseq align -q -t {threads} -x {index} --preset divergent {reads} -o {out}",
            "divergent.gsx",
            stdout=False,
            own=True,
            pairs="genoseq align -q -t {threads} -x {index} --preset divergent {reads} {mates} -o {out}",
        ),
        Tool(
            "genoseq-sr",
            "genoseq",
            "genoseq index -q -t {threads} --preset sr {ref} -o {index}",
            "genoseq align -q -t {threads} -x {index} --preset sr {reads} -o {out}",
            "sr.gsx",
            stdout=False,
            own=True,
            pairs="genoseq align -q -t {threads} -x {index} --preset sr {reads} {mates} -o {out}",
        ),
        Tool(
            "genoseq-sensitive",
            "genoseq",
            "genoseq index -q -t {threads} --preset divergent {ref} -o {index}",
            "genoseq align -q -t {threads} -x {index} --preset sensitive {reads} -o {out}",
            "divergent.gsx",
            stdout=False,
            divergences=(10, 15, 20, 25),
            own=True,
        ),
        Tool(
            "bwa",
            "bwa",
            "bwa index -p {index} {ref}",
            "bwa mem -t {threads} {index} {reads}",
            "bwa",
            pairs="bwa mem -t {threads} {index} {reads} {mates}",
        ),
        Tool(
            "bowtie2",
            "bowtie2",
            "bowtie2-build -q --threads {threads} {ref} {index}",
            "bowtie2 -p {threads} -x {index} -U {reads}",
            "bowtie2",
            pairs="bowtie2 -p {threads} -x {index} -1 {reads} -2 {mates}",
        ),
        Tool(
            "minimap2",
            "minimap2",
            "minimap2 -x sr -t {threads} -d {index} {ref}",
            "minimap2 -a -x sr -t {threads} {index} {reads}",
            "sr.mmi",
            pairs="minimap2 -a -x sr -t {threads} {index} {reads} {mates}",
        ),
        Tool("last", "lastal", _LASTDB, f"{_LAST} -m10 {{index}} {{reads}}", "last", maf=True),
        Tool(
            "last-m100",
            "lastal",
            _LASTDB,
            f"{_LAST} -m100 {{index}} {{reads}}",
            "last",
            maf=True,
            reads=1000,
            divergences=(10, 15, 20, 25),
        ),
    )
}
LONG_TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "genoseq-long",
            "genoseq",
            TOOLS["genoseq"].index,
            "genoseq align -q -t {threads} -x {index} --preset long {reads} -o {out}",
            TOOLS["genoseq"].suffix,
            stdout=False,
            own=True,
        ),
        *(
            Tool(
                f"minimap2-{preset}",
                "minimap2",
                f"minimap2 -x map-{preset} -t {{threads}} -d {{index}} {{ref}}",
                f"minimap2 -a -x map-{preset} -t {{threads}} {{index}} {{reads}}",
                f"{preset}.mmi",
            )
            for preset in ("ont", "pb")
        ),
    )
}
OWN = tuple(name for name, tool in TOOLS.items() if tool.own)
PEERS = tuple(name for name, tool in TOOLS.items() if not tool.own)


@cache
def executable(program: str) -> str | None:
    """Where a program is: genoseq beside the Python that runs this, the others on the PATH."""
    beside = Path(sys.executable).parent / program
    return str(beside) if program == "genoseq" and beside.is_file() else shutil.which(program)


@cache
def version(program: str) -> str:
    """The version that a program states."""
    path = executable(program)
    if path is None:
        return "not installed"
    arguments = [] if program == "bwa" else ["--version"]
    done = subprocess.run([path, *arguments], capture_output=True, text=True, errors="replace", check=False)
    lines = (done.stdout + done.stderr).splitlines()
    stated = next((line for line in lines if any(c.isdigit() for c in line)), "unknown")
    return f"{program} {stated.split()[-1]}"


def maf_to_sam(maf: Path, sam: Path) -> None:
    """Convert LAST's output with LAST's own converter.

    Raises
    ------
    CommandError
        If `maf-convert` is missing or fails.
    """
    converter = shutil.which("maf-convert")
    if converter is None:
        raise CommandError("maf-convert is not installed; it belongs to LAST")
    with sam.open("wb") as out:
        done = subprocess.run([converter, "sam", str(maf)], stdout=out, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise CommandError(f"maf-convert {maf}: {done.stderr.decode(errors='replace')[-500:]}")
