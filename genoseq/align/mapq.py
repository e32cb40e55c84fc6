"""Judge: the mapping quality, calibrated on simulated truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mapping_quality(
    lengths: NDArray[np.int64], scores: NDArray[np.int32], seconds: NDArray[np.int32], distances: NDArray[np.int32]
) -> NDArray[np.int32]:
    gap = (scores - np.maximum(seconds, 0)) / 4
    return np.clip(np.where(seconds < 0, 60, gap * 6), 0, 60).astype(np.int32)
