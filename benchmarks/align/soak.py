"""Whether `genoseq align` keeps its memory over millions of reads: the same files again and again into stdin.

    python benchmarks/align/soak.py -x ecoli.gsx reads.fq --number 10000000

The memory of the process (resident set, and the part of it that is no file) is read from /proc five times a
second. Its peak after `--settle` reads may be `--tolerance` percent above its peak before. Every read must
come out. The exit code is 1 if one of these fails.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_PIECE = 1 << 20  # bytes of output read at a time
_MEBIBYTE = 1 << 20
_INTERVAL = 0.2  # seconds between samples


@dataclass(frozen=True)
class Sample:
    """What was seen at one moment: seconds since the start, reads that went in, bytes of memory."""

    seconds: float
    reads: int
    resident: int
    own: int


class Feeder(threading.Thread):
    """Writes whole files of reads into a pipe until `number` reads are in."""

    def __init__(self, pipe, files: list[bytes], number: int) -> None:
        super().__init__(daemon=True)
        self._pipe, self._files, self._number = pipe, files, number
        self.fed = 0

    def run(self) -> None:
        try:
            while self.fed < self._number:
                for text in self._files:
                    left = self._number - self.fed
                    lines = text.splitlines(keepends=True) if text.count(b"\n") > 4 * left else None
                    self._pipe.write(text if lines is None else b"".join(lines[: 4 * left]))
                    self.fed += text.count(b"\n") // 4 if lines is None else left
            self._pipe.close()
        except BrokenPipeError:
            pass  # the exit code tells


class Counter(threading.Thread):
    """Counts the lines of a pipe."""

    def __init__(self, pipe) -> None:
        super().__init__(daemon=True)
        self._pipe, self.lines, self.header = pipe, 0, 0

    def run(self) -> None:
        while line := self._pipe.readline():
            if not line.startswith(b"@"):
                self.lines = 1
                break
            self.header += 1
        while piece := self._pipe.read(_PIECE):
            self.lines += piece.count(b"\n")


def memory(process: int) -> tuple[int, int]:
    """Resident bytes of a process, and those that are no file."""
    found = {}
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "RssAnon"):
            found[name] = 1024 * int(value.split()[0])
    return found.get("VmRSS", 0), found.get("RssAnon", 0)


def soak(command: list[str], files: list[bytes], number: int) -> tuple[int, int, list[Sample]]:
    """Run the command on `number` reads; its exit code, the records that came out, the samples."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    feeder, counter = Feeder(process.stdin, files, number), Counter(process.stdout)
    feeder.start()
    counter.start()
    started, samples = time.monotonic(), []
    while process.poll() is None:
        resident, own = memory(process.pid)
        if resident:
            samples.append(Sample(time.monotonic() - started, feeder.fed, resident, own))
        time.sleep(_INTERVAL)
    counter.join()
    return process.returncode, counter.lines, samples


def growth(samples: list[Sample], settle: int, what: str) -> float:
    """By how many percent the most memory after `settle` reads is above the most before."""
    early = [getattr(sample, what) for sample in samples if sample.reads <= settle]
    late = [getattr(sample, what) for sample in samples if sample.reads > settle]
    return 100 * (max(late) / max(early) - 1) if early and late else 0.0


def table(samples: list[Sample], number: int, rows: int = 10) -> str:
    """The largest memory in each of some equal parts of the run."""
    lines = ["| reads | resident, MiB | of it no file, MiB |", "|---:|---:|---:|"]
    for row in range(rows):
        low, high = row * number // rows, (row + 1) * number // rows
        here = [s for s in samples if low < s.reads <= high]
        if here:
            resident, own = max(s.resident for s in here), max(s.own for s in here)
            lines.append(f"| {high:,} | {resident / _MEBIBYTE:.1f} | {own / _MEBIBYTE:.1f} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reads", nargs="+", type=Path, help="FASTQ files with four lines a read, plain")
    parser.add_argument("-x", "--index", required=True)
    parser.add_argument("--number", type=int, default=10_000_000, help="reads (default: %(default)s)")
    parser.add_argument("-t", "--threads", type=int, default=1)
    parser.add_argument("--settle", type=int, default=200_000, help="reads until memory must be flat")
    parser.add_argument("--tolerance", type=float, default=5, help="percent (default: %(default)s)")
    args = parser.parse_args()
    files = [path.read_bytes() for path in args.reads]
    command = [sys.executable, "-m", "genoseq", "align", "-x", args.index, "-", "-q", "-t", str(args.threads)]
    code, records, samples = soak(command, files, args.number)
    resident, own = (growth(samples, args.settle, what) for what in ("resident", "own"))
    print(table(samples, args.number))
    seconds = samples[-1].seconds if samples else 0
    print(
        f"\n{args.number:,} reads in, {records:,} records out, exit {code}, {seconds:,.0f} s; growth after "
        f"{args.settle:,} reads: resident {resident:.1f} %, no file {own:.1f} %"
    )
    return int(code != 0 or records != args.number or max(resident, own) > args.tolerance)


if __name__ == "__main__":
    sys.exit(main())
