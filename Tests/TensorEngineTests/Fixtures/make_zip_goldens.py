"""Writes the zip files that StoredZip is held against.

    small.npz       what np.savez makes of two arrays
    far.directory   the directory and the end of an archive whose members lie beyond 2 and 4 GiB,
                    as Python's zipfile writes them; the members are left out
"""

import io
import os
import zipfile

import numpy as np

FOLDER = os.path.join(os.path.dirname(__file__), "zip")


class Far(io.BytesIO):
    """A file that begins where the members of a large archive would end."""

    def __init__(self, start):
        super().__init__()
        self.start = start

    def tell(self):
        return super().tell() + self.start


def main():
    os.makedirs(FOLDER, exist_ok=True)
    np.savez(
        os.path.join(FOLDER, "small.npz"), first=np.arange(6, dtype="<f4").reshape(2, 3),
        second=np.array([1, -1], "|i1"))
    archive = zipfile.ZipFile(io.BytesIO(), "w")
    entries = [("a.npy", 100, 0), ("b.npy", 3 << 30, 300), ("c.npy", 5 << 30, (3 << 30) + 600),
               ("d.npy", 7, (8 << 30) + 900)]
    for number, (name, size, offset) in enumerate(entries):
        info = zipfile.ZipInfo(name)
        info.file_size = info.compress_size = size
        info.CRC = 0x01020304 * (number + 1)
        info.header_offset = offset
        info.external_attr = 0o600 << 16
        info.create_version = info.extract_version = 45
        archive.filelist.append(info)
    far = Far((8 << 30) + 1000)
    archive.fp, archive.start_dir = far, far.tell()
    archive._write_end_record()
    with open(os.path.join(FOLDER, "far.directory"), "wb") as file:
        file.write(far.getvalue())
    archive.fp = None


main()
