"""The pages say what is true: their examples run, their links lead somewhere, docs/cli.md is up to date."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from genoseq import cli

REPOSITORY = Path(__file__).resolve().parent.parent
MARKDOWN = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for folder in (".", "docs", "data", "pipelines", "genoseq/weights", "tests/golden")
    for path in (REPOSITORY / folder).glob("*.md")
)
TOOLS = ("samtools", "bcftools")  # others' programs that an example may call


def script(name: str) -> ModuleType:
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


run_examples = script("run_examples")


@pytest.mark.slow
@pytest.mark.parametrize("name", run_examples.PAGES)
def test_examples_print_what_the_page_shows(name):
    page = (REPOSITORY / name).read_text(encoding="utf-8")
    sources = "\n".join(example.source for example in run_examples.examples(page))
    missing = [tool for tool in TOOLS if re.search(rf"\b{tool} ", sources) and not shutil.which(tool)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    count = 0
    for example, found in run_examples.run_page(page):
        count += 1
        shown = "\n".join(found)
        assert run_examples.agrees(example.shown, found), f"{example.source}\n{shown}\n(make docs writes it)"
    assert count, f"{name} shows no example"


def test_readme_shows_the_main_commands():
    page = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    sources = [example.source for example in run_examples.examples(page)]
    for command in ("index", "align", "simulate", "evaluate"):
        assert any(f"genoseq {command} " in source for source in sources), command
    assert any("Aligner(index)" in source for source in sources)


def test_examples_are_found_with_their_output():
    page = "a\n```console\n$ one \\\n  two\nout\nput\n$ three\n```\n"
    page += "```python\nprint(1)\n```\n\n```text\n1\n```\n"
    found = [(e.kind, e.source, e.shown) for e in run_examples.examples(page)]
    assert found == [
        ("console", "one two", ["out", "put"]),
        ("console", "three", []),
        ("python", "print(1)", ["1"]),
    ]


@pytest.mark.parametrize(
    ("shown", "found", "same"),
    [
        (["1,000 reads, 0.7 s"], ["1,001 reads, 12.3 s"], True),
        (["encoder c3c0054fb2209fe3"], ["encoder 0000000000000000"], True),
        (["1,000 reads"], ["1,100 reads"], False),
        (["1,000 reads"], ["1,000 bases"], False),
        (["one"], ["one", "two"], False),
    ],
)
def test_outputs_agree_up_to_time_and_small_change(shown, found, same):
    assert run_examples.agrees(shown, found) is same


def test_output_is_written_anew_where_it_is_wrong():
    form = "```console\n$ echo one; echo two\n{}\n```\n```python\nprint(2 + 20)\n```\n```text\n{}\n```\n"
    page, expected = form.format("three", 5), form.format("one\ntwo", 22)
    assert run_examples.refreshed(page) == expected


def test_a_failing_example_is_an_error():
    with pytest.raises(RuntimeError, match="exit code 3"):
        run_examples.refreshed("```console\n$ exit 3\n```\n")


def test_cli_page_is_that_of_the_commands():
    page = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == script("make_cli").page(), "docs/cli.md is old: make docs"
    for name in cli.COMMANDS:
        assert f"## genoseq {name}\n" in page


@pytest.mark.parametrize("name", MARKDOWN)
def test_links_lead_somewhere(name):
    path = REPOSITORY / name
    text = re.sub(r"<!--.*?-->", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, heading = target.partition("#")
        linked = path.parent / file if file else path
        assert linked.exists(), target
        if heading:
            assert heading in headings(linked), target


def headings(path: Path) -> set[str]:
    """The anchors that a page of Markdown has."""
    lines = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.slow
def test_keys_of_json_and_manifest_are_described(tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (REPOSITORY / "docs" / "file-formats.md").read_text(encoding="utf-8")
    runs = {
        "index": f"index {data}/genome.fa.gz -o g.gsx",
        "simulate": f"simulate {data}/genome.fa.gz -n 20 -o reads.fq",
        "align": "align -x g.gsx reads.fq -o out.sam --multiqc .",
        "evaluate": "evaluate out.sam out.sam --pool",
    }
    for name, arguments in runs.items():
        assert cli.main([*arguments.split(), "--json", f"{name}.json", "--quiet"]) == 0
        written = json.loads((tmp_path / f"{name}.json").read_text())
        row = re.search(rf"^\| `{name}` \|.*$", page, re.MULTILINE)[0]
        assert set(written) - {"schema_version"} <= set(re.findall(r"`(\w+)`", row)), name
        if name == "align":
            described = set(re.findall(r"`(\w+)`", page))
            assert keys(written["statistics"]) <= described, keys(written["statistics"]) - described
    entry = written["files"][0]
    manifest = json.loads((tmp_path / "g.gsx" / "manifest.json").read_text())
    for key in (*manifest, *manifest["parameters"], *manifest["parts"], *entry, *entry["summary"]):
        assert f"`{key}`" in page, key


def keys(values: object) -> set[str]:
    """All names in nested mappings and lists; numbers are the values that a histogram counts."""
    if isinstance(values, list):
        return set().union(*map(keys, values))
    if not isinstance(values, dict):
        return set()
    return {name for name in values if not name.isdecimal()}.union(*map(keys, values.values()))
