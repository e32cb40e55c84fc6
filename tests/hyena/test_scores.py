"""Scores of bases: the softmax over four letters, and what is left out."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from genoseq.hyena.scores import target_log_probabilities  # noqa: E402


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
