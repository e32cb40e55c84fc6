"""What is read, as it stands in its file: text of FASTQ and FASTA, records of SAM and BAM.

Batches of reads hold what an aligner needs, with letters in upper case and records turned back. Whoever
copies reads (`genoseq.io.chunks`) gives one of these to the reader, which keeps here what it has read, and
takes from it as many reads as the batches hold: nothing is parsed twice, and no more is in memory than the
reader has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["RawReads"]

_NOT_A_READ = 0x900  # FLAG of secondary and supplementary records (SAM specification, section 1.4)


class RawReads:
    """The reads of a file that are in memory, in its order.

    Attributes
    ----------
    suffix : str
        What names of such files end in: "fq", "fa" or "bam" (of SAM, too).
    header : pysam.AlignmentHeader or None
        Of SAM and BAM.
    shift : int
        How many contigs the numbers of the records count before those of `header`.
    parted : bool
        Whether the next record has the name of the last one taken: the two belong together.
    """

    def __init__(self) -> None:
        self.suffix = "fq"
        self.header: Any = None
        self.shift = 0
        self.parted = False
        self._texts: deque[tuple[memoryview, npt.NDArray[np.int64]]] = deque()
        self._at = 0  # in the first of the texts, reads
        self._records: deque[Any] = deque()

    def add_text(self, text: bytes, starts: npt.NDArray[np.int64]) -> None:
        """Keep text; `starts` int64[reads + 1] tells where each read begins, and where the last one ends."""
        self._texts.append((memoryview(text), starts))

    def add_record(self, record: Any) -> None:
        """Keep a record, also a secondary or a supplementary one."""
        self._records.append(record)

    def texts(self, count: int) -> Iterator[memoryview]:
        """Take the text of the next `count` reads, in pieces."""
        while count:
            text, starts = self._texts[0]
            end = min(self._at + count, len(starts) - 1)
            yield text[starts[self._at] : starts[end]]
            count -= end - self._at
            self._at = end
            if end == len(starts) - 1:
                self._texts.popleft()
                self._at = 0

    def records(self, count: int | None) -> Iterator[Any]:
        """Take the next `count` reads, with the other records before and between them, and those that follow
        and have the name of the last; None takes all that are left."""
        name = None
        while self._records and (count is None or count > 0 or self._continues(name)):
            record = self._records.popleft()
            if count is not None:
                count -= not record.flag & _NOT_A_READ
            name = record.query_name
            yield record
        self.parted = bool(self._records) and self._records[0].query_name == name

    def _continues(self, name: str | None) -> bool:
        """Whether a record is next that is no read, and has that name."""
        record = self._records[0]
        return bool(record.flag & _NOT_A_READ) and record.query_name == name
