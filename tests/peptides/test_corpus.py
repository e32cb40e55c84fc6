"""Proteins to learn from: what is held out follows from the names or from clusters."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import InputError, UsageError
from genoseq.peptides.corpus import read_corpus
from genoseq.peptides.tokens import decode_tokens
from genoseq.protein import AMINO_ACIDS


def write(path, records):
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in records))
    return path


def proteins(seed, count, size=60):
    rng = np.random.default_rng(seed)
    return [
        (f"g{seed}n{number}_{number % 3}", "".join(rng.choice(list(AMINO_ACIDS), size)))
        for number in range(count)
    ]


def letters(part):
    return sorted(decode_tokens(tokens) for tokens in part)


def test_what_is_held_out_does_not_depend_on_the_other_files(tmp_path):
    one, other = write(tmp_path / "a.fa", proteins(1, 300)), write(tmp_path / "b.fa", proteins(2, 300))
    alone, both = (read_corpus(paths, held_out=0.1) for paths in ([one], [other, one]))
    assert 15 < len(alone.held_out) < 50
    assert set(letters(alone.held_out)) <= set(letters(both.held_out))
    assert not set(letters(both.held_out)) & set(letters(both.train))
    assert len(both.train) + len(both.held_out) == 600
    assert both.residues == 60 * len(both.train)
    twice = read_corpus([one, one], held_out=0.1)
    assert letters(twice.held_out) == letters(alone.held_out)
    assert len(twice.train) == 2 * len(alone.train)


def test_groups_by_name_stay_together(tmp_path):
    records = [(f"g{number % 40}_{number}", text) for number, (_, text) in enumerate(proteins(1, 200))]
    found = read_corpus([write(tmp_path / "a.fa", records)], held_out=0.2, separator="_")
    held_out = set(letters(found.held_out))
    groups = {name.split("_")[0] for name, text in records if text in held_out}
    assert 2 < len(groups) < 20
    assert held_out == {text for name, text in records if name.split("_")[0] in groups}


def test_groups_by_clusters_stay_together(tmp_path):
    ancestors = proteins(1, 60)
    records = [(f"x{copy}y{name}", text[copy:]) for name, text in ancestors for copy in range(3)]
    found = read_corpus([write(tmp_path / "a.fa", records)], held_out=0.2, clustered=True)
    held_out = set(letters(found.held_out))
    assert 0 < len(held_out) < 90
    for _, text in ancestors:
        assert len({text[copy:] in held_out for copy in range(3)}) == 1


def test_short_ones_are_dropped_and_looks_are_spread(tmp_path):
    path = write(tmp_path / "a.fa", [*proteins(1, 100), ("short", "MKVL")])
    found = read_corpus([path], held_out=0.5, shortest=5)
    assert found.dropped == 1
    assert len(found.looked_at(10)) == 10
    assert found.looked_at(1000) is found.held_out


def test_what_is_refused(tmp_path):
    path = write(tmp_path / "a.fa", [("short", "MKVL")])
    with pytest.raises(InputError, match="no protein is left"):
        read_corpus([path], held_out=0.1)
    with pytest.raises(UsageError, match="held_out is 1"):
        read_corpus([path], held_out=1)
    with pytest.raises(InputError, match="DNA or RNA"):
        read_corpus([write(tmp_path / "b.fa", [("dna", "ACGT" * 20)])], held_out=0.1)
