"""genoseq peptides: what it writes, what it must not depend on, and bad input."""

from __future__ import annotations

import gzip
import hashlib
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("Bio")

from genoseq.cli import main  # noqa: E402
from genoseq.models import registry  # noqa: E402
from genoseq.models.registry import KnownModel  # noqa: E402
from genoseq.peptides import pepmlm  # noqa: E402
from genoseq.peptides.design import DesignPlan, design  # noqa: E402
from genoseq.peptides.identity import identities  # noqa: E402
from genoseq.peptides.model import MaskedModel  # noqa: E402
from genoseq.peptides.network import EsmShape, new_network, save_network  # noqa: E402
from genoseq.peptides.outputs import COLUMNS  # noqa: E402
from genoseq.peptides.targets import Target  # noqa: E402
from genoseq.peptides.template import Template  # noqa: E402
from genoseq.protein import AMINO_ACIDS  # noqa: E402

PROTEINS = {
    "sp|P1|ONE": "MKTAYIAKQRQISFVKSHFSRQ",
    "two": "MGDVEKGKKIFIMKCSQCHTVEKGGKH",
    "three": "MVLSPADKTNVKAAWGKVGAHAGEYG",
}
FEW = ["--candidates", 6, "-n", 3, "--likeness", 1, "--decoder", "independent"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "toy"
    torch.manual_seed(3)
    network = new_network(EsmShape(1, 16, 4, 32))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    save_network(network, folder)
    return folder


def fasta(path, records):
    path.write_text("".join(f">{name} words\n{letters}\n" for name, letters in records.items()))
    return path


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with one.fa, all.fa, decoys.fa, known.fa, and nothing else; it is the working folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    fasta(folder / "one.fa", {"sp|P1|ONE": PROTEINS["sp|P1|ONE"]})
    fasta(folder / "all.fa", PROTEINS)
    fasta(folder / "decoys.fa", {"d1": "MKVLAAGGWWEERRTTPLKSS", "d2": "MEEEEKLLRSSSPTVVAAGHH"})
    fasta(folder / "known.fa", {"k1": "KLVFFAE", "k2": "WWRRK", "k3": "KLVFFAE"})
    return folder


def run(*arguments):
    return main(["peptides", "-t", "1", *map(str, arguments)])


def table(text):
    """Head and rows of the TSV."""
    lines = text.splitlines()
    about = dict(line[2:].split("=", 1) for line in lines if line.startswith("# "))
    columns, *rows = (line.split("\t") for line in lines if not line.startswith("# "))
    assert tuple(columns) == COLUMNS
    return about, [dict(zip(columns, row, strict=True)) for row in rows]


def test_design_is_that_of_the_library(model, files, capfd):
    assert run("-m", model, "one.fa", "-n", 4, "--length", 6, "--candidates", 8, "-o", "out.tsv") == 0
    about, rows = table((files / "out.tsv").read_text())
    target = Target("sp|P1|ONE", PROTEINS["sp|P1|ONE"], "one.fa")
    plan = DesignPlan((Template.of_length(6),), count=4, candidates=8)
    wanted = design(MaskedModel.load(model, device="cpu"), target, plan).candidates
    assert [row["peptide"] for row in rows] == [each.peptide for each in wanted]
    assert [float(row["perplexity"]) for row in rows] == pytest.approx(
        [each.perplexity for each in wanted], rel=1e-5
    )
    assert [row["name"] for row in rows] == [f"sp|P1|ONE_{rank}" for rank in (1, 2, 3, 4)]
    assert about["schema_version"] == "1"
    digest = hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()
    assert (about["model"], about["model_sha256"], about["seed"]) == (str(model), digest, "1")
    assert (about["decoder"], about["wander"], about["lengths"]) == ("iterative", "0.5", "6")
    assert "model_note" not in about
    assert "genoseq peptides: 4 peptides for 1 target, pseudo-perplexity " in capfd.readouterr().err


def test_all_outputs(model, files):
    outputs = "-o out.tsv --json out.json --fasta out.fa.gz --boltz boltz/ --af3 af3 --report out.html"
    options = ["--length", "5-6", "--shuffled", 2, "--known", "known.fa", "--site", "3-9", *FEW]
    pytest.importorskip("matplotlib")
    assert run("-m", model, "all.fa", *options, *outputs.split(), "--seed", 7, "-q") == 0
    about, rows = table((files / "out.tsv").read_text())
    assert (about["site"], about["shuffled"], about["seed"]) == ("3-9", "2", "7")
    assert [row["target"] for row in rows] == [name for name in PROTEINS for _ in range(3)]
    assert all(set(row["peptide"]) <= set(AMINO_ACIDS) for row in rows)
    assert {len(row["peptide"]) for row in rows} <= {5, 6}
    told = json.loads((files / "out.json").read_text())
    assert (told["command"], told["parameters"]["decoder"]) == ("peptides", "independent")
    peptides = [each for target in told["targets"] for each in target["peptides"]]
    assert [each["peptide"] for each in peptides] == [row["peptide"] for row in rows]
    assert [f"{each['specificity']:.6g}" for each in peptides] == [row["specificity"] for row in rows]
    assert all(0 <= each["nearest_known"] <= 1 and each["p_value"] >= 1 / 3 for each in peptides)
    assert told["targets"][0]["residues"] == len(PROTEINS["sp|P1|ONE"])
    records = gzip.decompress((files / "out.fa.gz").read_bytes()).decode().split(">")[1:]
    assert [record.split("\n")[1] for record in records] == [row["peptide"] for row in rows]
    stems = {"sp_P1_ONE", "two", "three"}
    for folder, ending in (("boltz", "yaml"), ("af3", "json")):
        names = {path.name for path in (files / folder).iterdir()}
        assert names == {f"{stem}_{rank}.{ending}" for stem in stems for rank in (1, 2, 3)}
    page = (files / "out.html").read_text()
    assert all(f"<code>{row['peptide']}</code>" in page for row in rows)
    assert {path.name for path in files.iterdir()} == {
        "one.fa", "all.fa", "decoys.fa", "known.fa", "out.tsv", "out.json", "out.fa.gz", "out.html", "boltz",
        "af3",
    }  # fmt: skip


def test_threads_and_other_targets_change_nothing(model, files, capfd):
    options = ["-m", model, "-q", "--length", 5, "--shuffled", 1, *FEW]
    assert run("all.fa", *options) == 0
    about, rows = table(capfd.readouterr().out)
    fasta(files / "turned.fa", dict(reversed(PROTEINS.items())))
    assert run("turned.fa", "-t", 2, *options) == 0
    about_turned, turned = table(capfd.readouterr().out)
    assert {tuple(row.values()) for row in turned} == {tuple(row.values()) for row in rows}
    assert about_turned == about | {"targets": "turned.fa"}
    assert run("one.fa", *options) == 0
    assert table(capfd.readouterr().out)[1] == rows[:3]
    assert run("one.fa", *options, "--seed", 2) == 0
    assert table(capfd.readouterr().out)[1] != rows[:3]


def test_constraints(model, files, capfd):
    options = ["-m", model, "one.fa", "-q", *FEW]
    assert run(*options, "--template", "K??[DE]", "--template", "C????C", "--avoid", "c,M,L") == 0
    _, rows = table(capfd.readouterr().out)
    for row in rows:
        text = row["peptide"]
        assert (text[0] == "K" and text[3] in "DE") or (text[0] + text[5] == "CC" and "C" not in text[1:5])
        assert not set(text) & set("ML")
    assert run(*options, "--length", 8, "--disulfide", "1-6", "--boltz", "b") == 0
    about, rows = table(capfd.readouterr().out)
    assert about["disulfide"] == "1-6"
    assert all([at for at, letter in enumerate(row["peptide"], 1) if letter == "C"] == [1, 6] for row in rows)
    assert "atom2: [B, 6, SG]" in (files / "b" / "sp_P1_ONE_1.yaml").read_text()


def test_closed_peptides(model, files, capfd):
    options = ["--cyclic", "--length", 3, "--top-k", 2, "--candidates", 30, "--decoder", "independent"]
    assert run("-m", model, "one.fa", *options, "--boltz", "b", "--af3", "a") == 0
    out, err = capfd.readouterr()
    peptides = [row["peptide"] for row in table(out)[1]]
    for at, peptide in enumerate(peptides):
        assert identities(peptide, peptides[:at], cyclic=True).max(initial=0) <= 0.8
    assert "cyclic: true" in (files / "b" / "sp_P1_ONE_1.yaml").read_text()
    assert "AlphaFold 3 has no word for peptides that are closed head to tail" in err
    assert f"{len(peptides)} peptides of 20 for sp|P1|ONE" in err


@pytest.mark.parametrize(
    "options",
    [
        "--decoder iterative --wander 0 --temperature 0", "--decoder gibbs --sweeps 1",
        "--decoder diverse --groups 2 --penalty 1", "--top-p 0.5 --scored 3",
        "--decoder guided --guide known.fa decoys.fa --strength 2",
    ],
)  # fmt: skip
def test_decoders(model, files, options, capfd):
    few = ["-n", 2, "--candidates", 4, "--length", 4, "--likeness", 1]
    assert run("-m", model, "one.fa", *few, *options.split()) == 0
    about, rows = table(capfd.readouterr().out)
    assert all(len(row["peptide"]) == 4 for row in rows)
    words = options.split()
    for option, value in zip(words[::2], words[1::2], strict=False):
        if option in ("--decoder", "--sweeps", "--groups", "--penalty", "--scored"):
            assert about[option[2:]] == value


def test_score(model, files, capfd):
    assert (
        run("-m", model, "all.fa", "--score", "known.fa", "--decoys", "decoys.fa", "--select", "specificity")
        == 0
    )
    about, rows = table(capfd.readouterr().out)
    assert (about["mode"], about["score"]) == ("score", "known.fa")
    assert "decoder" not in about
    for name in PROTEINS:
        own = [row for row in rows if row["target"] == name]
        assert sorted(row["name"] for row in own) == ["k1", "k2", "k3"]
        assert [row["rank"] for row in own] == ["1", "2", "3"]
        values = [float(row["specificity"]) for row in own]
        assert values == sorted(values, reverse=True)
    mine = MaskedModel.load(model, device="cpu")
    found = {row["name"]: float(row["perplexity"]) for row in rows if row["target"] == "two"}
    from genoseq.peptides.scores import log_perplexities

    costs = log_perplexities(mine, Target("two", PROTEINS["two"], "").tokens, ["KLVFFAE", "WWRRK"])
    assert [found["k1"], found["k2"]] == pytest.approx(np.exp(costs), rel=1e-4)
    assert found["k3"] == found["k1"]


def test_a_chain_of_a_structure(model, files, capfd):
    names = [("A", "MET"), ("A", "LYS"), ("A", "TRP"), ("B", "GLY"), ("B", "TRP")]
    lines = [
        f"ATOM  {at:5d}  CA  {residue} {chain}{at:4d}    {at:8.3f}   0.000   0.000  1.00  0.00           C\n"
        for at, (chain, residue) in enumerate(names, 1)
    ]
    (files / "s.pdb").write_text("".join(lines))
    assert run("-m", model, "s.pdb", "--chain", "B", *FEW, "--length", 3) == 0
    about, rows = table(capfd.readouterr().out)
    assert {row["target"] for row in rows} == {"s_B"}
    assert about["chain"] == "B"


def test_targets_that_nothing_passes_are_told_and_the_others_written(model, files, capfd):
    options = ["-m", model, "all.fa", "-q", "--length", 5, *FEW]
    assert run(*options) == 0
    _, rows = table(capfd.readouterr().out)
    best = sorted(float(row["perplexity"]) for row in rows if row["rank"] == "1")
    limit = (best[0] + best[1]) / 2
    assert run(*options, "--filter", f"charge>=-99,perplexity<{limit}", "--json", "out.json") == 0
    out, err = capfd.readouterr()
    assert len({row["target"] for row in table(out)[1]}) == 1
    assert err.count("the filters reject all") == 2
    assert f"(charge>=-99 0, perplexity<{limit:g} 6); it is not in the output" in err
    told = json.loads((files / "out.json").read_text())["targets"]
    assert sorted(len(target["peptides"]) == 0 for target in told) == [False, True, True]
    (files / "out.json").unlink()
    assert run(*options, "--filter", "charge>=99", "--json", "out.json", "-o", "out.tsv", "--boltz", "b") == 1
    assert capfd.readouterr().err.count("the filters reject all 6 candidates (charge>=99 6)") == 3
    assert {path.name for path in files.iterdir()} == {"one.fa", "all.fa", "decoys.fa", "known.fa"}


def test_the_small_model_says_so_every_time(model, files, capfd, monkeypatch, tmp_path):
    monkeypatch.setattr(pepmlm, "cached", lambda known: None)
    assert run("one.fa", *FEW) == 1
    assert (
        "no peptide model is on this machine; get the published one with: genoseq models pull pepmlm-650m"
        in (capfd.readouterr().err)
    )
    small = KnownModel(
        "pepmlm-small", "esm", "small", "MIT", worth="pseudo-perplexity 15.1 on 203 test peptides"
    )
    others = (model for model in registry.MODELS if model.name != "pepmlm-small")
    monkeypatch.setattr(registry, "MODELS", (*others, small))
    monkeypatch.setattr(registry, "SHIPPED", tmp_path)
    monkeypatch.setattr(pepmlm, "cached", lambda known: known.folder if known.ships else None)
    (tmp_path / "pepmlm-small").symlink_to(model)
    words = "pepmlm-small is used, a small model, as pepmlm-650m is not on this machine"
    for _ in range(2):
        assert run("one.fa", *FEW, "-q", "--length", 4) == 0
        out, err = capfd.readouterr()
        assert f"warning: {words}" in err
        assert table(out)[0]["model_note"].startswith(words)
        assert table(out)[0]["model_note"].endswith("; pseudo-perplexity 15.1 on 203 test peptides")
    assert run("one.fa", *FEW, "-q", "--length", 4, "-m", "pepmlm-small") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "model_note" not in table(out)[0]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (">dna\nACGTTGCAACGTGATTACATTT\n", 1, "bad.fa:1: the record 'dna' is DNA or RNA"),
        (">a\n>b\nMK\n", 1, "bad.fa:1: the record 'a' has no amino acids"),
        (">a\nXXXX\n", 1, "bad.fa: target a has no residue of the 20 amino acids"),
        ("MKLV\n", 1, "a FASTA file starts with '>'"),
        (">a\nMK1\n", 1, "bad.fa:2: "),
        (">a\nMK\n>a\nMKL\n", 1, "2 targets are named a"),
        (">a|b\nMK\n>a_b\nMKL\n", 1, "files of the targets a|b and a_b would have one name"),
        ("", 0, "no targets in bad.fa"),
    ],
)  # fmt: skip
def test_bad_targets(model, files, text, code, words, capfd):
    (files / "bad.fa").write_text(text)
    before = {path.name for path in files.iterdir()}
    assert run("-m", model, "bad.fa", *FEW, "-o", "out.tsv", "--boltz", "b") == code
    assert words in capfd.readouterr().err
    made = {path.name for path in files.iterdir()} - before
    assert made == (set() if code else {"out.tsv", "b"})


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ("--length 0", 2, "0 is out of range (allowed: 1..100)"),
        ("--length 101", 2, "101 is out of range (allowed: 1..100)"),
        ("--length 8-200", 2, "200 is out of range"),
        ("--length 9-8", 2, "the shorter length comes first"),
        ("--length 4-6 --template K??????", 2, "has 7 letters, longer than --length 4-6"),
        ("--length 9 --template K??", 2, "has 3 letters, shorter than --length 9"),
        ("--template K?1", 2, "'1' at place 3 is not understood"),
        ("--avoid J", 2, "'J' is none of the 20 amino acids"),
        ("--avoid ACDEFGHIKLMNPQRSTVWY", 2, "no letter is left for place 1"),
        ("--length 4 --disulfide 1-8", 2, "a bridge from 1 to 8 in a peptide of 4 letters"),
        ("--disulfide 8-1", 2, "'8-1' is not I-J"),
        ("--filter charge>=99", 1, "the filters reject all"),
        ("--filter chrge>=1", 2, "did you mean charge?"),
        ("-m nonesuch", 2, "no model 'nonesuch'"),
        ("-m hyena-tiny", 2, "is a model of the kind hyena; a protein model is needed"),
        ("-m esm2_t12_35M", 1, "genoseq models pull esm2_t12_35M"),
        ("--decoys one.fa", 2, "sp|P1|ONE is the target sp|P1|ONE, letter by letter"),
        ("--decoys decoys.fa --shuffled 2", 2, "not allowed with"),
        ("--select specificity", 2, "needs --decoys FILE or --shuffled N"),
        ("--site 20-30", 2, "site 20-30 of sp|P1|ONE, which has 22 residues"),
        ("--site x", 2, "START-END is expected"),
        ("--chain A", 2, "a chain is of a structure"),
        ("--groups 3", 2, "--groups belongs to --decoder diverse; this is independent"),
        ("--decoder gibbs --wander 1", 2, "--wander belongs to --decoder iterative or guided; this is gibbs"),
        ("--decoder guided", 2, "needs --guide WANTED.fa UNWANTED.fa"),
        ("--candidates 2", 2, "3 peptides from 2 candidates"),
        ("--scored 2", 2, "2 candidates are scored and 3 wanted"),
        ("--likeness 0", 2, "0 is out of range"),
        ("--score known.fa", 2, "belongs to design; with --score nothing is designed"),
        ("--fasta one.fa", 2, "--fasta: one.fa is an input of this run"),
        ("--boltz full", 1, "full: is a folder that is not empty"),
        ("--report no/out.html", 1, "there is no folder no"),
        ("--known nothing.fa", 1, "nothing.fa: no such file"),
    ],
)
def test_bad_options(model, files, options, code, words, capfd):
    (files / "full").mkdir()
    (files / "full" / "a").write_text("1")
    before = {path.name for path in files.iterdir()}
    few = [each for each in FEW if options.split()[0] != "--decoder" or each not in FEW[-2:]]
    few = few[2:] if "--candidates" in options else few
    assert run("-m", model, "one.fa", *few, "-o", "out.tsv", "--json", "out.json", *options.split()) == code
    assert words in capfd.readouterr().err
    assert {path.name for path in files.iterdir()} == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (">a\nMKX\n", "bad.fa:1: the peptide a has X; only the 20 amino acids can be scored"),
        (f">a\n{'K' * 101}\n", "the peptide a has 101 letters; up to 100 are possible"),
    ],
)
def test_peptides_that_cannot_be_scored(model, files, text, words, capfd):
    (files / "bad.fa").write_text(text)
    assert run("-m", model, "one.fa", "--score", "bad.fa") == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert words in err


def test_no_peptides_to_score(model, files, capfd):
    (files / "none.fa").write_text("")
    assert run("-m", model, "one.fa", "--score", "none.fa", "-o", "out.tsv") == 0
    assert "no peptides in none.fa" in capfd.readouterr().err
    assert table((files / "out.tsv").read_text())[1] == []


def test_an_interrupted_run_writes_nothing(model, files, monkeypatch, capfd):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    before = set(files.iterdir())
    monkeypatch.setattr("genoseq.peptides.outputs.alphafold_input", interrupted)
    assert run("-m", model, "one.fa", *FEW, "-o", "out.tsv", "--boltz", "b", "--af3", "a") == 130
    assert "interrupted" in capfd.readouterr().err
    assert set(files.iterdir()) == before
