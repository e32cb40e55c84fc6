"""The index on disk: a folder ``REF.gsx`` with everything that `genoseq align` needs.

==================  ==========================================================================================
``manifest.json``   format version, encoder and digest, parameters, contigs (name, length, MD5), part sizes
``bases.2bit``      the reference at two bits a base (uint64, little endian)
``exceptions.npy``  runs of letters other than A, C, G, T
``tree.npz``        the cell tree and the number of anchors in each cell
``cells.faiss``     the FAISS index without its lists
``lists.bin``       the inverted lists: codes and ids
``encoder.npz``     the weights, if they are not the ones that ship
==================  ==========================================================================================

The folder is written under a temporary name and renamed when it is whole. Opening maps the large parts into
memory and reads the rest; a part that is missing, of the wrong size or of another version is refused by name.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genoseq import __version__
from genoseq.encoder.seed import SeedEncoder
from genoseq.errors import IndexFileError, InputError, UsageError
from genoseq.index import vectors
from genoseq.index.build import BuildProgress, encode_reference
from genoseq.index.cells import CellTree
from genoseq.index.reference import Reference
from genoseq.index.vectors import VectorIndex

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
_PARTS = ("bases.2bit", "exceptions.npy", "tree.npz", vectors.INDEX_FILE, vectors.LISTS_FILE)
_EXACT_BELOW = 200_000  # bp: below it exact search costs less memory than numba's own code


@dataclass(frozen=True)
class IndexParameters:
    """What an index holds.

    Parameters
    ----------
    words : int
        Anchor words: 1 (about 1.9 bytes/bp) or 2 (about 3.9 bytes/bp; finds more divergent reads).
    capacity : int
        A cell with more anchors is split.
    factory : str
        ``PQ16x4fs``, ``Flat``, or ``auto``: exact for references below 200 kbp.
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
            FASTA, plain or compressed.
        output : path
            Folder, by custom ``NAME.gsx``.
        progress : callable, optional
            Called with (step, bp done, bp in all).

        Raises
        ------
        InputError
            If the reference is unusable, or `output` exists and is not an index.
        """
        parameters = parameters or PRESETS["divergent"]
        folder = Path(output)
        _check_target(folder)
        source = str(reference) if not isinstance(reference, Reference) else None
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
        temporary.mkdir()
        try:
            exact = parameters.factory == "Flat"
            tree, leaf, codes, ids = encode_reference(
                reference, chosen, parameters.words, parameters.capacity, exact=exact, progress=progress
            )
            vectors.write_vectors(temporary, codes, ids, leaf, tree.leaves, chosen.codebook, exact=exact)
            sizes = np.bincount(leaf, minlength=tree.leaves).astype(np.int32)
            np.asarray(reference.words, "<u8").tofile(temporary / "bases.2bit")
            np.save(temporary / "exceptions.npy", reference.exceptions)
            np.savez(
                temporary / "tree.npz",
                children=tree.children,
                columns=tree.columns,
                roots=tree.roots,
                sizes=sizes,
            )
            if encoder is not None:
                encoder.save(temporary / "encoder.npz")
            _write_manifest(
                temporary, reference, chosen, parameters, source, len(ids), shipped=encoder is None
            )
            _replace_folder(temporary, folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return cls.open(folder)

    @classmethod
    def open(cls, path: str | Path) -> Index:
        """Open an index folder; the large parts are memory-mapped.

        Raises
        ------
        IndexFileError
            If the folder is not an index, lacks a part, or belongs to another version or encoder.
        """
        folder = Path(path)
        manifest = read_manifest(folder)
        for part, size in manifest["parts"].items():
            file = folder / part
            if not file.is_file():
                raise IndexFileError(f"{folder}: {part} is missing; rebuild the index with 'genoseq index'")
            if file.stat().st_size != size:
                raise IndexFileError(
                    f"{file}: {file.stat().st_size} bytes, the manifest says {size}; "
                    "rebuild the index with 'genoseq index'"
                )
        own = folder / "encoder.npz"
        encoder = SeedEncoder.load(own if own.name in manifest["parts"] else None)
        if encoder.digest != manifest["encoder"]["digest"]:
            raise IndexFileError(
                f"{folder}: made with encoder {manifest['encoder']['digest']}, "
                f"this genoseq has {encoder.digest}; "
                "rebuild the index with 'genoseq index'"
            )
        contigs = manifest["contigs"]
        arrays = _arrays(folder, "tree.npz")
        sizes = arrays["sizes"]
        tree = CellTree(arrays["children"], arrays["columns"], arrays["roots"], len(sizes))
        reference = Reference(
            [c["name"] for c in contigs],
            np.concatenate([[0], np.cumsum([c["length"] for c in contigs])]).astype(np.int64),
            [c["md5"] for c in contigs],
            np.asarray(np.memmap(folder / "bases.2bit", np.dtype("<u8"), "r")),
            _arrays(folder, "exceptions.npy")["exceptions"],
        )
        parameters = IndexParameters(**manifest["parameters"])
        return cls(reference, encoder, tree, sizes, VectorIndex.open(folder, sizes), parameters, manifest)

    def check_source(self, fasta: str | Path) -> None:
        """Refuse an index whose FASTA file was changed after it was made.

        Raises
        ------
        IndexFileError
            If size or time of change differ from those remembered.
        """
        remembered = self.manifest.get("source")
        found = _stamp(fasta)
        if remembered and remembered != found:
            raise IndexFileError(
                f"{fasta}: changed since it was indexed "
                f"({remembered['bytes']} bytes then, {found['bytes']} now); "
                f"rebuild with 'genoseq index {fasta}'"
            )


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of an index folder, its version checked.

    Raises
    ------
    IndexFileError
        If the folder is missing, is not an index, or was written by another format version.
    """
    path = Path(folder) / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as err:
        found = f"not a genoseq index (no {MANIFEST})" if Path(folder).is_dir() else "no such folder"
        raise IndexFileError(f"{folder}: {found}; make it with 'genoseq index REF.fa -o {folder}'") from err
    except NotADirectoryError as err:
        raise IndexFileError(
            f"{folder}: is a file; an index is the folder that 'genoseq index' makes "
            "(for a FASTA file use -r)"
        ) from err
    except (OSError, ValueError) as err:
        raise IndexFileError(
            f"{path}: cannot be read ({err}); rebuild the index with 'genoseq index'"
        ) from err
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version != FORMAT_VERSION:
        raise IndexFileError(
            f"{folder}: index format version {version}, this genoseq reads {FORMAT_VERSION}; "
            "rebuild with 'genoseq index'"
        )
    expected = {field.name for field in fields(IndexParameters)}
    if {"parts", "encoder", "contigs"} - manifest.keys() or set(manifest.get("parameters", ())) != expected:
        raise IndexFileError(f"{path}: lacks an entry; rebuild the index with 'genoseq index'")
    return manifest


def _arrays(folder: Path, part: str) -> dict[str, NDArray[Any]]:
    """Arrays of a small part: all of an archive, or the one of a plain file under the name of the part."""
    try:
        found = np.load(folder / part, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return {Path(part).stem: found}
        with found as archive:
            return {name: archive[name] for name in ("children", "columns", "roots", "sizes")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as err:
        raise IndexFileError(
            f"{folder}: {part} is damaged ({err}); rebuild the index with 'genoseq index'"
        ) from err


def _write_manifest(
    folder: Path,
    reference: Reference,
    encoder: SeedEncoder,
    parameters: IndexParameters,
    source: str | None,
    anchors: int,
    *,
    shipped: bool,
) -> None:
    parts = (*_PARTS, *(() if shipped else ("encoder.npz",)))
    manifest = {
        "format_version": FORMAT_VERSION,
        "genoseq": __version__,
        "byte_order": sys.byteorder,
        "encoder": {
            "name": "seed",
            "words": list(encoder.words.words[: parameters.words]),
            "digest": encoder.digest,
        },
        "parameters": asdict(parameters),
        "anchors": anchors,
        "source": None if source is None else _stamp(source),
        "contigs": [
            {"name": name, "length": int(length), "md5": md5}
            for name, length, md5 in zip(reference.names, reference.lengths, reference.md5s, strict=True)
        ],
        "parts": {part: (folder / part).stat().st_size for part in parts},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")


def _stamp(fasta: str | Path) -> dict[str, Any]:
    """What tells whether a FASTA file is still the one that was indexed."""
    try:
        status = Path(fasta).stat()
    except OSError as err:
        raise InputError(err.strerror or str(err), fasta) from err
    return {"name": Path(fasta).name, "bytes": status.st_size, "modified_ns": status.st_mtime_ns}


def _check_target(folder: Path) -> None:
    if not folder.parent.is_dir():
        raise InputError(f"cannot be written: there is no folder {folder.parent}; create it first", folder)
    if not os.access(folder.parent, os.W_OK):
        raise InputError(f"cannot be written: no permission to write into {folder.parent.resolve()}", folder)
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise InputError("exists and is not a genoseq index; it is not overwritten", folder)


def _replace_folder(temporary: Path, folder: Path) -> None:
    """Put the finished folder in place of an older one."""
    if not folder.exists():
        temporary.rename(folder)
        return
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    folder.rename(old)
    temporary.rename(folder)
    shutil.rmtree(old)
