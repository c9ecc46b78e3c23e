"""Opens a store with recorded queries in xarray, and checks all that it holds of them.

    python3 -m venv venv && venv/bin/pip install numpy xarray zarr
    venv/bin/python check_queries.py [queries/attention.zarr]

The store beside this file was written by the test "The committed stores are what is written"; its
queries follow the formula of Tests/RecordingProbe/SyntheticRun.swift, repeated here.
"""

import pathlib
import sys
import warnings

import numpy as np
import xarray as xr

warnings.simplefilter("error")
path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else (
    pathlib.Path(__file__).parent / "queries" / "attention.zarr")

ds = xr.open_zarr(path)
print(ds)
kept = ds["phase"].values == 2
assert kept.sum() == 4 and ds.sizes["call"] == 8
assert [site["path"] for site in ds.attrs["queries"]] == [
    "down_blocks.0.attentions.0.transformer_blocks.0.attn2",
    "mid_block.attentions.0.transformer_blocks.0.attn2",
]
checked = 0
for site in ds.attrs["queries"]:
    grid, width = site["grid"], site["width"]
    queries = ds[site["path"] + ".queries"]
    assert queries.dims == (
        "call", "row_%d" % grid["rows"], "column_%d" % grid["columns"], "width_%d" % width)
    assert queries.dtype == np.float16
    assert queries.attrs["long_name"] == "cross-attention queries"
    assert queries.attrs["heads"] == site["heads"]
    assert queries.attrs["scale"] == 1 / np.sqrt(width // site["heads"])
    assert set(queries.coords) >= {"step", "branch", "phase"}
    for call in range(ds.sizes["call"]):
        got = queries.isel(call=call).values
        if not kept[call]:
            assert np.isnan(got).all()
            continue
        place = np.arange(grid["rows"] * grid["columns"] * width)
        want = ((place * 5 + call * 17) % 97 - 48) / 8
        assert np.array_equal(got, want.reshape(got.shape)), (site["path"], call)
        checked += 1

print(f"ok: queries of {checked} chunks")
