"""Exchanges random stores with Heed, through zarr and xarray.

    exchange_stores.py check|write FOLDER

Below FOLDER stand runs, each with the values of its layers beside it as Heed reads them,
RUN.values/LAYER.npy: [call, ...], NaN where a call was not recorded. `check` compares them, and the
coordinates with calls.jsonl. `write` puts other numbers in their place with zarr, and into the files what
Heed shall read then.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import xarray as xr
import zarr

warnings.simplefilter("error")
COORDINATES = {"call": "call", "step": "step", "timestep": "timestep", "attempt": "attempt"}


def check(run, values, calls):
    """How many arrays are as they shall be."""
    group = zarr.open_group(run / "attention.zarr", mode="r")
    count = 0
    with xr.open_zarr(run / "attention.zarr", mask_and_scale=False) as data:
        for path in sorted(values.glob("*.npy")):
            layer, expected = path.stem, np.load(path)
            for found in [group[layer][...], data[layer].values]:
                found = found[: len(calls)].astype("f4")
                assert found.shape == expected.shape, (path, found.shape, expected.shape)
                assert np.array_equal(found, expected, equal_nan=True), path
            count += 1
        for name, key in COORDINATES.items():
            found = np.asarray(data[name].values[: len(calls)], dtype="f8")
            assert np.array_equal(found, [call[key] for call in calls]), (run, name)
            count += 1
        for name in data.variables:
            if name not in COORDINATES and not (values / f"{name}.npy").exists():
                assert data[name].shape == group[name].shape, (run, name)
                count += 1
    return count


def write(run, values, calls):
    """How many chunks were written, each a file."""
    count = 0
    group = zarr.open_group(run / "attention.zarr", mode="r+")
    random = np.random.default_rng(len(calls))
    layers = [path.stem for path in sorted(values.glob("*.npy"))]
    for layer in layers:
        array = group[layer]
        expected = np.full((len(calls), *array.shape[1:]), np.nan, dtype="f4")
        for call in calls:
            if layer not in call["checksums"]:
                continue
            number = call["call"]
            numbers = random.random(array.shape[1:]).astype(array.dtype)
            array[number] = numbers
            expected[number] = numbers
            # Zarr's codec puts the checksum of a chunk behind it; the journal has it too.
            chunk = run / "attention.zarr" / layer / ("c." + ".".join([str(number)] + ["0"] * (array.ndim - 1)))
            count += 1
            call["checksums"][layer] = int.from_bytes(chunk.read_bytes()[-4:], "little")
        np.save(values / f"{layer}.npy", expected)
    (run / "calls.jsonl").write_text("".join(json.dumps(call) + "\n" for call in calls))
    return count


def main():
    count = 0
    for run in sorted(pathlib.Path(sys.argv[2]).iterdir()):
        if run.suffix == ".values":
            continue
        calls = [json.loads(line) for line in (run / "calls.jsonl").read_text().splitlines()]
        count += {"check": check, "write": write}[sys.argv[1]](run, run.with_suffix(".values"), calls)
    print(count)


if __name__ == "__main__":
    main()
