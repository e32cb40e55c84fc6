"""Run the notebooks and keep what they show, for pages that people read without running anything.

Usage: python docs/run_notebooks.py examples/align.ipynb...
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbclient
import nbformat

REPOSITORY = Path(__file__).resolve().parent.parent
_SECONDS = 300  # the longest that a cell may take


def executed(path: Path) -> nbformat.NotebookNode:
    """A notebook with the outputs that its cells have now, run in its own folder.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    search = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(part for part in search if part)  # for the kernel
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of torch that wait for a busy core take minutes
    client = nbclient.NotebookClient(
        notebook, timeout=_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
    return plain(notebook)


def plain(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Take out what differs from run to run and from machine to machine."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def main() -> None:
    """Run the notebooks that the command line names, in place."""
    for name in sys.argv[1:]:
        path = Path(name).resolve()
        nbformat.write(executed(path), path)


if __name__ == "__main__":
    main()
