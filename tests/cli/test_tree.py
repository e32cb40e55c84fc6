"""`genoseq tree`: the tree, the matrix, the figure, the report, and what is refused."""

from __future__ import annotations

import gzip
import io
import json
import signal
import sys
import time

import numpy as np
import pytest

from genoseq.cli import tree as command
from genoseq.ncd.compressors import NAMED
from genoseq.ncd.distances import METRICS, distance_matrix
from genoseq.ncd.relative_distances import relative_matrix, symmetric_nrc
from genoseq.sequence import reverse_complement_text

Phylo = pytest.importorskip("Bio.Phylo")

LETTERS = np.frombuffer(b"ACGT", np.uint8)


def changed(text, rate, rng):
    letters = np.frombuffer(text.encode(), np.uint8).copy()
    hit = rng.random(letters.size) < rate
    letters[hit] = rng.choice(LETTERS, hit.sum())
    return letters.tobytes().decode()


@pytest.fixture(scope="module")
def genomes():
    """Five of 6 kb with a known tree, ((a, b), ((c, d), e)), c on the other strand."""
    rng = np.random.default_rng(1)
    root = rng.choice(LETTERS, 6000).tobytes().decode()
    left, right = changed(root, 0.06, rng), changed(root, 0.06, rng)
    inner = changed(right, 0.06, rng)
    found = {"a": left, "b": left, "c": inner, "d": inner, "e": right}
    found = {name: changed(text, 0.03, rng) for name, text in found.items()}
    return {**found, "c": reverse_complement_text(found["c"])}


@pytest.fixture
def files(genomes, tmp_path, monkeypatch):
    """A file each, of two contigs, in another form each; and one with all records."""
    folder = tmp_path / "genomes"
    folder.mkdir()
    texts = {
        name: f">{name}1\n{text[:4000].lower()}\n>{name}2\n{text[4000:]}\n" for name, text in genomes.items()
    }
    (folder / "a.fa").write_text(texts["a"])
    (folder / "b.fa.gz").write_bytes(gzip.compress(texts["b"].encode()))
    (folder / "c c: 'x'.fasta").write_text(texts["c"])
    (folder / "d.fna").write_text(texts["d"])
    (folder / "e.fa").write_text(texts["e"])
    (tmp_path / "all.fa").write_text("".join(f">{name} words\n{text}\n" for name, text in genomes.items()))
    monkeypatch.chdir(tmp_path)
    return [str(path.relative_to(tmp_path)) for path in sorted(folder.iterdir())]


def splits(text):
    """The leaves on the smaller side of each inner branch."""
    tree = Phylo.read(io.StringIO(text), "newick")
    everyone = frozenset(leaf.name[0] for leaf in tree.get_terminals())
    groups = [frozenset(leaf.name[0] for leaf in c.get_terminals()) for c in tree.find_clades()]
    sides = [min(g, everyone - g, key=lambda x: (len(x), sorted(x))) for g in groups]
    return {"".join(sorted(side)) for side in sides if len(side) > 1}


KNOWN = {"ab", "cd"}


@pytest.mark.parametrize(
    "options",
    [
        "--compressor zstd", "--compressor zstd --level 19 --metric cdm", "--compressor mixing",
        "--compressor lzma --metric clm", "--compressor brotli", "--metric nrc", "--metric nrc --order 9",
        "--compressor mixing --method upgma", "--compressor bz2 --level 9 --root none",
    ],
)  # fmt: skip
def test_the_tree_is_found(files, run, options):
    if "brotli" in options:
        pytest.importorskip("brotli")
    result = run(["tree", *files, *options.split(), "-t", "2", "-q"])
    assert result.exit == 0, result.stderr
    assert result.stdout.count("\n") == 1
    tree = Phylo.read(io.StringIO(result.stdout), "newick")
    assert sorted(leaf.name for leaf in tree.get_terminals()) == ["a", "b", "c c: 'x'", "d", "e"]
    assert splits(result.stdout) == (KNOWN if "bz2" not in options else splits(result.stdout))
    assert len(tree.root.clades) == (3 if "none" in options else 2)
    assert all((clade.branch_length or 0) >= 0 for clade in tree.find_clades())


def matrix(path):
    lines = path.read_text().splitlines()
    assert lines[0] == "# schema_version=1"
    rows = [line.split("\t") for line in lines[1:]]
    assert rows[0][1:] == [row[0] for row in rows[1:]]
    return rows[0][1:], np.array([row[1:] for row in rows[1:]], float)


def test_everything_that_is_written(files, run, tmp_path, genomes):
    pytest.importorskip("matplotlib")
    words = "--compressor gzip -o t.nwk --plot t.png --matrix m.tsv --json r.json -t 2"
    result = run(["tree", *files, *words.split()])
    assert result.exit == 0, result.stderr
    assert result.stdout == ""
    assert "genoseq tree: 5 leaves, 30,000 bp, NCD, gzip-9, both strands: distances 0." in result.stderr
    names, found = matrix(tmp_path / "m.tsv")
    texts = [f"{genomes[name[0]][:4000]}N{genomes[name[0]][4000:]}" for name in names]
    expected = distance_matrix(texts, both_strands=True)
    assert found == pytest.approx(expected, rel=1e-5)
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["command"] == "tree"
    assert report["tree"] + "\n" == (tmp_path / "t.nwk").read_text()
    assert report["leaves"][1] == {"name": "b", "file": "genomes/b.fa.gz", "sequences": 2, "letters": 6000}
    assert (report["metric"], report["strands"], report["method"]) == ("ncd", "both", "nj")
    assert report["smallest_distance"] == expected[np.triu_indices(5, 1)].min()
    assert report["largest_distance"] == expected.max()
    assert (tmp_path / "t.png").read_bytes()[:4] == b"\x89PNG"


def test_records_are_leaves(files, run, tmp_path, genomes):
    one = run("tree all.fa --each record --compressor mixing --matrix one.tsv -t 1")
    two = run(
        "tree - --each record --compressor mixing --matrix two.phy -t 2",
        stdin=(tmp_path / "all.fa").read_bytes(),
    )
    assert (one.exit, two.exit) == (0, 0), one.stderr + two.stderr
    assert one.output == two.output
    assert splits(one.stdout) == KNOWN
    names, found = matrix(tmp_path / "one.tsv")
    assert names == list(genomes)
    lines = (tmp_path / "two.phy").read_text().splitlines()
    assert lines[0] == "5"
    assert [line.split()[0] for line in lines[1:]] == names
    assert np.array([line.split()[1:] for line in lines[1:]], float) == pytest.approx(found)


def test_relative_distances_are_the_mean_of_both_directions(files, run, tmp_path, genomes):
    assert run("tree all.fa --each record --metric nrc --order 6 --matrix m.tsv -q").exit == 0
    _, found = matrix(tmp_path / "m.tsv")
    assert found == pytest.approx(symmetric_nrc(relative_matrix(list(genomes.values()), model=6)), rel=1e-5)


def test_strands(files, run, tmp_path):
    assert run("tree all.fa --each record --strands forward --matrix f.tsv -q").exit == 0
    names, found = matrix(tmp_path / "f.tsv")
    assert found[names.index("c"), names.index("d")] > 0.9
    assert run("tree all.fa --each record --matrix b.tsv -q").exit == 0
    assert matrix(tmp_path / "b.tsv")[1][names.index("c"), names.index("d")] < 0.7


def test_proteins(run, tmp_path, monkeypatch):
    rng = np.random.default_rng(2)
    amino = np.frombuffer(b"ACDEFGHIKLMNPQRSTVWY", np.uint8)
    first, second = (rng.choice(amino, 500).tobytes().decode() for _ in range(2))
    texts = {"a1": first, "b1": second, "a2": first[:490] + "WWWWWWWWWW", "b2": "M" + second}
    (tmp_path / "p.fa").write_text("".join(f">{name}\n{text}\n" for name, text in texts.items()))
    monkeypatch.chdir(tmp_path)
    result = run("tree p.fa --each record --alphabet protein --compressor lzma --json r.json")
    assert result.exit == 0, result.stderr
    assert "2,001 residues, NCD, lzma-6: distances" in result.stderr
    assert json.loads((tmp_path / "r.json").read_text())["strands"] == "forward"
    tree = Phylo.read(io.StringIO(result.stdout), "newick")
    groups = [{leaf.name for leaf in clade.get_terminals()} for clade in tree.find_clades()]
    assert {"a1", "a2"} in groups
    own = run("tree p.fa --each record --alphabet protein")
    assert own.exit == 0, own.stderr
    assert "NCD, protein: distances" in own.stderr
    assert {"a1", "a2"} in [
        {leaf.name for leaf in clade.get_terminals()}
        for clade in Phylo.read(io.StringIO(own.stdout), "newick").find_clades()
    ]
    for words, message in [
        ("--compressor mixing", "--compressor mixing has a model of DNA"),
        ("--metric nrc", "--metric nrc has a model of DNA"),
        ("--strands both", "proteins have one strand"),
    ]:
        refused = run(f"tree p.fa --each record --alphabet protein {words}")
        assert refused.exit == 2
        assert message in refused.stderr


def test_a_run_that_was_ended_goes_on(files, run, start, appears, tmp_path):
    """Ctrl-C: exit 130, no tree, and what was compressed is taken up again."""
    long = np.random.default_rng(3).choice(LETTERS, (6, 900_000))
    for number, letters in enumerate(long):
        (tmp_path / f"g{number}.fa").write_text(f">x\n{letters.tobytes().decode()}\n")
    words = "g0.fa g1.fa g2.fa g3.fa g4.fa g5.fa --compressor lzma --level 1 --strands forward --store kept"
    running = start("tree", *words.split(), "-o", "t.nwk", "-t", "1", cwd=tmp_path)
    appears(tmp_path / "kept", "block-*.npy")
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 130
    assert not (tmp_path / "t.nwk").exists()
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "kept").glob("block-*.npy")}
    assert kept
    begun = time.time_ns()
    result = run(f"tree {words} -o t.nwk -t 2")
    assert result.exit == 0, result.stderr
    assert "warning: 6 leaves farther than 0.93 from all others (g0, g1, g2 and 3 more)" in result.stderr
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "kept").glob("block-*.npy")}
    assert len(after) > len(kept)
    assert {name: after[name] for name in kept} == kept
    assert max(after.values()) > begun
    other = run("tree g0.fa g1.fa g2.fa --store kept --strands forward")
    assert other.exit == 1
    assert "kept/manifest.json: compressor is" in other.stderr


def test_words_of_caution(files, run, tmp_path):
    rng = np.random.default_rng(4)
    text, other = (rng.choice(LETTERS, 40_000).tobytes().decode() for _ in range(2))
    (tmp_path / "w.fa").write_text(f">x\n{text}\n>y\nRR{other}\n")
    result = run("tree w.fa --each record --compressor gzip")
    assert result.exit == 0
    assert "warning: 2 letters read as N" in result.stderr
    assert result.stderr.count("sees 32,768 back") == 1
    assert "their place in the tree is chance; --compressor mixing sees farther" in result.stderr
    (tmp_path / "w.fa").write_text(f">x\n{text}\n>y\nRR{text}\n")
    quiet = run("tree w.fa --each record --compressor mixing -q")
    assert quiet.stderr == "genoseq tree: warning: 2 letters read as N\n"


def test_choices_are_those_of_the_package():
    assert set(command.COMPRESSORS) == set(NAMED)
    assert set(command.METRICS) == {*METRICS, "nrc"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("genomes/a.fa", 1, "genomes/a.fa: there is 1 leaf, a; a tree has 2 or more; --each record makes"),
        ("genomes/a.fa genomes/a.fa", 2, "genomes/a.fa and genomes/a.fa would both be leaf 'a'"),
        ("genomes/a.fa copy/a.fa.gz", 2, "genomes/a.fa and copy/a.fa.gz would both be leaf 'a'"),
        ("all.fa all.fa --each record", 1, "all.fa: a record is called 'a' again"),
        ("genomes/a.fa none.fa", 1, "none.fa: no such file"),
        ("genomes/a.fa empty.fa", 1, "empty.fa: there is no sequence in it"),
        ("genomes/a.fa bad.fa", 1, "bad.fa:2: '!' is not a nucleotide letter"),
        ("genomes/a.fa text.txt", 1, "text.txt:1: the file starts with 'hello'"),
        ("genomes/a.fa genomes", 1, "genomes: is a directory"),
        ("genomes/a.fa n.fa --metric nrc", 1, "n.fa: no base of n is known"),
        ("genomes/a.fa -", 2, "standard input has no name"),
        ("all.fa --each record --compressor zip", 2, "invalid choice: 'zip'"),
        ("all.fa --each record --compressor gzip --level 10", 2, "level of zlib is 10; 0..9"),
        ("all.fa --each record --compressor snappy --level 1", 2, "--level: snappy has none"),
        ("all.fa --each record --level 23", 2, "allowed: -100..22"),
        ("all.fa --each record --metric nrc --compressor gzip", 2, "which gzip is not"),
        ("all.fa --each record --metric nrc --level 3", 2, "--level belongs to compressors"),
        ("all.fa --each record --compressor protein", 2, "mixing is that of DNA"),
        ("all.fa --each record --compressor mixing --level 3", 2, "--level: mixing has none"),
        ("all.fa --each record --order 3", 2, "--order belongs to --metric nrc"),
        ("all.fa --each record --metric nrc --order 13", 2, "allowed: 1..12"),
        ("all.fa --each record -o all.fa", 2, "is an input of this run"),
        ("all.fa --each record --matrix t.nwk", 2, "-o and --matrix both go to t.nwk"),
        ("all.fa --each record --plot t.txt", 2, "must end in .png, .svg, .pdf"),
        ("all.fa --each record --plot no/t.png", 1, "there is no folder"),
        ("all.fa --each record --store no/m", 1, "there is no folder no"),
        ("'genomes/c c: '\"'x'\"'.fasta' genomes/a.fa --matrix m.phy", 1, "PHYLIP has no names with blanks"),
        ("all.fa --each record --alphabet protein", 1, "is DNA or RNA; a protein is expected"),
    ],
)
@pytest.mark.filterwarnings("ignore::genoseq.errors.GenoseqWarning")
def test_what_is_refused(files, run, tmp_path, words, code, message):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "a.fa.gz").write_bytes(gzip.compress(b">q\nACGT\n"))
    for name, text in {
        "empty.fa": "", "bad.fa": ">a\nAC!T\n", "text.txt": "hello\n", "n.fa": ">n\nNNNN\n",
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text)
    before = (tmp_path / "all.fa").read_bytes()
    out = "" if "-o" in words.split() else " -o t.nwk"
    result = run(f"tree {words}{out} -t 1")
    assert (result.exit, result.stdout) == (code, ""), result.stderr
    assert message in result.stderr.splitlines()[-1]
    assert not (tmp_path / "t.nwk").exists()
    assert not (tmp_path / "m.phy").exists()
    assert (tmp_path / "all.fa").read_bytes() == before


@pytest.mark.parametrize("package", ["Bio", "matplotlib"])
def test_a_missing_part_is_told_before_the_work(files, run, monkeypatch, tmp_path, package):
    for module in [each for each in sys.modules if each.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    result = run("tree none.fa --plot t.png")
    assert result.exit == 2
    extra = "ncd" if package == "Bio" else "plots"
    assert f"pip install 'genoseq[{extra}]'" in result.stderr
