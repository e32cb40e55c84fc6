"""What records of SAM and BAM say of reads beside bases, qualities, tags: their group, and that one failed.

It travels with the reads (`ReadBatch.origin`), so that lines of the output say it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["NO_GROUP", "Origin", "read_group_id"]

NO_GROUP = -1


@dataclass(frozen=True)
class Origin:
    """Where the reads of a batch come from.

    Attributes
    ----------
    read_groups
        The lines `@RG` of the header, as they stand there, without line ends.
    groups
        int32[n], the number of the line of each read; `NO_GROUP` for reads without one.
    failed
        bool[n], whether a read did not pass the filters of the machine (FLAG 512).
    """

    read_groups: tuple[str, ...]
    groups: npt.NDArray[np.int32]
    failed: npt.NDArray[np.bool_]

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ID of each read group."""
        return tuple(map(read_group_id, self.read_groups))

    def select(self, rows: npt.NDArray[np.int64]) -> Origin:
        """That of the reads `rows`, in that order."""
        return Origin(self.read_groups, self.groups[rows], self.failed[rows])

    @classmethod
    def concat(cls, parts: Sequence[tuple[Origin | None, int]]) -> Origin | None:
        """That of batches end to end, each with its number of reads; None if none of them has any.

        Equal lines of two headers become one.
        """
        if all(origin is None for origin, _ in parts):
            return None
        numbers: dict[str, int] = {}
        groups, failed = [], []
        for origin, count in parts:
            if origin is None:
                groups.append(np.full(count, NO_GROUP, np.int32))
                failed.append(np.zeros(count, np.bool_))
                continue
            lines = [numbers.setdefault(line, len(numbers)) for line in origin.read_groups]
            failed.append(origin.failed)
            groups.append(np.array([*lines, NO_GROUP], np.int32)[origin.groups])  # the last is that of -1
        return cls(tuple(numbers), np.concatenate(groups), np.concatenate(failed))


def read_group_id(line: str) -> str:
    r"""The ID in a line `@RG`; empty if there is none.

    Examples
    --------
    >>> read_group_id("@RG\tID:lane1\tSM:sample")
    'lane1'
    """
    return next((field[3:] for field in line.split("\t") if field.startswith("ID:")), "")
