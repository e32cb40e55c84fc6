"""Records of a VCF file with their scores: in order, none lost, each ALT with a score or a reason."""

from __future__ import annotations

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import InputError  # noqa: E402
from genoseq.hyena.alleles import Variant, VariantWindow  # noqa: E402
from genoseq.hyena.calls import info_fields, score_calls  # noqa: E402
from genoseq.hyena.hyenadna import HyenaDNA  # noqa: E402
from genoseq.hyena.variants import VariantScorer  # noqa: E402
from genoseq.index.genome import open_genome  # noqa: E402
from genoseq.io.vcf import open_calls  # noqa: E402

LETTERS = "".join(random.Random(1).choices("ACGT", k=300)) + "N" * 10
HEADER = "##fileformat=VCFv4.2\n##contig=<ID=c>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def other(base, number=1):
    return "ACGT"[("ACGT".index(base) + number) % 4]


def record(position, alts, *, ref=None, info="."):
    """A record at a 0-based position."""
    ref = LETTERS[position] if ref is None else ref
    return f"c\t{position + 1}\t.\t{ref}\t{alts}\t.\t.\t{info}\n"


@pytest.fixture
def scorer(make_network):
    model = HyenaDNA(make_network(), "a model")
    return VariantScorer(model, open_genome({"c": LETTERS}), VariantWindow(64, 8))


def scored(scorer, tmp_path, records, **options):
    path = tmp_path / "calls.vcf"
    path.write_text(HEADER + "".join(records))
    with open_calls(path) as calls:
        calls.declare(info_fields(scorer.model.name, scorer.window), {})
        found = list(score_calls(scorer, calls, **options))
        return found, [call.line().decode().strip().split("\t") for call in found]


def test_every_allele_in_its_place(scorer, tmp_path, monkeypatch):
    monkeypatch.setattr("genoseq.hyena.calls._ALLELES", 5)
    rng = random.Random(2)
    positions = rng.sample(range(300), 30)  # in no order
    records = [
        record(p, ",".join(other(LETTERS[p], i + 1) for i in range(rng.randint(1, 3)))) for p in positions
    ]
    told = []
    found, lines = scored(scorer, tmp_path, records, tell=told.append)
    assert [call.call.position for call in found] == positions
    for call, line in zip(found, lines, strict=True):
        variants = [Variant("c", call.call.position, call.call.ref, alt) for alt in call.call.alts]
        wanted = scorer.score(variants).llr
        assert np.abs(call.llr - wanted).max() < 1e-4
        values = [float(value) for value in line[7].removeprefix("GSLLR=").split(",")]
        assert np.abs(values - wanted).max() < 2e-4
    assert sum(told) == sum(len(call.call.alts) for call in found)


def test_reasons_beside_scores(scorer, tmp_path):
    a = LETTERS[50]
    records = [
        record(50, f"*,{other(a)},<DEL>"),
        record(51, "."),
        record(305, "A"),
        record(52, "<DUP>", info="GSLLR=7"),
    ]
    found, lines = scored(scorer, tmp_path, records)
    assert [call.skipped for call in found] == [
        ["star", "", "symbolic"],
        ["missing"],
        ["ambiguous"],
        ["symbolic"],
    ]
    score = f"{found[0].llr[1]:.4f}".rstrip("0")
    assert [line[7] for line in lines] == [
        f"GSLLR=.,{score},.;GSSKIP=star,.,symbolic",
        ".",
        "GSSKIP=ambiguous",
        "GSSKIP=symbolic",  # the score of another run is not left behind
    ]


@pytest.mark.parametrize(
    ("bad", "reason", "message"),
    [
        (
            record(60, "A", ref=other(LETTERS[60])),
            "mismatch",
            r"calls\.vcf:5: c:61: REF is ., the reference has",
        ),
        (
            record(60, ".", ref=other(LETTERS[60])),
            "mismatch",
            r"calls\.vcf:5: c:61: REF is ., the reference has",
        ),
        ("d\t5\t.\tA\tC\t.\t.\t.\n", "contig", r"calls\.vcf:5: the reference has no contig 'd'"),
        ("c\t309\t.\tNNNN\tC\t.\t.\t.\n", "position", r"calls\.vcf:5: c:309: REF of 4 bp leaves c"),
        (record(60, "X"), "letters", r"calls\.vcf:5: c:61: ALT is 'X'"),
    ],
)
def test_records_that_do_not_fit(scorer, tmp_path, bad, reason, message):
    good = record(50, other(LETTERS[50]))
    with pytest.raises(InputError, match=f"{message}.*--skip-bad"):
        scored(scorer, tmp_path, [good, bad, good])
    found, lines = scored(scorer, tmp_path, [good, bad, good], skip_bad=True)
    assert [call.skipped for call in found] == [[""], [reason], [""]]
    assert found[0].llr == found[2].llr
    assert lines[1][7] == ("." if bad.split("\t")[4] == "." else f"GSSKIP={reason}")


def test_descriptions_name_what_was_done():
    fields = info_fields("hyena-tiny", VariantWindow(512, 64, both_strands=False))
    for part in ("hyena-tiny", "512 bp", "64 bp", "forward strand", "nats"):
        assert part in fields["GSLLR"][1]
    assert fields["GSLLR"][0] == "Float"
