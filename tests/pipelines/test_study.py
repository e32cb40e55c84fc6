"""The frame of the studies: parameters, command line, progress, page; and that all of them use it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
pytest.importorskip("matplotlib")

PIPELINES = Path(__file__).parents[2] / "pipelines"
sys.path.insert(0, str(PIPELINES))

import study  # noqa: E402
from pages import table  # noqa: E402
from settings import read_settings, settle  # noqa: E402
from study import Steps, run_study  # noqa: E402

from genoseq.errors import InputError, UsageError  # noqa: E402

USUAL = {
    "reads": 100, "rate": 0.5, "model": None, "name": "x", "shuffle": True, "lengths": [1, 2],
    "part": {"steps": 3, "seeds": [1]},
    "genomes": [{"name": "a", "path": "a.fa", "start": 1}, {"name": "b", "path": "b.fa"}],
    "methods": [{"name": "m", "kind": "k", "size": 1}, {"name": "n", "kind": "l", "size": 2}],
}  # fmt: skip
SCRIPTS = sorted(path.stem for path in (PIPELINES / "params").glob("*.yaml"))
STUDIES = [name for name in SCRIPTS if (PIPELINES / f"{name}.py").exists()]


def test_parameters_are_the_usual_ones_the_given_ones_and_changes():
    given = {"reads": 7, "genomes": [{"name": "c", "path": "c.fa"}], "methods": [{"name": "o", "kind": "k"}]}
    found = settle(USUAL, given, ["rate=1", "model=[1]", "part.steps=4", "genomes.0.path=d.fa"])
    assert found == {
        **USUAL, "reads": 7, "rate": 1, "model": [1], "part": {"steps": 4, "seeds": [1]},
        "genomes": [{"name": "c", "path": "d.fa"}], "methods": given["methods"],
    }  # fmt: skip
    assert USUAL["part"]["steps"] == 3


@pytest.mark.parametrize(
    ("given", "changes", "words"),
    [
        ({"raeds": 1}, [], "raeds is not known; there are reads, rate"),
        ({"reads": "many"}, [], "reads is 'many'; a number is expected"),
        ({"reads": True}, [], "reads is True; a number is expected"),
        ({"shuffle": 1}, [], "shuffle is 1; true or false is expected"),
        ({"name": None}, [], "name is None; text is expected"),
        ({"lengths": 3}, [], "lengths is 3; a list is expected"),
        ({"lengths": [1, "x"]}, [], "lengths: 'x'; a number is expected"),
        ({"part": {"steps": []}}, [], r"part.steps is \[\]; a number is expected"),
        ({"genomes": [{"name": "c"}]}, [], "genomes: {'name': 'c'} has no path"),
        ({"genomes": ["c.fa"]}, [], "genomes: 'c.fa'; names with values is expected"),
        ({"methods": [{"name": "c"}]}, [], "methods: {'name': 'c'} has no kind"),
        ([1], [], "a list; names with values are expected"),
        ({}, ["reads"], "--set reads: NAME=VALUE is expected"),
        ({}, ["raeds=1"], "--set raeds=1: there is no raeds among the parameters"),
        ({}, ["part.stpes=1"], "there is no part.stpes"),
        ({}, ["genomes.9.path=x"], "there is no genomes.9.path"),
        ({}, ["reads.more=1"], "there is no reads.more"),
        ({}, ["lengths=[1"], "not YAML"),
        ({}, ["reads=x"], "reads is 'x'; a number is expected"),
    ],
)
def test_bad_parameters(given, changes, words):
    with pytest.raises(UsageError, match=words):
        settle(USUAL, given, changes)


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Runs a study of this file's own with some words of a command line; what it was given."""
    params = tmp_path / "pipelines" / "params"
    params.mkdir(parents=True)
    (params / "toy.yaml").write_text(yaml.safe_dump(USUAL))
    monkeypatch.setattr(study, "HERE", params.parent)

    def run(*words, work=lambda given: given.begin()):
        seen = []
        monkeypatch.setattr(sys, "argv", ["pipelines/toy.py", *map(str, words)])
        run_study(str(params.parent / "toy.py"), "A toy.", lambda given: (seen.append(given), work(given)))
        return seen[0]

    return run


def test_the_command_line(script, tmp_path):
    found = script("-o", tmp_path / "out")
    assert (found.name, found.params) == ("toy", USUAL)
    assert found.data == tmp_path / "data"
    assert found.work == found.output == tmp_path / "out"
    (tmp_path / "p.yaml").write_text("reads: 3\n")
    words = ("--params", tmp_path / "p.yaml", "--set", "name=y", "part.steps=5", "--set", "rate=0")
    found = script(*words, "--data", tmp_path, "--work", tmp_path / "a" / "b", "-o", tmp_path / "out")
    assert (found.params["reads"], found.params["name"], found.params["part"]["steps"]) == (3, "y", 5)
    assert found.given.parent == tmp_path
    assert (tmp_path / "a" / "b").is_dir()


def test_errors_end_with_their_code_and_a_line(script, tmp_path, capsys):
    def fails(error):
        def work(_):
            raise error

        return work

    (tmp_path / "file").touch()
    (tmp_path / "bad.yaml").write_text("reads: [")
    (tmp_path / "unknown.yaml").write_text("raeds: 1")
    out = ("-o", tmp_path / "out")
    for code, words, work in (
        (1, "toy: x.fa: cut\n", fails(InputError("cut", "x.fa"))),
        (2, "toy: no\n", fails(UsageError("no"))),
        (130, "toy: interrupted\n", fails(KeyboardInterrupt())),
    ):
        with pytest.raises(SystemExit) as caught:
            script(*out, work=work)
        assert caught.value.code == code
        assert capsys.readouterr().err == words
    for code, words, arguments in (
        (1, "file: cannot be made a folder", ("-o", tmp_path / "file")),
        (2, "no.yaml: cannot be read (No such file", (*out, "--params", tmp_path / "no.yaml")),
        (2, "bad.yaml: not YAML", (*out, "--params", tmp_path / "bad.yaml")),
        (2, "unknown.yaml: raeds is not known", (*out, "--params", tmp_path / "unknown.yaml")),
        (2, "--set raeds=1", (*out, "--set", "raeds=1")),
        (2, "the following arguments are required: -o", ()),
    ):
        with pytest.raises(SystemExit) as caught:
            script(*arguments)
        assert caught.value.code == code
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_progress_passes_over_what_was_kept(script, tmp_path, capsys):
    steps = Steps(script("-o", tmp_path), 2000)
    steps.done("first", kept=True)
    steps.done("second")
    steps.done("last", to=2000)
    assert capsys.readouterr().err.splitlines() == ["toy: 2/2,000 second; 0 s left", "toy: 2,000/2,000 last"]


def test_the_page_tells_how_it_was_made(script, tmp_path, capsys):
    work = tmp_path / "work"

    def make(given):
        given.begin()
        given.finish("Title", "![figure](x.png)", {"found": float("nan")})

    script("--work", work, "--set", "name=grün", "-o", tmp_path / "out", work=make)
    page = (work / "report.md").read_text(encoding="utf-8")
    assert page.startswith(
        "# Title\n\n![figure](x.png)\n\n## How this was made\n\n    python pipelines/toy.py --work"
    )
    for words in ("genoseq 0", "numpy ", "This run took 0 s", "\nname: grün\n"):
        assert words in page
    found = json.loads((work / "results.json").read_text(encoding="utf-8"))
    assert found["params"] == {**USUAL, "name": "grün"}
    assert found["results"] == {"found": None}
    assert found["cpu_seconds"] < 60
    assert capsys.readouterr().err == f"toy: wrote {work / 'report.md'}\n"


def test_tables_keep_their_cells():
    assert table(["a", "b"], [[1, "x|y"]]) == "| a | b |\n|---|---|\n| 1 | x\\|y |\n"


def test_every_study_has_its_parameters_and_its_line_in_the_readme():
    readme = (PIPELINES / "README.md").read_text(encoding="utf-8")
    runs = {path.stem for path in PIPELINES.glob("*.py") if "run_study(__file__" in path.read_text()}
    assert runs == set(STUDIES)
    for name in STUDIES:
        assert f"| `{name}" in readme, name


@pytest.mark.parametrize("name", SCRIPTS)
def test_files_of_parameters_are_known_to_their_study(name):
    own = [each for each in STUDIES if name == each or name.startswith(f"{each}_")]
    if own:
        path = PIPELINES / "params" / f"{name}.yaml"
        found = read_settings(PIPELINES / "params" / f"{own[0]}.yaml", path)
        assert found == yaml.safe_load(path.read_text(encoding="utf-8"))  # nothing is taken from elsewhere
