"""The corpus: windows stay inside their piece, N is left out, epochs cover everything and come back."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import InputError
from genoseq.hyena.corpus import Corpus, Shuffled, read_corpus
from genoseq.hyena.tokenizer import N, reverse_complement, tokens_of


def random_codes(length, seed=0):
    return np.random.default_rng(seed).integers(0, 4, length).astype(np.uint8)


def test_windows_stay_within_a_piece_and_leave_n_out():
    first = random_codes(1000)
    first[300:420] = 4
    corpus = Corpus.of([first, random_codes(250, 1), random_codes(40, 2)])
    starts = corpus.starts(100)
    assert starts.tolist() == [0, 100, 200, 500, 600, 700, 800, 900, 1000, 1100]
    assert (corpus.windows(starts[:2], 100)[1] == tokens_of(first[100:200])).all()
    assert corpus.starts(100, 30).tolist() == [30, 130, 430, 530, 630, 730, 830, 1030, 1130]


def test_the_held_out_part_is_the_end_of_every_piece():
    corpus = Corpus.of([random_codes(1000), random_codes(200, 1)])
    train, held = corpus.split(0.1)
    assert train.pieces.tolist() == [[0, 900], [1000, 1180]]
    assert held.pieces.tolist() == [[900, 1000], [1180, 1200]]
    assert train.bases + held.bases == corpus.bases == 1200
    assert len(corpus.split(0.0)[1].pieces) == 0
    assert [part.tolist() for part in held.codes()] == [
        random_codes(1000)[900:].tolist(),
        random_codes(200, 1)[180:].tolist(),
    ]


@pytest.mark.parametrize("codes", [[random_codes(50)], [np.full(500, 4, np.uint8)]])
def test_a_corpus_without_windows_is_refused(codes):
    with pytest.raises(InputError, match="no window of 100 bp fits"):
        Corpus.of(codes).starts(100)
    with pytest.raises(InputError, match="no sequences"):
        Corpus.of([])


def test_an_epoch_covers_every_window_once_and_comes_back():
    corpus = Corpus.of([random_codes(5000)])
    rows = Shuffled(corpus, 50, seed=3, flip=False)
    assert rows.size == 100
    epoch = rows.take(0, 100)
    assert sorted(map(bytes, epoch)) == sorted(map(bytes, corpus.windows(corpus.starts(50), 50)))
    assert (epoch != corpus.windows(corpus.starts(50), 50)).any()
    # any part of the endless row, from another object, in other pieces
    again = Shuffled(corpus, 50, seed=3, flip=False)
    row = np.concatenate([again.take(first, 25) for first in range(0, 300, 25)])
    assert (rows.take(80, 120) == row[80:200]).all()
    assert (row[:100] != row[100:200]).any()
    assert (Shuffled(corpus, 50, seed=4, flip=False).take(0, 100) != epoch).any()


def test_half_of_the_windows_are_read_from_the_other_strand():
    corpus = Corpus.of([random_codes(20_000)])
    known = {bytes(window) for window in corpus.windows(corpus.starts(50), 50)}
    windows = Shuffled(corpus, 50, seed=1).take(0, 400)
    forward = [bytes(window) in known for window in windows]
    assert 150 < sum(forward) < 250
    assert all(bytes(reverse_complement(w)) in known for w, f in zip(windows, forward, strict=True) if not f)


def test_files_are_read_as_they_are(tmp_path):
    (tmp_path / "a.fa").write_text(">one\nacgtn\nACGT\n>two\nRRAA\n")
    (tmp_path / "b.fq").write_text("@r\nTTTT\n+\nIIII\n")
    corpus = read_corpus([tmp_path / "a.fa", tmp_path / "b.fq"])
    assert corpus.pieces.tolist() == [[0, 9], [9, 13], [13, 17]]
    assert corpus.tokens.tolist() == [7, 8, 9, 10, N, 7, 8, 9, 10, N, N, 7, 7, 10, 10, 10, 10]
