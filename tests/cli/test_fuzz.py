"""A sample of the cases of benchmarks/align/fuzz.py: damaged input ends in right output or in one line."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks" / "align"
CASES_A_KIND = 40


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory):
    """The modules of the fuzzer, and its intact inputs."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        modules = {
            name: importlib.import_module(name) for name in ("cases", "verdict", "fuzz", "naive", "damage")
        }
    finally:
        sys.path.remove(str(BENCHMARKS))
    modules["base"] = modules["cases"].Base.make(tmp_path_factory.mktemp("base"))
    return modules


@pytest.fixture
def judged(fuzz, tmp_path, capfd):
    """A function that runs cases, all of one kind if one is given, and gives outcomes and findings."""

    def run(seed, kind):
        cases, verdict = fuzz["cases"], fuzz["verdict"]
        counts, findings = Counter(), []
        first = (list(cases.KINDS).index(kind) - seed) % len(cases.KINDS)
        for number in range(first, first + CASES_A_KIND * len(cases.KINDS), len(cases.KINDS)):
            case = cases.make_case(seed, number, fuzz["base"])
            folder = tmp_path / str(number)
            folder.mkdir()
            outcome, detail = fuzz["fuzz"].run_case(case, fuzz["base"], folder)
            counts[outcome] += 1
            if outcome in verdict.FINDINGS:
                findings.append(f"--seed {seed} --case {number} ({case.kind}): {outcome}: {detail}")
        return counts, findings

    return run


KINDS = (
    "FASTQ", "FASTQ, compressed", "FASTA", "pairs", "SAM", "BAM, its records", "BAM, its bytes", "genome",
    "genome, compressed", "index, any bytes", "index, sealed manifest", "index, sealed parts",
)  # fmt: skip


def test_all_kinds_are_here(fuzz):
    assert tuple(fuzz["cases"].KINDS) == KINDS


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_input_is_read_rightly_or_refused(judged, kind):
    counts, findings = judged(7, kind)
    assert not findings, "\n".join(findings)
    assert counts["refused"] > CASES_A_KIND // 4
    assert sum(counts.values()) == CASES_A_KIND


def test_intact_input_is_right(fuzz, tmp_path):
    """The judge would see it: the same output with a read less, or with another letter, is wrong."""
    cases, base = fuzz["cases"], fuzz["base"]
    case = cases.Case(
        "FASTQ", {"r.fq": base.fastq}, ("align", "-x", cases.INDEX, "r.fq", "-o", "out.sam", "-q")
    )
    assert fuzz["fuzz"].run_case(case, base, tmp_path) == ("right output", "")
    output = tmp_path / "out.sam"
    lines = output.read_bytes().splitlines(keepends=True)
    for changed in (lines[:-1], [*lines[:-1], lines[-1].replace(b"A", b"C")], [*lines, lines[-1]]):
        output.write_bytes(b"".join(changed))
        assert fuzz["verdict"].judge(case, base, tmp_path, 0, "")[0] == "wrong output"
    output.unlink()
    assert fuzz["verdict"].judge(case, base, tmp_path, 0, "")[0] == "files left"
    assert (
        fuzz["verdict"].judge(case, base, tmp_path, 1, "genoseq align: error: r.fq\n")[0]
        == "good input refused"
    )
    assert fuzz["verdict"].judge(case, base, tmp_path, 1, "")[0] == "no plain message"
    assert fuzz["verdict"].judge(case, base, tmp_path, None, "Traceback")[0] == "traceback"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(
        st.sampled_from([b"@", b"+", b">", b"A", b"n", b"I", b" ", b"\t", b"\r", b"\n", b"\0"]), max_size=40
    )
)
def test_any_short_text_is_read_as_the_naive_reader_does(fuzz, tmp_path, text):
    from genoseq.errors import GenoseqWarning, InputError
    from genoseq.io.fastx import read_batches

    naive = fuzz["naive"]
    path = tmp_path / "r"
    path.write_bytes(b"".join(text))
    try:
        expected = naive.reads(path.read_bytes())
    except naive.UnreadableError:
        with pytest.raises(InputError):
            list(read_batches(path))
        return
    if not expected:
        with pytest.warns(GenoseqWarning, match="no reads"):
            assert list(read_batches(path)) == []
        return
    found = [
        (b.name(i).encode(), b.sequence(i).encode(), b.quality(i).encode() or b"*")
        for b in read_batches(path)
        for i in range(len(b))
    ]
    assert found == expected
