"""What a run on damaged input did: right output, one line of refusal, or a finding."""

from __future__ import annotations

import re
from pathlib import Path

import naive
import pysam
from cases import INDEX, Base, Case
from naive import Read, UnreadableError

from genoseq.index.store import Index

RIGHT, REFUSED = "right output", "refused"
WRONG, GOOD_REFUSED, TRACEBACK, MESSAGE, LEFT = (
    "wrong output", "good input refused", "traceback", "no plain message", "files left",
)  # fmt: skip
CRASH, HANG = "crash", "hang"
FINDINGS = (WRONG, GOOD_REFUSED, TRACEBACK, MESSAGE, LEFT, CRASH, HANG)

# text: naive readers know all of its rules, so that they also tell what must not be refused
DECIDED = ("FASTQ", "FASTA", "genome")
TOO_LONG = "this preset aligns reads of up to"
CIGAR = re.compile(r"(\d+)([MIDNSHP=X])")


def judge(case: Case, base: Base, folder: Path, code: int | None, stderr: str) -> tuple[str, str]:
    """Outcome of a run and what is to say of it; `code` None: an exception came out of `main`."""
    if code is None or "Traceback" in stderr:
        return TRACEBACK, stderr
    said = [
        line for line in stderr.splitlines() if not line.startswith(f"genoseq {case.arguments[0]}: warning: ")
    ]
    if not all(line.isprintable() for line in stderr.splitlines()):
        return MESSAGE, repr(stderr)
    if code not in (0, 1, 2) or len(said) != (code != 0):
        return MESSAGE, f"exit {code}: {stderr}"
    if code and not _names_a_file(said[0], case):
        return MESSAGE, f"no file is named: {stderr}"
    found = {path.name for path in folder.iterdir()}
    output = case.arguments[case.arguments.index("-o") + 1] if "-o" in case.arguments else None
    expected = {*case.files, *([INDEX] if case.arguments[0] == "align" or case.index is not None else [])}
    if code == 0 and output:
        expected.add(output)
    if found != expected:
        return LEFT, f"exit {code}, {sorted(found ^ expected)}: {stderr}"
    if code and output in case.files and (folder / output).read_bytes() != b"old":
        return LEFT, f"{output} was replaced"
    return _compared(case, base, folder, code, stderr)


def _names_a_file(line: str, case: Case) -> bool:
    return any(name in line for name in (INDEX, *case.files)) or "out of memory" in line


def _compared(case: Case, base: Base, folder: Path, code: int, stderr: str) -> tuple[str, str]:
    refusal: str | None = None
    expected: object = None
    try:
        expected = _expected(case, base)
    except UnreadableError as error:
        refusal = str(error)
    if code:
        if refusal is None and case.kind in DECIDED and not _is_packed(case) and TOO_LONG not in stderr:
            known = "--comments" in stderr or "-C" in case.arguments
            return (REFUSED, stderr) if known else (GOOD_REFUSED, stderr)
        return REFUSED, stderr
    if refusal is not None:
        return WRONG, f"exit 0, but: {refusal}"
    if "--info" in case.arguments:
        return RIGHT, ""
    try:
        if case.arguments[0] == "index":
            difference = _index_difference(folder / case.arguments[3], expected)
        else:
            output = folder / case.arguments[case.arguments.index("-o") + 1]
            difference = _output_difference(case, output, expected, base.contigs)
    except (ValueError, OSError, IndexError) as error:
        return WRONG, f"{type(error).__name__}: {error}"
    return (WRONG, difference) if difference else (RIGHT, stderr)


def _is_packed(case: Case) -> bool:
    return any(
        naive.decompress(data) != data for name, data in case.files.items() if not name.startswith("out")
    )


def _expected(case: Case, base: Base) -> object:
    inputs = [data for name, data in case.files.items() if not name.startswith("out.")]
    if case.arguments[0] == "index":
        return naive.genome(naive.decompress(inputs[0])) if inputs else None
    found = [naive.reads(data) for data in inputs]
    if len(found) == 1:
        return found[0]
    one, two = found
    if [_base_name(r.name, 1) for r in one] != [_base_name(r.name, 2) for r in two]:
        raise UnreadableError("other mates")
    return [read for pair in zip(one, two, strict=True) for read in pair]


def _base_name(name: bytes, mate: int) -> bytes:
    return name.removesuffix(b"/%d" % mate) if len(name) > 2 else name


def _index_difference(folder: Path, expected: list[tuple[bytes, bytes]]) -> str:
    reference = Index.open(folder, verify=True).reference
    found = [
        (name.encode(), reference.letters(int(start), int(end)).tobytes())
        for name, start, end in zip(
            reference.names, reference.offsets[:-1], reference.offsets[1:], strict=True
        )
    ]
    thymine = [(name, letters.replace(b"U", b"T")) for name, letters in expected]
    shown = [(name, letters.replace(b"U", b"T")) for name, letters in found]
    return "" if shown == thymine else f"{len(found)} contigs, {len(expected)} expected, or other letters"


def _output_difference(case: Case, output: Path, expected: list[Read], contigs: dict[str, int]) -> str:
    if output.suffix == ".paf":
        lines = output.read_text("ascii").splitlines()
        known = {_plain(read.name) for read in expected}
        good = all(line.count("\t") >= 11 and _plain(line.split("\t")[0].encode()) in known for line in lines)
        return "" if good and len(lines) <= len(expected) else "PAF lines"
    with pysam.AlignmentFile(str(output)) as file:
        lengths = dict(zip(file.references, file.lengths, strict=True))
        lines = [record.to_string() for record in file]
    if case.index is None and lengths != contigs:
        return "other contigs in the header"
    text = "".join(f"{line}\n" for line in lines).encode()
    found = [read._replace(name=_plain(read.name)) for read in naive.sam(text)]
    wanted = [read._replace(name=_plain(read.name)) for read in expected]
    if found != wanted:
        differ = [(a, b) for a, b in zip(found, wanted, strict=False) if a != b]
        return f"{len(found)} reads, {len(wanted)} expected; {differ[:1]}"
    return next((line for line in lines if not _is_sound(line, lengths)), "")


def _plain(name: bytes) -> bytes:
    """The name without /1 or /2, which only mates lose."""
    return re.sub(rb"/[12]$", b"", name)


def _is_sound(line: str, lengths: dict[str, int]) -> bool:
    """Whether a record lies in its contig, and its CIGAR is as long as its bases."""
    fields = line.split("\t")
    if fields[5] == "*":
        return int(fields[1]) & 4 > 0
    parts = [(int(count), letter) for count, letter in CIGAR.findall(fields[5])]
    covered = sum(count for count, letter in parts if letter in "MDN=X")
    read = sum(count for count, letter in parts if letter in "MIS=X")
    start = int(fields[3])
    return read == len(fields[9]) and 1 <= start <= start + covered - 1 <= lengths[fields[2]] and parts != []
