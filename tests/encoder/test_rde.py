"""The published transformer: shape of the network, tokens, order, padding."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tokenizers")

from genoseq.encoder.rde import PAD, UNKNOWN, RdeConfig, RdeEncoder, sinusoids, train_tokenizer  # noqa: E402
from genoseq.errors import CheckpointError, InputError, UsageError  # noqa: E402
from genoseq.sequence import decode, encode  # noqa: E402

SMALL = RdeConfig(width=24, layers=2, heads=4, feed_forward=48, vocabulary=100, max_tokens=64)


@pytest.fixture(scope="module")
def genome() -> np.ndarray:
    # a repeated word, so that byte-pair merges have something to find
    piece = np.random.default_rng(0).integers(0, 4, 30_000).astype(np.uint8)
    for at in range(0, 29_900, 50):
        piece[at : at + 8] = encode("GATTACAG")
    return piece


@pytest.fixture(scope="module")
def encoder(genome: np.ndarray) -> RdeEncoder:
    torch.manual_seed(0)
    return RdeEncoder(SMALL, train_tokenizer([genome], 100, bases=60_000)).eval()


def test_the_published_form_is_the_default() -> None:
    config = RdeConfig()
    assert (config.layers, config.heads, config.feed_forward, config.vocabulary) == (6, 12, 1536, 10_000)
    assert RdeConfig(width=1020).width == 1020


def test_tokens_spell_the_sequence_and_know_common_words(encoder: RdeEncoder, genome: np.ndarray) -> None:
    text = decode(genome[:500]) + "NNNN"
    tokens = encoder.tokenizer.encode(text).tokens
    assert "".join(tokens) == text
    assert UNKNOWN not in tokens
    assert any("ATTACA" in token for token in encoder.tokenizer.get_vocab())
    assert encoder.tokenizer.get_vocab_size() <= 100
    assert encoder.pad == encoder.tokenizer.token_to_id(PAD)


def test_the_tokenizer_is_the_same_each_time(genome: np.ndarray) -> None:
    a, b = (train_tokenizer([genome], 60, bases=20_000, seed=1).to_str() for _ in range(2))
    assert a == b


def test_order_matters(encoder: RdeEncoder) -> None:
    forward = torch.tensor([[5, 6, 7, 8]])
    lengths = torch.tensor([4])
    with torch.no_grad():
        difference = (encoder(forward, lengths) - encoder(forward.flip(1), lengths)).abs().max()
    assert difference > 1e-3


def test_padding_changes_nothing(encoder: RdeEncoder) -> None:
    tokens = torch.tensor([[5, 6, 7]])
    padded = torch.tensor([[5, 6, 7, encoder.pad, 9, 9]])  # whatever stands beyond the length is not read
    with torch.no_grad():
        a, b = encoder(tokens, torch.tensor([3])), encoder(padded, torch.tensor([3]))
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_positions_are_those_of_the_transformer_paper() -> None:
    table = sinusoids(50, 8)
    assert table.shape == (50, 8)
    assert table[7, 2] == pytest.approx(np.sin(7 / 10_000 ** (2 / 8)), abs=1e-5)
    assert table[7, 5] == pytest.approx(np.cos(7 / 10_000 ** (4 / 8)), abs=1e-5)


def test_too_long_windows_are_refused_with_their_size(encoder: RdeEncoder) -> None:
    window = np.random.default_rng(5).integers(0, 4, 2_000).astype(np.uint8)
    with pytest.raises(UsageError, match=r"a window of 2000 bp has \d+ tokens; the most is 64"):
        encoder.encode(window, np.array([0, 2_000]))


def test_impossible_widths_and_tokenizers_are_refused(encoder: RdeEncoder) -> None:
    with pytest.raises(UsageError, match="multiple of the 12 heads"):
        RdeConfig(width=100)
    with pytest.raises(CheckpointError, match="tokens, the network only 8"):
        RdeEncoder(RdeConfig(width=24, heads=4, vocabulary=8), encoder.tokenizer)


def test_a_genome_too_short_to_learn_from_is_refused() -> None:
    with pytest.raises(InputError, match="no contig is longer than 128"):
        train_tokenizer([np.zeros(100, np.uint8)], 20)
