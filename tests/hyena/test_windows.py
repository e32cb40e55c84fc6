"""Windows: where they are, and that every base counts once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.hyena.tokenizer import letters_of, reverse_complement, tokens_of_text
from genoseq.hyena.windows import borders, check_window, windows_of


def some_tokens(length, seed=0):
    return np.random.default_rng(seed).integers(7, 12, length).astype(np.uint8)


@pytest.mark.parametrize(("window", "overlap"), [(1, 0), (7, 0), (7, 1), (7, 6), (20, 3), (None, 0)])
@pytest.mark.parametrize("length", [1, 6, 7, 8, 13, 14, 15, 50])
def test_windows_cover_a_sequence(length, window, overlap):
    found = borders(length, window, overlap)
    assert found[0][0] == 0
    assert found[-1][1] == length
    assert all(0 < end - start <= (window or length) for start, end in found)
    assert all(end - start == window for start, end in found[:-1])
    for (_, end), (start, _) in pairwise(found):
        assert start == end - overlap  # so that the next one has something new
    assert all(a[1] < b[1] for a, b in pairwise(found))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("overlap", [0, 1, 5])
def test_each_base_is_new_in_one_window(overlap, reverse):
    tokens = some_tokens(53)
    seen = np.zeros(53, int)
    parts = list(windows_of(4, tokens, 10, overlap, reverse=reverse))
    for part in parts:
        assert part.sequence == 4
        assert part.reverse == reverse
        forward = reverse_complement(part.tokens) if reverse else part.tokens
        assert (forward == tokens[part.start : part.end]).all()
        new = slice(part.start, part.end - part.skip) if reverse else slice(part.start + part.skip, part.end)
        seen[new] += 1
    assert (seen == 1).all()
    assert parts[0].skip == 0
    assert {part.skip for part in parts[1:]} == {overlap}


def test_the_reverse_strand_is_read_from_its_own_beginning():
    tokens, _ = tokens_of_text("AACCGGTTA")
    parts = list(windows_of(0, tokens, 4, 1, reverse=True))
    assert [letters_of(part.tokens) for part in parts] == ["TAAC", "CCGG", "GTT"]
    assert [(part.start, part.end) for part in parts] == [(5, 9), (2, 6), (0, 3)]


@pytest.mark.parametrize(
    ("window", "overlap", "message"),
    [
        (None, 3, "an overlap is of windows"),
        (0, 0, r"a window of 0 bp; this model holds 1\.\.130"),
        (131, 0, r"a window of 131 bp; this model holds 1\.\.130"),
        (10, 10, r"an overlap of 10 bp in windows of 10; it must be 0\.\.9"),
        (10, -1, r"it must be 0\.\.9"),
    ],
)
def test_windows_that_cannot_be(window, overlap, message):
    with pytest.raises(UsageError, match=message):
        check_window(window, overlap, 130)
