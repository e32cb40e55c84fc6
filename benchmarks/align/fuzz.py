"""Damaged input for `genoseq index` and `genoseq align`: thousands of seeded cases, each with a verdict.

    python benchmarks/align/fuzz.py --cases 12000
    python benchmarks/align/fuzz.py --seed 1 --case 4711 --keep DIR     # one case again, its files in DIR

Good is: exit 0 and output that agrees with a naive reader of the input, or exit 1 or 2 with one line that
names a file, no output, and an older output as it was. Everything else is a finding (`verdict.FINDINGS`),
printed with its seed and number; the exit code is then 1. The runs happen in a worker process with a limit of
time and of memory, which is started anew when it dies.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

from cases import INDEX, KINDS, Base, Case, kind_of, make_case
from verdict import CRASH, FINDINGS, HANG, REFUSED, RIGHT, judge

_START = 120  # seconds that a worker may take to make the intact inputs
_MEMORY = 6 << 30  # bytes of addresses of the worker


def run_case(case: Case, base: Base, folder: Path) -> tuple[str, str]:
    """Run a case in this process, in an empty folder, and judge it."""
    for name, data in case.files.items():
        (folder / name).write_bytes(data)
    files = base.indexes[0] if case.index is None else case.index
    if case.index is not None or case.arguments[0] == "align":
        (folder / INDEX).mkdir()
        for name, data in files.items():
            (folder / INDEX / name).write_bytes(data)
    with contextlib.chdir(folder):
        code, said = _said(case.arguments)
    return judge(case, base, folder, code, said)


def _said(arguments: tuple[str, ...]) -> tuple[int | None, str]:
    """Run the command line; its exit code (None: an exception came out) and what it and its children said."""
    from genoseq.cli import main

    with tempfile.TemporaryFile() as words:
        sys.stdout.flush()
        sys.stderr.flush()
        kept = [os.dup(1), os.dup(2)]
        os.dup2(words.fileno(), 1)
        os.dup2(words.fileno(), 2)
        text = open(words.fileno(), "w", buffering=1, closefd=False)  # noqa: SIM115
        try:
            with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
                code: int | None = main(arguments)
        except Exception:  # noqa: BLE001 - whatever it is, it is a finding
            code = None
            traceback.print_exc(file=text)
        finally:
            text.close()
            for number, copy in enumerate(kept, 1):
                os.dup2(copy, number)
                os.close(copy)
        words.seek(0)
        return code, words.read().decode(errors="backslashreplace")


def work(orders: Connection, seed: int, memory: int) -> None:
    """The worker: case numbers in, verdicts out."""
    faulthandler.enable()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        base = Base.make(Path(scratch))
        run_case(make_case(seed, 0, base), base, _fresh(Path(scratch)))  # loads and compiles
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        orders.send(None)
        while (number := orders.recv()) is not None:
            folder = _fresh(Path(scratch))
            orders.send(run_case(make_case(seed, number, base), base, folder))


def _fresh(scratch: Path) -> Path:
    folder = scratch / "case"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


class Worker:
    """A worker process that is replaced when it dies or takes too long."""

    def __init__(self, seed: int, limit: float, memory: int) -> None:
        self._seed, self._limit, self._memory = seed, limit, memory
        self._process: multiprocessing.process.BaseProcess | None = None

    def verdict(self, number: int) -> tuple[str, str]:
        """Outcome of a case and what is to say of it."""
        if self._process is None:
            self._start()
        self._pipe.send(number)
        if not self._pipe.poll(self._limit):
            self._end()
            return HANG, f"more than {self._limit:.0f} s"
        try:
            return self._pipe.recv()
        except EOFError:
            code = self._end()
            return CRASH, f"the process ended with {code}"

    def close(self) -> None:
        """End the worker."""
        if self._process is not None:
            self._pipe.send(None)
            self._process.join()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=work, args=(other, self._seed, self._memory))
        self._process.start()
        other.close()
        if not self._pipe.poll(_START):
            self._end()
            raise RuntimeError("the worker does not start")
        self._pipe.recv()

    def _end(self) -> int | None:
        process, self._process = self._process, None
        process.join(1)
        if process.is_alive():
            process.kill()
            process.join()
        self._pipe.close()
        return process.exitcode


def table(counts: Counter[tuple[str, str]]) -> str:
    """Cases by kind of input and outcome."""
    outcomes = [RIGHT, REFUSED, *(each for each in FINDINGS if any(counts[kind, each] for kind in KINDS))]
    shown = outcomes if len(outcomes) > 2 else [*outcomes, "findings"]
    lines = ["| damaged | cases | " + " | ".join(shown) + " |", "|---|---:|" + "---:|" * len(shown)]
    for kind in KINDS:
        numbers = [counts[kind, each] for each in shown]
        lines.append(
            f"| {kind} | {sum(numbers):,} | " + " | ".join(f"{number:,}" for number in numbers) + " |"
        )
    totals = [sum(counts[kind, each] for kind in KINDS) for each in shown]
    lines.append(f"| all | {sum(totals):,} | " + " | ".join(f"{number:,}" for number in totals) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=12_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="run one case and show what it did")
    parser.add_argument("--keep", type=Path, help="with --case: an empty folder for its files")
    parser.add_argument("--kind", choices=KINDS, help="this kind of input only")
    parser.add_argument("--limit", type=float, default=20, help="seconds a case (default: %(default)s)")
    parser.add_argument("--memory", type=int, default=_MEMORY, help="bytes of addresses, 0: no limit")
    args = parser.parse_args()
    if args.case is not None and args.keep:
        with tempfile.TemporaryDirectory() as scratch:
            base = Base.make(Path(scratch))
        case = make_case(args.seed, args.case, base)
        print(case.kind, *case.arguments)
        args.keep.mkdir(exist_ok=True)
        print(*run_case(case, base, args.keep), sep="\n")
        return 0
    numbers = range(args.first, args.first + args.cases) if args.case is None else [args.case]
    worker, counts, started = Worker(args.seed, args.limit, args.memory), Counter(), time.monotonic()
    for number in numbers:
        kind = kind_of(args.seed, number)
        if args.kind not in (None, kind):
            continue
        outcome, detail = worker.verdict(number)
        counts[kind, outcome] += 1
        if outcome in FINDINGS or args.case is not None:
            print(
                f"--seed {args.seed} --case {number} ({kind}): {outcome}: {detail.strip()[-1500:]}",
                flush=True,
            )
    worker.close()
    print(f"\n{table(counts)}\n\n{time.monotonic() - started:.0f} s")
    return int(any(counts[kind, each] for kind in KINDS for each in FINDINGS))


if __name__ == "__main__":
    sys.exit(main())
