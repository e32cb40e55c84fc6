"""Bits/residue of the mixing model of proteins, beside general compressors and the frequencies of residues.

    python benchmarks/ncd/proteins.py ../shared/data/proteins/uniprot_20000.fa.gz
    python benchmarks/ncd/proteins.py uniprot_20000.fa.gz --families ../shared/data/families

Two sets: all proteins, in the order of the file, and one of each cluster of those that share 5 % of their
5-mers (`protein_clusters`), where hardly anything is a copy. All begin with nothing and see the whole; lines
are separated by a newline, which is counted for none of them (general compressors: a few hundred bytes).
"held out": the last tenth, by a model that has learned the rest and learns nothing of it.

With --families, genes of the dog are told by the nearest neighbour of their proteins: --judged of the 164 of
each split of `relative.py`.
"""

from __future__ import annotations

import argparse
import gzip
import lzma
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import brotli
import numpy as np
from backports import zstd
from numpy.typing import NDArray

from genoseq.io.labelled import read_labelled
from genoseq.io.proteins import read_proteins
from genoseq.ncd.frames import reading_frame
from genoseq.ncd.neighbours import NCDClassifier
from genoseq.ncd.residues import ResidueModel, known_residues
from genoseq.protein import decode_protein, encode_protein
from genoseq.supervised.homology import protein_clusters

Codes = list[NDArray[np.uint8]]


def entropy(proteins: Codes) -> float:
    counts = np.bincount(np.concatenate(proteins), minlength=22)[:20]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def zstd_size(text: bytes) -> int:
    parameter = zstd.CompressionParameter
    options = {
        parameter.compression_level: 19,
        parameter.window_log: 27,
        parameter.enable_long_distance_matching: 1,
    }
    return len(zstd.compress(text, options=options))


TOOLS: dict[str, Callable[[bytes], int]] = {
    "gzip -9": lambda text: len(gzip.compress(text, 9)),
    "zstd -19 --long=27": zstd_size,
    "xz -9e": lambda text: len(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME)),
    "brotli -q 11 -w 24": lambda text: len(brotli.compress(text, quality=11, lgwin=24)),
}


def compare(proteins: Codes) -> None:
    text = "\n".join(map(decode_protein, proteins)).encode()
    residues = sum(map(known_residues, proteins))
    print(f"{len(proteins):,} proteins, {residues:,} residues\n")
    print("| | bits/residue | CPU s |\n|---|---|---|")
    print(f"| frequencies of the residues | {entropy(proteins):.3f} | |")
    for name, size in TOOLS.items():
        start = time.process_time()
        bits = 8 * size(text) / residues
        print(f"| {name} | {bits:.3f} | {time.process_time() - start:.1f} |", flush=True)
    start = time.process_time()
    model = ResidueModel(len(text))
    bits = sum(float(model.learn(each).sum(dtype=np.float64)) for each in proteins) / residues
    print(f"| mixing model | {bits:.3f} | {time.process_time() - start:.1f} |", flush=True)
    model, border = ResidueModel(len(text)), len(proteins) * 9 // 10
    for each in proteins[:border]:
        model.learn(each)
    start = time.process_time()
    held_out = model.bits_per_residue(proteins[border:])
    print(f"| mixing model, held out | {held_out:.3f} | {time.process_time() - start:.1f} |\n")


def neighbours(folder: Path, judged: int) -> None:
    data = read_labelled(folder / "dog.tsv.gz")
    texts = [decode_protein(reading_frame(codes, both_strands=False)) for codes in data.codes]
    labels = np.array(data.labels)
    print(
        "| 1-NN by NCD of proteins | seed 0 | seed 1 | seed 2 | mean | ms a pair |\n|---|---|---|---|---|---|"
    )
    for name in ("gzip", "zstd", "lzma", "bz2", "protein"):
        found = []
        start = time.process_time()
        for seed in range(3):
            order = np.random.default_rng(seed).permutation(len(labels))
            train, test = order[:656], order[656 : 656 + judged]
            model = NCDClassifier(name).fit([texts[number] for number in train], labels[train])
            found.append(model.score([texts[number] for number in test], labels[test]))
        each = (time.process_time() - start) / (3 * judged * 656) * 1000
        cells = " | ".join(f"{share:.3f}" for share in (*found, np.mean(found)))
        print(f"| {name} | {cells} | {each:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("proteins", metavar="FASTA")
    parser.add_argument("--families", type=Path, metavar="FOLDER", help="with dog.tsv.gz")
    parser.add_argument("--judged", type=int, default=164, metavar="N")
    args = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, one core")
    print(f"command: python {' '.join(sys.argv)}\n")
    proteins = [encode_protein(each.letters) for each in read_proteins(args.proteins)]
    ResidueModel(100).learn(proteins[0][:50])  # compiles
    ResidueModel(100).costs(proteins[0][:50])
    compare(proteins)
    _, firsts = np.unique(protein_clusters(proteins, share=0.05), return_index=True)
    compare([proteins[number] for number in np.sort(firsts)])
    if args.families:
        neighbours(args.families, args.judged)


if __name__ == "__main__":
    main()
