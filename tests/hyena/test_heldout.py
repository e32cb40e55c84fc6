"""Bits/base: every known base once, with the context that was promised."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import UsageError  # noqa: E402
from genoseq.hyena.corpus import Corpus  # noqa: E402
from genoseq.hyena.heldout import bits_per_base  # noqa: E402


def naive(network, tokens, window, context):
    """Base by base: the model reads the window that ends furthest on, as the docstring tells."""
    nats, count = 0.0, 0
    for i in range(1, len(tokens)):
        if tokens[i] > 10:
            continue
        start = 0
        if i >= window:
            block = (i - window) // (window - context)
            end = min(window + (block + 1) * (window - context), len(tokens))
            start = max(end - window, 0)
        ids = torch.from_numpy(tokens[start : i + 1]).long()[None]
        logits = network(ids)[0, -2, 7:11]
        nats -= float(torch.log_softmax(logits, -1)[tokens[i] - 7])
        count += 1
    return nats / count / np.log(2), count


@pytest.mark.parametrize(("window", "context"), [(40, 20), (40, 1), (100, 30), (130, 129)])
def test_against_base_by_base(network, window, context):
    codes = np.random.default_rng(1).integers(0, 4, 150).astype(np.uint8)
    codes[60:75] = 4
    corpus = Corpus.of([codes])
    with torch.inference_mode():
        wanted, number = naive(network, corpus.tokens, window, context)
    found, count = bits_per_base(network, corpus, window=window, context=context)
    assert count == number == 134
    assert found == pytest.approx(wanted, abs=1e-5)


def test_pieces_are_alone(network):
    rng = np.random.default_rng(2)
    codes = [rng.integers(0, 4, length).astype(np.uint8) for length in (120, 7, 1, 300)]
    parts = [bits_per_base(network, Corpus.of([c]), window=50, context=10) for c in codes if len(c) > 1]
    whole, count = bits_per_base(network, Corpus.of(codes), window=50, context=10)
    assert count == sum(number for _, number in parts) == 119 + 6 + 299
    assert whole == pytest.approx(sum(bits * number for bits, number in parts) / count, abs=1e-6)


def test_nothing_to_score(network):
    bits, count = bits_per_base(network, Corpus.of([np.full(90, 4, np.uint8)]), window=50, context=10)
    assert np.isnan(bits)
    assert count == 0
    for context in (0, 50):
        with pytest.raises(UsageError, match="1 to 49 is expected"):
            bits_per_base(network, Corpus.of([np.zeros(90, np.uint8)]), window=50, context=context)
