"""The manifest of an index, or of a shard of one: what it holds, and by what a damaged part is known.

Every part stands in it with its size and CRC-32, and the manifest has the CRC-32 of its own entries, so that
one changed bit anywhere in an index can be told. Opening an index compares the size of every part and the
CRC-32 of the small ones; that of the large ones, which are mapped and not read, is compared by `genoseq index
--info`. A shard has the same manifest with one entry more, which says what part of the genome it is, and
other parts; merging compares all of it.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from genoseq import __version__
from genoseq.encoder.seed import SeedEncoder
from genoseq.errors import IndexFileError
from genoseq.index.packed import words_for
from genoseq.index.reference import Reference
from genoseq.index.stretch import stretch, words_of_stretch
from genoseq.index.vectors import FACTORIES, INDEX_FILE, LISTS_FILE
from genoseq.io.fastx import CONTIG_NAME
from genoseq.io.files import input_error

FORMAT_VERSION = 2
MANIFEST = "manifest.json"
BASES, EXCEPTIONS, TREE, ENCODER = "bases.2bit", "exceptions.npy", "tree.npz", "encoder.npz"
PARTS = (BASES, EXCEPTIONS, TREE, INDEX_FILE, LISTS_FILE)  # ENCODER only if it is not the one that ships
NEAR, IDS, CODES = "near.bin", "ids.bin", "codes.bin"
SHARD_PARTS = (BASES, EXCEPTIONS, NEAR, IDS, CODES)
SHARD_VERSION = 1
REBUILD = "rebuild the index with 'genoseq index'"
AGAIN = "make it again with 'genoseq index REF.fa --shard I/N'"
_DIGEST, _MD5 = re.compile("[0-9a-f]{16}"), re.compile("[0-9a-f]{32}")
_MOST = 1 << 31  # anchors in a cell
_MAPPED = (BASES, LISTS_FILE, NEAR, IDS, CODES)
_BLOCK = 1 << 20  # bytes read at a time

# What `write_manifest` writes: types of the entries, [form] for a list of one or more ("parts": of an index).
_PART = {"bytes": int, "crc32": int}
_FORM: dict[str, Any] = {
    "genoseq": str,
    "byte_order": str,
    "encoder": {"name": str, "words": [str], "digest": str},
    "parameters": {"words": int, "capacity": int, "factory": str},
    "anchors": int,
    "contigs": [{"name": str, "length": int, "md5": str}],
    "parts": dict.fromkeys(PARTS, _PART),
}
_SOURCE = {"name": str, "bytes": int, "modified_ns": int}
_SHARD = {"version": int, "number": int, "of": int, "start": int, "end": int, "anchors": [int]}


def write_manifest(
    folder: Path,
    reference: Reference,
    encoder: SeedEncoder,
    parameters: dict[str, Any],
    *,
    anchors: int,
    source: dict[str, Any] | None,
    shard: dict[str, Any] | None = None,
) -> None:
    """Write the manifest of the parts that `folder` holds.

    Parameters
    ----------
    parameters : dict
        The fields of `IndexParameters`.
    anchors : int
        Those in this folder.
    source : dict, optional
        What `source_of` said of the FASTA file.
    shard : dict, optional
        Of a shard: its version, its number of how many, its stretch, and the anchors of each word.
    """
    parts: dict[str, dict[str, int]] = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            parts[path.name] = {"bytes": os.fstat(file.fileno()).st_size, "crc32": _crc32(file)}
    entries = {
        "format_version": FORMAT_VERSION,
        "genoseq": __version__,
        "byte_order": sys.byteorder,
        "encoder": {
            "name": "seed",
            "words": list(encoder.words.words[: parameters["words"]]),
            "digest": encoder.digest,
        },
        "parameters": parameters,
        "anchors": anchors,
        "source": source,
        "contigs": [
            {"name": name, "length": int(length), "md5": md5}
            for name, length, md5 in zip(reference.names, reference.lengths, reference.md5s, strict=True)
        ],
        **({"shard": shard} if shard else {}),
        "parts": parts,
    }
    text = json.dumps({**entries, "crc32": checksum(entries)}, indent=1)
    (folder / MANIFEST).write_text(text + "\n")


def read_manifest(folder: str | Path, *, shard: bool = False) -> dict[str, Any]:
    """The manifest of an index or of a shard, checked: kind, version, checksum, byte order, entries.

    Parameters
    ----------
    shard : bool
        Whether a shard is expected, or an index.

    Raises
    ------
    IndexFileError
        If the folder is missing or not what is expected, was written by another format version or on a
        machine of another byte order, or if its manifest is damaged.
    InputError
        If the manifest may not be read.
    """
    path = Path(folder) / MANIFEST
    again = AGAIN if shard else REBUILD
    try:
        manifest: Any = json.loads(path.read_bytes())
    except FileNotFoundError as err:
        raise IndexFileError(f"{folder}: {_absent(Path(folder), shard=shard)}") from err
    except NotADirectoryError as err:
        found = "is a file; an index is the folder that 'genoseq index' makes (for a FASTA file use -r)"
        if shard:
            found = "is a file; a shard is the folder that 'genoseq index REF.fa --shard I/N' makes"
        raise IndexFileError(f"{folder}: {found}") from err
    except OSError as err:
        raise input_error(err, path) from err
    except (ValueError, RecursionError) as err:
        raise IndexFileError(f"{path}: is damaged (not JSON); {again}") from err
    _check_kind(folder, manifest, shard=shard)
    if manifest.pop("crc32", None) != checksum(manifest):
        raise IndexFileError(f"{path}: is damaged or was edited (its checksum does not fit); {again}")
    wrong = _misfit(manifest)
    if wrong:
        raise IndexFileError(f"{path}: {wrong} is not as 'genoseq index' writes it; {again}")
    if manifest["byte_order"] != sys.byteorder:
        raise IndexFileError(
            f"{folder}: byte order {manifest['byte_order']}, this machine has {sys.byteorder}; {again}"
        )
    return manifest


def again_with(shard: dict[str, Any]) -> str:
    """What to do if this shard (the entry of its manifest) is damaged."""
    return f"make it again with 'genoseq index REF.fa --shard {shard['number']}/{shard['of']}'"


def is_shard(folder: str | Path) -> bool:
    """Whether a folder holds a shard, damaged or not, and no index."""
    parts = [Path(folder) / part for part in (NEAR, IDS, CODES)]
    return (Path(folder) / MANIFEST).is_file() and any(part.exists() for part in parts)


def _absent(folder: Path, *, shard: bool) -> str:
    """What to say of a folder without a manifest."""
    if shard:
        found = f"not a shard of an index (no {MANIFEST})" if folder.is_dir() else "no such folder"
        return f"{found}; make it with 'genoseq index REF.fa --shard I/N -o {folder}'"
    found = f"not a genoseq index (no {MANIFEST})" if folder.is_dir() else "no such folder"
    return f"{found}; make it with 'genoseq index REF.fa -o {folder}'"


def _check_kind(folder: str | Path, manifest: Any, *, shard: bool) -> None:
    """Refuse an index in place of a shard, a shard in place of an index, and other versions."""
    entries: dict[str, Any] = manifest if isinstance(manifest, dict) else {}
    own = entries.get("shard")
    told: dict[str, Any] = own if isinstance(own, dict) else {}
    if told and not shard:
        raise IndexFileError(
            f"{folder}: is shard {told.get('number')} of {told.get('of')} of an index; join all of them with "
            "'genoseq index --merge SHARD... -o REF.gsx' and name that index"
        )
    version = entries.get("format_version")
    if shard and not told and version == FORMAT_VERSION:
        raise IndexFileError(f"{folder}: is a whole index, not a shard of one; nothing is to be merged")
    again = AGAIN if shard else REBUILD
    if version != FORMAT_VERSION:
        raise IndexFileError(
            f"{folder}: index format version {version!r}, this genoseq reads {FORMAT_VERSION}; {again}"
        )
    if shard and told.get("version") != SHARD_VERSION:
        found = f"shard format version {told.get('version')!r}"
        raise IndexFileError(f"{folder}: {found}, this genoseq reads {SHARD_VERSION}; {again}")


def checksum(entries: dict[str, Any]) -> int:
    """CRC-32 of the entries of a manifest, whatever their order."""
    return zlib.crc32(json.dumps(entries, sort_keys=True).encode())


def check_parts(
    folder: Path, parts: dict[str, dict[str, int]], *, verify: bool, again: str = REBUILD
) -> None:
    """Compare the parts of an index with what its manifest says: sizes, and the content of the small ones.

    Parameters
    ----------
    verify
        Read the large parts, too.
    again
        What to do if they differ.

    Raises
    ------
    IndexFileError
        Naming the part that is missing or damaged.
    InputError
        Naming the part that may not be read.
    """
    for name, told in parts.items():
        path = folder / name
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                found = _crc32(file) if verify or name not in _MAPPED else told["crc32"]
        except FileNotFoundError as err:
            raise IndexFileError(f"{folder}: {name} is missing; {again}") from err
        except OSError as err:
            raise input_error(err, path) from err
        if size != told["bytes"]:
            raise IndexFileError(f"{path}: {size} bytes, the manifest says {told['bytes']}; {again}")
        if found != told["crc32"]:
            raise IndexFileError(f"{folder}: {name} is damaged (its checksum does not fit); {again}")


def source_of(fasta: str | Path) -> dict[str, Any] | None:
    """What tells whether a FASTA file is still the one that was indexed; None for standard input and pipes.

    Raises
    ------
    InputError
        If there is no such file.
    """
    if os.fspath(fasta) == "-":
        return None
    try:
        status = Path(fasta).stat()
    except OSError as err:
        raise input_error(err, fasta) from err
    if not stat.S_ISREG(status.st_mode):
        return None
    return {"name": Path(fasta).name, "bytes": status.st_size, "modified_ns": status.st_mtime_ns}


def _misfit(manifest: dict[str, Any]) -> str | None:
    """The first entry that `write_manifest` would not have written, or None."""
    shard = "shard" in manifest
    form = {**_FORM, "source": _SOURCE if manifest.get("source") else type(None)}
    if shard:
        form |= {"parts": dict.fromkeys(SHARD_PARTS, _PART), "shard": _SHARD}
    for name, expected in form.items():
        if not _has_form(manifest.get(name), expected):
            return name
    parameters, contigs = manifest["parameters"], manifest["contigs"]
    if manifest["byte_order"] not in ("little", "big"):
        return "byte_order"
    if not _DIGEST.fullmatch(manifest["encoder"]["digest"]):
        return "encoder"
    known = set(parameters) == set(_FORM["parameters"]) and parameters["factory"] in FACTORIES
    if (
        not known
        or not 1 <= parameters["capacity"] < _MOST
        or len(manifest["encoder"]["words"]) != parameters["words"]
    ):
        return "parameters"
    names, lengths = [contig["name"] for contig in contigs], [contig["length"] for contig in contigs]
    named = len(set(names)) == len(names) and all(map(CONTIG_NAME.fullmatch, names))
    if not named or min(lengths) < 1 or not all(_MD5.fullmatch(contig["md5"]) for contig in contigs):
        return "contigs"
    parts = manifest["parts"]
    known_parts = {*(SHARD_PARTS if shard else PARTS), ENCODER}
    if not set(parts) <= known_parts or not all(_has_form(part, _PART) for part in parts.values()):
        return "parts"
    bases = sum(lengths)
    if not shard:
        return "contigs" if parts[BASES]["bytes"] != 8 * words_for(bases) else None
    return "shard" if not _is_stretch(manifest, bases) else None


def _is_stretch(manifest: dict[str, Any], bases: int) -> bool:
    """Whether stretch, anchors and parts of a shard belong together."""
    shard, sizes = manifest["shard"], {name: part["bytes"] for name, part in manifest["parts"].items()}
    number, of, anchors = shard["number"], shard["of"], manifest["anchors"]
    return (
        1 <= number <= of
        and (shard["start"], shard["end"]) == stretch(number, of, bases)
        and len(shard["anchors"]) == manifest["parameters"]["words"]
        and min(shard["anchors"]) >= 0
        and sum(shard["anchors"]) == anchors
        and sizes[BASES] == 8 * len(words_of_stretch(number, of, bases))
        and (sizes[NEAR], sizes[IDS]) == (4 * anchors, 8 * anchors)
    )


def _has_form(value: object, form: Any) -> bool:
    if isinstance(form, dict):
        return isinstance(value, dict) and all(_has_form(value.get(key), form[key]) for key in form)
    if isinstance(form, list):
        return isinstance(value, list) and bool(value) and all(_has_form(item, form[0]) for item in value)
    return type(value) is form


def _crc32(file: BinaryIO) -> int:
    value = 0
    while block := file.read(_BLOCK):
        value = zlib.crc32(block, value)
    return value
