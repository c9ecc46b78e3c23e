"""Opens a recorded store as its users do, with xarray, and checks all that it holds.

    python3 -m venv venv && venv/bin/pip install numpy xarray zarr
    venv/bin/python check_store.py [store/attention.zarr]

The store beside this file was written by the test "The committed store is what is written"; its
maps follow the formula of Tests/RecordingProbe/SyntheticRun.swift, repeated here.
"""

import pathlib
import shutil
import sys
import tempfile
import warnings

import numpy as np
import xarray as xr

warnings.simplefilter("error")
path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else (
    pathlib.Path(__file__).parent / "store" / "attention.zarr")

ds = xr.open_zarr(path)
print(ds)
calls = ds.sizes["call"]
names = ["unconditional", "conditional"]
assert set(ds.coords) >= {"call", "step", "timestep", "branch", "phase", "attempt", "loss"}
assert list(ds["call"].values) == list(range(calls))
assert ds["branch"].attrs["flag_meanings"] == "unconditional conditional"
assert ds["phase"].attrs["flag_meanings"] == "loss refinement denoise"
assert list(ds["token"].values) == list(range(7))
assert ds["token"].attrs["pieces"][5] == "frog</w>"
assert ds.attrs["prompt"] == "a cat and a frog"

# Loss pass, then (in step 0) two tries of refinement, then both branches of the denoising pass.
rows = []
for step in range((calls - 2) // 3):
    rows.append((step, "loss", 0, "conditional"))
    if step == 0:
        rows += [(step, "refinement", 1, "conditional"), (step, "refinement", 2, "conditional")]
    rows += [(step, "denoise", 0, "unconditional"), (step, "denoise", 0, "conditional")]
assert len(rows) == calls
for call, (step, phase, attempt, branch) in enumerate(rows):
    at = ds.isel(call=call)
    assert at["step"] == step and at["attempt"] == attempt and at["timestep"] == 1000 - step
    assert at["phase"] == ["loss", "refinement", "denoise"].index(phase)
    assert at["branch"] == names.index(branch)
    loss = np.float32(1) / np.float32(2 + step + attempt)
    assert np.isnan(at["loss"]) if phase == "denoise" else at["loss"].values == loss

checked = 0
for site in ds.attrs["sites"]:
    layer, grid = site["site"], site["site"]["grid"]
    maps = ds[layer["path"]]
    kind = "key_%d" % layer["keys"] if layer["kind"] == "self" else "token"
    heads = layer["heads"]
    assert maps.dims == (
        "call", "head_%d" % heads, "row_%d" % grid["rows"], "column_%d" % grid["columns"], kind)
    assert list(ds["head_%d" % heads].values) == site["heads"]
    assert maps.dtype == np.float16
    for call in range(calls):
        t, p, h = np.arange(layer["keys"]), np.arange(grid["rows"] * grid["columns"]), np.arange(heads)
        top = 1 + (t * 7 + p[:, None] * 3 + h[:, None, None] * 5 + call * 11) % 13
        top = top.astype(np.float32)
        want = (top / top.sum(-1, keepdims=True)).astype(np.float16).reshape(maps.shape[1:])
        got = maps.isel(call=call)
        assert np.array_equal(got.values, want), (layer["path"], call)
        assert np.allclose(got.values.astype(np.float32).sum(-1), 1, atol=2e-3)
        checked += 1

with tempfile.TemporaryDirectory() as folder:
    copy = pathlib.Path(folder) / "copy.zarr"
    shutil.copytree(path, copy)
    layer = ds.attrs["sites"][0]["site"]["path"]
    chunk = copy / layer / "c.0.0.0.0.0"
    data = bytearray(chunk.read_bytes())
    data[5] ^= 1
    chunk.write_bytes(data)
    try:
        xr.open_zarr(copy)[layer].isel(call=0).load()
    except ValueError as error:
        assert "checksum" in str(error), error
    else:
        raise AssertionError("a flipped bit was not noticed")
    chunk.unlink()
    assert np.isnan(xr.open_zarr(copy)[layer].isel(call=0).values).all()

print(f"ok: {checked} maps of {calls} calls, one flipped bit and one missing chunk")
