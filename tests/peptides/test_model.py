"""A model that is asked by several threads, and what it tells of its work."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.peptides import model as model_module  # noqa: E402
from genoseq.peptides.model import MaskedModel  # noqa: E402
from genoseq.peptides.tokens import AMINO, MASK  # noqa: E402


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_threads_change_no_bit(make_network, monkeypatch, one_thread):
    monkeypatch.setattr(model_module, "ON_CPU", 100)
    rng = np.random.default_rng(1)
    rows = [rng.choice(np.append(AMINO, MASK), length).astype(np.uint8) for length in rng.integers(5, 60, 40)]
    places = [rng.choice(len(row), 3, replace=False) for row in rows]
    found = []
    for threads in (1, 2, 5):
        model = MaskedModel(make_network())
        model.threads, told = threads, []
        model.progress = told.append
        found.append(model.log_probabilities(rows, places))
        assert sum(told) == model.tokens == sum(map(len, rows)) + 2 * 40
        assert len(told) > 10
    assert all((each == found[0]).all() for each in found)


def test_an_error_in_a_thread_is_told(make_network, monkeypatch, one_thread):
    monkeypatch.setattr(model_module, "ON_CPU", 10)
    model = MaskedModel(make_network())
    model.threads = 2
    rows = [AMINO[:8]] * 20
    with pytest.raises(IndexError):
        model.log_probabilities(rows, [np.array([99])] * 20)
