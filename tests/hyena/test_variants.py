"""Scores of variants against the plain way: every allele alone, whole windows, both strands."""

from __future__ import annotations

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import InputError, UsageError  # noqa: E402
from genoseq.hyena.alleles import Variant, VariantWindow, frame, trim  # noqa: E402
from genoseq.hyena.hyenadna import HyenaDNA  # noqa: E402
from genoseq.hyena.mutagenesis import saturate  # noqa: E402
from genoseq.hyena.scores import target_log_probabilities  # noqa: E402
from genoseq.hyena.tokenizer import tokens_of  # noqa: E402
from genoseq.hyena.variants import VariantScorer  # noqa: E402
from genoseq.index.genome import open_genome  # noqa: E402
from genoseq.sequence import encode, reverse_complement_text  # noqa: E402

WINDOW = VariantWindow(64, 8)


def random_contig(length, seed):
    """Mostly bases, some of them soft-masked, and N."""
    rng = random.Random(seed)
    return "".join(rng.choices("ACGTacgtN", [9, 9, 9, 9, 3, 3, 3, 3, 1], k=length))


@pytest.fixture(autouse=True)
def one_thread():
    """Small networks gain nothing by more, and lose much on a machine with other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def contigs():
    return {"long": random_contig(600, 1), "short": random_contig(40, 2), "tiny": "ACG"}


@pytest.fixture(scope="module")
def model(make_network):
    return HyenaDNA(make_network())


@pytest.fixture(scope="module")
def scorer(model, contigs):
    return VariantScorer(model, open_genome(contigs), WINDOW)


def some_variants(contigs, seed, count=60):
    """SNVs, MNVs, insertions and deletions all over the contigs, where they are A, C, G or T."""
    rng = random.Random(seed)
    found = []
    while len(found) < count:
        name = rng.choice(["long", "long", "long", "short", "tiny"])
        letters = contigs[name]
        position = rng.choice([0, len(letters) - 1, rng.randrange(len(letters))])
        ref = letters[position : position + rng.choice([1, 1, 1, 2, 5, 25])]
        alt = "".join(rng.choices("ACGTacgt", k=rng.choice([1, 1, 1, 2, 5, 25])))
        if "N" not in ref.upper() and ref.upper() != alt.upper():
            found.append(Variant(name, position, ref, alt))
    return found


def log_likelihood(network, text, first):
    """Of a sequence read from its start, the bases from `first` on."""
    ids = torch.tensor(tokens_of(encode(text)).astype(np.int64))[None]
    with torch.inference_mode():
        return float(target_log_probabilities(network, ids, network.states(ids))[0, first:].double().sum())


def plain_score(network, contigs, variant, window, *, first_of_all=False):
    """Forward and reverse score: what the docs say, with strings."""
    letters = contigs[variant.contig]
    position, ref, alt = trim(variant.position, variant.ref, variant.alt)
    scores = []
    for reverse in (False, True):
        f = frame(position, len(ref), len(alt), len(letters), window, reverse=reverse)
        strand, place, allele = letters, position, alt
        if reverse:
            strand, place = reverse_complement_text(letters), len(letters) - position - len(ref)
            allele = reverse_complement_text(alt)
        end = place + len(ref) + f.right
        with_ref = strand[f.start : end]
        with_alt = strand[f.start : place] + allele + strand[place + len(ref) : end]
        # what is before the allele is equal, and so are the scores there
        first = 0 if first_of_all else f.left
        scores.append(log_likelihood(network, with_alt, first) - log_likelihood(network, with_ref, first))
    return scores


def test_scores_are_those_of_every_allele_alone(model, scorer, contigs):
    variants = some_variants(contigs, 1)
    found = scorer.score(variants)
    wanted = np.array([plain_score(model.network, contigs, variant, WINDOW) for variant in variants])
    assert found.skipped == [""] * len(variants)
    assert np.abs(found.strands - wanted).max() < 1e-4
    assert np.abs(found.llr - wanted.mean(1)).max() < 1e-4
    assert np.abs(wanted).max() > 5  # or the comparison would say little
    assert len({variant.contig for variant in variants}) == 3


def test_the_beginnings_cancel(model, contigs):
    """Of whole windows the difference is the same: nothing before the allele can differ."""
    for variant in some_variants(contigs, 2, 8):
        one, other = (
            plain_score(model.network, contigs, variant, WINDOW, first_of_all=whole)
            for whole in (False, True)
        )
        assert np.abs(np.subtract(one, other)).max() < 1e-4


def test_a_score_does_not_depend_on_what_else_is_scored(scorer, contigs):
    variants = some_variants(contigs, 3, 30)
    together = scorer.score(variants).strands
    backwards = scorer.score(variants[::-1]).strands[::-1]
    alone = np.concatenate([scorer.score([variant]).strands for variant in variants])
    assert np.abs(together - backwards).max() < 1e-4
    assert np.abs(together - alone).max() < 1e-4


def test_equivalent_records_have_one_score(scorer, contigs):
    """Padded with bases of the reference, in lower case, or with ALT and REF exchanged."""
    letters = contigs["long"].upper()
    at = next(i for i in range(300, 400) if "N" not in letters[i - 3 : i + 4])
    base = "ACGT"[("ACGT".index(letters[at]) + 1) % 4]
    plain = Variant("long", at, letters[at], base)
    padded = Variant(
        "long", at - 2, letters[at - 2 : at + 3], letters[at - 2 : at] + base + letters[at + 1 : at + 3]
    )
    lower = Variant("long", at, letters[at].lower(), base.lower())
    scores = scorer.score([plain, padded, lower, plain]).llr
    assert scores[0] != 0
    assert (scores == scores[0]).all()
    assert scorer.score([Variant("long", at, letters[at], letters[at])]).llr.tolist() == [0.0]


def test_the_other_strand_of_the_genome_has_the_same_scores(model, contigs):
    """Turning genome and variants round exchanges the strands; an odd window has one middle for both."""
    contig = contigs["long"]
    turned = {"long": reverse_complement_text(contig)}
    pairs = []
    for variant in some_variants(contigs, 4, 100):
        position, ref, alt = trim(variant.position, variant.ref, variant.alt)
        back = Variant(
            "long",
            len(contig) - position - len(ref),
            reverse_complement_text(ref),
            reverse_complement_text(alt),
        )
        # an indel in a repeat is trimmed to its left, on either strand
        if variant.contig == "long" and trim(*back[1:]) == back[1:]:
            pairs.append((variant, back))
    assert len(pairs) > 20
    window = VariantWindow(65, 1)
    one = VariantScorer(model, open_genome(contigs), window).score(pair[0] for pair in pairs)
    other = VariantScorer(model, open_genome(turned), window).score(pair[1] for pair in pairs)
    assert np.abs(one.strands - other.strands[:, ::-1]).max() < 1e-4


def test_one_strand_alone(model, contigs):
    variants = some_variants(contigs, 5, 10)
    both = VariantScorer(model, open_genome(contigs), WINDOW).score(variants)
    window = VariantWindow(64, 8, both_strands=False)
    forward = VariantScorer(model, open_genome(contigs), window).score(variants)
    assert np.abs(forward.llr - both.strands[:, 0]).max() < 1e-4
    assert np.isnan(forward.strands[:, 1]).all()


def test_nothing_is_computed_twice(model):
    """All substitutions of one base: REF once and three alleles, on two strands."""
    contigs = {"c": "".join(random.Random(5).choices("ACGT", k=500))}
    scorer = VariantScorer(model, open_genome(contigs), WINDOW)
    saturate(scorer, "c", 250, 251)
    beginning, rest = 28, 36
    assert scorer.computed == 2 * (beginning + 4 * rest)
    assert scorer.whole == 2 * 3 * 2 * 64
    before = scorer.computed
    variant = Variant("c", 250, contigs["c"][250], "ACGT".replace(contigs["c"][250], "")[0])
    scorer.score([variant] * 7)
    assert scorer.computed - before == 2 * (beginning + 2 * rest)


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_and_threads_change_nothing(model, contigs, monkeypatch, threads):
    variants = some_variants(contigs, 6, 40)
    wanted = VariantScorer(model, open_genome(contigs), WINDOW).score(variants).strands
    monkeypatch.setattr("genoseq.hyena.variants._POSITIONS", {"cpu": 100})
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    told = []
    found = VariantScorer(model, open_genome(contigs), WINDOW).score(variants, tell=told.append)
    assert np.abs(found.strands - wanted).max() < 1e-4
    assert sum(told) == len(variants)
    assert len(told) > 5


def test_what_is_skipped_has_a_reason_and_what_is_wrong_is_an_error(model):
    contigs = {"c": "ACGTACGTNN" * 20}
    scorer = VariantScorer(model, open_genome(contigs), WINDOW)
    fine = [Variant("c", 0, "A", alt) for alt in ("C", "*", ".", "<DEL>", "N", "A" * 99)]
    fine += [Variant("c", 8, "N", "A"), Variant("c", -1, "N", "]c:5]N")]
    scores = scorer.score(fine)
    assert scores.skipped == ["", "star", "missing", "symbolic", "ambiguous", "long", "ambiguous", "symbolic"]
    assert np.isnan(scores.llr).tolist() == [False] + [True] * 7
    bad = [Variant("c", 0, "C", "A"), Variant("d", 0, "C", "A"), Variant("c", 0, "C", "<DEL>")]
    for variant, message in zip(
        bad, ("REF is C, the reference has A", "no contig 'd'", "REF is C"), strict=True
    ):
        with pytest.raises(InputError, match=message):
            scorer.score([variant])
    assert scorer.score(bad, skip_bad=True).skipped == ["mismatch", "contig", "mismatch"]
    assert len(scorer.score([])) == 0


def test_the_class_for_notebooks(model, scorer, contigs, tmp_path):
    variants = some_variants(contigs, 7, 10)
    wanted = scorer.score(variants).llr
    fasta = tmp_path / "ref.fa"
    fasta.write_text("".join(f">{name}\n{letters}\n" for name, letters in contigs.items()))
    for reference in (contigs, fasta, open_genome(fasta)):
        found = model.score_variants([tuple(v) for v in variants], reference, window=64, step=8)
        assert np.abs(found.llr - wanted).max() < 1e-4
    table = model.saturate("GATTACAN", window=64)
    assert table.shape == (8, 4)
    assert np.isnan(table).sum(1).tolist() == [1] * 7 + [4]
    with pytest.raises(UsageError, match="200 bp; this model holds 130"):
        model.score_variants([], contigs, window=200)
    with pytest.raises(InputError, match="'X' at position 1 is not a nucleotide"):
        model.saturate("AX")
