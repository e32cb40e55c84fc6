"""A shard of an index: a stretch of the genome with its anchors embedded, written by one of several tasks.

Embedding is most of the work of `genoseq index` and needs a stretch of the genome alone; the cell tree needs
the anchors of all of it. So a shard holds what the tree is grown from and what the lists are made of, and
`genoseq.index.merge` grows the tree once. No part of the work is done twice but reading the FASTA file.

==================  ==========================================================================================
``manifest.json``   as of an index, with the shard's number, stretch and anchors of each word
``bases.2bit``      its words of the reference's
``exceptions.npy``  its runs of letters other than A, C, G, T
``near.bin``        near bases of its anchors, uint32: those of the first word by position, then the next's
``ids.bin``         their ids, int64
``codes.bin``       their codes, or embeddings
``encoder.npz``     the weights, if they are not the ones that ship
==================  ==========================================================================================
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genoseq.encoder.anchors import AnchorWords
from genoseq.encoder.seed import SeedEncoder
from genoseq.errors import UsageError
from genoseq.index.build import BuildProgress, anchors_between, codes_between
from genoseq.index.folder import check_target, replacing_folder
from genoseq.index.manifest import (
    BASES,
    CODES,
    ENCODER,
    EXCEPTIONS,
    IDS,
    NEAR,
    SHARD_VERSION,
    source_of,
    write_manifest,
)
from genoseq.index.reference import Reference
from genoseq.index.store import PRESETS, IndexParameters
from genoseq.index.stretch import stretch, words_of_stretch

__all__ = ["write_shard"]

_AT_ONCE = 1 << 20  # anchors put in the order of the file at a time


def write_shard(
    reference: str | Path | Reference,
    output: str | Path,
    number: int,
    of: int,
    *,
    parameters: IndexParameters | None = None,
    encoder: SeedEncoder | None = None,
    progress: BuildProgress | None = None,
) -> None:
    """Embed a part of a reference into the folder `output` (replaced, at the end, if it is a shard).

    Parameters
    ----------
    reference : path or Reference
        FASTA, plain or compressed; "-" for standard input. All of it is read; every shard knows all contigs.
    output : path
        Folder; a link to one stays a link.
    number, of : int
        Which of how many shards, from 1 on.
    parameters, encoder
        As of `Index.build`; all shards of an index must have the same.
    progress : callable, optional
        Called with (step, bp done, bp in all), of the stretch.

    Raises
    ------
    InputError
        If the reference is unusable, or `output` cannot be written, or exists and is not a shard.
    UsageError
        If there is no shard of that number, or the parameters are none.
    """
    if not 1 <= number <= of:
        raise UsageError(f"shard {number} of {of}: shards are numbered from 1 to how many there are")
    folder = check_target(output, shard=True)
    source = None if isinstance(reference, Reference) else source_of(reference)
    if not isinstance(reference, Reference):
        reference = Reference.from_fasta(reference)
    chosen = encoder or SeedEncoder.load()
    settled = (parameters or PRESETS["divergent"]).settled(chosen, len(reference))
    start, end = stretch(number, of, len(reference))
    with replacing_folder(folder) as temporary:
        used = AnchorWords(chosen.words.words[: settled.words])
        ids, kinds, near = anchors_between(reference, used, start, end, progress)
        codes = codes_between(
            reference, chosen, ids, kinds, start, end, exact=settled.factory == "Flat", progress=progress
        )
        counts = _write_by_word(temporary, settled.words, kinds, {NEAR: near, IDS: ids, CODES: codes})
        words = words_of_stretch(number, of, len(reference))
        np.asarray(reference.words[words.start : words.stop], "<u8").tofile(temporary / BASES)
        np.save(temporary / EXCEPTIONS, _runs_between(reference.exceptions, start, end))
        if encoder is not None:
            encoder.save(temporary / ENCODER)
        shard: dict[str, Any] = {"version": SHARD_VERSION, "number": number, "of": of}
        shard |= {"start": start, "end": end, "anchors": counts}
        write_manifest(
            temporary, reference, chosen, asdict(settled), anchors=len(ids), source=source, shard=shard
        )


def _write_by_word(
    folder: Path, words: int, kinds: NDArray[np.uint8], arrays: dict[str, NDArray[Any]]
) -> list[int]:
    """Write arrays of anchors, those of each word by itself, as the tree wants them; how many of each."""
    members = [np.flatnonzero(kinds >> np.uint8(1) == word) for word in range(words)]
    for name, array in arrays.items():
        with (folder / name).open("wb") as file:
            for own in members:
                for low in range(0, len(own), _AT_ONCE):
                    array[own[low : low + _AT_ONCE]].tofile(file)
    return [len(own) for own in members]


def _runs_between(runs: NDArray[np.int64], start: int, end: int) -> NDArray[np.int64]:
    """Exceptions (as of `Reference`) of a stretch, cut at its ends."""
    own = runs[(runs[:, 1] > start) & (runs[:, 0] < end)].copy()
    own[:, :2] = own[:, :2].clip(start, end)
    return own
