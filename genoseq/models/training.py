"""What the trainings of all networks share: the learning rate, seeds, and going on with the same plan."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genoseq.errors import CheckpointError

__all__ = ["SCHEDULES", "check_same", "mixed", "rate_of"]

SCHEDULES = ("cosine", "linear")


def rate_of(step: int, *, steps: int, warm_up: int, least: float, schedule: str = "cosine") -> float:
    """Learning rate of a step as a share of the highest: a linear warm-up, then down to a share.

    Parameters
    ----------
    step, steps
        Number of the step, from 0 on, and of all.
    warm_up
        Steps.
    least
        Share at the end.
    schedule
        "cosine", or "linear": how it falls.

    Examples
    --------
    >>> [rate_of(step, steps=12, warm_up=2, least=0.0, schedule="linear") for step in (0, 1, 2, 7)]
    [0.5, 1.0, 1.0, 0.5]
    """
    if step < warm_up:
        return (step + 1) / warm_up
    turn = (step - warm_up) / max(1, steps - warm_up)
    left = 1 - turn if schedule == "linear" else 0.5 * (1 + math.cos(math.pi * turn))
    return least + (1 - least) * left


def mixed(*numbers: int) -> int:
    """A seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def check_same(path: Path, what: str, stored: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on from a checkpoint of other numbers.

    Parameters
    ----------
    path
        Of the checkpoint.
    what
        They are of, for example "plan".
    stored, now

    Raises
    ------
    CheckpointError
        Naming the first that differs.
    """
    for name, value in now.items():
        if stored.get(name) != value:
            raise CheckpointError(
                f"{path}: was trained with {name} {stored.get(name)}, now {name} is {value}; "
                f"go on with the same {what}"
            )
