"""Records of alignments say what the lines of SAM say."""

from __future__ import annotations

from pathlib import Path

import pysam
import pytest

from genoseq import Aligner, Index, read_batches
from genoseq.align.alignment import alignments_of

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.mark.parametrize("reads", ["reads_divergent.fq.gz", "reads_foreign.fq.gz"])
def test_records_are_the_lines_of_sam(tmp_path, reads):
    index = Index.build(DATA / "genome.fa.gz", tmp_path / "genome.gsx")
    aligner = Aligner(index, secondary=2)
    batch = aligner.align(next(read_batches(DATA / reads, batch_reads=300)))
    names = zip(index.reference.names, index.reference.lengths, strict=True)
    header = pysam.AlignmentHeader.from_dict({"SQ": [{"SN": n, "LN": int(k)} for n, k in names]})
    lines = aligner.sam(batch).tobytes().decode().splitlines()
    records = list(alignments_of(batch, index.reference))
    for line, record in zip(lines, records, strict=True):
        sam = pysam.AlignedSegment.fromstring(line, header)
        assert (sam.query_name, not sam.is_unmapped, not sam.is_secondary) == (
            record.name,
            record.mapped,
            record.primary,
        )
        if record.mapped:
            assert (sam.reference_name, sam.reference_start, sam.reference_end) == record[1:4]
            assert ("-" if sam.is_reverse else "+", sam.mapping_quality, sam.cigarstring) == record[4:7]
            assert (sam.get_tag("AS"), sam.get_tag("NM")) == (record.score, record.edits)
