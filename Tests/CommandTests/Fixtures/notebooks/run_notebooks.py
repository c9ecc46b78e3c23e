"""Runs notebooks of notebooks-export as a reader would.

    run_notebooks.py FOLDER NAME [NAME ...]

For each name: the notebook has the cells of its text in percent format, stores no output, and runs to
its end within a minute in a copy of the folder. Prints a line each; ends with 1 and the cell otherwise.
"""

import os
import shutil
import sys
import tempfile
import time
import warnings

import jupytext
import nbclient
import nbformat

warnings.filterwarnings("ignore")
# The kernel is this Python, with the libraries beside it, whatever others are installed.
os.environ["JUPYTER_PATH"] = os.path.join(sys.prefix, "share", "jupyter")
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"


def cells(notebook):
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def check(folder, name):
    notebook = nbformat.read(os.path.join(folder, name + ".ipynb"), as_version=4)
    nbformat.validate(notebook)
    text = jupytext.read(os.path.join(folder, name + ".py"))
    assert cells(notebook) == cells(text), f"{name}: the notebook and its text differ"
    for cell in notebook.cells:
        stored = cell.get("outputs") or cell.get("execution_count")
        assert not stored, f"{name}: a cell has stored output"
    begun = time.monotonic()
    nbclient.NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": folder}}).execute()
    seconds = time.monotonic() - begun
    assert seconds < 60, f"{name}: {seconds:.0f} s"
    pictures = sum(
        "image/png" in output.get("data", {})
        for cell in notebook.cells for output in cell.get("outputs", []))
    assert pictures > 0, f"{name}: draws nothing"
    print(f"{name}: {len(notebook.cells)} cells, {pictures} pictures, {seconds:.1f} s")


def main(folder, *names):
    with tempfile.TemporaryDirectory() as place:
        copy = os.path.join(place, "notebooks")
        shutil.copytree(folder, copy)
        for name in names:
            check(copy, name)


main(*sys.argv[1:])
