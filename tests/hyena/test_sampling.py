"""Drawing a base: which are left, how often each is drawn, and how probable it was."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import UsageError  # noqa: E402
from genoseq.hyena.sampling import Sampling, draw  # noqa: E402
from genoseq.hyena.tokenizer import A, T  # noqa: E402

PROBABILITIES = np.array([0.1, 0.5, 0.15, 0.25])  # of A, C, G, T


def logits_of(probabilities, rows=1):
    """Of a network that would rather have a special token or N."""
    logits = torch.full((rows, 16), 9.0)
    logits[:, A : T + 1] = torch.tensor(np.log(probabilities)).float()
    return logits


def shares(sampling, probabilities=PROBABILITIES, count=1000):
    """How often A, C, G and T are drawn, by random numbers that are spread evenly."""
    uniforms = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    tokens, _ = draw(logits_of(probabilities, count), uniforms, sampling)
    assert tokens.dtype == torch.int64
    return np.bincount(tokens.numpy() - A, minlength=4) / count


@pytest.mark.parametrize(
    ("sampling", "wanted"),
    [
        (Sampling(), PROBABILITIES),
        (Sampling(0.5), PROBABILITIES**2 / (PROBABILITIES**2).sum()),
        (Sampling(2.0), PROBABILITIES**0.5 / (PROBABILITIES**0.5).sum()),
        (Sampling(0.0), [0, 1, 0, 0]),
        (Sampling(1e-300), [0, 1, 0, 0]),
        (Sampling(1e300), [0.25] * 4),
        (Sampling(top_k=1), [0, 1, 0, 0]),
        (Sampling(top_k=2), [0, 2 / 3, 0, 1 / 3]),
        (Sampling(top_p=0.001), [0, 1, 0, 0]),
        (Sampling(top_p=0.49), [0, 1, 0, 0]),
        (Sampling(top_p=0.51), [0, 2 / 3, 0, 1 / 3]),
        (Sampling(top_p=0.76), [0, 5 / 9, 1.5 / 9, 2.5 / 9]),
        (Sampling(top_p=0.95), PROBABILITIES),
        # after top-k, C has two thirds
        (Sampling(top_k=2, top_p=0.6), [0, 1, 0, 0]),
        (Sampling(top_k=2, top_p=0.7), [0, 2 / 3, 0, 1 / 3]),
        # at the lower temperature C has .71
        (Sampling(0.5, top_p=0.7), [0, 1, 0, 0]),
    ],
)
def test_shares(sampling, wanted):
    assert shares(sampling) == pytest.approx(wanted, abs=0.0021)


def test_equal_bases():
    assert shares(Sampling(0.0), [0.25] * 4).tolist() == [1, 0, 0, 0]
    assert shares(Sampling(top_k=1), [0.25] * 4).tolist() == [1, 0, 0, 0]
    assert shares(Sampling(top_k=3), [0.25] * 4) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0], abs=0.0011)


def test_the_largest_random_number_draws_a_base_that_is_left():
    last = torch.tensor([1 - 2.0**-53, 0.0], dtype=torch.float64)
    for seed in range(50):
        probabilities = np.random.default_rng(seed).dirichlet([0.5] * 4) * 0.9 + 0.025
        for sampling in (Sampling(), Sampling(0.7, top_k=2), Sampling(top_p=0.8)):
            tokens, nats = draw(logits_of(probabilities, 2), last, sampling)
            assert (shares(sampling, probabilities)[tokens.numpy() - A] > 0).all()
            assert torch.isfinite(nats).all()


def test_log_probabilities_are_of_the_model():
    uniforms = torch.tensor([0.05, 0.3, 0.7, 0.9], dtype=torch.float64)
    tokens, nats = draw(logits_of(PROBABILITIES, 4), uniforms, Sampling())
    assert tokens.tolist() == [7, 8, 9, 10]
    assert nats.numpy() == pytest.approx(np.log(PROBABILITIES), abs=1e-6)
    tokens, nats = draw(logits_of(PROBABILITIES, 4), uniforms, Sampling(0.1, top_k=1))
    assert nats.numpy() == pytest.approx(np.log([0.5] * 4), abs=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": -0.1}, r"temperature -0.1; 0 \(greedy\) or more"),
        ({"temperature": float("nan")}, "temperature nan"),
        ({"temperature": float("inf")}, "temperature inf"),
        ({"top_k": 0}, "top-k 0; 1 to 4 is expected"),
        ({"top_k": 5}, "top-k 5; 1 to 4 is expected"),
        ({"top_p": 0.0}, "top-p 0.0; a share above 0"),
        ({"top_p": 1.01}, "top-p 1.01"),
        ({"top_p": float("nan")}, "top-p nan"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_out_of_range(values, message):
    with pytest.raises(UsageError, match=message):
        Sampling(**values)
