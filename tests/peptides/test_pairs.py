"""Tables of pairs: columns, caps, what is dropped, what is refused."""

from __future__ import annotations

import gzip

import pytest

from genoseq.errors import InputError, UsageError
from genoseq.peptides.pairs import MEASURED, PairLimits, read_pairs

TARGET = "MKVLAEGDWHRTYIPNQSCF" * 2


def table(tmp_path, text, name="pairs.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Binder,Receptor Sequence,Sequence Length", f"acdef,{TARGET},5"),
        ("PDB,Receptor,Peptide,Sequence,Receptor Sequence,Cluster", f"1ABC,B,A,ACDEF,{TARGET},7"),
        ("target\tpeptide", f"{TARGET}\tACDEF"),
        ('"Peptide Sequence","Target Sequence"', f'"ACDEF","{TARGET}"'),
        ("\ufeffBINDER,RECEPTOR SEQUENCE", f"ACDEF, {TARGET} "),
    ],
)
def test_known_columns(tmp_path, header, row):
    found = read_pairs(
        table(
            tmp_path, f"# a comment\n{header}\n\n{row}\n" if "\ufeff" not in header else f"{header}\n{row}\n"
        )
    )
    assert [(pair.peptide, pair.target) for pair in found.pairs] == [("ACDEF", TARGET)]
    assert found.rows == 1
    assert not found.dropped


def test_other_columns_and_compression(tmp_path):
    path = tmp_path / "pairs.tsv.gz"
    path.write_bytes(gzip.compress(f"id\tLigand\tProtein chain\n1\tACDEF\t{TARGET}\n".encode()))
    found = read_pairs(path, columns=("ligand", "protein chain"))
    assert found.pairs[0].peptide == "ACDEF"
    assert found.pairs[0].place == f"{path}:2"


def test_caps_come_off_and_what_is_within_stays(tmp_path):
    rows = [
        ("XACDEFX", TARGET),
        ("ACXEF", f"X{TARGET}XX"),
        ("ACUEF", TARGET.replace("W", "X")),
        ("acdef", TARGET),
    ]
    text = "peptide,target\n" + "".join(f"{a},{b}\n" for a, b in rows)
    found = read_pairs(table(tmp_path, text))
    assert [pair.peptide for pair in found.pairs] == ["ACDEF", "ACXEF", "ACXEF"]
    assert found.pairs[1].target == TARGET
    counts = found.to_dict()
    assert (counts["capped_peptides"], counts["capped_targets"]) == (1, 1)
    assert (counts["unknown_peptides"], counts["unknown_targets"]) == (2, 1)
    assert counts["dropped"] == {"the same pair again": 1}  # the last is the first, without its caps
    assert "3 of 4 pairs; caps taken off 1 peptides and 1 targets" in str(found)


def test_what_is_dropped_is_counted(tmp_path):
    limits = PairLimits(shortest_peptide=3, longest_peptide=6, shortest_target=30, longest_target=50)
    rows = [
        ("AC", TARGET), ("ACDEFGH", TARGET), ("AXXXF", TARGET), ("ACDEF", "MKV"), ("ACDEF", 2 * TARGET),
        ("ACDEF", "MK" + 30 * "X" + "VL"), ("ACDEF", TARGET), ("XXX", TARGET),
    ]  # fmt: skip
    path = table(tmp_path, "peptide,target\n" + "".join(f"{a},{b}\n" for a, b in rows))
    found = read_pairs(path, limits=limits)
    assert found.dropped == {
        "peptide below 3 letters": 2, "peptide above 6 letters": 1, "peptide mostly unknown": 1,
        "target below 30 residues": 1, "target above 50 residues": 1, "target mostly unknown": 1,
    }  # fmt: skip
    assert found.rows == sum(found.dropped.values()) + len(found.pairs)
    assert len(read_pairs(path, limits=MEASURED).pairs) == 7  # all but the one without a letter


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name,sequence\nx,ACDEF\n", 1, "no column of targets: the first line has 'name', 'sequence'"),
        (f"peptide,target\nACDEF,{TARGET}\nACDEF\n", 3, "1 cell; at least 2"),
        (f"peptide,target\n,{TARGET}\n", 2, "the cell of the peptide is empty"),
        ("peptide,target\nACDEF,\n", 2, "the cell of the target is empty"),
        (f"peptide,target\nAC-EF,{TARGET}\n", 2, "peptide: '-' at position 2"),
        (f"peptide,target\nACDEF,{TARGET}1\n", 2, "target: '1' at position 40"),
        (f'peptide,target\n"ACDEF,{TARGET}\n', 2, "not a row of a table"),
        (">one\nACDEF\n", 1, "no column of peptides"),
        ("peptide,target\nA,MKV\n", None, "no pair is left of 1 row"),
        ("peptide,target\nACDEF," + "ACGT" * 10 + "\n", None, "DNA or RNA"),
    ],
)
def test_what_is_refused(tmp_path, text, line, words):
    path = table(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_pairs(path)
    assert words in str(caught.value)
    assert (caught.value.path, caught.value.line) == (str(path), line)


def test_empty_and_missing_tables(tmp_path):
    assert read_pairs(table(tmp_path, "")).pairs == []
    assert read_pairs(table(tmp_path, "peptide,target\n")).rows == 0
    with pytest.raises(InputError, match="no such file"):
        read_pairs(tmp_path / "none.csv")
    path = tmp_path / "latin.csv"
    path.write_bytes(b"peptide,target\n\xff\xfe,x\n")
    with pytest.raises(InputError, match="not text"):
        read_pairs(path)


@pytest.mark.parametrize("wrong", [{"shortest_peptide": 0}, {"longest_peptide": 1}, {"most_unknown": 1}])
def test_limits_that_make_no_sense(wrong):
    with pytest.raises(UsageError):
        PairLimits(**wrong)
