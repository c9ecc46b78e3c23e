"""Opens packed runs with zarr-python, xarray and heed_reader, and compares them with the same runs unpacked.

    python read_packed.py UNPACKED PACKED [UNPACKED PACKED …]

Prints how much was compared.
"""

import os
import sys
import warnings

import numpy as np
import xarray as xr
import zarr

root = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(root, "..", "..", "..", "..", "notebooks-export"))
import heed_reader  # noqa: E402

warnings.simplefilter("error")
counts = {"arrays": 0, "variables": 0, "maps": 0, "files": 0}


def same(got, expected, what):
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: {got.shape}, expected {expected.shape}"
    assert np.array_equal(got, expected, equal_nan=got.dtype.kind == "f"), what


def compare(unpacked, packed):
    there = zarr.open_group(os.path.join(unpacked, "attention.zarr"), mode="r")
    here = zarr.open_group(os.path.join(packed, "attention.zarr"), mode="r")
    assert dict(here.attrs) == dict(there.attrs)
    for name, array in here.arrays():
        codec = array.metadata.codecs[0]
        assert type(codec).__name__ == "ShardingCodec", name
        assert str(codec.index_location).endswith("end"), name
        assert [type(one).__name__ for one in codec.index_codecs] == ["BytesCodec", "Crc32cCodec"], name
        assert codec.chunk_shape == there[name].chunks, name
        assert array.dtype == there[name].dtype and dict(array.attrs) == dict(there[name].attrs), name
        same(array[:], there[name][:], name)
        # A part, which reads some chunks of the shard alone.
        same(array[-1:], there[name][-1:], name)
        folder = os.path.join(packed, "attention.zarr", name)
        files = os.listdir(folder) if os.path.isdir(folder) else []
        if files:
            assert len(files) == 1, f"{folder}: {files}"
        else:
            same(array[:], np.full(array.shape, array.fill_value, array.dtype), f"{name} without a file")
        counts["arrays"] += 1
    left = {name for name, _ in there.arrays()} - {name for name, _ in here.arrays()}
    for name in left:
        same(there[name][:], np.arange(there[name].shape[0]), name)
    old = xr.open_zarr(os.path.join(unpacked, "attention.zarr"))
    new = xr.open_zarr(os.path.join(packed, "attention.zarr"))
    for name in old.variables:
        same(new[name], old[name], name)
        counts["variables"] += 1
    first, second = heed_reader.open(unpacked), heed_reader.open(packed)
    assert first.vocabulary == second.vocabulary and first.layers == second.layers
    for layer in first.layers:
        assert first.array(layer).identical(second.array(layer)), layer
        counts["maps"] += 1
    assert first.words().identical(second.words())
    assert first.words(each_step=True).identical(second.words(each_step=True))
    counts["files"] += sum(len(files) for _, _, files in os.walk(packed))


arguments = sys.argv[1:]
for one, other in zip(arguments[::2], arguments[1::2]):
    compare(one, other)
print(", ".join(f"{count} {what}" for what, count in counts.items()))
