"""Opens exports that are one file or store, and compares their maps with those of the runs.

    read_alone.py RUN [RUN ...] -- FILE [FILE ...]

`each-*` and `layers-*` have an axis of calls, `mean-*` have none; `*-0` are of the first run. Prints how many
there were; ends with 1 and the place otherwise.
"""

import os
import sys

import numpy as np
import xarray as xr

sys.path.insert(0, os.path.join(os.path.dirname(__file__), *[os.pardir] * 4, "notebooks-export"))
import heed_reader  # noqa: E402


def opened(path):
    """The file by each of xarray's readers that can open it."""
    if path.endswith(".zarr"):
        return [xr.open_zarr(path)]
    if path.endswith(".safetensors"):
        return []
    with open(path, "rb") as file:
        form = file.read(4)
    # CDF-5 is what SciPy cannot read.
    engines = {b"CDF\2": ["scipy", "netcdf4"], b"CDF\5": ["netcdf4"]}[form]
    assert (form == b"CDF\5") == path.endswith("-1.nc"), path
    return [xr.open_dataset(path, engine=engine) for engine in engines]


def check(path, runs):
    maps = heed_reader.open(path)
    own = runs[:len(maps.runs)]
    assert [run.seed for run in maps.runs] == [run.runs[0].seed for run in own]
    for run, recorded in zip(maps.runs, own):
        for word in ["cat", "frog", "a#2"]:
            expected = recorded.map(word)
            got = maps.map(word, method=run.method_name, seed=run.seed)
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7, err_msg=path)
    for dataset in opened(path):
        assert [str(word) for word in dataset.word.values[:3]] == ["<start>", "a", "cat"]
        cat = dataset.set_xindex("word").sel(word="cat")
        assert "token" not in cat.dims or cat.sizes["token"] == 1
        if len(own) > 1:
            assert [int(seed) for seed in dataset.seed.values] == [run.runs[0].seed for run in own]
            found = dataset.set_xindex("seed").sel(seed=own[1].runs[0].seed)
            assert "run" not in found.dims
            assert set(dataset.method_name.values.tolist()) == {"attend-and-excite"}
        if not path.startswith("mean"):
            assert {str(phase) for phase in dataset.phase.values} == {"denoise"}
            assert {str(branch) for branch in dataset.branch.values} == {"conditional"}


end = sys.argv.index("--")
runs = [heed_reader.open(run) for run in sys.argv[1:end]]
for path in sys.argv[end + 1:]:
    check(path, runs)
print(f"{len(sys.argv) - end - 1} files")
