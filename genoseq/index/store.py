"""The index on disk: a folder ``REF.gsx`` with everything that `genoseq align` needs.

==================  ==========================================================================================
``manifest.json``   format version, encoder and digest, parameters, contigs (name, length, MD5), checksums
``bases.2bit``      the reference at two bits a base (uint64, little endian)
``exceptions.npy``  runs of letters other than A, C, G, T
``tree.npz``        the cell tree and the number of anchors in each cell
``cells.faiss``     the FAISS index without its lists
``lists.bin``       the inverted lists: codes and ids
``encoder.npz``     the weights, if they are not the ones that ship
==================  ==========================================================================================

The folder is written under a temporary name and takes its place when it is whole (`genoseq.index.folder`).
The same genome and parameters give the same bytes. Opening maps the large parts into memory and reads the
rest; a part that is missing, damaged or of another version is refused by name (`genoseq.index.manifest`).
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genoseq.encoder.seed import SeedEncoder
from genoseq.errors import GenoseqWarning, IndexFileError, InputError, UsageError
from genoseq.index import vectors
from genoseq.index.build import BuildProgress, encode_reference
from genoseq.index.cells import CellTree
from genoseq.index.folder import check_target, replacing_folder
from genoseq.index.manifest import (
    BASES,
    ENCODER,
    EXCEPTIONS,
    MANIFEST,
    REBUILD,
    TREE,
    check_parts,
    read_manifest,
    source_of,
    write_manifest,
)
from genoseq.index.reference import Reference
from genoseq.index.vectors import VectorIndex
from genoseq.io.arrays import read_arrays

__all__ = ["MANIFEST", "PRESETS", "Index", "IndexParameters"]

_EXACT_BELOW = 200_000  # bp: below it exact search costs less memory than numba's own code


@dataclass(frozen=True)
class IndexParameters:
    """What an index holds.

    Parameters
    ----------
    words : int
        Anchor words: 1 (1.8-2.1 bytes/bp) or 2 (3.7-4.0 bytes/bp; finds more divergent reads).
    capacity : int
        A cell with more anchors is split.
    factory : str
        ``PQ16x4fs``, ``Flat``, or ``auto``: exact for references below 200 kbp (27-65 bytes/bp).
    """

    words: int = 2
    capacity: int = 1500  # encoder.md: 100 to 1500 differ by 2-4 points at 20 %, in favour of 1500
    factory: str = "auto"

    def settled(self, encoder: SeedEncoder, bases: int) -> IndexParameters:
        """These parameters for a reference of so many bp: `factory` is then no longer ``auto``.

        Raises
        ------
        UsageError
            If the encoder has fewer words, or there is no such factory.
        """
        if not 1 <= self.words <= len(encoder.words.words):
            raise UsageError(f"{self.words} anchor words wanted, the encoder has {len(encoder.words.words)}")
        chosen = ("Flat" if bases < _EXACT_BELOW else "PQ16x4fs") if self.factory == "auto" else self.factory
        return replace(self, factory=vectors.check_factory(chosen))


PRESETS = {
    "sr": IndexParameters(words=1),
    "divergent": IndexParameters(words=2),
    "long": IndexParameters(words=1),
}


@dataclass(frozen=True)
class Index:
    """A reference, its cell tree and its vectors, ready to be searched."""

    reference: Reference
    encoder: SeedEncoder
    tree: CellTree
    cell_sizes: NDArray[np.int32]
    vectors: VectorIndex
    parameters: IndexParameters
    manifest: dict[str, Any]

    @classmethod
    def build(
        cls,
        reference: str | Path | Reference,
        output: str | Path,
        *,
        parameters: IndexParameters | None = None,
        encoder: SeedEncoder | None = None,
        progress: BuildProgress | None = None,
    ) -> Index:
        """Index a reference into the folder `output` (replaced, at the end, if it is an index) and open it.

        Parameters
        ----------
        reference : path or Reference
            FASTA, plain or compressed; "-" for standard input.
        output : path
            Folder, by custom ``NAME.gsx``; a link to one stays a link.
        progress : callable, optional
            Called with (step, bp done, bp in all).

        Raises
        ------
        InputError
            If the reference is unusable, or `output` cannot be written, or exists and is not an index.

        Warns
        -----
        GenoseqWarning
            If there is no anchor in the reference.
        """
        parameters = parameters or PRESETS["divergent"]
        folder = check_target(output)
        source = None if isinstance(reference, Reference) else source_of(reference)
        if not isinstance(reference, Reference):
            reference = Reference.from_fasta(reference)
        chosen = encoder or SeedEncoder.load()
        parameters = parameters.settled(chosen, len(reference))
        exact = parameters.factory == "Flat"
        with replacing_folder(folder) as temporary:
            tree, leaf, codes, ids = encode_reference(
                reference, chosen, parameters.words, parameters.capacity, exact=exact, progress=progress
            )
            vectors.write_vectors(temporary, codes, ids, leaf, tree.leaves, chosen.codebook, exact=exact)
            write_tree(temporary, tree, np.bincount(leaf, minlength=tree.leaves))
            np.asarray(reference.words, "<u8").tofile(temporary / BASES)
            np.save(temporary / EXCEPTIONS, reference.exceptions)
            if encoder is not None:
                encoder.save(temporary / ENCODER)
            write_manifest(temporary, reference, chosen, asdict(parameters), anchors=len(ids), source=source)
        if not len(ids):
            warn_of_no_anchors(output, chosen, parameters)
        return cls.open(folder)

    @classmethod
    def open(cls, path: str | Path, *, verify: bool = False) -> Index:
        """Open an index folder; the large parts are memory-mapped.

        Parameters
        ----------
        path : path
        verify : bool
            Compare the checksums of all parts. Otherwise those of the small parts are compared, and of the
            large ones the size.

        Raises
        ------
        IndexFileError
            If the folder is not an index, lacks a part, is damaged, or belongs to another version or encoder.
        InputError
            If there is no permission to read a part.
        """
        folder = Path(path)
        manifest = read_manifest(folder)
        check_parts(folder, manifest["parts"], verify=verify)
        encoder = encoder_of(folder, manifest)
        children, columns, roots, sizes = _arrays(folder, TREE, "children", "columns", "roots", "sizes")
        parameters = IndexParameters(**manifest["parameters"])
        tree = CellTree(children, columns, roots, len(sizes))
        counted = sizes.dtype == np.int32 and sizes.ndim == 1 and bool((sizes >= 0).all())
        if (
            not counted
            or sizes.sum(dtype=np.int64) != manifest["anchors"]
            or not tree.is_sound(parameters.words)
        ):
            raise IndexFileError(f"{folder}: {TREE} is not as 'genoseq index' writes it; {REBUILD}")
        reference = reference_of(folder, manifest, *_arrays(folder, EXCEPTIONS, ""))
        if not reference.has_sound_exceptions():
            raise IndexFileError(f"{folder}: {EXCEPTIONS} is not as 'genoseq index' writes it; {REBUILD}")
        exact = parameters.factory == "Flat"
        found = VectorIndex.open(folder, sizes, encoder.codebook, exact=exact, positions=len(reference))
        return cls(reference, encoder, tree, sizes, found, parameters, manifest)

    def check_source(self, fasta: str | Path) -> None:
        """Refuse an index that was not made from this FASTA file, or before the file was changed.

        A file of the same name and size but another time (a copy) is read, and its contigs compared.

        Raises
        ------
        IndexFileError
            If name, size or contigs differ from those remembered.
        """
        then, now = self.manifest["source"], source_of(fasta)
        if then and now:
            if then == now:
                return
            if then["name"] != now["name"]:
                raise IndexFileError(
                    f"{fasta}: the index of this name was made from {then['name']}; choose another with "
                    f"'genoseq index {fasta} -o NAME.gsx' and 'genoseq align -x NAME.gsx'"
                )
            if then["bytes"] != now["bytes"]:
                raise IndexFileError(
                    f"{fasta}: changed since it was indexed "
                    f"({then['bytes']} bytes then, {now['bytes']} now); "
                    f"rebuild with 'genoseq index {fasta}'"
                )
        found = Reference.from_fasta(fasta)
        if (found.names, found.md5s) != (self.reference.names, self.reference.md5s):
            raise IndexFileError(
                f"{fasta}: its contigs are not those of its index; rebuild with 'genoseq index {fasta}'"
            )


def encoder_of(folder: Path, manifest: dict[str, Any], *, again: str = REBUILD) -> SeedEncoder:
    """The encoder of an index or a shard: its own, or the one that ships.

    Raises
    ------
    IndexFileError
        If it is not the one that the manifest names; `again` says what to do.
    """
    encoder = SeedEncoder.load(folder / ENCODER if ENCODER in manifest["parts"] else None)
    if encoder.digest != manifest["encoder"]["digest"]:
        raise IndexFileError(
            f"{folder}: made with encoder {manifest['encoder']['digest']}, "
            f"this genoseq has {encoder.digest}; {again}"
        )
    return encoder


def reference_of(folder: Path, manifest: dict[str, Any], exceptions: NDArray[np.int64]) -> Reference:
    """The contigs that a manifest names, their bases mapped from the folder."""
    contigs = manifest["contigs"]
    return Reference(
        [contig["name"] for contig in contigs],
        np.concatenate([[0], np.cumsum([contig["length"] for contig in contigs])]).astype(np.int64),
        [contig["md5"] for contig in contigs],
        np.asarray(np.memmap(folder / BASES, np.dtype("<u8"), "r")),
        exceptions,
    )


def write_tree(folder: Path, tree: CellTree, sizes: NDArray[np.integer]) -> None:
    """Write the part that holds the cell tree and the number of anchors in each cell."""
    np.savez(
        folder / TREE,
        children=tree.children,
        columns=tree.columns,
        roots=tree.roots,
        sizes=sizes.astype(np.int32),
    )


def warn_of_no_anchors(output: str | Path, encoder: SeedEncoder, parameters: IndexParameters) -> None:
    """Say that no read will find a place in the index that was just written."""
    used = ", ".join(encoder.words.words[: parameters.words])
    message = f"{output}: the genome has no anchor (of {used}); no read will find a place in it"
    warnings.warn(message, GenoseqWarning, stacklevel=3)


def _arrays(folder: Path, part: str, *names: str) -> list[NDArray[Any]]:
    """Arrays of a small part by name."""
    try:
        found = read_arrays((folder / part).read_bytes(), part)
        return [np.ascontiguousarray(found[name]) for name in names]
    except (InputError, KeyError) as err:
        raise IndexFileError(f"{folder}: {part} is damaged; {REBUILD}") from err
