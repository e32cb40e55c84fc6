"""The notebooks run, and what they show is kept in them, small and without a trace of a machine."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((REPOSITORY / "examples").glob("*.ipynb"))
LARGEST = 400_000  # bytes of a notebook, with its figures
NEEDED = {"hyenadna.ipynb": ["torch"], "peptides.ipynb": ["torch", "transformers", "Bio"]}

nbformat = pytest.importorskip("nbformat")


def by_name(path):
    return path.name


def texts(notebook):
    """What the cells of a notebook printed, cell by cell."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield "".join(output.get("text", "") for output in cell.outputs)


def test_there_are_notebooks():
    names = ["align.ipynb", "classify.ipynb", "hyenadna.ipynb", "peptides.ipynb"]
    assert [path.name for path in NOTEBOOKS] == names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
def test_kept_output_is_complete_small_and_of_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < LARGEST
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert "image/png" in text, "no figure is kept: python docs/run_notebooks.py examples/*.ipynb"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count, f"not run: {cell.source}"
            assert not [output for output in cell.outputs if output.output_type == "error"]


@pytest.mark.slow
@pytest.mark.timeout(900)  # on a busy machine
@pytest.mark.filterwarnings("default")  # those of the kernel's own libraries
@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
def test_runs_and_prints_as_many_lines_as_kept(path):
    for needed in ("nbclient", "ipykernel", "matplotlib", *NEEDED.get(path.name, [])):
        pytest.importorskip(needed)
    specification = importlib.util.spec_from_file_location(
        "run_notebooks", REPOSITORY / "docs" / "run_notebooks.py"
    )
    run_notebooks = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(run_notebooks)
    kept = [text.count("\n") for text in texts(nbformat.read(path, as_version=4))]
    now = [text.count("\n") for text in texts(run_notebooks.executed(path))]
    assert now == kept
