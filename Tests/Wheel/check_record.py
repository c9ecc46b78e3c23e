"""Checks a wheel against its RECORD: every file is named, has its hash and its size, and no other is."""

import base64
import csv
import hashlib
import io
import re
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    names = wheel.namelist()
    [record] = [name for name in names if name.endswith(".dist-info/RECORD")]
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(wheel.read(record).decode()))}
    assert len(names) == len(set(names)), "a name is there twice"
    assert rows.keys() == set(names), rows.keys() ^ set(names)
    assert rows.pop(record) == ["", ""], "RECORD has no hash of itself"
    for name, (digest, size) in rows.items():
        data = wheel.read(name)
        hashed = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert (digest, int(size)) == (f"sha256={hashed}", len(data)), name
    folder = record.removesuffix("RECORD")
    tag = [line for line in wheel.read(folder + "WHEEL").decode().splitlines() if line.startswith("Tag: ")]
    assert sys.argv[1].endswith(f"-{tag[0].removeprefix('Tag: ')}.whl"), tag
    metadata = wheel.read(folder + "METADATA").decode().splitlines()
    licences = [line.removeprefix("License-File: ") for line in metadata if line.startswith("License-File: ")]
    below = folder + "licenses/"
    inside = {name.removeprefix(below) for name in names if name.startswith(below)}
    assert set(licences) == inside, set(licences) ^ inside
    table = wheel.read(folder + "licenses/LIBRARIES.txt").decode()
    rows_of_table = {line.split("  ")[0].strip() for line in table.splitlines() if "https://" in line}
    for name in names:
        if re.match(r"heed_command/(lib/|libc/.*\.so|heed\.loader)", name):
            assert name.removeprefix("heed_command/") in rows_of_table, f"LIBRARIES.txt has no {name}"
print(f"{len(names)} files, {len(inside)} of them licences")
