"""Shards joined to an index: the same, byte for byte, as `Index.build` makes of the whole genome.

The shards are mapped, not read into memory. The cell tree is grown over the near bases of all their anchors.
Then the anchors of a cell must come together from everywhere in the genome: they are written into groups of
cells with a million anchors each, in a scratch file in which the borders of the groups are known beforehand,
and each group is put in order in memory. So memory of its own grows with the tree alone. The scratch files
take 24 bytes an anchor (272 with an exact index) beside what is being written.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numba
import numpy as np
from numpy.typing import DTypeLike, NDArray

from genoseq import __version__
from genoseq.errors import IndexFileError, UsageError
from genoseq.index.build import BuildProgress, code_bytes
from genoseq.index.cells import CellTree
from genoseq.index.folder import check_target, replacing_folder
from genoseq.index.manifest import (
    BASES,
    CODES,
    ENCODER,
    EXCEPTIONS,
    IDS,
    NEAR,
    again_with,
    check_parts,
    read_manifest,
    write_manifest,
)
from genoseq.index.reference import Reference, join_runs
from genoseq.index.store import (
    Index,
    IndexParameters,
    encoder_of,
    reference_of,
    warn_of_no_anchors,
    write_tree,
)
from genoseq.index.vectors import by_leaf, cell_groups, write_lists
from genoseq.io.arrays import read_arrays
from genoseq.io.files import naming_file

__all__ = ["merge_shards"]

_NAMED = 5  # missing shards that a message names


@dataclass(frozen=True)
class _Shard:
    """A folder that `write_shard` wrote, and its manifest."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def number(self) -> int:
        return int(self.manifest["shard"]["number"])

    @property
    def of(self) -> int:
        return int(self.manifest["shard"]["of"])

    @property
    def anchors(self) -> int:
        return int(self.manifest["anchors"])

    @property
    def again(self) -> str:
        """What to do if it is damaged."""
        return again_with(self.manifest["shard"])

    def mapped(self, part: str, dtype: DTypeLike, *width: int) -> NDArray[Any]:
        """A part with a row for each anchor, read-only."""
        return _mapped(self.folder / part, dtype, (self.anchors, *width))


def merge_shards(
    shards: Sequence[str | Path], output: str | Path, *, progress: BuildProgress | None = None
) -> Index:
    """Join all shards of an index into the folder `output` (replaced, at the end, if it is one) and open it.

    Parameters
    ----------
    shards : sequence of paths
        All that `write_shard` made of one genome, in any order.
    output : path
        As of `Index.build`.
    progress : callable, optional
        Called with (step, anchors done, anchors in all).

    Raises
    ------
    IndexFileError
        If a shard is missing, given twice or damaged, or was made of another genome, with other parameters or
        by another version.
    InputError
        If `output` cannot be written, or exists and is not an index.

    Warns
    -----
    GenoseqWarning
        If there is no anchor in the reference.
    """
    folder = check_target(output)
    opened = _checked([_Shard(Path(path), read_manifest(path, shard=True)) for path in shards])
    manifest = opened[0].manifest
    anchors, done = sum(shard.anchors for shard in opened), 0
    for shard in opened:
        check_parts(shard.folder, shard.manifest["parts"], verify=True, again=shard.again)
        done += shard.anchors
        if progress:
            progress("checked", done, anchors)
    encoder = encoder_of(opened[0].folder, manifest, again=opened[0].again)
    parameters = IndexParameters(**manifest["parameters"])
    exact = parameters.factory == "Flat"
    for shard in opened:
        if shard.manifest["parts"][CODES]["bytes"] != shard.anchors * code_bytes(encoder, exact=exact):
            raise IndexFileError(f"{shard.folder}: {CODES} does not hold its anchors; {shard.again}")
    with replacing_folder(folder) as temporary:
        scratch = temporary / "scratch"
        scratch.mkdir()
        leaf = _scratch(scratch / "leaf.bin", np.int32, (anchors,))
        tree, sizes = _grown(opened, leaf, parameters, progress)
        found = _in_groups(opened, leaf, sizes, scratch, code_bytes(encoder, exact=exact), progress)
        write_lists(temporary, sizes, found, encoder.codebook, exact=exact)
        shutil.rmtree(scratch)
        write_tree(temporary, tree, sizes)
        reference = _joined_reference(opened, temporary)
        if ENCODER in manifest["parts"]:
            shutil.copyfile(opened[0].folder / ENCODER, temporary / ENCODER)
        write_manifest(
            temporary, reference, encoder, manifest["parameters"], anchors=anchors, source=manifest["source"]
        )
    if not anchors:
        warn_of_no_anchors(output, encoder, parameters)
    return Index.open(folder)


def _checked(shards: list[_Shard]) -> list[_Shard]:
    """The shards by number, if they are all of one index, each once."""
    if not shards:
        raise UsageError("no shards given to merge")
    first = shards[0]
    for shard in shards:
        if shard.manifest["genoseq"] != __version__:
            found = f"made by genoseq {shard.manifest['genoseq']}, this is {__version__}"
            raise IndexFileError(f"{shard.folder}: {found}; {shard.again}")
        if difference := _difference(shard, first):
            raise IndexFileError(
                f"{shard.folder}: {difference}; make all shards of one genome, with the same options"
            )
    by_number: dict[int, _Shard] = {}
    for shard in shards:
        if other := by_number.get(shard.number):
            both = f"{other.folder} and {shard.folder}"
            raise IndexFileError(f"{both} are both shard {shard.number} of {shard.of}; give each once")
        by_number[shard.number] = shard
    if missing := [str(number) for number in range(1, first.of + 1) if number not in by_number]:
        found = f"shard {missing[0]} of {first.of} is missing; make it with"
        if len(missing) > 1:
            some = ", ".join(missing[:_NAMED]) + (", .." if len(missing) > _NAMED else "")
            found = f"{len(missing)} of {first.of} shards are missing ({some}); make each with"
        number = missing[0] if len(missing) == 1 else "I"
        raise IndexFileError(f"{found} 'genoseq index REF.fa --shard {number}/{first.of}', and name all")
    return [by_number[number] for number in sorted(by_number)]


def _difference(shard: _Shard, first: _Shard) -> str | None:
    """What tells that two shards are not of one index, in words."""
    if shard.of != first.of:
        return f"is one of {shard.of} shards, {first.folder} one of {first.of}"
    own, other = shard.manifest["contigs"], first.manifest["contigs"]
    if own != other:
        pairs = zip(own, other, strict=False)
        strange = next((mine["name"] for mine, its in pairs if mine != its), None)
        what = f"contig {strange} differs" if strange else f"{len(own)} contigs, there {len(other)}"
        return f"its genome is not that of {first.folder} ({what})"
    for key, name in (("encoder", "digest"), ("parameters", "words"), ("parameters", "capacity"),
                      ("parameters", "factory")):  # fmt: skip
        mine, its = shard.manifest[key][name], first.manifest[key][name]
        if mine != its:
            said = {"digest": "encoder", "words": "anchor words"}.get(name, name)
            return f"made with {said} {mine}, {first.folder} with {its}"
    return None


def _grown(
    shards: list[_Shard], leaf: NDArray[np.int32], parameters: IndexParameters, progress: BuildProgress | None
) -> tuple[CellTree, NDArray[np.int32]]:
    """The cell tree of all anchors, and how many are in each cell; `leaf` receives the cell of each."""
    words: list[list[tuple[NDArray[np.uint32], NDArray[np.int32]]]] = [[] for _ in range(parameters.words)]
    first = 0
    for shard in shards:
        near, low = shard.mapped(NEAR, np.uint32), 0
        for word, count in enumerate(shard.manifest["shard"]["anchors"]):
            words[word].append((near[low : low + count], leaf[first + low : first + low + count]))
            low += count
        first += low
    done = 0

    def settled(more: int) -> None:
        nonlocal done
        done += more
        if progress:
            progress("cells", done, len(leaf))

    tree = CellTree.grow(words, parameters.capacity, settled)
    sizes = np.zeros(tree.leaves, np.int32)
    _count(leaf, sizes)
    return tree, sizes


def _in_groups(
    shards: list[_Shard],
    leaf: NDArray[np.int32],
    sizes: NDArray[np.int32],
    scratch: Path,
    width: int,
    progress: BuildProgress | None,
) -> Callable[[int, int], tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Write the anchors by groups of cells, and give what `write_lists` asks for the anchors of a group."""
    groups = cell_groups(sizes)
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    group_of = np.repeat(np.arange(len(groups) - 1, dtype=np.int32), np.diff(groups))
    cursor = starts[groups[:-1]]
    own = _scratch(scratch / "leaf-grouped.bin", np.int32, leaf.shape)
    ids = _scratch(scratch / IDS, np.int64, leaf.shape)
    codes = _scratch(scratch / CODES, np.uint8, (len(leaf), width))
    first = 0
    for shard in shards:
        last = first + shard.anchors
        parts = shard.mapped(IDS, np.int64), shard.mapped(CODES, np.uint8, width)
        _scatter(leaf[first:last], *parts, group_of, cursor, own, ids, codes)
        first = last
        if progress:
            progress("anchors", last, len(leaf))

    def anchors(first: int, last: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        group = slice(starts[first], starts[last])
        order, _ = by_leaf(own[group] - np.int32(first), last - first)
        if progress:
            progress("lists", group.stop, len(leaf))
        return codes[group][order], ids[group][order]

    return anchors


@numba.njit(cache=True, nogil=True)
def _count(leaf, sizes):
    for i in range(leaf.shape[0]):
        sizes[leaf[i]] += 1


@numba.njit(cache=True, nogil=True)
def _scatter(leaf, ids, codes, group_of, cursor, out_leaf, out_ids, out_codes):
    """Append each anchor to its group, whose next free row is in `cursor`."""
    for i in range(leaf.shape[0]):
        group = group_of[leaf[i]]
        row = cursor[group]
        cursor[group] = row + 1
        out_leaf[row] = leaf[i]
        out_ids[row] = ids[i]
        out_codes[row] = codes[i]


def _joined_reference(shards: list[_Shard], folder: Path) -> Reference:
    """Write the bases and exceptions of all shards as parts of the index in `folder`."""
    runs = []
    with (folder / BASES).open("wb") as file:
        for shard in shards:
            with (shard.folder / BASES).open("rb") as own:
                shutil.copyfileobj(own, file)
            runs.append(read_arrays((shard.folder / EXCEPTIONS).read_bytes(), EXCEPTIONS)[""])
    reference = reference_of(folder, shards[0].manifest, join_runs(np.concatenate(runs)))
    np.save(folder / EXCEPTIONS, reference.exceptions)
    return reference


def _mapped(
    path: Path, dtype: DTypeLike, shape: tuple[int, ...], mode: Literal["r", "r+"] = "r"
) -> NDArray[Any]:
    """A file as an array; one of no length is none, as it cannot be mapped."""
    if 0 in shape:
        nothing = np.empty(shape, dtype)
        nothing.flags.writeable = mode == "r+"
        return nothing
    return np.asarray(np.memmap(path, dtype, mode, shape=shape))


def _scratch(path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """An array in a new file, for which there is room on the disk."""
    size = np.dtype(dtype).itemsize * math.prod(shape)
    with naming_file(path), path.open("wb") as file:
        # without blocks of its own a write to the map would find the disk full: a signal, and no error
        if size and hasattr(os, "posix_fallocate"):  # not on macOS
            os.posix_fallocate(file.fileno(), 0, size)
        file.truncate(size)
    return _mapped(path, dtype, shape, "r+")
