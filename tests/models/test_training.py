"""What trainings share."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest

from genoseq.errors import CheckpointError
from genoseq.models.training import check_same, mixed, rate_of


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_rate_rises_and_falls(schedule):
    rates = [rate_of(step, steps=50, warm_up=10, least=0.1, schedule=schedule) for step in range(51)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[10] == 1
    assert all(later < earlier for earlier, later in itertools.pairwise(rates[10:]))
    assert rates[-1] == pytest.approx(0.1)
    assert rates[30] == pytest.approx(0.55)
    quarter = 0.75 if schedule == "linear" else 0.5 * (1 + math.cos(math.pi / 4))
    assert rates[20] == pytest.approx(0.1 + 0.9 * quarter)
    assert rate_of(0, steps=1, warm_up=0, least=0.1) == 1


def test_seeds_differ():
    assert len({mixed(1, step) for step in range(100)} | {mixed(2, step) for step in range(100)}) == 200
    assert mixed(3, 4) == mixed(3, 4)


def test_the_same_plan():
    check_same(Path("c.pt"), "plan", {"steps": 3, "old": 1}, {"steps": 3})
    with pytest.raises(
        CheckpointError, match=r"c\.pt: was trained with steps 3, now steps is 4; go on with the same plan"
    ):
        check_same(Path("c.pt"), "plan", {"steps": 3}, {"steps": 4})
    with pytest.raises(CheckpointError, match="was trained with steps None"):
        check_same(Path("c.pt"), "plan", {}, {"steps": 4})
