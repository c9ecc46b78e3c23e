#!/usr/bin/python3
"""Writes bad files, each of which breaks one rule, and what heed must say about it.

    make_bad_files.py FOLDER GROUP    writes the cases of one group into FOLDER
    make_bad_files.py --list          prints the groups, each with its least number of cases

Every module `bad_*.py` beside this one has a dictionary GROUPS: the group's name, then how many cases it
has at least and the function that adds them to a `Group`. The order and every byte are the same each time.

    def numbers(group):
        group.add(
            "a shape that is larger than the file",          # the rule that is broken, a short sentence
            ["import", "maps.npy", "--axes", "token"],        # heed's arguments; it runs in the case's folder
            65,                                               # the exit code
            ["maps.npy", "expected 12 bytes"],                # words that the one line on stderr must hold
            {"maps.npy": b"..."})                             # the files, by their paths in the case's folder

    GROUPS = {"numbers": (1, numbers)}

A file is its bytes, or what `link`, `sparse`, `named_pipe` or `empty_folder` of this module returns. A path
may hold folders. `tree(folder)` is the files below a folder of the repository, to be changed and added: a
dictionary, whose large files are links to the originals.

What a case can say besides, by name:

    stdout=["words"]       what standard output must hold; without it nothing may stand there
    written=["runs"]       what may be new in the case's folder afterwards; without it nothing may
    table=True             a table may follow the first line on stderr, as of a prompt's tokens
    holds={"a.svg": ["n/a"]}   what a file that was written must hold, and be there; `lacks` says what it must not
    lines=None             how many lines there are on stderr: 1 without it, None for any number; each
                           begins with "heed: " either way, and the words must be on one of them together
    seconds=1              the processor time that it may cost
    mebibytes=64           the memory that it may take beyond that of `heed --version`
    limits={"fsize": 4096} limits of the process, by the names of Python's RLIMIT_...
    environment={"A": "b"} variables
    stdin=b""              what stands on standard input

`cases.json` in FOLDER lists the cases for `run_cases.py`, each with its folder. Text that is no UTF-8 is
written as Python's surrogate escapes, in `cases.json` too.
"""

import base64
import importlib
import json
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
TESTS = HERE.parents[2]
# Larger files than this are linked by `tree`, not copied.
COPIED = 1 << 16


def link(target):
    """A symbolic link to `target`."""
    return lambda path: os.symlink(target, path)


def sparse(head, size, tail=b""):
    """A file of `size` bytes, zeros between `head` and `tail`, that takes no room."""

    def make(path):
        with open(path, "wb") as file:
            file.write(head)
            file.truncate(size)
            file.seek(size - len(tail))
            file.write(tail)

    return make


def named_pipe(path):
    """A pipe that nobody writes into."""
    os.mkfifo(path)


def empty_folder(path):
    """A folder without files."""
    os.mkdir(path)


def tree(folder, without=()):
    """The files below `folder`, a path in Tests, by their own paths in it."""
    root = TESTS / folder
    files = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_file() and name not in without:
            files[name] = path.read_bytes() if path.stat().st_size <= COPIED else link(str(path))
    if not files:
        raise SystemExit(f"{root} has no files")
    return files


def below(folder, files):
    """`files` in a folder."""
    return {f"{folder}/{name}": content for name, content in files.items()}


class Group:
    """The cases of one group, as they are written."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.cases = []

    def add(self, name, arguments, code, words, files, **more):
        assert name not in [case["name"] for case in self.cases], name
        folder = f"{len(self.cases):03}"
        (self.folder / folder).mkdir(parents=True)
        for path, content in files.items():
            place = os.path.join(os.fsencode(self.folder / folder), os.fsencode(path))
            os.makedirs(os.path.dirname(place), exist_ok=True)
            if callable(content):
                content(place)
            else:
                with open(place, "wb") as file:
                    file.write(content)
        if "stdin" in more:
            more["stdin"] = base64.b64encode(more["stdin"]).decode()
        self.cases.append(
            {"name": name, "folder": folder, "arguments": arguments, "code": code, "words": words, **more})

    def write(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "cases.json").write_text(json.dumps(self.cases, indent=1) + "\n")


def groups():
    """The groups of every module, by name."""
    sys.path.insert(0, str(HERE))
    # The modules import this one by its name.
    sys.modules.setdefault("make_bad_files", sys.modules[__name__])
    found = {}
    for path in sorted(HERE.glob("bad_*.py")):
        for name, group in importlib.import_module(path.stem).GROUPS.items():
            assert name not in found, name
            found[name] = group
    return found


def main():
    if sys.argv[1:] == ["--list"]:
        for name, (least, _) in groups().items():
            print(name, least)
        return
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    least, make = groups()[sys.argv[2]]
    group = Group(sys.argv[1])
    make(group)
    group.write()
    assert len(group.cases) >= least, f"{len(group.cases)} cases, of at least {least}"


if __name__ == "__main__":
    main()
