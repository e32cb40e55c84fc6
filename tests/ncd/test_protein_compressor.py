"""Sizes of proteins against what the model learns, other letters, and distances."""

from __future__ import annotations

import math

import numpy as np
import pytest

from genoseq.errors import InputError
from genoseq.ncd.compressors import compressor_of
from genoseq.ncd.distances import distance
from genoseq.ncd.framing import number_bytes, other_bytes
from genoseq.ncd.neighbours import NCDClassifier
from genoseq.ncd.protein_compressor import Protein
from genoseq.ncd.residues import ResidueModel
from genoseq.protein import AMINO_ACIDS, encode_protein

PROTEIN = Protein()


def protein(seed, length):
    return "".join(np.random.default_rng(seed).choice(list(AMINO_ACIDS), length))


def test_size_is_what_the_model_learns():
    texts = [protein(1, 700), protein(2, 90)]
    model = ResidueModel(790)
    bits = [float(model.learn(encode_protein(text)).sum(dtype=np.float64)) for text in texts]
    # 1 byte tells that there are two, 2 and 1 their lengths, 1 and 1 that no other letter is in them
    assert PROTEIN.size(" ".join(texts).encode()) == 1 + 2 + 1 + 2 + math.ceil(sum(bits) / 8)
    assert compressor_of("protein") == PROTEIN
    assert PROTEIN.size(b"") == 3


def test_other_letters_are_charged():
    text = protein(3, 300).encode()
    plain = PROTEIN.size(text)
    assert PROTEIN.size(text + b"*") == plain + 4  # since when (2 bytes), how many, which
    assert PROTEIN.size(text + b"*BBB") == plain + 7
    assert PROTEIN.size(text.lower()) == plain
    is_other = np.array([False, True, True, True, False])
    assert other_bytes(is_other, b"AXxBA") == 1 + 3 + 3
    assert number_bytes(np.array([2**14 - 1, 2**14])).tolist() == [2, 3]


@pytest.mark.parametrize("text", [b"MK-LV", b"MKLV\nMK", b"MK1"])
def test_what_is_no_protein_is_refused(text):
    with pytest.raises(InputError, match="is not a letter of a protein"):
        PROTEIN.size(text)


def test_distances_of_homologs():
    text = protein(4, 400)
    rng = np.random.default_rng(5)
    homolog = "".join(rng.choice(list(AMINO_ACIDS)) if rng.random() < 0.5 else x for x in text)
    same, near, foreign = (distance(text, x, compressor="protein") for x in (text, homolog, protein(6, 400)))
    assert same < 0.15 < near < 0.93 < foreign
    assert distance(text, homolog) > 0.93 * distance(text, protein(6, 400))  # what gzip sees of it


def test_neighbours(proteins):
    model = NCDClassifier("protein").fit(*proteins(1, 30))
    texts, labels = proteins(2, 24)
    assert model.score(texts, labels) > NCDClassifier().fit(*proteins(1, 30)).score(texts, labels) + 0.1
