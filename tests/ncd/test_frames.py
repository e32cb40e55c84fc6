"""Translation against a table written by amino acid; frames of genes that are shifted and turned round."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.ncd.frames import reading_frame, translate
from genoseq.protein import STOP, UNKNOWN, decode_protein, encode_protein
from genoseq.sequence import encode, reverse_complement

CODONS = {
    "A": "GCT GCC GCA GCG", "R": "CGT CGC CGA CGG AGA AGG", "N": "AAT AAC", "D": "GAT GAC", "C": "TGT TGC",
    "Q": "CAA CAG", "E": "GAA GAG", "G": "GGT GGC GGA GGG", "H": "CAT CAC", "I": "ATT ATC ATA",
    "L": "TTA TTG CTT CTC CTA CTG", "K": "AAA AAG", "M": "ATG", "F": "TTT TTC", "P": "CCT CCC CCA CCG",
    "S": "TCT TCC TCA TCG AGT AGC", "T": "ACT ACC ACA ACG", "W": "TGG", "Y": "TAT TAC",
    "V": "GTT GTC GTA GTG", "*": "TAA TAG TGA",
}  # fmt: skip


def test_all_codons():
    found = {}
    for letter, codons in CODONS.items():
        for codon in codons.split():
            found[codon] = decode_protein(translate(encode(codon)))
            assert found[codon] == letter
    assert len(found) == 64


def test_unknown_bases_and_ends():
    assert translate(encode("ATGNNNA")).tolist() == [*encode_protein("M"), UNKNOWN]
    assert translate(encode("AT")).size == 0
    assert reading_frame(encode("A")).size == 0


@pytest.mark.parametrize("shift", [0, 1, 2])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_open_frame_is_found(shift, reverse):
    rng = np.random.default_rng(shift)
    codons = [codon for letter, each in CODONS.items() if letter != "*" for codon in each.split()]
    gene = encode("".join(rng.choice(codons, 400)))
    expected = translate(gene)
    shifted = np.concatenate([rng.integers(0, 4, shift).astype(np.uint8), gene])
    found = reading_frame(reverse_complement(shifted) if reverse else shifted)
    assert STOP not in expected
    # the bases in front make a codon more only if they are three
    assert found.tolist()[-len(expected) :] == expected.tolist()
    forward = reading_frame(shifted, both_strands=False)
    assert forward.tolist() == expected.tolist()
