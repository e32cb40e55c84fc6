"""Scores counted: bins against numpy, kinds against a naive reading, VCF and table alike."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest

from genoseq.errors import GenoseqWarning, InputError
from genoseq.hyena.tally import (
    KINDS,
    UNKNOWN,
    Allele,
    Distribution,
    ScoreTally,
    joined,
    kind_of,
    tally_calls,
    tally_table,
)
from genoseq.io.files import open_input
from genoseq.io.table import read_tsv, write_tsv

HEADER = (
    "##fileformat=VCFv4.2\n##contig=<ID=c,length=1000000>\n"
    '##INFO=<ID=GSLLR,Number=A,Type=Float,Description="Log-likelihood, nats; model m, windows of 9 bp">\n'
    '##INFO=<ID=GSSKIP,Number=A,Type=String,Description="Why">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)
COLUMNS = ("contig", "position", "id", "ref", "alt", "llr", "llr_bits", "forward", "reverse", "skipped")


def test_quantiles_are_those_of_numpy_to_a_bin():
    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.normal(0, 3, 5000), rng.normal(0, 400, 500)]).round(4)
    found = Distribution()
    for part in np.array_split(scores, 7):
        found.add(part)
    assert found.total == 5500
    assert (found.low, found.high) == (scores.min(), scores.max())
    for share in (0.001, 0.1, 0.25, 0.5, 0.9, 0.999):
        expected = np.quantile(scores, share, method="inverted_cdf")
        assert abs(found.quantile(share) - expected) <= max(0.0051, 0.0051 * abs(expected))


def test_bins_are_those_of_numpy():
    scores = np.random.default_rng(2).normal(0, 3, 3000).round(4)
    found = Distribution()
    found.add(scores)
    edges = np.arange(-60, 61) * 0.1
    assert np.abs(found.binned(edges) - np.histogram(scores + 1e-9, edges)[0]).max() <= 1
    exact = np.array([-0.5, -0.4, 0.0, 0.1, 0.2])  # borders belong to the bin above
    other = Distribution()
    other.add(exact)
    assert other.binned(np.array([-0.5, 0.0, 0.1, 0.3])).tolist() == [2, 1, 2]


def test_nothing_and_what_is_far():
    none = Distribution()
    none.add(np.empty(0))
    assert none.total == 0
    assert math.isnan(none.quantile(0.5))
    far = Distribution()
    far.add(np.array([-1e9, 1e9]))
    assert (far.total, far.low, far.quantile(0)) == (2, -1e9, far.quantile(0.5))
    assert joined([none, far]).total == 2


def naive_kind(ref, alt):
    ref, alt = ref.upper(), alt.upper()
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while ref and alt and ref[0] == alt[0]:
        ref, alt = ref[1:], alt[1:]
    if not ref or not alt:
        return ("insertion", len(alt)) if alt else ("deletion", -len(ref)) if ref else ("SNV", 0)
    return ("complex" if len(ref) != len(alt) else "SNV" if len(ref) == 1 else "MNV"), 0


def test_kinds_against_a_naive_reading():
    rng = random.Random(3)
    seen = Counter()
    for _ in range(3000):
        ref, alt = ("".join(rng.choices("ACa", k=rng.randint(1, 4))) for _ in range(2))
        assert kind_of(ref, alt) == naive_kind(ref, alt), (ref, alt)
        seen[kind_of(ref, alt)[0]] += 1
    assert set(seen) == set(KINDS)


def records(count):
    """Position, REF, ALT alleles, their scores (or None) and reasons."""
    rng = random.Random(4)
    for position in range(10, 10 + 5 * count, 5):
        ref = "".join(rng.choices("ACGT", k=rng.choice([1, 1, 1, 2, 9])))
        alts, scores, reasons = [], [], []
        for _ in range(rng.choice([1, 1, 2])):
            alt = rng.choice(["<DEL>", "*"]) if rng.random() < 0.1 else ref[0] + "ACG"[: rng.randint(0, 3)]
            if alt == ref:
                alt = {"A": "C"}.get(ref, "A")
            scored = alt[0].isalpha()
            alts.append(alt)
            scores.append(round(rng.gauss(0, 5), 3) if scored else None)
            reasons.append("." if scored else {"<": "symbolic", "*": "star"}[alt[0]])
        yield position, ref, alts, scores, reasons


def write_both(folder, count):
    lines, rows = [HEADER], []
    for position, ref, alts, scores, reasons in records(count):
        info = []
        if any(score is not None for score in scores):
            info.append("GSLLR=" + ",".join("." if s is None else f"{s}" for s in scores))
        if set(reasons) != {"."}:
            info.append("GSSKIP=" + ",".join(reasons))
        lines.append(f"c\t{position}\tid{position}\t{ref}\t{','.join(alts)}\t.\t.\t{';'.join(info)}\n")
        for alt, score, reason in zip(alts, scores, reasons, strict=True):
            llr = "" if score is None else score
            name = f"id{position}"
            rows.append(("c", position, name, ref, alt, llr, "", "", "", "" if reason == "." else reason))
    (folder / "s.vcf").write_text("".join(lines))
    write_tsv(folder / "s.tsv", COLUMNS, rows)
    return rows


def read(path):
    with open_input(path) as stream:
        return tally_table(read_tsv(stream)) if path.suffix == ".tsv" else tally_calls(stream)


def test_both_formats_against_a_recount(tmp_path):
    rows = write_both(tmp_path, 1500)
    calls, table = read(tmp_path / "s.vcf"), read(tmp_path / "s.tsv")
    assert calls.how == "model m, windows of 9 bp"
    assert calls.to_dict() | {"how": ""} == table.to_dict()
    scored = [Allele(row[5], "c", row[1], row[2], row[3], row[4]) for row in rows if row[5] != ""]
    assert (calls.records, calls.alleles, calls.scored) == (1500, len(rows), len(scored))
    assert calls.skipped == Counter(row[9] for row in rows if row[9])
    for kind in KINDS:
        values = [each.llr for each in scored if naive_kind(each.ref, each.alt)[0] == kind]
        assert (calls.kinds[kind].total if kind in calls.kinds else 0) == len(values)
    lengths = Counter(naive_kind(each.ref, each.alt)[1] for each in scored)
    for length in (-9, -1, 1, 2, 3):  # groups of one length
        assert (calls.lengths[length].total if length in calls.lengths else 0) == lengths[length]
    assert [each.llr for each in calls.least()] == sorted(each.llr for each in scored)[:10]
    assert [each.llr for each in calls.most()] == sorted((each.llr for each in scored), reverse=True)[:10]
    assert set(calls.least()) <= set(scored)


def test_groups_of_long_indels():
    tally = ScoreTally()
    for length in (1, 11, 15, 16, 200, 201, 5000):
        tally.add(Allele(0.5, "c", 1, ".", "A" + "C" * length, "A"))
    tally.flush()
    groups = {group: each.total for group, each in tally.lengths.items()}
    assert groups == {-1: 1, -15: 2, -20: 1, -200: 1, -math.inf: 2}


def test_records_without_alt_or_scores(tmp_path):
    body = "c\t5\t.\tA\t.\t.\t.\t.\nc\t6\t.\tA\tC,G\t.\t.\tGSLLR=.,1.5\nc\t7\t.\tA\tC\t.\t.\t.\n"
    (tmp_path / "s.vcf").write_text(HEADER + body)
    found = read(tmp_path / "s.vcf")
    assert (found.records, found.alleles, found.scored) == (3, 4, 1)
    assert found.skipped == {"missing": 1, UNKNOWN: 2}


@pytest.mark.parametrize(
    ("change", "info"),
    [
        (("", ""), "GSLLR=1,2,3"),
        (("", ""), "GSLLR=1;GSSKIP=long"),
        (("Number=A,Type=Float", "Number=1,Type=Float"), "GSLLR=1"),
        (("Number=A,Type=Float", "Number=A,Type=String"), "GSLLR=a,b"),
    ],
)
def test_scores_that_do_not_fit_the_alleles(tmp_path, change, info):
    (tmp_path / "s.vcf").write_text(HEADER.replace(*change) + f"c\t6\t.\tA\tC,G\t.\t.\t{info}\n")
    with pytest.raises(InputError, match=r"s\.vcf:6: record 1: INFO GSLLR or GSSKIP has not one value"):
        read(tmp_path / "s.vcf")


def test_all_substitutions_of_a_region_are_a_table_too(tmp_path):
    write_tsv(
        tmp_path / "r.tsv",
        ("contig", "position", "ref", "alt", "llr", "llr_bits"),
        [("c", 1, "A", "C", -1.5, -2), ("c", 1, "A", "G", 0.5, 1), ("c", 2, "G", "C", 1.0, 1)],
    )
    found = read(tmp_path / "r.tsv")
    assert (found.records, found.scored, list(found.kinds)) == (2, 3, ["SNV"])


@pytest.mark.parametrize("cell", ["x", "nan", "inf"])
def test_a_score_that_is_none(tmp_path, cell):
    write_tsv(tmp_path / "r.tsv", ("contig", "position", "ref", "alt", "llr"), [("c", 1, "A", "C", cell)])
    with pytest.raises(InputError, match=r"r\.tsv:3: is no score of a variant"):
        read(tmp_path / "r.tsv")


def test_no_rows_and_no_scores(tmp_path):
    write_tsv(tmp_path / "r.tsv", COLUMNS, [])
    with pytest.warns(GenoseqWarning, match="no rows"):
        assert read(tmp_path / "r.tsv").alleles == 0
    (tmp_path / "s.vcf").write_text(HEADER)
    with pytest.warns(GenoseqWarning, match="no records"):
        assert read(tmp_path / "s.vcf").alleles == 0
    (tmp_path / "s.vcf").write_text(HEADER.replace("GSLLR", "OTHER") + "c\t5\t.\tA\tC\t.\t.\t.\n")
    with pytest.raises(InputError, match="has no scores"):
        read(tmp_path / "s.vcf")
