"""Every kind of pipeline, recorded: the picture, the layers, the tokens, the rows, the files."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
import warnings
from collections import Counter
from typing import Any

import heed_record
import numpy as np
import tiny_pipelines
import torch
from PIL import Image
from recorded import Recorded
from repository import HEED, SCHEMA
from tiny_pipelines import NAMED, OTHERS, PROMPT, TinyPipeline

try:
    import jsonschema
except ImportError:
    jsonschema = None
try:
    import xarray
    import zarr
except ImportError:
    xarray = zarr = None

FLOAT16 = 2.0 ** -11
"""Half the distance from 1 to the next float16: the relative error of rounding."""


class PipelineTests:
    """What holds of every pipeline."""

    tiny: TinyPipeline
    alone: np.ndarray
    beside: np.ndarray
    recorded: Recorded
    before: dict[str, Any]
    after: dict[str, Any]

    @classmethod
    def setUpClass(cls) -> None:
        cls.pipeline = cls.tiny.make()
        cls.folder = tempfile.TemporaryDirectory()
        cls.alone = tiny_pipelines.result(cls.pipeline(prompt=PROMPT, **cls.tiny.arguments(seed=1)))
        cls.before = traces(cls.pipeline)
        with heed_record.Recorder(cls.pipeline, cls.folder.name, PROMPT, seed=1, subjects=["cat", "frog"]) as record:
            output = cls.pipeline(prompt=PROMPT, **cls.tiny.arguments(seed=1))
            picture = output.frames[0] if hasattr(output, "frames") else tiny_pipelines.pictures(output)[0]
            record.picture(picture)
        cls.after = traces(cls.pipeline)
        cls.beside = tiny_pipelines.result(output)
        cls.recorded = Recorded(cls.folder.name)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def test_the_picture_is_the_same_to_the_last_bit(self) -> None:
        self.assertGreater(self.alone.std(), 0)
        np.testing.assert_array_equal(self.beside, self.alone)

    def test_everything_is_as_before(self) -> None:
        self.assertEqual(self.after, self.before)

    def test_each_layer_that_reads_the_text_is_there_once(self) -> None:
        kinds = Counter(site["site"]["kind"] for site in self.recorded.sites.values())
        self.assertEqual(kinds, self.tiny.sites)
        names = dict(self.tiny.denoiser(self.pipeline).named_modules())
        self.assertLessEqual(set(self.recorded.sites), set(names))

    def test_the_grid_is_the_latents_own(self) -> None:
        grids = [site["site"]["grid"] for site in self.recorded.sites.values()]
        self.assertEqual(max((grid["rows"], grid["columns"]) for grid in grids), self.tiny.grid)
        for site in self.recorded.sites.values():
            self.assertEqual(site["site"].get("frames", 1), self.tiny.frames)

    def test_keys_are_counted(self) -> None:
        text = self.tiny.text + self.tiny.others
        cells = self.tiny.frames * self.tiny.grid[0] * self.tiny.grid[1]
        for site in self.recorded.sites.values():
            joint = site["site"]["kind"] == "joint"
            self.assertEqual(site["site"]["keys"], text + cells if joint else text)

    def test_the_text_stands_in_one_table_with_its_segments(self) -> None:
        text = self.recorded.tokens()
        self.assertEqual(text["prompt"], PROMPT)
        self.assertEqual([token["index"] for token in text["tokens"]], list(range(len(text["tokens"]))))
        self.assertEqual(len(text["tokens"]), self.tiny.text)
        self.assertEqual(text["encoder"], self.tiny.segments[0].encoder)
        segments = text.get("segments") or [text]
        self.assertEqual(
            [segment.get("encoder", text["encoder"]) for segment in segments],
            [segment.encoder for segment in self.tiny.segments])
        first = 0
        for segment, expected in zip(segments, self.tiny.segments):
            last = first + expected.length
            for place in [*segment["words"], *segment["padding"]]:
                self.assertTrue(first <= place <= last, f"{place} is not in {first}…{last}")
            for mark in ["start", "end"]:
                if mark in segment:
                    self.assertEqual(text["tokens"][segment[mark]]["special"], mark)
            first = last

    def test_a_word_has_its_tokens_in_every_segment(self) -> None:
        for word in ["cat", "frog"]:
            self.assertEqual(self.recorded.pieces(word), [word] * len(self.tiny.segments))
        self.assertEqual([word["text"] for word in self.recorded.tokens()["words"]], PROMPT.split())
        self.assertEqual([subject["name"] for subject in self.recorded.manifest["subjects"]], ["cat", "frog"])
        words = {word["text"]: word["tokens"] for word in self.recorded.tokens()["words"]}
        for subject in self.recorded.manifest["subjects"]:
            self.assertEqual(subject["tokens"], words[subject["name"]])

    def test_every_row_sums_to_1(self) -> None:
        for path, site in self.recorded.sites.items():
            columns = site.get("summedColumns", [])
            self.assertEqual(len(site["tokens"]) + sum(column["keys"] for column in columns), site["site"]["keys"])
            for call in self.recorded.recorded_calls(path):
                rows = self.recorded.chunk(path, call).astype(np.float64).sum(-1)
                # A column's float16 is off by FLOAT16 of its value at most, and the values sum to 1.
                np.testing.assert_allclose(rows, 1, atol=2 * FLOAT16, rtol=0)

    def test_every_call_of_every_branch_is_in_the_journal(self) -> None:
        calls = self.recorded.calls
        self.assertEqual([call["call"] for call in calls], list(range(len(calls))))
        steps = len(self.recorded.manifest["timesteps"])
        self.assertEqual(steps, 2)
        branches = Counter(call["branch"] for call in calls)
        self.assertEqual(branches["conditional"], steps)
        self.assertEqual(branches["unconditional"], steps if self.tiny.guidance == "cfg" else 0)
        self.assertEqual((self.recorded.manifest.get("guidance") or {"kind": "cfg"})["kind"], self.tiny.guidance)
        for call in calls:
            self.assertEqual(call["timestep"], self.recorded.manifest["timesteps"][call["step"]])
            recorded = call["branch"] == "conditional"
            self.assertEqual(set(call["checksums"]), set(self.recorded.sites) if recorded else set())

    def test_times_are_the_schedulers_own(self) -> None:
        times = self.recorded.manifest["timesteps"]
        self.assertEqual(times, sorted(times, reverse=True))
        self.assertTrue(all(0 <= time <= 1000 for time in times) and times[0] > 200, times)

        for name in ["sigmas", "denoiserTimes"]:
            if name in self.recorded.manifest:
                self.assertEqual(len(self.recorded.manifest[name]), len(times), name)

    def test_what_was_recorded_by_what_is_stored(self) -> None:
        recorder = self.recorded.manifest["provenance"]["recorder"]
        coverage = recorder["coverage"]
        self.assertEqual(coverage["recorded"], len(self.recorded.sites))
        self.assertEqual(coverage["layers"], coverage["recorded"] + len(coverage["left"]))
        names = dict(self.tiny.denoiser(self.pipeline).named_modules())
        for left in coverage["left"]:
            self.assertIn(left["path"], names)
            self.assertNotIn(left["path"], self.recorded.sites)
            self.assertTrue(left["reason"])
        self.assertEqual(recorder["versions"]["torch"], torch.__version__)
        self.assertEqual(recorder["versions"]["numpy"], np.__version__)
        self.assertEqual(self.recorded.manifest["model"]["pipeline"], type(self.pipeline).__name__)
        self.assertEqual(
            self.recorded.manifest["model"]["denoiser"], type(self.tiny.denoiser(self.pipeline)).__name__)

    def test_the_picture_is_stored(self) -> None:
        with Image.open(os.path.join(self.recorded.path, "image.png")) as file:
            stored = np.asarray(file.convert("RGB"))
        shown = self.beside if self.beside.ndim == 3 else self.beside[len(self.beside) // 2]
        np.testing.assert_array_equal(stored, shown)
        self.assertEqual(
            (self.recorded.manifest["height"], self.recorded.manifest["width"]), shown.shape[:2])
        self.assertEqual(self.recorded.manifest.get("frames", 1), 1 if self.beside.ndim == 3 else len(self.beside))

    @unittest.skipUnless(jsonschema, "jsonschema is not installed")
    def test_the_manifest_follows_the_schema(self) -> None:
        with open(SCHEMA, encoding="utf-8") as file:
            schema = json.load(file)
        validator = jsonschema.Draft202012Validator
        validator.check_schema(schema)
        problems = [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
            for error in validator(schema).iter_errors(self.recorded.manifest)]
        self.assertEqual(problems, [])

    @unittest.skipUnless(xarray, "xarray and zarr are not installed")
    def test_xarray_opens_the_store_without_a_warning(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            store = xarray.open_zarr(self.recorded.store, chunks=None)
        for path, site in self.recorded.sites.items():
            self.assertEqual(store[path].sizes["call"], len(self.recorded.calls))
            self.assertEqual(store[path].shape[1], 1 if "reducedHeads" in site else len(site["heads"]))
            for call in self.recorded.recorded_calls(path):
                np.testing.assert_array_equal(store[path][call].values, self.recorded.chunk(path, call))
        self.assertEqual(list(store.call.values), list(range(len(self.recorded.calls))))

    def test_the_recorder_finds_nothing_wrong_with_it(self) -> None:
        self.assertEqual(heed_record.check(self.recorded.path), [])

    @unittest.skipUnless(HEED, "HEED names no built heed")
    def test_heed_finds_nothing_wrong_with_it(self) -> None:
        answer = subprocess.run([HEED, "check", self.recorded.path], capture_output=True, text=True)
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        self.assertIn("0 problems", answer.stdout)


def traces(pipeline: Any) -> dict[str, Any]:
    """Whatever a recorder could leave behind: hooks, processors, methods put in the place of others, modes."""
    left: dict[str, Any] = {"modes": torch.overrides._get_current_function_mode_stack()}
    for part, model in pipeline.components.items():
        if isinstance(model, torch.nn.Module):
            for name, module in model.named_modules():
                hooks = sum(
                    len(getattr(module, kind)) for kind in
                    ["_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"])
                own = sorted(key for key, value in vars(module).items() if callable(value))
                left[f"{part}.{name}"] = (hooks, own, type(getattr(module, "processor", None)))
        elif model is not None:
            left[part] = sorted(key for key, value in vars(model).items() if callable(value))
    left["pipeline"] = (type(pipeline), sorted(key for key, value in vars(pipeline).items() if callable(value)))
    return left


for name, tiny in {**NAMED, **OTHERS}.items():
    title = "".join(part.capitalize() for part in name.split("-"))
    globals()[f"{title}Tests"] = type(f"{title}Tests", (PipelineTests, unittest.TestCase), {"tiny": tiny})
