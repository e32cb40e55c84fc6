"""What an epoch reads, and in which batches."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.hyena.examples import Examples, draw_batches, draw_windows, padded  # noqa: E402
from genoseq.hyena.tokenizer import PAD, A, reverse_complement  # noqa: E402


def made(lengths, seed=0):
    rng = np.random.default_rng(seed)
    tokens = [(A + rng.integers(0, 4, length)).astype(np.uint8) for length in lengths]
    return Examples(tokens, np.arange(len(lengths)) % 2)


def test_windows_are_parts_of_their_sequences():
    examples = made([20, 50, 200] * 30)
    drawn = draw_windows(examples, 50, np.random.default_rng(1), flip=True)
    flipped = 0
    starts = set()
    for whole, part in zip(examples.tokens, drawn.tokens, strict=True):
        assert len(part) == min(len(whole), 50)
        text = bytes(whole)
        if bytes(part) not in text:
            part = reverse_complement(part)
            flipped += 1
        starts.add(text.index(bytes(part)))
    assert 30 < flipped < 60
    assert len(starts) > 20  # any window of the long ones
    assert np.array_equal(drawn.labels, examples.labels)


def test_without_a_flip_short_sequences_stay():
    examples = made([20, 50])
    drawn = draw_windows(examples, 50, np.random.default_rng(1), flip=False)
    assert all(np.array_equal(*pair) for pair in zip(examples.tokens, drawn.tokens, strict=True))


@pytest.mark.parametrize("lengths", [[40] * 333, list(range(1, 400)), [1000, 5, 5, 2000]])
def test_each_is_in_one_batch_within_the_budget(lengths):
    batches = draw_batches(lengths, 600, np.random.default_rng(1))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        assert len(batch) * longest <= 600 or len(batch) == 1
    other = draw_batches(lengths, 600, np.random.default_rng(2))
    assert [batch.tolist() for batch in batches] != [batch.tolist() for batch in other]


def test_little_is_padding():
    lengths = np.random.default_rng(3).integers(20, 500, 2000).tolist()
    batches = draw_batches(lengths, 4096, np.random.default_rng(1))
    filled = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    assert filled < 1.1 * sum(lengths)


def test_padding_is_on_the_right():
    tokens = made([3, 5]).tokens
    ids, lengths = padded(tokens, torch.device("cpu"))
    assert lengths.tolist() == [3, 5]
    assert ids[0].tolist() == [*tokens[0].tolist(), PAD, PAD]
    assert ids[1].tolist() == tokens[1].tolist()
