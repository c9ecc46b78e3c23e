"""Opens exports of heed with the libraries they are made for, and compares what these read with
what xarray reads of the runs' own stores.

    read_export.py [--r RSCRIPT] EXPORT RUN [RUN ...] [-- EXPORT RUN ...]

Every format that an export's manifest names is opened; every line of its README that opens
something is run as it stands there. Prints what was checked; ends with 1 and the place otherwise.
"""

import io
import json
import os
import re
import subprocess
import sys
import warnings
import zipfile
from collections import Counter

import duckdb
import jsonschema
import netCDF4
import numpy as np
import pandas as pd
import safetensors
import safetensors.numpy
import xarray as xr
import zarr

sys.path.insert(0, os.path.join(os.path.dirname(__file__), *[os.pardir] * 4, "notebooks-export"))
import heed_reader  # noqa: E402

try:
    import torch
    import safetensors.torch
except ImportError:
    torch = None

CHECKED = Counter()


def same(got, expected, what):
    """Equal in shape, type and every number, NaN where NaN is expected."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: {got.shape}, expected {expected.shape}"
    assert got.dtype == expected.dtype, f"{what}: {got.dtype}, expected {expected.dtype}"
    np.testing.assert_array_equal(got, expected, err_msg=what)


def labels(axis):
    return axis.get("labels") or list(range(axis["size"]))


def plain(values):
    """An array with its texts in NumPy's own type."""
    values = np.asarray(values)
    if values.dtype.kind not in "OT":
        return values
    texts = [str(text) for text in values.ravel()]
    return np.array(texts, dtype=str).reshape(values.shape)


def expected_layer(array, stores, calls):
    """A layer's maps as the runs' own stores have them, in the selection of the export."""
    heads, tokens = labels(array["axes"][-4]), labels(array["axes"][-1])
    runs = []
    for store, own in zip(stores, calls):
        maps = store[array["layer"]]
        _, head, _, _, key = maps.dims
        maps = maps.isel(call=own)
        maps = maps.sel({head: heads}) if head in maps.coords else maps.isel({head: heads})
        maps = maps.sel({key: tokens}) if key in maps.coords else maps.isel({key: tokens})
        runs.append(maps.values)
    values = np.stack(runs) if len(stores) > 1 else runs[0]
    return values.astype(array["dtype"])


def expected_recipe(manifest, array, stores):
    """The maps of `mean(head) mean(layer: GRID) mean(step)`, in double precision."""
    found = re.fullmatch(
        r"mean\(head\) mean\(layer: (\d+)x(\d+)\) mean\(step\) conditional denoise",
        manifest["recipe"])
    if not found:
        return None
    grid = tuple(map(int, found.groups()))
    tokens = labels(array["axes"][-1])
    runs = []
    for store in stores:
        taken = ((store.branch == 1) & (store.phase == 2)).values
        if manifest["selection"].get("steps"):
            first, last = manifest["selection"]["steps"]
            taken &= ((store.step >= first) & (store.step <= last)).values
        layers = [
            maps.values[taken].astype(float) for name, maps in store.data_vars.items()
            if maps.ndim == 5 and maps.shape[2:4] == grid and name.endswith("attn2")
        ]
        steps = np.mean([layer.mean(axis=1) for layer in layers], axis=0)
        steps = steps[..., tokens]
        runs.append(steps if len(array["axes"]) - (len(stores) > 1) == 4 else steps.mean(axis=0))
    return np.stack(runs) if len(stores) > 1 else runs[0]


def read_all(folder, manifest):
    """Every array of the manifest as each of its formats has it: {format: {name: array}}."""
    read = {}
    for array in manifest["arrays"]:
        name = array["name"]
        for form, place in array["files"].items():
            path = f"{folder}/{place}"
            if form == "npy":
                value = np.load(path, mmap_mode="r", allow_pickle=False)
                assert isinstance(value, np.memmap)
            elif form == "npz":
                value = np.load(path, allow_pickle=False)[name]
            elif form == "safetensors":
                value = safetensors.numpy.load_file(path)[name]
            elif form == "netcdf":
                value = read_netcdf(path, array)
            elif form in ("zarr", "zarr2"):
                store = os.path.dirname(path)
                assert zarr.open_group(store, mode="r").metadata.zarr_format == (
                    3 if form == "zarr" else 2)
                opened = xr.open_zarr(store)
                assert list(opened[name].dims) == [axis["name"] for axis in array["axes"]]
                value = opened[name].values
            else:
                value = read_long_table(folder, path, array)
            read.setdefault(form, {})[name] = plain(value)
            CHECKED[form] += 1
    return read


def read_netcdf(path, array):
    """The same by both libraries that read the format, in the type that the manifest names."""
    read = []
    for engine in ["scipy", "netcdf4"]:
        with xr.open_dataset(path, engine=engine) as opened:
            assert list(opened[array["name"]].dims) == [axis["name"] for axis in array["axes"]]
            read.append(plain(opened[array["name"]].values))
    np.testing.assert_array_equal(*read)
    value = read[0]
    if array["dtype"] == "string":
        return value
    # Halves and unsigned numbers are wider or narrower there, and the same numbers.
    assert value.dtype == {"float16": "f4", "uint64": "i4"}.get(array["dtype"], array["dtype"])
    return value.astype(array["dtype"])


def read_long_table(folder, path, array):
    table = pd.read_csv(path)
    axes = [axis["name"] for axis in array["axes"]]
    calls = exported(folder) if "position" in axes else None
    runs = labels(array["axes"][0]) if axes[0] == "run" else [0]
    rest = [axis for axis in array["axes"] if axis["name"] not in ("run", "position")]
    names = [axis["name"].split("_")[0] for axis in rest]
    leading = ["run"] + ["call"] * (calls is not None) + ["layer"] * ("layer" in array)
    assert list(table.columns) == leading + names + ["value"], table.columns
    begins = [(run, call) if calls is not None else (run,)
              for run in runs for call in (calls[run] if calls is not None else [None])]
    index = pd.MultiIndex.from_tuples(
        [begin + place for begin in begins for place in np.ndindex(*[a["size"] for a in rest])])
    places = table[leading[:len(begins[0])]].copy()
    for name, axis in zip(names, rest):
        places[name] = pd.Index(labels(axis)).get_indexer(table[name])
    assert (pd.MultiIndex.from_frame(places) == index).all()
    if "layer" in array:
        assert (table.layer == array["layer"]).all()
    shape = [axis["size"] for axis in array["axes"]]
    return table.value.to_numpy(np.float32).reshape(shape).astype(array["dtype"])


def exported(folder):
    """The calls along the arrays' axis of calls, by run."""
    table = pd.read_csv(f"{folder}/tables/calls.csv").dropna(subset="position")
    return [own.sort_values("position").call.to_numpy() for _, own in table.groupby("run")]


def check_bytes(folder, manifest, read):
    """`.npy` and `.npz` are the bytes that NumPy writes; safetensors those of its own library."""
    if "npy" in read:
        for array in manifest["arrays"]:
            buffer = io.BytesIO()
            np.save(buffer, read["npy"][array["name"]])
            with open(f"{folder}/{array['files']['npy']}", "rb") as file:
                assert file.read() == buffer.getvalue(), f"{array['name']}.npy is not np.save's"
            CHECKED["npy bytes"] += 1
    if "npz" in read:
        # Members only: how zipfile writes a member's head changed within Python 3.11.
        with zipfile.ZipFile(f"{folder}/arrays/arrays.npz") as archive:
            assert archive.testzip() is None, "arrays.npz has a wrong sum"
            assert archive.namelist() == [a["name"] + ".npy" for a in manifest["arrays"]]
            for array in manifest["arrays"]:
                buffer = io.BytesIO()
                np.save(buffer, read["npz"][array["name"]])
                name = array["name"] + ".npy"
                assert archive.read(name) == buffer.getvalue(), f"{name} is not np.save's"
        CHECKED["npz bytes"] += 1
    if "safetensors" in read:
        with safetensors.safe_open(f"{folder}/arrays/arrays.safetensors", "np") as file:
            metadata = file.metadata()
        for array in manifest["arrays"]:
            names = " ".join(axis["name"] for axis in array["axes"])
            assert metadata["dimensions." + array["name"]] == names
            if array["dtype"] == "string":
                texts = json.loads(metadata[array["name"]])
                for form in read:
                    if array["name"] in read[form]:
                        assert list(read[form][array["name"]]) == texts


def check_arrays(folder, manifest, read, stores):
    """Every format has the same numbers, and they are those of the runs."""
    calls = exported_calls(folder, manifest, read, stores)
    forms = list(read)
    for array in manifest["arrays"]:
        name = array["name"]
        if array["kind"] == "maps" and array.get("layer"):
            expected = expected_layer(array, stores, calls)
        elif array["kind"] == "maps":
            expected = expected_recipe(manifest, array, stores)
            if expected is not None:
                got = read[forms[0]][name]
                np.testing.assert_allclose(got, expected, rtol=2e-6, atol=1e-7, err_msg=name)
                CHECKED["recipes"] += 1
            expected = read[forms[0]][name]
        else:
            expected = next(read[form][name] for form in forms if name in read[form])
        for form in forms:
            if name in read[form]:
                same(read[form][name], expected, f"{name} as {form}")
        if array["kind"] == "maps":
            assert np.isnan(expected).any() == (array["missing_blocks"] > 0), name


def exported_calls(folder, manifest, read, stores):
    """The calls along the arrays' axis of calls, by run; none without one."""
    calls = exported(folder)
    form = next((form for form in read if form != "csv"), None)
    if form is None or "step" not in read[form]:
        return calls
    own = read[form]
    numbers = np.array(calls, "i4")
    same(own["call"], numbers if len(stores) > 1 else numbers[0], "call")
    if form == "safetensors":
        return calls
    meanings = {"branch": ["unconditional", "conditional"],
                "phase": ["loss", "refinement", "denoise"]}
    for run, (store, numbers) in enumerate(zip(stores, calls)):
        for name in ["step", "timestep", "branch", "phase", "attempt"]:
            expected = store[name].values[numbers]
            expected = np.array(meanings[name])[expected] if name in meanings else expected
            assert (own[name] == expected).all(), name
        loss = own["loss"][run] if len(stores) > 1 else own["loss"]
        same(loss, store["loss"].values[numbers], "loss")
    CHECKED["coordinates"] += 1
    return calls


def check_tables(folder, manifest, runs, read):
    with open(f"{folder}/tables/schema.json") as file:
        dictionary = json.load(file)

    tables = {}
    for resource in dictionary["resources"]:
        fields = resource["schema"]["fields"]
        table = pd.read_csv(
            f"{folder}/tables/{resource['path']}", keep_default_na=False, na_values=[""],
            dtype={f["name"]: "str" for f in fields if f["type"] == "string"})
        assert list(table.columns) == [field["name"] for field in fields]
        for field in fields:
            column = table[field["name"]].dropna()
            if field["type"] == "integer":
                assert (column == column.astype("uint64")).all(), field
            elif field["type"] == "number":
                assert column.empty or column.dtype.kind in "if", field
        tables[resource["name"]] = table
        CHECKED["tables"] += 1
    for index, run in enumerate(runs):
        with open(f"{run}/calls.jsonl") as file:
            journal = [json.loads(line) for line in file if line.endswith("\n")]
        calls = tables["calls"][tables["calls"].run == index]
        assert list(calls.call) == [call["call"] for call in journal]
        losses = [(call.get("measurement") or {}).get("loss", np.nan) for call in journal]
        np.testing.assert_array_equal(calls.loss.to_numpy("f4"), np.array(losses, "f4"))
        scores = [
            value for call in journal for value in (call.get("measurement") or {}).get("scores", [])
        ]
        own = tables["scores"][tables["scores"].run == index]
        np.testing.assert_array_equal(own.score.to_numpy("f4"), np.array(scores, "f4"))
        with open(f"{run}/run.json") as file:
            made = json.load(file)
        prompt = made["texts"][0]
        assert [t["piece"] for t in manifest["tokens"]] == [t["piece"] for t in prompt["tokens"]]
        for role, branch, own in [("prompt", "conditional", "tokens"), ("negative", "unconditional", "negative_tokens")]:
            rows = tables["tokens"][tables["tokens"].branch == branch]
            if len(rows):
                text = next(text for text in made["texts"] if text["role"] == role)
                assert list(rows.piece) == [t["piece"] for t in text["tokens"]]
                assert [t["piece"] for t in manifest[own]] == list(rows.piece)
        assert tables["runs"].prompt[index] == prompt["prompt"]
        assert manifest["runs"][index]["seed"] == made["request"]["seed"]
        assert tables["runs"].method_name[index] == made["request"]["method"]["name"]
        if os.path.exists(f"{run}/image.png"):
            with open(f"{run}/image.png", "rb") as file, \
                    open(f"{folder}/{manifest['runs'][index]['picture']}", "rb") as copy:
                assert file.read() == copy.read()
            CHECKED["pictures"] += 1


def check_names(folder, manifest, read):
    """A name means one thing: all that share some are joined by all that they share, and give as many rows
    as the one whose rows are told apart, with DuckDB and with pandas; a column has one type."""
    paths = {resource: f"{folder}/tables/{resource}.csv" for resource in
             ["runs", "calls", "scores", "tokens"]}
    for array in manifest["arrays"]:
        if "csv" in array["files"]:
            paths[array["name"]] = f"{folder}/{array['files']['csv']}"
    frames = {}
    for name, path in paths.items():
        with open(path, "rb") as file:
            check_line_ends(file.read(), path)
        strict = f"read_csv('{path}', strict_mode = true, all_varchar = true, header = true)"
        frames[name] = pd.read_csv(path, keep_default_na=False, na_values=[""])
        assert duckdb.sql(f"SELECT count(*) FROM {strict}").fetchall()[0][0] == len(frames[name])
    arrays = next((read[form] for form in ("zarr", "npz", "npy") if form in read), {})
    places = {array["name"]: array for array in manifest["arrays"]}
    if "position" in arrays:
        axes = {axis["name"]: labels(axis) for axis in places["call"]["axes"]}
        stood = pd.MultiIndex.from_product(axes.values(), names=axes.keys()).to_frame(index=False)
        for name, array in places.items():
            own = [axis["name"] for axis in array["axes"]]
            if array["kind"] == "coordinate" and "position" in own:
                values = arrays[name]
                runs = len(axes.get("run", [0]))
                whole = values if own == list(axes) else np.tile(values, runs)
                stood[name] = whole.ravel()
        if "run" not in stood:
            stood["run"] = 0
        # What is measured in binary fractions is no key: a table has it in decimals.
        frames["arrays"] = stood.drop(columns=["timestep", "loss"])
    if "token" in arrays:
        branches = list(dict.fromkeys(frames["tokens"].branch))
        frames["words"] = pd.concat([
            pd.DataFrame({
                "branch": branch, "token": arrays["token"],
                **{name: arrays[name if len(branches) == 1 else f"{name}_{branch}"] for name in ("word", "piece")}})
            for branch in branches])
    rows = len(frames["calls"])
    for left, right, expected in [
        ("runs", "calls", rows), ("calls", "scores", len(frames["scores"])),
        ("runs", "scores", len(frames["scores"])),
        ("arrays", "calls", len(frames.get("arrays", []))),
        ("words", "tokens", len(frames.get("words", []))),
    ] + [(name, other, len(frames[name])) for name in paths if name in places
         for other in ("runs", "tokens", "calls")]:
        if left not in frames or right not in frames:
            continue
        a, b = frames[left], frames[right]
        if "token" in a and "branch" not in a and right == "tokens":
            # Of several branches each has rows of its own; which is meant is told by the calls.
            b = b[b.branch == b.branch.iloc[0]].drop(columns="branch")
        shared = [name for name in a.columns if name in b.columns]
        if other_axis_is_gone(shared, right):
            continue
        assert shared, (left, right)
        joined = a.merge(b, on=shared)
        assert len(joined) == expected, f"{left} and {right} by {shared}: {len(joined)}, not {expected}"
        duck = duckdb.sql("SELECT count(*) FROM a NATURAL JOIN b").fetchall()[0][0]
        assert duck == expected, f"{left} and {right} in DuckDB: {duck}, not {expected}"
        CHECKED["joins"] += 1


def other_axis_is_gone(shared, right):
    """Whether a map has no axis of what the table tells of: calls or tokens, over which it is a mean."""
    return {"calls": "call", "tokens": "token"}.get(right, "run") not in shared


def check_line_ends(text, path):
    assert text.endswith(b"\r\n") and text.count(b"\n") == text.count(b"\r\n") == text.count(b"\r"), path


def check_readme(folder, manifest, rscript):
    """Runs every line of the README that opens something."""
    names = {"duckdb": duckdb, "np": np, "pd": pd, "xr": xr, "safetensors": safetensors, "torch": torch}
    with open(f"{folder}/README.md") as file:
        lines = [re.match(r"(NumPy|xarray|pandas|DuckDB|PyTorch|R) {2,}(.*)", line) for line in file]
    first = next(array for array in manifest["arrays"] if array["kind"] == "maps")
    shape = [axis["size"] for axis in first["axes"]]
    for reader, line in (match.groups() for match in lines if match):
        if reader == "R":
            if rscript and "::" not in line:
                check_r(folder, line, first, shape, rscript)
        elif reader == "DuckDB":
            assert duckdb.sql(line).fetchall() or "scores" in line, line
            CHECKED["README DuckDB"] += 1
        elif reader != "PyTorch" or torch:
            value = eval(line, names)
            if reader != "pandas":
                assert list(value.shape) == shape or "read_csv" in line, line
            CHECKED[f"README {reader}"] += 1


def check_reader(folder, manifest, runs):
    """heed_reader opens the export and the runs, and both give the same maps."""
    if all(set(array["files"]) == {"csv"} for array in manifest["arrays"]):
        return
    opened = heed_reader.open(folder)
    assert opened.prompt == manifest["prompt"] and len(opened.runs) == len(runs)
    assert opened.dataset.method_name.dtype.kind == "U"
    assert all(opened.dataset[name].dtype.kind == "U" for name in opened.dataset.coords
               if re.match("word|piece", str(name)))
    assert len(opened.dataset.sel(run=opened.dataset.method_name == opened.methods[0]).run) >= 1
    found = re.fullmatch(
        r"mean\(head\) mean\(layer: (\S+)\) mean\(step\) conditional denoise",
        manifest.get("recipe", ""))
    pairs = [("maps", found[1])] if found else [
        (name, name) for name in opened.layers if not manifest.get("recipe")]
    steps = manifest["selection"].get("steps")
    heads = manifest["selection"].get("heads")
    word = [word for word in opened.vocabulary if not word.startswith("<")][-1]
    for path, run in zip(runs, opened.runs):
        own = heed_reader.open(path)
        assert (own.runs[0].seed, own.runs[0].method_name) == (run.seed, run.method_name)
        if heads is None and not manifest["missing_blocks"]:
            for layer, same_layer in pairs:
                got = opened.map(word, method=run.method_name, seed=run.seed, layers=layer)
                expected = own.map(word, layers=same_layer, steps=steps and tuple(steps))
                np.testing.assert_allclose(got, expected, rtol=2e-3, atol=1e-5, err_msg=layer)
                CHECKED["reader maps"] += 1
    html = opened._repr_html_()
    assert html.count("<img") == (1 + len(opened._shown)) * min(len(runs), 4) and len(html) < 200_000
    CHECKED["reader"] += 1


def check_r(folder, line, array, shape, rscript):
    code = (f"x <- {line}; if (is.data.frame(x)) cat(nrow(x)) else "
            "cat(dim(x), sprintf('%.12g', c(x[1], x[length(x)], sum(x, na.rm = TRUE))))")
    answer = subprocess.run(
        [rscript, "-e", code], cwd=folder, capture_output=True, text=True, check=True)
    got = answer.stdout.split()
    if "read.csv" not in line:
        place = next(f for f in ("npy", "npz") if array["files"].get(f, "?") in line)
        value = np.load(f"{folder}/{array['files'][place]}")
        value = value if place == "npy" else value[array["name"]]
        assert [int(n) for n in got[:len(shape)]] == shape, got
        expected = [value.flat[0], value.flat[-1], np.nansum(value, dtype=float)]
        np.testing.assert_allclose([float(n) for n in got[len(shape):]], expected, rtol=1e-9)
    elif "tables/" in line:
        assert int(got[0]) == len(pd.read_csv(f"{folder}/tables/calls.csv"))
    CHECKED["README R"] += 1


def check(folder, runs, rscript):
    folder, runs = os.path.abspath(folder), [os.path.abspath(run) for run in runs]
    with open(f"{folder}/manifest.json") as file:
        manifest = json.load(file)
    with open(f"{folder}/manifest.schema.json") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(manifest)
    CHECKED["manifests"] += 1
    stores = [xr.open_zarr(f"{run}/attention.zarr") for run in runs]
    read = read_all(folder, manifest)
    check_bytes(folder, manifest, read)
    check_arrays(folder, manifest, read, stores)
    check_tables(folder, manifest, runs, read)
    check_names(folder, manifest, read)
    check_reader(folder, manifest, runs)
    here = os.getcwd()
    os.chdir(folder)
    check_readme(folder, manifest, rscript)
    os.chdir(here)


def main(arguments):
    warnings.simplefilter("error", UserWarning)
    rscript = None
    if arguments[:1] == ["--r"]:
        rscript, arguments = arguments[1], arguments[2:]
    while arguments:
        end = arguments.index("--") if "--" in arguments else len(arguments)
        (folder, *runs), arguments = arguments[:end], arguments[end + 1:]
        try:
            check(folder, runs, rscript)
        except Exception as error:
            error.add_note(f"in {folder}")
            raise
    print(", ".join(f"{count} {name}" for name, count in sorted(CHECKED.items())))


main(sys.argv[1:])
