"""Opens stores as their users do, with xarray and with zarr, and reads all that they hold.

    open_stores.py attention.zarr ...

Zarr checks every chunk against its checksum as it reads. Prints how many stores and chunks there were.
"""

import pathlib
import sys
import warnings

import xarray as xr
import zarr

warnings.simplefilter("error")
chunks = 0
for path in sys.argv[1:]:
    dataset = xr.open_zarr(path).load()
    arrays = dict(zarr.open_group(path, mode="r").arrays())
    assert arrays and dataset.sizes["call"] > 0, path
    for name, array in arrays.items():
        assert array[...].shape == array.shape, f"{path} {name}"
    chunks += len(list(pathlib.Path(path).rglob("c.*")))
print(f"{len(sys.argv) - 1} stores, {chunks} chunks")
