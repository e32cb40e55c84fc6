"""Parts of a sample: counts there and back, sums against one run, and parts that do not belong together."""

from __future__ import annotations

import json

import numpy as np
import pytest

from genoseq.align.counts import add_statistics, counts_of, statistics_of
from genoseq.align.histogram import Histogram
from genoseq.align.parts import COUNTS, FATES, join, read_part
from genoseq.align.presets import parameters_of
from genoseq.align.statistics import Coverage, Statistics
from genoseq.errors import GenoseqWarning, InputError, UsageError

NAMES, LENGTHS = ["one", "two", "tiny"], [5000, 700, 1]


def counted(seed, reads=200):
    """Statistics as a run might leave them: seeded, and of so many reads."""
    rng = np.random.default_rng(seed)
    found = Statistics(Coverage.none(np.concatenate([[0], np.cumsum(LENGTHS)])))
    found.lengths.add(rng.integers(1, 100_000, reads))
    found.inserts.add(rng.integers(1, 900, 80))
    for clips in found.clips:
        clips.add(rng.integers(0, 50, reads))
    for values in (found.coverage.bases, found.coverage.bins, found.sums, found.pairs):
        values[:] = rng.integers(0, 1000, len(values))
    found.mapqs[:61] = rng.multinomial(reads, np.ones(61) / 61)
    found.identities[800:] = rng.multinomial(reads, np.ones(201) / 201)
    return found


def summary(statistics, **changed):
    """What `--json` of a run with these statistics says."""
    preset = changed.get("preset", "divergent")
    told = {
        **dict.fromkeys(COUNTS, 0), "command": "align", "command_line": "genoseq align x.fq", "seconds": 2.0,
        "reads": statistics.lengths.total, "mapped": int(statistics.mapqs.sum()), "preset": preset,
        "stages": [1] * (len(parameters_of(preset).stages) + 1), "sample": "liver", "threads": 1,
        "insert": {"mean": 400.0, "sd": 50.0, "low": 100, "high": 700, "source": "learned"},
        "finished": "2026-01-02T03:04:05+00:00",
        "index": {
            "path": "g.gsx", "genome": "g.fa", "contigs": 3, "bp": 5701, "digest": "aa", "encoder": "seed",
            "encoder_digest": "bb", "words": ["AC"],
        },
        **changed,
    }  # fmt: skip
    told["statistics"] = {"counts": counts_of(statistics, NAMES)}
    return json.loads(json.dumps(told))


def arrays(statistics):
    histograms = (statistics.lengths, statistics.inserts, *statistics.clips)
    others = (statistics.mapqs, statistics.identities, statistics.sums, statistics.pairs)
    return [*statistics.coverage, *(each.counts for each in histograms), *others]


def test_counts_go_through_json_and_come_back():
    before = counted(1)
    names, after = statistics_of(json.loads(json.dumps(counts_of(before, NAMES))))
    assert names == NAMES
    for one, two in zip(arrays(before), arrays(after), strict=True):
        assert one.dtype == two.dtype == np.int64
        assert np.array_equal(one, two)
    assert after.to_dict(NAMES).keys() == before.to_dict(NAMES).keys()


def test_a_histogram_there_and_back():
    histogram = Histogram()
    histogram.add(np.array([0, 2047, 2048, 5_000_000, 2**31 + 5]))
    assert np.array_equal(Histogram.of(histogram.to_dict()).counts, histogram.counts)
    assert Histogram.of({}).total == 0


def test_what_is_added_is_the_sum():
    total = counted(1)
    add_statistics(total, counted(2))
    for whole, one, two in zip(
        arrays(total)[4:], arrays(counted(1))[4:], arrays(counted(2))[4:], strict=True
    ):
        assert np.array_equal(whole, one + two)


def test_order_does_not_matter_and_parts_stay_as_they_are():
    parts = [read_part(summary(counted(seed)), f"{seed}.json") for seed in (1, 2, 3)]
    before = [array.copy() for array in arrays(parts[0].statistics)]
    one, two = join(parts), join(parts[::-1])
    assert [array.tolist() for array in arrays(one.statistics)] == [
        array.tolist() for array in arrays(two.statistics)
    ]
    assert one.cascades == two.cascades == {"divergent": [3] * len(one.cascades["divergent"])}
    assert all(np.array_equal(a, b) for a, b in zip(before, arrays(parts[0].statistics), strict=True))
    assert one.summary["reads"] == 600
    assert one.summary["seconds"] == 6.0
    assert list(one.fates()) == list(FATES)
    assert sum(one.fates().values()) == 600


def test_what_cannot_be_added():
    inserts = [
        {"mean": 300.0, "sd": 30.0, "low": 200, "high": 500, "source": "learned"},
        {"mean": 500.0, "sd": 50.0, "low": 100, "high": 400, "source": "assumed"},
    ]
    parts = [
        read_part(summary(counted(1), pairs=30, insert=inserts[0], threads=4), "a"),
        read_part(
            summary(counted(2), pairs=10, insert=inserts[1], finished="2026-02-01T00:00:00+02:00"), "b"
        ),
        read_part(summary(counted(3), pairs=0, insert=inserts[1]), "c"),  # single reads tell nothing
    ]
    run = join(parts)
    mean, sd = (30 * 300 + 10 * 500) / 40, (30 * 30 + 10 * 50) / 40
    expected = {"mean": mean, "sd": sd, "low": 100, "high": 500, "source": "learned, assumed"}
    assert run.summary["insert"] == expected
    assert run.threads == "1 to 4"
    assert run.finished.isoformat() == "2026-02-01T00:00:00+02:00"


def test_other_presets_are_told_apart():
    parts = [read_part(summary(counted(seed), preset=name), name) for seed, name in ((1, "sr"), (2, "long"))]
    with pytest.warns(GenoseqWarning, match="presets sr, long"):
        run = join(parts)
    assert list(run.cascades) == ["sr", "long"]


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [("digest", "other", "genome"), ("encoder_digest", "x", "encoder"), ("words", ["GT"], "anchor words")],
)
def test_another_index_is_refused(key, value, what):
    told = summary(counted(2))
    told["index"][key] = value
    parts = [read_part(summary(counted(1)), "a.json"), read_part(told, "b.json")]
    with pytest.raises(InputError, match=f"b.json: was aligned to .*: the {what} of the indexes differ"):
        join(parts)


def test_no_parts():
    with pytest.raises(UsageError, match="no parts"):
        join([])


def test_samples():
    parts = [read_part(summary(counted(s), sample=name), name) for s, name in ((1, "liver"), (2, "skin"))]
    with pytest.raises(UsageError, match="liver is of sample 'liver', skin of 'skin'"):
        join(parts)
    assert join(parts, "both").sample == "both"
    assert join(parts[:1]).sample == "liver"


@pytest.mark.parametrize(
    "damage",
    [
        lambda told: told.pop("index"),
        lambda told: told.update(stages=[1, 2]),
        lambda told: told.update(preset="none"),
        lambda told: told.update(reads=7),
        lambda told: told.update(threads="4"),
        lambda told: told.update(finished="yesterday"),
        lambda told: told.update(finished="2026-02-01T00:00:00"),
        lambda told: told.update(stages=["1"] * len(told["stages"])),
        lambda told: told["insert"].pop("sd"),
        lambda told: told["statistics"]["counts"].pop("clips"),
        lambda told: told["statistics"]["counts"]["bins"].pop(),
        lambda told: told["statistics"]["counts"]["pairs"].__setitem__(0, -1),
        lambda told: told["statistics"]["counts"]["pairs"].__setitem__(0, 1.5),
        lambda told: told["statistics"]["counts"]["mapqs"].update({"256": 1}),
        lambda told: told["statistics"]["counts"]["lengths"].update({"x": 1}),
        lambda told: told["statistics"].update(counts=[]),
    ],
)
def test_damage_is_refused(damage):
    told = summary(counted(1))
    damage(told)
    with pytest.raises(InputError, match=r"a\.json: is damaged, or of another version"):
        read_part(told, "a.json")


@pytest.mark.parametrize("statistics", [None, {}, {"mapq": [1]}, [1], "x"])
def test_without_statistics_the_option_is_named(statistics):
    told = summary(counted(1)) | {"statistics": statistics}
    with pytest.raises(InputError, match="--statistics"):
        read_part(told, "a.json")
