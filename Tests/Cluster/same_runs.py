#!/usr/bin/env python3
"""Compares two benchmarks file by file: equal bytes, but for the provenance and the seconds of run.json."""
import json
import pathlib
import sys


def files(root: pathlib.Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name != ".lock":
            content = path.read_bytes()
            if path.name == "run.json":
                run = json.loads(content)
                for key in ("provenance", "seconds"):
                    run.pop(key, None)
                content = json.dumps(run, sort_keys=True).encode()
            found[str(path.relative_to(root))] = content
    return found


one, other = (files(pathlib.Path(path)) for path in sys.argv[1:])
differing = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
for name in differing[:20]:
    print(f"{name}: in {' and '.join(sys.argv[1:])} differs")
print(f"{len(one)} files of {sys.argv[1]}, {len(other)} of {sys.argv[2]}, {len(differing)} differ")
sys.exit(1 if differing or not one else 0)
