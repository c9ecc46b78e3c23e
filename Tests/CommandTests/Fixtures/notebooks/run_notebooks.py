"""Runs notebooks of notebooks-export as a reader would.

    run_notebooks.py write FOLDER NAME [NAME ...]
    run_notebooks.py check FOLDER NAME [NAME ...]
    run_notebooks.py elsewhere FOLDER SAMPLE NAME [NAME ...]

`write` makes each notebook of its text in percent format, runs it and stores what its cells show. `check` holds
the notebook against its text, and what it stores against what it shows when it is run in a copy of the
folder. `elsewhere` runs it with exports of SAMPLE in place of those of `sample`. Prints a line each; ends with
1 and the cell otherwise.
"""

import base64
import io
import os
import re
import shutil
import sys
import tempfile
import time
import warnings

import jupytext
import nbclient
import nbformat
from PIL import Image
from traitlets.config import Config

warnings.filterwarnings("ignore")
# The kernel is this Python, with the libraries beside it, whatever others are installed.
os.environ["JUPYTER_PATH"] = os.path.join(sys.prefix, "share", "jupyter")
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
# Libraries warn of what else could be installed.
os.environ |= {"PYTHONWARNINGS": "ignore", "TRANSFORMERS_VERBOSITY": "error", "DIFFUSERS_VERBOSITY": "error"}

# A web page shows a notebook of this size whole.
LARGEST = 200_000


def cells(notebook):
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def executed(notebook, folder, name):
    """The notebook after it was run in `folder`, and a line on it."""
    begun = time.monotonic()
    # By sockets that are files: free ports are looked for before they are taken, and two kernels may find the same.
    with tempfile.TemporaryDirectory() as sockets:
        nbclient.NotebookClient(
            notebook, timeout=60, record_timing=False, resources={"metadata": {"path": folder}},
            config=Config(KernelManager=Config(transport="ipc", ip=os.path.join(sockets, "kernel")))).execute()
    seconds = time.monotonic() - begun
    assert seconds < 60, f"{name}: {seconds:.0f} s"
    pictures = sum(
        "image/png" in output.get("data", {})
        for cell in notebook.cells for output in cell.get("outputs", []))
    assert pictures > 0, f"{name}: draws nothing"
    return f"{name}: {len(notebook.cells)} cells, {pictures} pictures, {seconds:.1f} s"


def of_text(folder, name):
    """The notebook that the text makes, the same each time."""
    notebook = jupytext.read(os.path.join(folder, name + ".py"))
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index}"
        cell.metadata = {}
    return notebook


def said(notebook):
    """What the cells say in text, without what differs between two runs of the same."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error", cell.source
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            texts.append(re.sub(r"0x[0-9a-f]+|\d+\.\d{3,}", "…", text))
    return texts


def shrink(notebook):
    """Stores figures with photographs as JPEG, and others in 256 colours."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
                buffer = io.BytesIO()
                picture.convert("RGB").save(buffer, "JPEG", quality=85, subsampling=0)
                form = "image/jpeg"
                if len(buffer.getvalue()) > len(output.data.pop("image/png")) / 3:
                    buffer, form = io.BytesIO(), "image/png"
                    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
                        buffer, "PNG", optimize=True)
                output.data[form] = base64.b64encode(buffer.getvalue()).decode()


def write(folder, names):
    for name in names:
        notebook = of_text(folder, name)
        line = executed(notebook, folder, name)
        notebook.metadata = of_text(folder, name).metadata
        shrink(notebook)
        nbformat.write(notebook, os.path.join(folder, name + ".ipynb"))
        print(f"{line}, {size(folder, name)} bytes")


def size(folder, name):
    bytes = os.path.getsize(os.path.join(folder, name + ".ipynb"))
    assert bytes <= LARGEST, f"{name}: stores {bytes} bytes, at most {LARGEST}"
    return bytes


def check(folder, names):
    for name in names:
        stored = nbformat.read(os.path.join(folder, name + ".ipynb"), as_version=4)
        nbformat.validate(stored)
        fresh = of_text(folder, name)
        assert cells(stored) == cells(fresh), f"{name}: the notebook and its text differ"
        size(folder, name)
        line = executed(fresh, folder, name)
        assert said(stored) == said(fresh), f"{name}: make notebooks stores what it shows now"
        shown = sum(bool({"image/png", "image/jpeg"} & set(output.get("data", {})))
                    for cell in stored.cells for output in cell.get("outputs", []))
        assert shown > 0, f"{name}: stores no picture"
        print(line)


def elsewhere(folder, sample, names):
    for name in names:
        notebook = of_text(folder, name)
        changed = 0
        for cell in notebook.cells:
            source = re.sub(
                r'^PATH = "sample/(\w+)"$', rf'PATH = "{sample}/\1"', cell.source, flags=re.M)
            changed += source != cell.source
            cell.source = source
        assert changed == 1, f"{name}: {changed} paths, not one"
        print(executed(notebook, folder, name))


def main(what, folder, *names):
    if what == "write":
        return write(folder, names)
    with tempfile.TemporaryDirectory() as place:
        copy = os.path.join(place, "notebooks")
        shutil.copytree(folder, copy)
        if what == "check":
            return check(copy, names)
        sample, *names = names
        shutil.rmtree(os.path.join(copy, "sample"))
        elsewhere(copy, sample, names)


main(*sys.argv[1:])
