"""Scores of bases: the softmax over four letters, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.hyena.scores import Score, target_log_probabilities  # noqa: E402


def test_bases_are_scored_by_what_is_before_them(network):
    ids = torch.tensor([[7, 10, 11, 8, 4], [9, 9, 7, 10, 8]])
    with torch.inference_mode():
        states = network.states(ids)
        found = target_log_probabilities(network, ids, states)
        logits = network(ids)
    for row, position in ((0, 1), (0, 3), (1, 1), (1, 4)):
        four = torch.log_softmax(logits[row, position - 1, 7:11], -1)
        assert float(found[row, position]) == pytest.approx(float(four[ids[row, position] - 7]), abs=1e-6)
    assert found[:, 0].tolist() == [0, 0]
    assert found[0, [2, 4]].tolist() == [0, 0]  # N and padding


def test_a_single_base_has_no_score(network):
    ids = torch.tensor([[7]])
    with torch.inference_mode():
        assert target_log_probabilities(network, ids, network.states(ids)).tolist() == [[0.0]]


def test_a_score_of_both_strands():
    forward = np.array([np.nan, -1, -2, np.nan, -4], np.float32)
    reverse = np.array([-5, -3, -2, np.nan, np.nan], np.float32)  # at the same positions
    score = Score.of([forward, reverse])
    assert score.nats == pytest.approx((-7 - 10) / 2)
    assert score.bases == 3
    assert score.bits_per_base == pytest.approx(8.5 / 3 / np.log(2))
    assert score.per_base.tolist()[:3] == [-5, -2, -2]
    assert np.isnan(score.per_base[3])
    assert score.per_base[4] == -4
    assert Score.of([forward]).nats == -7
    assert Score.of([forward]).bases == 3
    half = Score.of([forward, np.array([-5, -3, -2, np.nan, -1], np.float32)])
    assert (half.nats, half.bases) == (-9, 3.5)


def test_a_score_of_nothing():
    score = Score.of([np.array([np.nan], np.float32)] * 2)
    assert (score.nats, score.bases) == (0, 0)
    assert np.isnan(score.bits_per_base)
