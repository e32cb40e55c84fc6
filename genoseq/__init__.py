"""genoseq turns sequences into numbers that a machine can search, score and sample.

The public names are below; each is loaded from its module when it is first used, so that `import genoseq`
costs nothing and never loads numba, FAISS or torch.

    from genoseq import Aligner, Index, read_batches

    aligner = Aligner(Index.build("genome.fa.gz", "genome.gsx"))
    for batch in aligner.stream(read_batches("reads.fq.gz"), threads=4):
        ...

    from genoseq import HyenaDNA

    vectors = HyenaDNA.load("hyena-tiny").embed(["ACGT", "GATTACA"])

`docs/api.md` shows them at work.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from genoseq.align.aligner import AlignedBatch, Aligner
    from genoseq.align.alignment import Alignment
    from genoseq.align.insert import InsertSize
    from genoseq.align.presets import AlignmentParameters
    from genoseq.encoder.seed import SeedEncoder
    from genoseq.errors import (
        CheckpointError,
        GenoseqError,
        GenoseqWarning,
        IndexFileError,
        InputError,
        MissingDependencyError,
        UsageError,
    )
    from genoseq.hyena.hyenadna import HyenaDNA
    from genoseq.index.reference import Reference
    from genoseq.index.store import Index, IndexParameters
    from genoseq.io.fastx import ReadBatch, read_batches, read_fasta
    from genoseq.io.pairs import interleaved_pairs, paired_batches
    from genoseq.ncd.neighbours import NCDClassifier
    from genoseq.ncd.relative import RelativeClassifier
    from genoseq.sequence import decode, encode, kmers, reverse_complement
    from genoseq.simulate import SimulationParameters, random_reads, simulate_reads
    from genoseq.truth import Truth, parse_truth

#: public name -> the module that holds it
_HOMES = {
    "AlignedBatch": "genoseq.align.aligner",
    "Aligner": "genoseq.align.aligner",
    "Alignment": "genoseq.align.alignment",
    "AlignmentParameters": "genoseq.align.presets",
    "CheckpointError": "genoseq.errors",
    "GenoseqError": "genoseq.errors",
    "GenoseqWarning": "genoseq.errors",
    "HyenaDNA": "genoseq.hyena.hyenadna",
    "Index": "genoseq.index.store",
    "IndexFileError": "genoseq.errors",
    "IndexParameters": "genoseq.index.store",
    "InputError": "genoseq.errors",
    "InsertSize": "genoseq.align.insert",
    "MissingDependencyError": "genoseq.errors",
    "NCDClassifier": "genoseq.ncd.neighbours",
    "ReadBatch": "genoseq.io.fastx",
    "Reference": "genoseq.index.reference",
    "RelativeClassifier": "genoseq.ncd.relative",
    "SeedEncoder": "genoseq.encoder.seed",
    "SimulationParameters": "genoseq.simulate",
    "Truth": "genoseq.truth",
    "UsageError": "genoseq.errors",
    "decode": "genoseq.sequence",
    "encode": "genoseq.sequence",
    "interleaved_pairs": "genoseq.io.pairs",
    "kmers": "genoseq.sequence",
    "paired_batches": "genoseq.io.pairs",
    "parse_truth": "genoseq.truth",
    "random_reads": "genoseq.simulate",
    "read_batches": "genoseq.io.fastx",
    "read_fasta": "genoseq.io.fastx",
    "reverse_complement": "genoseq.sequence",
    "simulate_reads": "genoseq.simulate",
}

__all__ = [
    "AlignedBatch",
    "Aligner",
    "Alignment",
    "AlignmentParameters",
    "CheckpointError",
    "GenoseqError",
    "GenoseqWarning",
    "HyenaDNA",
    "Index",
    "IndexFileError",
    "IndexParameters",
    "InputError",
    "InsertSize",
    "MissingDependencyError",
    "NCDClassifier",
    "ReadBatch",
    "Reference",
    "RelativeClassifier",
    "SeedEncoder",
    "SimulationParameters",
    "Truth",
    "UsageError",
    "__version__",
    "decode",
    "encode",
    "interleaved_pairs",
    "kmers",
    "paired_batches",
    "parse_truth",
    "random_reads",
    "read_batches",
    "read_fasta",
    "reverse_complement",
    "simulate_reads",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        message = f"module 'genoseq' has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=sys.modules[__name__])  # Python adds "Did you mean"
    try:
        value = getattr(import_module(home), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        from genoseq.errors import MissingDependencyError

        raise MissingDependencyError(name, "torch", "models") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
