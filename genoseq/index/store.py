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

The folder is written under a temporary name and takes its place when it is whole. Opening maps the large
parts into memory and reads the rest; a part that is missing, damaged or of another version is refused by name
(`genoseq.index.manifest`).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genoseq.encoder.seed import SeedEncoder
from genoseq.errors import GenoseqWarning, IndexFileError, InputError, UsageError
from genoseq.index import vectors
from genoseq.index.build import BuildProgress, encode_reference
from genoseq.index.cells import CellTree
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
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # Linux: fcntl.h, fs.h


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
        folder = Path(os.path.realpath(output)) if Path(output).is_symlink() else Path(output)
        _check_target(folder)
        source = None if isinstance(reference, Reference) else source_of(reference)
        if not isinstance(reference, Reference):
            reference = Reference.from_fasta(reference)
        chosen = encoder or SeedEncoder.load()
        if not 1 <= parameters.words <= len(chosen.words.words):
            raise UsageError(
                f"{parameters.words} anchor words wanted, the encoder has {len(chosen.words.words)}"
            )
        if parameters.factory == "auto":
            factory = "Flat" if len(reference) < _EXACT_BELOW else "PQ16x4fs"
            parameters = IndexParameters(parameters.words, parameters.capacity, factory)
        vectors.check_factory(parameters.factory)
        temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        try:
            temporary.mkdir()
            exact = parameters.factory == "Flat"
            tree, leaf, codes, ids = encode_reference(
                reference, chosen, parameters.words, parameters.capacity, exact=exact, progress=progress
            )
            vectors.write_vectors(temporary, codes, ids, leaf, tree.leaves, chosen.codebook, exact=exact)
            sizes = np.bincount(leaf, minlength=tree.leaves).astype(np.int32)
            np.asarray(reference.words, "<u8").tofile(temporary / BASES)
            np.save(temporary / EXCEPTIONS, reference.exceptions)
            np.savez(
                temporary / TREE,
                children=tree.children,
                columns=tree.columns,
                roots=tree.roots,
                sizes=sizes,
            )
            if encoder is not None:
                encoder.save(temporary / ENCODER)
            write_manifest(temporary, reference, chosen, asdict(parameters), anchors=len(ids), source=source)
            _replace_folder(temporary, folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        if not len(ids):
            used = ", ".join(chosen.words.words[: parameters.words])
            message = f"{output}: the genome has no anchor (of {used}); no read will find a place in it"
            warnings.warn(message, GenoseqWarning, stacklevel=2)
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
        encoder = SeedEncoder.load(folder / ENCODER if ENCODER in manifest["parts"] else None)
        if encoder.digest != manifest["encoder"]["digest"]:
            raise IndexFileError(
                f"{folder}: made with encoder {manifest['encoder']['digest']}, "
                f"this genoseq has {encoder.digest}; {REBUILD}"
            )
        contigs = manifest["contigs"]
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
        reference = Reference(
            [c["name"] for c in contigs],
            np.concatenate([[0], np.cumsum([c["length"] for c in contigs])]).astype(np.int64),
            [c["md5"] for c in contigs],
            np.asarray(np.memmap(folder / BASES, np.dtype("<u8"), "r")),
            *_arrays(folder, EXCEPTIONS, ""),
        )
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


def _arrays(folder: Path, part: str, *names: str) -> list[NDArray[Any]]:
    """Arrays of a small part by name."""
    try:
        found = read_arrays((folder / part).read_bytes(), part)
        return [np.ascontiguousarray(found[name]) for name in names]
    except (InputError, KeyError) as err:
        raise IndexFileError(f"{folder}: {part} is damaged; {REBUILD}") from err


def _check_target(folder: Path) -> None:
    if not folder.parent.is_dir():
        raise InputError(f"cannot be written: there is no folder {folder.parent}; create it first", folder)
    if not os.access(folder.parent, os.W_OK | os.X_OK):
        raise InputError(f"cannot be written: no permission to write into {folder.parent.resolve()}", folder)
    if folder.is_symlink() or folder.exists():  # a link that is left leads to itself
        if not (folder / MANIFEST).is_file():
            raise InputError("exists and is not a genoseq index; it is not overwritten", folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError("cannot be replaced: no permission to write into it", folder)


def _replace_folder(temporary: Path, folder: Path) -> None:
    """Put the finished folder in place of an older one, at one stroke where the system can."""
    if not folder.exists():
        temporary.rename(folder)
        return
    old = temporary
    if not _exchange(temporary, folder):
        old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        folder.rename(old)
        try:
            temporary.rename(folder)
        except BaseException:
            old.rename(folder)
            raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap the names of two folders; False where the system or the file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)  # Linux
    if renameat2 is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_RENAME_EXCHANGE)) == 0)
