"""The simulator: origins that hold, rates that were asked for, the same reads from the same seed."""

import numpy as np
import pytest

from genoseq.errors import InputError, UsageError
from genoseq.index.reference import Reference
from genoseq.io.fastq import format_fastq
from genoseq.sequence import reverse_complement
from genoseq.simulate import (
    SimulationParameters,
    random_reads,
    simulate_reads,
)
from genoseq.truth import Truth, parse_truth


def make_reference(*lengths, seed=0):
    rng = np.random.default_rng(seed)
    return Reference.from_sequences(
        [(f"c:{i}", "".join(rng.choice(list("ACGT"), length))) for i, length in enumerate(lengths)]
    )


def pairs(reference, parameters, **options):
    """Read codes and the codes of its origin, in the orientation of the read."""
    for batch in simulate_reads(reference, parameters, **options):
        for i in range(len(batch)):
            read = batch.reads.codes[batch.reads.offsets[i] : batch.reads.offsets[i + 1]]
            origin = reference.contig_codes(int(batch.contig[i]), int(batch.start[i]), int(batch.end[i]))
            yield read, reverse_complement(origin) if batch.reverse[i] else origin


def edit_distance(a, b):
    row = np.arange(len(b) + 1)
    for i, x in enumerate(a, 1):
        diagonal = np.minimum(row[:-1] + (b != x), row[1:] + 1)
        new = np.concatenate([[i], diagonal])
        steps = np.arange(len(b) + 1)
        row = np.minimum.accumulate(new - steps) + steps
    return row[-1]


def test_reads_without_divergence_are_their_origin():
    reference = make_reference(2000, 150, 700)
    count = 0
    for read, origin in pairs(reference, SimulationParameters(number=500)):
        assert np.array_equal(read, origin)
        count += 1
    assert count == 500


def test_names_hold_the_truth():
    reference = make_reference(3000, 2000)
    parameters = SimulationParameters(number=300, divergence=0.2)
    number = 0
    for batch in simulate_reads(reference, parameters, batch_reads=70):
        assert batch.reads.first == number
        for i in range(len(batch)):
            expected = Truth(
                number,
                reference.names[batch.contig[i]],
                batch.start[i],
                batch.end[i],
                "-" if batch.reverse[i] else "+",
            )
            assert parse_truth(batch.reads.name(i)) == expected
            assert 0 <= expected.start < expected.end <= reference.lengths[batch.contig[i]]
            number += 1


def test_starts_and_strands_are_uniform():
    reference = make_reference(1149)  # 1000 starts
    batches = simulate_reads(reference, SimulationParameters(number=20_000))
    starts, reverse = zip(*((b.start, b.reverse) for b in batches), strict=True)
    starts, reverse = np.concatenate(starts), np.concatenate(reverse)
    assert starts.min() == 0
    assert starts.max() == 999
    assert abs(reverse.mean() - 0.5) < 0.02  # 5 standard errors
    counts = np.bincount(starts // 100)
    assert len(counts) == 10
    assert np.all(abs(counts - 2000) < 5 * np.sqrt(2000))


@pytest.mark.parametrize("divergence", [0.02, 0.1, 0.25])
def test_substitution_rate(divergence):
    reference = make_reference(100_000)
    parameters = SimulationParameters(number=2000, divergence=divergence, indel_share=0)
    wrong = sum((read != origin).sum() for read, origin in pairs(reference, parameters))
    bases = 2000 * 150
    assert abs(wrong / bases - divergence) < 5 * np.sqrt(divergence / bases)


@pytest.mark.parametrize(("bias", "share"), [(1.0, 1 / 3), (4.0, 2 / 3), (0.0, 0.0)])
def test_transitions(bias, share):
    reference = make_reference(100_000)
    parameters = SimulationParameters(number=1000, divergence=0.2, indel_share=0, transition_bias=bias)
    changes = np.concatenate([(r ^ o)[r != o] for r, o in pairs(reference, parameters)])
    assert abs((changes == 2).mean() - share) < 0.02  # A-G and C-T are codes that differ in bit 1 alone


def test_indels_have_their_rate_and_length():
    """With indels alone, the spans tell: variance of the difference of two sums of geometric lengths."""
    reference = make_reference(200_000)
    parameters = SimulationParameters(number=4000, divergence=0.15, indel_share=1.0, indel_mean=1.5)
    spans = np.array([len(origin) for _, origin in pairs(reference, parameters)])
    assert all(
        len(read) == 150 for read, _ in pairs(reference, SimulationParameters(number=50, divergence=0.15))
    )
    assert abs(spans.mean() - 150) < 1
    # 0.1 events a base, each of mean square 1.5^2 + 0.75 = 3: about 150 x 0.1 x 3 = 45
    assert 36 < spans.var() < 54


def test_divergence_is_edit_distance():
    reference = make_reference(50_000)
    parameters = SimulationParameters(number=300, divergence=0.1)
    edits = [edit_distance(read, origin) for read, origin in pairs(reference, parameters)]
    assert abs(np.mean(edits) / 150 - 0.1) < 0.006  # the best alignment may save an edit here and there


def test_several_divergences_in_turn():
    reference = make_reference(50_000)
    parameters = SimulationParameters(number=300, divergence=(0.0, 0.2), indel_share=0)
    wrong = np.array([(read != origin).mean() for read, origin in pairs(reference, parameters)])
    assert wrong[::2].max() == 0
    assert abs(wrong[1::2].mean() - 0.2) < 0.02


@pytest.mark.parametrize("errors", ["none", "illumina", "long"])
def test_batch_size_does_not_matter(errors):
    reference = make_reference(30_000, 5000)
    parameters = SimulationParameters(
        number=200, length=200, length_sd=100 if errors == "long" else 0, divergence=0.1, errors=errors
    )
    texts = [
        b"".join(format_fastq(b.reads) for b in simulate_reads(reference, parameters, batch_reads=size))
        for size in (1, 7, 1000)
    ]
    assert texts[0] == texts[1] == texts[2]
    other = SimulationParameters(number=200, length=200, divergence=0.1, seed=2)
    assert texts[0] != b"".join(format_fastq(b.reads) for b in simulate_reads(reference, other))


def test_long_reads_outgrow_the_first_buffer():
    reference = make_reference(400_000)
    (batch,) = simulate_reads(reference, SimulationParameters(number=2, length=100_000, divergence=0.1))
    assert batch.reads.lengths.tolist() == [100_000, 100_000]


def test_illumina_qualities_tell_the_error_rate():
    reference = make_reference(100_000)
    parameters = SimulationParameters(number=20_000, errors="illumina")
    wrong, quals, total = 0, np.zeros(150), 0
    expected = 0.0
    for batch in simulate_reads(reference, parameters):
        q = batch.reads.quals.astype(float) - 33
        expected += (10 ** (-q / 10)).sum()
        quals += q.reshape(-1, 150).sum(0)
        total += len(batch)
    wrong = sum((read != origin).sum() for read, origin in pairs(reference, parameters))
    assert abs(wrong - expected) < 5 * np.sqrt(expected)
    assert quals[0] / total > 37
    assert quals[-1] / total < 30


def test_long_read_errors():
    reference = make_reference(100_000)
    parameters = SimulationParameters(number=20, length=1000, errors="long", error_rate=0.12)
    edits = [edit_distance(read, origin) for read, origin in pairs(reference, parameters)]
    assert abs(np.mean(edits) / 1000 - 0.12) < 0.02


def test_lengths_vary_about_their_mean():
    reference = make_reference(500_000)
    parameters = SimulationParameters(number=3000, length=1000, length_sd=300)
    lengths = np.concatenate([b.reads.lengths for b in simulate_reads(reference, parameters)])
    assert abs(lengths.mean() - 1000) < 30
    assert abs(lengths.std() - 300) < 30


def test_reads_keep_out_of_n():
    text = "".join(np.random.default_rng(3).choice(list("ACGT"), 4000))
    reference = Reference.from_sequences(
        [("a", text[:1000] + "N" * 500 + text[1000:2000] + "N" + text[2000:])]
    )
    unknown = [(read == 4).sum() for read, _ in pairs(reference, SimulationParameters(number=500))]
    assert max(unknown) == 1  # the single N may lie in a read, the run of 500 may not
    strict = SimulationParameters(number=500, max_unknown=0)
    assert max((read == 4).sum() for read, _ in pairs(reference, strict)) == 0


def test_n_of_a_read_is_written_as_n():
    reference = Reference.from_sequences([("a", "ACGTN" * 40)])
    (batch,) = simulate_reads(reference, SimulationParameters(number=1, max_unknown=1.0))
    assert batch.reads.sequence(0).count("N") == 30


def test_contig_as_long_as_the_read():
    reference = make_reference(150)
    batches = simulate_reads(reference, SimulationParameters(number=50, divergence=0.1))
    assert sum(len(b) for b in batches) == 50


@pytest.mark.parametrize("sequence", ["ACGT" * 10, "N" * 1000, "ACGTNNNN" * 100])
def test_no_place_for_a_read(sequence):
    reference = Reference.from_sequences([("a", sequence)])
    with pytest.raises(InputError, match=r"no contig can hold a read of 150 bp|no place for read 0"):
        list(simulate_reads(reference, SimulationParameters(number=5)))


def test_foreign_and_random_names():
    reference = make_reference(1000)
    (foreign,) = simulate_reads(reference, SimulationParameters(number=3), foreign=True)
    (nowhere,) = random_reads(SimulationParameters(number=3))
    assert all(parse_truth(foreign.reads.name(i)).contig == "foreign" for i in range(3))
    assert parse_truth(nowhere.reads.name(2)) == Truth(2, "random", 0, 0, "+")
    assert parse_truth(nowhere.reads.name(2)).is_foreign
    assert nowhere.contig.tolist() == [-1, -1, -1]
    with pytest.raises(InputError, match="rename the contig"):
        simulate_reads(Reference.from_sequences([("random", "ACGT" * 100)]), SimulationParameters())


def test_random_bases_are_uniform():
    batches = random_reads(SimulationParameters(number=2000, errors="long", length_sd=20))
    codes = np.concatenate([b.reads.codes for b in batches])
    assert np.all(abs(np.bincount(codes, minlength=4) / len(codes) - 0.25) < 0.01)


def test_no_reads():
    assert list(simulate_reads(make_reference(10), SimulationParameters(number=0))) == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"divergence": 0.31}, "divergence: 0.31 is out of range; expected 0 to 0.3"),
        ({"divergence": (0.1, -0.1)}, "divergence: -0.1"),
        ({"divergence": ()}, "no value given"),
        ({"divergence": float("nan")}, "divergence: nan"),
        ({"number": -1}, "number: -1"),
        ({"length": 0}, "length: 0"),
        ({"length_sd": -1.0}, "length_sd"),
        ({"indel_share": 1.1}, "indel_share"),
        ({"indel_mean": 0.5}, "indel_mean"),
        ({"transition_bias": -1.0}, "transition_bias"),
        ({"max_unknown": 2.0}, "max_unknown"),
        ({"errors": "pacbio"}, "choose from none, illumina, long"),
        ({"error_rate": 0.1}, "belongs to errors='long'"),
        ({"errors": "long", "error_rate": 0.9}, "error_rate: 0.9"),
        ({"seed": -1}, "seed"),
    ],
)
def test_parameters_out_of_range(options, found):
    with pytest.raises(UsageError, match=found):
        SimulationParameters(**options)


def test_fastq():
    reference = make_reference(500)
    (batch,) = simulate_reads(reference, SimulationParameters(number=2, length=5))
    name, sequence, plus, quality = format_fastq(batch.reads).decode().splitlines()[4:]
    assert (name, sequence, plus, quality) == (
        "@" + batch.reads.name(1),
        batch.reads.sequence(1),
        "+",
        "IIIII",
    )


def test_pairs_face_each_other_at_the_distance_asked_for():
    reference = make_reference(50_000, 20_000, seed=4)
    wanted = SimulationParameters(number=2000, length=100, divergence=0.05, insert=(400, 40), seed=3)
    (batch,) = simulate_reads(reference, wanted)
    assert len(batch) == 4000
    assert batch.reads.mates.tolist() == [1, 2] * 2000
    one, two = slice(None, None, 2), slice(1, None, 2)
    assert (batch.contig[one] == batch.contig[two]).all()
    assert (batch.reverse[one] != batch.reverse[two]).all()
    assert 0.45 < batch.reverse[one].mean() < 0.55
    forward = np.where(batch.reverse[one], batch.start[two], batch.start[one])
    end = np.where(batch.reverse[one], batch.end[one], batch.end[two])
    assert (end - forward).mean() == pytest.approx(400, abs=4)
    assert (end - forward).std() == pytest.approx(40, rel=0.1)
    for i in range(0, 4000, 401):
        contig, strand = reference.names[batch.contig[i]], "+-"[int(batch.reverse[i])]
        expected = Truth(i // 2, contig, batch.start[i], batch.end[i], strand)
        assert parse_truth(batch.reads.name(i), mate=1 + i % 2) == expected


def test_pairs_do_not_depend_on_the_batch():
    reference = make_reference(30_000)
    wanted = SimulationParameters(number=50, length=80, divergence=0.1, insert=(200, 20))
    (whole,) = simulate_reads(reference, wanted)
    parts = list(simulate_reads(reference, wanted, batch_reads=7))
    assert b"".join(format_fastq(p.reads) for p in parts) == format_fastq(whole.reads)
    assert all(len(p) % 2 == 0 for p in parts)


def test_pairs_from_nowhere_share_a_name():
    (batch,) = random_reads(SimulationParameters(number=3, length=50, insert=(200, 20)))
    assert [batch.reads.name(i) for i in range(6)] == [
        f"{i}:random:0:0:+:0:0:+" for i in range(3) for _ in range(2)
    ]


@pytest.mark.parametrize("insert", [(50, 10), (400, -1), (400, 500)])
def test_impossible_fragments_are_refused(insert):
    with pytest.raises(UsageError, match="insert"):
        SimulationParameters(length=100, insert=insert)
    with pytest.raises(UsageError, match="one length"):
        SimulationParameters(length=100, length_sd=5, insert=(400, 50))


def test_fragments_that_fit_nowhere_are_refused():
    with pytest.raises(InputError, match="fragments of this length"):
        list(simulate_reads(make_reference(300), SimulationParameters(length=100, insert=(5000, 10))))
