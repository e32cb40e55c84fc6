"""The study of peptides on the targets that ship, with a tiny network: what is drawn, kept, and written."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("Bio")
pytest.importorskip("matplotlib")
yaml = pytest.importorskip("yaml")

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "pipelines"))

import design_peptides  # noqa: E402
import peptide_designs  # noqa: E402
import peptide_goals  # noqa: E402

from genoseq.io.proteins import read_proteins  # noqa: E402
from genoseq.peptides.filters import parse_filters, rejected_by  # noqa: E402
from genoseq.peptides.identity import identities  # noqa: E402
from genoseq.peptides.network import EsmShape, new_network, save_network  # noqa: E402
from genoseq.peptides.pepmlm import PepMLM  # noqa: E402
from genoseq.peptides.properties import properties_of  # noqa: E402
from genoseq.peptides.targets import Target, shuffled_targets  # noqa: E402
from genoseq.protein import AMINO_ACIDS  # noqa: E402

pytestmark = pytest.mark.usefixtures("restore_threads")

PARAMS = REPOSITORY / "pipelines" / "params" / "design_peptides.yaml"
TARGETS = {each.name: each.letters for each in read_proteins(REPOSITORY / "data" / "targets.fa.gz")}
FAST = {"lengths": [6, 7], "candidates": 8, "shortlist": 3, "shuffled": 3, "filters": "gravy<2"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(1)
    save_network(new_network(EsmShape(1, 16, 2, 32)), folder)
    return folder


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["pipelines/design_peptides.py", *map(str, words)])
    design_peptides.main()


def write_params(path, **changes):
    values = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**values, **FAST, **changes}), encoding="utf-8")
    return path


def rows(path, delimiter=","):
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter=delimiter))


def records(table):
    """Rows of a table of pandas, or of the list that stands for it without pandas."""
    return table.to_dict("records") if hasattr(table, "to_dict") else table


def test_the_study_on_the_targets_that_ship(model, tmp_path, monkeypatch, capsys):
    params, out = write_params(tmp_path / "p.yaml"), tmp_path / "out"
    run(monkeypatch, "--set", f"model={model}", "--params", params, "-o", out)
    assert {path.name for path in out.iterdir()} == {
        "report.md", "results.json",
        "shortlist.tsv", "shortlist.fa", "boltz", "candidates.csv", "designs.jsonl",
        "decoders.png", "target-1.png", "target-2.png", "target-3.png",
    }  # fmt: skip
    assert "18/18 MMP26_HUMAN, shortlist" in capsys.readouterr().err
    drawn = rows(out / "candidates.csv")
    methods = [each["name"] for each in yaml.safe_load(PARAMS.read_text())["decoders"]]
    assert list(dict.fromkeys(row["decoder"] for row in drawn)) == methods
    assert {row["target"] for row in drawn} == set(TARGETS)
    assert {len(row["peptide"]) for row in drawn} == {6, 7}
    assert not any("C" in row["peptide"] for row in drawn)  # avoided
    found = rows(out / "shortlist.tsv", "\t")
    report = (out / "report.md").read_text(encoding="utf-8")
    for name in TARGETS:
        some = [row for row in found if row["target"] == name]
        peptides = [row["peptide"] for row in some]
        assert 0 < len(peptides) <= FAST["shortlist"]
        assert [float(row["specificity"]) for row in some] == sorted(
            (float(row["specificity"]) for row in some), reverse=True
        )
        for at, peptide in enumerate(peptides):
            assert identities(peptide, peptides[:at]).max(initial=0) <= 0.6
            assert rejected_by(parse_filters("gravy<2"), properties_of([peptide])[0].to_dict()) is None
            assert f"`{peptide}`" in report
            assert peptide in {row["peptide"] for row in drawn if row["target"] == name}
    assert len(list((out / "boltz").iterdir())) == len(found)
    assert [each.letters for each in read_proteins(out / "shortlist.fa")] == [row["peptide"] for row in found]

    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    run(monkeypatch, "--set", f"model={model}", "--params", params, "-o", out)  # does nothing again
    assert "CPU s" not in capsys.readouterr().err
    same = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert same.keys() == before.keys()
    made = b"## How this was made"
    for path, content in before.items():
        if path.name != "results.json":  # it has the seconds, as the end of the page
            assert same[path].partition(made)[0] == content.partition(made)[0], path


def test_scores_are_those_of_the_package(model, tmp_path, monkeypatch):
    decoder = {"name": "published", "kind": "independent", "top_k": 3}
    params = write_params(tmp_path / "p.yaml", decoders=[decoder])
    out = tmp_path / "out"
    run(monkeypatch, "--set", f"model={model}", "--params", params, "-o", out)
    scorer = PepMLM.load(model, device="cpu")
    name, letters = next(iter(TARGETS.items()))
    decoys = [other for own, other in TARGETS.items() if own != name]
    some = {row["peptide"]: row for row in rows(out / "candidates.csv") if row["target"] == name}
    wanted = scorer.score(letters, list(some), decoys=decoys)
    for each in records(wanted):
        row = some[each["peptide"]]
        for column in ("perplexity", "specificity", "p_value", "gravy"):
            assert float(row[column]) == pytest.approx(each[column], rel=1e-4, abs=1e-5)
    short = [row for row in rows(out / "shortlist.tsv", "\t") if row["target"] == name]
    target = Target(name, letters, "here")
    wanted = scorer.score(target, [row["peptide"] for row in short], decoys=shuffled_targets(target, 3, 1))
    known = {
        each["peptide"]: each
        for each in (wanted.to_dict("records") if hasattr(wanted, "to_dict") else wanted)
    }
    for row in short:
        assert float(row["specificity"]) == pytest.approx(known[row["peptide"]]["specificity"], abs=1e-5)
        assert float(row["p_value"]) == known[row["peptide"]]["p_value"]


def test_a_stopped_study_does_what_is_missing(model, tmp_path, monkeypatch, capsys):
    decoders = [{"name": "a", "kind": "independent"}, {"name": "b", "kind": "iterative"}]
    out = tmp_path / "out"
    common = ("--set", f"model={model}", "most=1", "-o", out)
    run(monkeypatch, *common, "--params", write_params(tmp_path / "p.yaml", decoders=decoders))
    path = out / "designs.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    assert [json.loads(line)["by"] for line in lines] == ["a", "b", "shortlist"]
    path.write_text(lines[0] + lines[1][:60])
    capsys.readouterr()
    report = (out / "report.md").read_bytes()
    run(monkeypatch, *common, "--params", write_params(tmp_path / "p.yaml", decoders=decoders))
    told = [line for line in capsys.readouterr().err.splitlines() if "CPU s" in line]
    assert len(told) == 2
    assert ", b: " in told[0]

    def without_times(text):
        page = text.partition(b"## How this was made")[0]
        return b"\n".join(line.rpartition(b"| ")[0].rpartition(b"| ")[0] for line in page.splitlines())

    assert without_times((out / "report.md").read_bytes()) == without_times(report)
    more = [*decoders, {"name": "c", "kind": "guided", "guide": {"property": "charge", "wanted": "high"}}]
    run(monkeypatch, *common, "--params", write_params(tmp_path / "p.yaml", decoders=more))
    told = [line for line in capsys.readouterr().err.splitlines() if "CPU s" in line]
    assert ", c: " in told[0]
    assert len(told) <= 2  # and a shortlist, if it is another one


def test_a_table_of_known_peptides(model, tmp_path, monkeypatch):
    names = list(TARGETS)
    table = tmp_path / "pairs.csv"
    table.write_text(
        "Binder,Receptor Sequence\n"
        f"ELTLQELL,{TARGETS[names[0]]}\nKRRAE,{TARGETS[names[1]]}\nELTXQ,{TARGETS[names[0]]}\n"
    )
    params = write_params(tmp_path / "p.yaml", decoders=[{"name": "a", "kind": "independent"}])
    out = tmp_path / "out"
    run(monkeypatch, "--set", f"model={model}", f"targets={table}", "--params", params, "-o", out)
    found = rows(out / "candidates.csv")
    lengths = {(row["target"], row["decoder"], len(row["peptide"])) for row in found}
    assert lengths == {
        ("line 2", "a", 8), ("line 2", "known peptides", 8),
        ("line 3", "a", 5), ("line 3", "known peptides", 5),
    }  # fmt: skip
    report = (out / "report.md").read_text(encoding="utf-8")
    assert "Known to bind it, with pseudo-perplexity: `ELTLQELL` " in report
    assert "| known peptides | – | 2 |" in report


def test_nothing_passes_the_filters(model, tmp_path, monkeypatch):
    params = write_params(
        tmp_path / "p.yaml", filters="mass>5000", decoders=[{"name": "a", "kind": "independent"}]
    )
    out = tmp_path / "out"
    run(monkeypatch, "--set", f"model={model}", "most=1", "--params", params, "-o", out)
    report = (out / "report.md").read_text(encoding="utf-8")
    assert "0 pass the filters (rejected by `mass>5000` 8)" in report
    assert "No candidate is left" in report
    assert rows(out / "shortlist.tsv", "\t") == []
    assert not (out / "target-1.png").exists()


def test_relatives_are_no_decoys():
    letters = list(TARGETS.values())
    near = letters[0][:70] + "A" + letters[0][71:]
    goals = [
        peptide_goals.Goal(Target(name, text, "here"), (6,))
        for name, text in (("a", letters[0]), ("b", near), ("c", letters[1]), ("d", letters[2]))
    ]
    found = [[other.name for other in others] for others in peptide_goals.others_of(goals, 2)]
    assert found == [["c", "d"], ["c", "d"], ["d", "a"], ["c", "a"]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decoders": [{"kind": "gibbs"}]}, "decoders: {.kind.: .gibbs.} has no name"),
        ({"decoders": [{"name": "x", "kind": "guess"}]}, "decoder x: kind 'guess'; independent, iterative"),
        ({"decoders": [{"name": "x", "kind": "gibbs", "speed": 2}]}, "decoder x: .*speed"),
        (
            {"decoders": [{"name": "x", "kind": "guided", "guide": {"property": "gravy", "wanted": "low"}}]},
            "decoder x: a guide learns from candidates of decoders before",
        ),
        ({"decoders": [{"name": "x", "kind": "guided", "guide": {}}]}, "decoder x: guide {}"),
        ({"decoders": [{"name": "x", "kind": "gibbs"}] * 2}, "decoders need a name each"),
        ({"filters": "grvy<1"}, "did you mean gravy"),
        ({"select": "beauty"}, "select 'beauty'"),
        ({"shuffled": 0}, "shuffled must be 1 or more"),
        ({"speed": 1}, "speed is not known"),
    ],
)
def test_bad_parameters(model, tmp_path, monkeypatch, capsys, changes, words):
    params = write_params(tmp_path / "p.yaml", **changes)
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, "--set", f"model={model}", "most=1", "--params", params, "-o", tmp_path / "out")
    assert caught.value.code == 2
    assert re.search(words, capsys.readouterr().err)


def test_bad_files(model, tmp_path, monkeypatch, capsys):
    dna = tmp_path / "dna.fa"
    dna.write_text(">g\n" + "ACGT" * 20 + "\n")
    twice = tmp_path / "twice.fa"
    twice.write_text(">sp|A|X\nMKTAYIAK\n>sp|B|X\nMKTAYIAQ\n")
    for path, words in (
        (dna, "DNA"),
        (twice, "2 targets are called X"),
        (tmp_path / "no.fa", "no such file"),
    ):
        with pytest.raises(SystemExit) as caught:
            run(monkeypatch, "--set", f"model={model}", f"targets={path}", "-o", tmp_path / "out")
        assert caught.value.code == 1
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit):
        run(monkeypatch, "--set", f"model={model}", "-o", dna)
    assert f"{dna}: " in capsys.readouterr().err


def test_the_parameters_that_ship():
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    peptide_designs.check(params)
    assert {method["kind"] for method in params["decoders"]} == set(peptide_designs.DECODERS)
    assert params["avoid"] in AMINO_ACIDS
