"""Draw the tree of genomes, by what they have in common when they are compressed.

Each file is a leaf, called after the file without endings such as .fa.gz; with --each record each record of
the files is one. All pairs are compared, with a letter between the contigs of a genome, and neighbour joining
makes a tree of the distances. Lower case counts as upper case, IUPAC codes other than A, C, G, T are read as
N. Branches below zero, which distances that fit no tree ask for, become zero, and their sisters take the
difference.

--metric ncd, cdm, clm: a compressor takes both together and each alone. Which one decides on time and on how
far it sees:

  zstd     0.3 s a pair of bacteria; past 10 % of changed bases distances hardly differ any more. --level 19
           takes fifty times as long and sees twice as far
  mixing   genoseq's context models: up to 25 % of the bases, both strands at once; 12 s a pair of bacteria
  protein  the model for proteins (--alphabet protein), and the default there
  lzma     as far, in about that time; brotli too, for pairs of up to 16 MiB, in three times that
  gzip, bz2, lz4, snappy   have windows of 32 kB to 900 kB: genes, plasmids, organelles

--metric nrc: a mixing model learns each genome once and predicts all others (or, with --order K, a Markov
model of K bases, which is much faster and coarser). The distance is the mean of both directions.

Examples:
  genoseq tree genomes/*.fa --compressor zstd -o tree.nwk --plot tree.png
  genoseq tree mitochondria.fa.gz --each record --compressor mixing -o tree.nwk --matrix distances.tsv
  genoseq tree genomes/*.fa.gz --metric nrc --store distances/ -o tree.nwk
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genoseq.cli._options import bounded_int
from genoseq.errors import InputError, UsageError, counted

if TYPE_CHECKING:
    from Bio.Phylo.BaseTree import Tree

    from genoseq.cli._leaves import Leaf
    from genoseq.cli._progress import Progress
    from genoseq.ncd.compressor import Compressor
    from genoseq.ncd.distances import Distances

COMPRESSORS = ("gzip", "snappy", "brotli", "lz4", "zstd", "bz2", "lzma", "mixing", "protein")
METRICS = ("ncd", "cdm", "clm", "nrc")
_PHYLIP = (".phy", ".phylip")
_LONGEST_ORDER = 12  # of a Markov model
_FAR = 0.93  # distance at which nothing in common was found: of random DNA gzip gives .94, zstd 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq tree`."""
    parser.add_argument(
        "genomes",
        nargs="+",
        metavar="GENOME.fa",
        help="FASTA (of DNA also FASTQ, SAM, BAM), any compression; - for stdin, with --each record",
    )
    leaves = parser.add_argument_group("Leaves")
    leaves.add_argument("--each", choices=("file", "record"), default="file", help="what a leaf is")
    leaves.add_argument(
        "--alphabet", choices=("dna", "protein"), default="dna", help="of the sequences; RNA counts as DNA"
    )
    distance = parser.add_argument_group("Distance")
    distance.add_argument("--metric", choices=METRICS, default="ncd", help="how distances are computed")
    distance.add_argument(
        "--compressor",
        choices=COMPRESSORS,
        help="of ncd, cdm and clm (default: zstd, of proteins protein); its window is that of a pair, "
        "where it can be",
    )
    distance.add_argument(
        "--level",
        type=bounded_int(-100, 22),
        metavar="N",
        help="how thoroughly the compressor searches (default: as the packages have it, of zstd 3, lzma 6, "
        "gzip and bz2 9, brotli 11, lz4 0)",
    )
    distance.add_argument(
        "--order",
        type=bounded_int(1, _LONGEST_ORDER),
        metavar="K",
        help="with --metric nrc: learn by a Markov model of K bases instead of the mixing model",
    )
    distance.add_argument(
        "--strands",
        choices=("both", "forward"),
        help="the smaller distance of both strands, or only as written (default: both; proteins have one)",
    )
    distance.add_argument(
        "--store",
        metavar="DIR",
        help="keep what was compressed in a folder; the same command goes on where it ended",
    )
    tree = parser.add_argument_group("Tree")
    tree.add_argument(
        "--method", choices=("nj", "upgma"), default="nj", help="neighbour joining, or average linkage"
    )
    tree.add_argument(
        "--root",
        choices=("midpoint", "none"),
        default="midpoint",
        help="of neighbour joining: half-way between the leaves farthest from each other, or three branches "
        "at the top",
    )
    output = parser.add_argument_group("Output")
    output.add_argument(
        "-o", "--output", default="-", metavar="FILE", help="the tree as Newick; - for stdout"
    )
    output.add_argument(
        "--plot", metavar="FILE", help="draw the tree, as .png, .svg or .pdf (needs matplotlib)"
    )
    output.add_argument(
        "--matrix", metavar="FILE", help="the distances: TSV, or relaxed PHYLIP if the name ends in .phy"
    )


def run(args: argparse.Namespace) -> None:
    """Compare, join, and write the tree."""
    from genoseq.cli._leaves import read_leaves
    from genoseq.cli._plot import check_plot
    from genoseq.io.files import check_distinct, check_output, open_output
    from genoseq.io.table import write_json

    _check(args)
    outputs = {"-o": args.output, "--plot": args.plot, "--matrix": args.matrix, "--json": args.json}
    check_distinct(outputs, args.genomes)
    check_plot(args.plot)
    for path in outputs.values():
        if path:
            check_output(path)
    from genoseq.ncd.tree import check_biopython, newick

    check_biopython("genoseq tree")
    tool = None if args.metric == "nrc" else _compressor(args)
    leaves = read_leaves(args.genomes, args.each, args.alphabet)
    if len(leaves) < 2:
        hint = "" if args.each == "record" else "; --each record makes a leaf of each record"
        raise InputError(f"there is 1 leaf, {leaves[0].name}; a tree has 2 or more{hint}", args.genomes[0])
    if args.matrix and args.matrix.endswith(_PHYLIP):
        _check_phylip_names(leaves, args.matrix)
    _tell_of_others(leaves, args.alphabet)
    distances, how = _distances(args, leaves, tool)
    _warn_of_far(leaves, distances, args)
    tree = _tree(args, [leaf.name for leaf in leaves], distances)
    text = newick(tree)
    with open_output(args.output) as file:
        file.write(text.encode() + b"\n")
    if args.matrix:
        _write_matrix(args.matrix, leaves, distances)
    if args.plot:
        _plot(args, tree, how)
    if args.json:
        write_json(args.json, _summary(args, leaves, distances, how, text))
    if not args.quiet:
        near, far = _range(distances)
        unit = "bp" if args.alphabet == "dna" else "residues"
        words = f"{len(leaves):,} leaves, {sum(leaf.letters for leaf in leaves):,} {unit}, {how}"
        print(f"genoseq tree: {words}: distances {near:.3f} to {far:.3f}", file=sys.stderr)


def _check(args: argparse.Namespace) -> None:
    """Refuse what does not go together, and fill in what was left open."""
    if args.alphabet == "protein":
        if args.metric == "nrc" or args.compressor == "mixing":
            what = "--metric nrc" if args.metric == "nrc" else "--compressor mixing"
            raise UsageError(
                f"{what} has a model of DNA; --metric ncd with --compressor protein is for proteins"
            )
        if args.strands == "both":
            raise UsageError("--strands both: proteins have one strand")
    if args.alphabet == "dna" and args.compressor == "protein":
        raise UsageError(
            "--compressor protein has a model of proteins (--alphabet protein); mixing is that of DNA"
        )
    if args.metric == "nrc" and args.compressor not in (None, "mixing"):
        raise UsageError(
            "--metric nrc needs a model that learns one genome and predicts another, which "
            f"{args.compressor} is not; leave --compressor out, or take --metric ncd"
        )
    if args.metric != "nrc" and args.order is not None:
        raise UsageError("--order belongs to --metric nrc")
    if args.metric == "nrc" and args.level is not None:
        raise UsageError("--level belongs to compressors, not to --metric nrc")
    if args.order is not None and args.compressor == "mixing":
        raise UsageError("--order is that of a Markov model: leave --compressor mixing out")
    args.strands = args.strands or ("both" if args.alphabet == "dna" else "forward")


def _compressor(args: argparse.Namespace) -> Compressor:
    from dataclasses import replace

    from genoseq.ncd.compressors import Brotli, Bz2, Gzip, Lz4, Lzma, Zstd, compressor_of
    from genoseq.ncd.mixing_compressor import Mixing

    name = args.compressor or ("zstd" if args.alphabet == "dna" else "protein")
    _tell_if_compiling(args)
    tool = compressor_of(Mixing(both_strands=args.strands == "both") if name == "mixing" else name)
    if args.level is None:
        return tool
    if isinstance(tool, Gzip | Bz2 | Zstd | Lz4):
        return replace(tool, level=args.level)
    if isinstance(tool, Lzma):
        return replace(tool, preset=args.level)
    if isinstance(tool, Brotli):
        return replace(tool, quality=args.level)
    raise UsageError(f"--level: {name} has none")


def _tell_if_compiling(args: argparse.Namespace) -> None:
    if args.compressor == "mixing" or (args.metric == "nrc" and args.order is None):
        from genoseq.cli._progress import tell_if_compiling
        from genoseq.ncd import mixing

        tell_if_compiling(mixing._read, "genoseq tree", quiet=args.quiet)


def _distances(
    args: argparse.Namespace, leaves: Sequence[Leaf], tool: Compressor | None
) -> tuple[Distances, str]:
    """The matrix, and words for how it came about."""
    from genoseq.cli._progress import Progress
    from genoseq.ncd.distances import distance_matrix
    from genoseq.ncd.far import seeing
    from genoseq.ncd.mixing import FAST
    from genoseq.ncd.relative_distances import relative_matrix, symmetric_nrc

    texts = [leaf.text for leaf in leaves]
    pairs = len(texts) * (len(texts) - 1) // (1 if tool is None else 2)
    both_strands = args.strands == "both"
    strands = (
        "" if args.alphabet == "protein" else f", {'both strands' if both_strands else 'forward strand'}"
    )

    def progress() -> contextlib.AbstractContextManager[Progress]:
        return Progress("comparing", "pairs", pairs, quiet=args.quiet)

    if tool is None:
        _check_known(leaves)
        _tell_if_compiling(args)
        with progress() as shown:
            relative = relative_matrix(
                texts, model=args.order or FAST, both_strands=both_strands, threads=args.threads,
                progress=shown.add, store=args.store,
            )  # fmt: skip
        model = f"Markov order {args.order}" if args.order else "mixing model"
        return symmetric_nrc(relative), f"NRC, {model}{strands}"
    tool = seeing(tool, 2 * max(map(len, texts)) + 1)
    with progress() as shown:
        found = distance_matrix(
            texts, compressor=tool, metric=args.metric, both_strands=both_strands, threads=args.threads,
            progress=shown.add, store=args.store,
        )  # fmt: skip
    return found, f"{args.metric.upper()}, {tool.name}{strands}"


def _tree(args: argparse.Namespace, names: list[str], distances: Distances) -> Tree:
    from genoseq.ncd.tree import neighbour_joining, rooted_at_midpoint, upgma

    if args.method == "upgma":
        return upgma(names, distances)
    tree = neighbour_joining(names, distances)
    return rooted_at_midpoint(tree) if args.root == "midpoint" else tree


def _plot(args: argparse.Namespace, tree: Tree, how: str) -> None:
    from genoseq.cli._plot import save_plot
    from genoseq.ncd.tree import rooted_at_midpoint
    from genoseq.plots import tree_figure

    drawn = tree if args.method == "upgma" or args.root == "midpoint" else rooted_at_midpoint(tree)
    save_plot(tree_figure(drawn, x=how), args.plot)


def _check_known(leaves: Sequence[Leaf]) -> None:
    for leaf in leaves:
        if not re.search(rb"[ACGT]", leaf.text):
            raise InputError(f"no base of {leaf.name} is known (A, C, G or T); leave it out", leaf.file)


def _tell_of_others(leaves: Sequence[Leaf], alphabet: str) -> None:
    import warnings

    from genoseq.errors import GenoseqWarning

    others = sum(leaf.others for leaf in leaves)
    if others:
        letter = "N" if alphabet == "dna" else "X"
        warnings.warn(f"{counted(others, 'letter')} read as {letter}", GenoseqWarning, stacklevel=2)


def _warn_of_far(leaves: Sequence[Leaf], distances: Distances, args: argparse.Namespace) -> None:
    """Say which leaves have nothing in common with any other: their place in the tree is chance."""
    import warnings

    import numpy as np

    from genoseq.errors import GenoseqWarning

    if args.metric not in ("ncd", "nrc"):
        return
    nearest = (distances + np.diag(np.full(len(leaves), np.inf))).min(1)
    far = [leaf.name for leaf, value in zip(leaves, nearest, strict=True) if value > _FAR]
    if far:
        sees_most = args.alphabet == "protein" or args.compressor == "mixing" or args.metric == "nrc"
        hint = "" if sees_most else "; --compressor mixing sees farther"
        shown = ", ".join(far[:3]) + (f" and {len(far) - 3:,} more" if len(far) > 3 else "")
        warnings.warn(
            f"{counted(len(far), 'leaf').replace('leafs', 'leaves')} farther than {_FAR} from all others "
            f"({shown}): their place in the tree is chance{hint}",
            GenoseqWarning,
            stacklevel=2,
        )


def _check_phylip_names(leaves: Sequence[Leaf], path: str) -> None:
    for leaf in leaves:
        if re.search(r"\s", leaf.name):
            raise InputError(f"PHYLIP has no names with blanks, such as {leaf.name!r}; write .tsv", path)


def _write_matrix(path: str, leaves: Sequence[Leaf], distances: Distances) -> None:
    from genoseq.io.files import open_output
    from genoseq.io.table import write_tsv

    if not path.endswith(_PHYLIP):
        rows = ([leaf.name, *row.tolist()] for leaf, row in zip(leaves, distances, strict=True))
        write_tsv(path, ["name", *(leaf.name for leaf in leaves)], rows)
        return
    with open_output(path) as file:
        file.write(f"{len(leaves)}\n".encode())
        for leaf, row in zip(leaves, distances, strict=True):
            file.write(f"{leaf.name}  {' '.join(f'{value:.6g}' for value in row)}\n".encode())


def _range(distances: Distances) -> tuple[float, float]:
    """The smallest and the largest distance of two leaves."""
    import numpy as np

    above = distances[np.triu_indices(len(distances), 1)]
    return float(above.min()), float(above.max())


def _summary(
    args: argparse.Namespace, leaves: Sequence[Leaf], distances: Distances, how: str, tree: str
) -> dict[str, Any]:
    near, far = _range(distances)
    return {
        "command": "tree",
        "command_line": args.command_line,
        "metric": args.metric,
        "distances_by": how,
        "strands": args.strands,
        "alphabet": args.alphabet,
        "method": args.method,
        "leaves": [
            {"name": leaf.name, "file": leaf.file, "sequences": leaf.sequences, "letters": leaf.letters}
            for leaf in leaves
        ],
        "read_as_n": sum(leaf.others for leaf in leaves),
        "smallest_distance": near,
        "largest_distance": far,
        "tree": tree,
    }
