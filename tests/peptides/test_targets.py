"""Targets from FASTA and structures, and the parts of long ones."""

from __future__ import annotations

import gzip
from itertools import pairwise

import pytest

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.peptides.targets import Site, Target, read_targets, shuffled_targets, windows_of

# chain A: Met, selenomethionine, Ala, water; chain B: Gly, Trp; chain W: water only
ATOMS = [
    ("ATOM", "MET", "A", 1), ("HETATM", "MSE", "A", 2), ("ATOM", "ALA", "A", 3), ("HETATM", "HOH", "A", 9),
    ("ATOM", "GLY", "B", 1), ("ATOM", "TRP", "B", 2), ("HETATM", "HOH", "W", 1),
]  # fmt: skip
ATOM = "{:6}{:5}  CA  {} {}{:4}    {:8.3f}   0.000   0.000  1.00  0.00           C\n"
PDB = (
    "".join(
        ATOM.format(kind, number, name, chain, place, number)
        for number, (kind, name, chain, place) in enumerate(ATOMS, 1)
    )
    + "END\n"
)
COLUMNS = [
    "group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id", "label_asym_id",
    "label_entity_id", "label_seq_id", "pdbx_PDB_ins_code", "Cartn_x", "Cartn_y", "Cartn_z", "occupancy",
    "B_iso_or_equiv", "auth_seq_id", "auth_comp_id", "auth_asym_id", "auth_atom_id", "pdbx_PDB_model_num",
]  # fmt: skip
LINE = "{} {} C CA . {} {} 1 {} ? {}.0 0.0 0.0 1.0 0.0 {} {} {} CA 1\n"
CIF = (
    "data_toy\nloop_\n"
    + "".join(f"_atom_site.{name}\n" for name in COLUMNS)
    + "".join(
        LINE.format(kind, number, name, chain, place, number, place, name, chain)
        for number, (kind, name, chain, place) in enumerate(ATOMS, 1)
    )
)


def test_fasta(tmp_path):
    path = tmp_path / "t.fa"
    path.write_text(">sp|P69905|HBA_HUMAN Hemoglobin\nMVLSPADKTN\n>u\nMUXK*\n")
    with pytest.warns(GenoseqWarning, match="u: 1 of 4 residues are none of the 20"):
        found = list(read_targets(path))
    assert [(each.name, each.letters) for each in found] == [
        ("sp|P69905|HBA_HUMAN", "MVLSPADKTN"), ("u", "MXXK")
    ]  # fmt: skip
    assert found[0].tokens.tolist()[:3] == [20, 7, 4]


@pytest.mark.parametrize("name", ["toy.pdb", "toy.cif", "toy.pdb.gz"])
def test_structures(tmp_path, name):
    pytest.importorskip("Bio")
    text = CIF if "cif" in name else PDB
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    with pytest.warns(GenoseqWarning, match="toy_A: 1 of 3 residues"):
        found = list(read_targets(path))
    assert [(each.name, each.letters) for each in found] == [("toy_A", "MMA"), ("toy_B", "GW")]
    assert [each.letters for each in read_targets(path, chain="B")] == ["GW"]
    with pytest.raises(InputError, match="there is no chain 'Z'; there are A, B"):
        list(read_targets(path, chain="Z"))


@pytest.mark.parametrize(
    ("name", "text", "error", "words"),
    [
        ("t.fa", ">a\nXXXX\n", InputError, "target a has no residue of the 20 amino acids"),
        ("t.fa", ">a\nACGTTGCAACGTGATTACATTT\n", InputError, "is DNA or RNA"),
        ("t.fa", ">a\n>b\nMK\n", InputError, "has no amino acids"),
        ("t.pdb", "nothing\n", InputError, "no structure in it"),
        ("t.cif", "nothing\n", InputError, "no structure in it"),
    ],
)
def test_what_is_no_target(tmp_path, name, text, error, words):
    if not name.endswith(".fa"):
        pytest.importorskip("Bio")
    (tmp_path / name).write_text(text)
    with pytest.raises(error, match=words):
        list(read_targets(tmp_path / name))


def test_a_chain_of_fasta(tmp_path):
    (tmp_path / "t.fa").write_text(">a\nMK\n")
    with pytest.raises(UsageError, match="a chain is of a structure"):
        list(read_targets(tmp_path / "t.fa", chain="A"))


def test_sites():
    assert Site.parse("1-5") == Site(0, 5)
    assert str(Site.parse("120-160")) == "120-160"
    for text in ("", "5", "0-3", "7-3", "a-b", "1-2-3", "-3"):
        with pytest.raises(UsageError, match="site"):
            Site.parse(text)


@pytest.mark.parametrize("length", [1, 99, 100, 101, 149, 150, 151, 1000])
def test_parts_cover_all_and_overlap(length):
    target = Target("t", "M" * length, "t.fa")
    parts = windows_of(target, 100)
    assert parts[0][0] == 0
    assert parts[-1][1] == length
    assert all(end - start == min(length, 100) for start, end in parts)
    for (start, end), (after, _) in pairwise(parts):
        assert start < after <= end - 50


def test_a_part_around_a_site():
    target = Target("t", "M" * 500, "t.fa")
    assert windows_of(target, 100, Site(240, 260)) == [(200, 300)]
    assert windows_of(target, 100, Site(0, 10)) == [(0, 100)]
    assert windows_of(target, 100, Site(490, 500)) == [(400, 500)]
    assert windows_of(target, 600, Site(490, 500)) == [(0, 500)]
    with pytest.raises(UsageError, match="site 491-501 of t, which has 500 residues"):
        windows_of(target, 100, Site(490, 501))
    with pytest.raises(UsageError, match="site 1-101 has 101 residues; 100 fit"):
        windows_of(target, 100, Site(0, 101))


def test_shuffled_targets():
    target = Target("t", "MKLVWDEHHST" * 3, "t.fa")
    found = shuffled_targets(target, 4, 1)
    assert [each.name for each in found] == [f"t_shuffled_{number}" for number in (1, 2, 3, 4)]
    assert all(sorted(each.letters) == sorted(target.letters) for each in found)
    assert len({target.letters, *(each.letters for each in found)}) == 5
    again = shuffled_targets(Target("other name", target.letters, "u.fa"), 2, 1)
    assert [each.letters for each in again] == [each.letters for each in found[:2]]
    assert shuffled_targets(target, 1, 2)[0].letters != found[0].letters


def test_a_structure_without_protein(tmp_path):
    pytest.importorskip("Bio")
    line = "HETATM    1  O   HOH A   1       0.000   0.000   0.000  1.00  0.00           O\n"
    (tmp_path / "water.pdb").write_text(line)
    with pytest.raises(InputError, match="it has no protein"):
        list(read_targets(tmp_path / "water.pdb"))
    with pytest.raises(InputError, match="chain A is no protein"):
        list(read_targets(tmp_path / "water.pdb", chain="A"))
