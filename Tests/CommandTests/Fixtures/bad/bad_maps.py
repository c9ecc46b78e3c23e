"""Runs whose maps hold numbers that are no probabilities, and imports of such maps."""

import json
import math
import struct

from bad_shards import CALLS, CHUNK, RUN, SHARD, crc32c
from make_bad_files import tree

STORE = "attention.zarr/"
PIECES = ["<|startoftext|>", "a</w>", "cat</w>", "<|endoftext|>"]


def npy(shape, values, kind="<f4"):
    code = {"<f4": "f", "<f8": "d", "<f2": "e"}[kind]
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {tuple(shape)}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}{code}", *values)


def recorded(change):
    """The packed run with other values in the layer that the loss reads, and checksums that fit them.

    `change` makes a chunk's values, which are `[head, row, column, token]`, into others.
    """
    run = tree(RUN)
    shard = run[SHARD]
    lines = [json.loads(line) for line in run["calls.jsonl"].splitlines()]
    chunks = b""
    for call in range(CALLS):
        values = list(struct.unpack(f"<{(CHUNK - 4) // 4}f", shard[call * CHUNK:(call + 1) * CHUNK - 4]))
        content = struct.pack(f"<{len(values)}f", *change(values))
        lines[call]["checksums"]["mid.attn"] = crc32c(content)
        chunks += content + struct.pack("<I", crc32c(content))
    run[SHARD] = chunks + shard[len(chunks):]
    run["calls.jsonl"] = "".join(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines).encode()
    return run


def every(value):
    return lambda values: [value] * len(values)


def cell(value, place=2):
    """The first cell of the word that is the third of six tokens, in both heads."""
    def change(values):
        for head in range(2):
            values[head * 36 + place] = value
        return values
    return change


def maps(group):
    def draw(name, change, holds=(), words=(), **more):
        files = {"run/" + path: content for path, content in recorded(change).items()}
        for command, output in [("sheet", "sheet.svg"), ("report", "report.html")]:
            group.add(
                f"{name}, {command}", [command, "run", "-o", output], 0, words if command == "sheet" else [], files, lines=None, stdout=[], seconds=3,
                mebibytes=256, written=[output], holds={output: list(holds) if command == "sheet" else []},
                lacks={output: [">nan<", ">inf<", ">-inf<", "NaN"] if command == "sheet" else [":nan", ":NaN", ":inf"]},
                **more)

    def imported(name, words, shape, values, code=65, kind="<f4", **more):
        if code == 0:
            more = {"stdout": ["a-cat/imported/seed-0"], "lines": None, "written": ["runs"], **more}
        group.add(
            name, ["import", "maps.npy", "--axes", "row,column,token", "--tokens", "tokens.json", "--subjects", "cat"],
            code, words, {"tokens.json": json.dumps(PIECES).encode(), "maps.npy": npy(shape, values, kind)}, **more)

    quarter = [0.25] * 16

    # Imports are refused by the place of the number.
    imported("a map of NaN", ["maps.npy", "step 0", "nan", "expected a probability"], (2, 2, 4), [math.nan] * 16)
    imported("one cell of NaN", ["row 1, column 0, token 2", "nan", "expected a probability"], (2, 2, 4),
             quarter[:10] + [math.nan] + quarter[11:])
    imported("an infinite number", ["inf", "expected a probability"], (2, 2, 4), quarter[:5] + [math.inf] + quarter[6:])
    imported("a number that is infinite and negative", ["-inf", "expected a probability"], (2, 2, 4), quarter[:5] + [-math.inf] + quarter[6:])
    imported("a negative number", ["-0.25", "expected a probability"], (2, 2, 4), quarter[:5] + [-0.25] + quarter[6:])
    imported("a number of float64 that float32 does not hold", ["inf", "expected a probability"], (2, 2, 4),
             quarter[:5] + [1e300] + quarter[6:], kind="<f8")
    imported("a map of zeros", ["sum to 0"], (2, 2, 4), [0.0] * 16, code=0)
    imported("a map of one number", [], (2, 2, 4), quarter, code=0)
    imported("a map of denormal numbers", ["not to 1"], (2, 2, 4), [1e-42] * 16, code=0)
    imported("rows that sum to 4", ["rows sum to 4"], (2, 2, 4), [1.0] * 16, code=0)
    imported("rows whose sum is beyond the largest number", ["not to 1"], (2, 2, 4), [3e38] * 16, code=0)
    imported("a map of one cell", [], (1, 1, 4), quarter[:4], code=0)
    imported("a map without rows", ["is empty"], (0, 2, 4), [], code=64)

    # A run whose store holds them is drawn.
    hatched = ["no value"]
    warning = ["warning: maps hold numbers that are NaN or infinite", "n/a"]
    draw("maps of NaN", every(math.nan), hatched, warning)
    draw("one cell of NaN", cell(math.nan), hatched, warning)
    draw("one infinite cell", cell(math.inf), hatched, warning)
    draw("one cell that is infinite and negative", cell(-math.inf), hatched, warning)
    draw("maps of zeros", every(0.0))
    draw("maps of one number", every(1 / 6))
    draw("negative maps", every(-0.5))
    draw("denormal maps", every(1e-42))
    draw("maps whose rows sum to 6", every(1.0))
    draw("maps of the largest number", every(3.4e38))

    # Losses.
    for what, text, words in [("NaN", "NaN", ["calls.jsonl", "line 1"]), ("infinite", "1e999", ["calls.jsonl", "line 1"])]:
        run = recorded(list)
        first, rest = run["calls.jsonl"].split(b"\n", 1)
        first = first.replace(b'"phase"', b'"measurement":{"loss":' + text.encode() + b',"maxima":[0.1,0.2]},"phase"')
        run["calls.jsonl"] = first + b"\n" + rest
        group.add(f"a loss that is {what}", ["sheet", "run", "-o", "sheet.svg"], 65, words,
                  {"run/" + path: content for path, content in run.items()})


GROUPS = {"maps": (16, maps)}
