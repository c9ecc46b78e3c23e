"""Opens tables in DuckDB's strict reader, and compares them with what Python's own reader finds.

    read_csv.py FILE [FILE ...]

A file has one line end throughout, after its last line too. Prints how many there were; ends with 1 and
the place otherwise.
"""

import csv
import sys

import duckdb


def check(path):
    with open(path, "rb") as file:
        data = file.read()
    assert data.endswith(b"\r\n"), f"{path}: the last line has no end"
    assert data.count(b"\n") == data.count(b"\r") == data.count(b"\r\n"), f"{path}: line ends differ"
    with open(path, newline="") as file:
        header, *rows = list(csv.reader(file, strict=True))
    assert rows and len(set(header)) == len(header) and all(len(row) == len(header) for row in rows), path
    for options in ["", ", all_varchar = true"]:
        table = duckdb.sql(f"FROM read_csv('{path}', strict_mode = true, header = true{options})")
        assert table.columns == header, f"{path}: {table.columns}, expected {header}"
        found = table.fetchall()
        assert len(found) == len(rows), f"{path}: {len(found)} rows, expected {len(rows)}"
    assert [[cell or "" for cell in row] for row in found] == rows, path


for path in sys.argv[1:]:
    check(path)
print(f"{len(sys.argv) - 1} files")
