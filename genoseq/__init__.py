"""genoseq turns sequences into numbers that a machine can search, score and sample.

The public names are below; each is loaded from its module when it is first used, so that `import genoseq`
costs nothing and never loads numba, FAISS or torch.

    from genoseq import Aligner, Index

    index = Index.build("genome.fa", "genome.gsx")
    for record in Aligner(index).align("reads.fq.gz"):
        ...
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from genoseq.align.aligner import Aligner
    from genoseq.errors import (
        CheckpointError,
        GenoseqError,
        GenoseqWarning,
        IndexFileError,
        InputError,
        MissingDependencyError,
        UsageError,
    )
    from genoseq.index.reference import Reference
    from genoseq.index.store import Index
    from genoseq.io.fastx import ReadBatch, read_batches, read_fasta
    from genoseq.sequence import decode, encode, kmers, reverse_complement
    from genoseq.simulate import parse_truth, simulate_reads

#: public name -> the module that holds it
_HOMES = {
    "Aligner": "genoseq.align.aligner",
    "CheckpointError": "genoseq.errors",
    "GenoseqError": "genoseq.errors",
    "GenoseqWarning": "genoseq.errors",
    "Index": "genoseq.index.store",
    "IndexFileError": "genoseq.errors",
    "InputError": "genoseq.errors",
    "MissingDependencyError": "genoseq.errors",
    "ReadBatch": "genoseq.io.fastx",
    "Reference": "genoseq.index.reference",
    "UsageError": "genoseq.errors",
    "decode": "genoseq.sequence",
    "encode": "genoseq.sequence",
    "kmers": "genoseq.sequence",
    "parse_truth": "genoseq.simulate",
    "read_batches": "genoseq.io.fastx",
    "read_fasta": "genoseq.io.fastx",
    "reverse_complement": "genoseq.sequence",
    "simulate_reads": "genoseq.simulate",
}

__all__ = [
    "Aligner",
    "CheckpointError",
    "GenoseqError",
    "GenoseqWarning",
    "Index",
    "IndexFileError",
    "InputError",
    "MissingDependencyError",
    "ReadBatch",
    "Reference",
    "UsageError",
    "__version__",
    "decode",
    "encode",
    "kmers",
    "parse_truth",
    "read_batches",
    "read_fasta",
    "reverse_complement",
    "simulate_reads",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'genoseq' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
