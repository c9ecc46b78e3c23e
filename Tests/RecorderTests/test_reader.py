"""heed_reader on runs of pipelines: words in every segment, summed columns, means of heads, coarser grids, frames."""

from __future__ import annotations

import os
import subprocess
import tempfile
import unittest
from typing import Any

import numpy as np
import tiny_pipelines
from heed_record import Recorder
from recorded import Recorded
from repository import HEED
from tiny_pipelines import NAMED, OTHERS, PROMPT

try:
    import heed_reader
except ImportError:
    heed_reader = None


@unittest.skipUnless(heed_reader, "heed_reader needs xarray and zarr, and one is not installed")
class ReaderTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.runs: dict[str, Recorded] = {}

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def run_of(self, name: str, prompt: str = PROMPT, **plan: Any) -> Recorded:
        key = f"{name} {prompt} {plan}"
        if key not in self.runs:
            tiny = {**NAMED, **OTHERS}[name]
            pipeline, folder = tiny.make(), os.path.join(self.folder.name, str(len(self.runs)))
            with Recorder(pipeline, folder, prompt, seed=1, subjects=["cat"], **plan) as record:
                output = pipeline(prompt=prompt, **tiny.arguments())
                record.picture(output.frames[0] if tiny.frames > 1 else tiny_pipelines.pictures(output)[0])
            self.runs[key] = Recorded(folder)
        return self.runs[key]

    def expected(self, run: Recorded, word: str, paths: list[str], pieces: str = "mean") -> np.ndarray:
        """The mean over layers, calls and heads of what each segment chooses, [(frame), row, column]."""
        text = run.tokens()
        tokens = next(entry["tokens"] for entry in text["words"] if entry["text"] == word)
        segments: list[list[int]] = []
        for segment in text.get("segments") or [text]:
            places = [*segment["words"], *segment["padding"]]
            found = [token for token in tokens if segment["words"][0] <= token < segment["words"][1]]
            self.assertLessEqual(segment["words"][0], max(places))
            if found:
                segments.append(found)
        chosen = {"mean": lambda part: part.mean(-1), "max": lambda part: part.max(-1),
                  "first": lambda part: part[..., 0], "last": lambda part: part[..., -1]}[pieces]
        maps = []
        for path in paths:
            columns = run.sites[path]["tokens"]
            values = run.maps(path).astype(np.float64)
            parts = [chosen(values[..., [columns.index(token) for token in part]]) for part in segments]
            maps.append(np.mean(parts, axis=0).mean((0, 1)))
        return np.mean(maps, axis=0)

    def test_a_words_map_is_the_mean_of_what_every_segment_chooses(self) -> None:
        for name in ["sdxl", "sd35", "flux", "hunyuan-dit", "qwen-image", "z-image"]:
            for prompt, word in [(PROMPT, "frog"), ("a cat and a zebra", "zebra")]:
                for pieces in ["mean", "max", "first", "last"]:
                    with self.subTest(name, word=word, pieces=pieces):
                        run = self.run_of(name, prompt)
                        maps = heed_reader.open(run.path)
                        grid = maps.array(maps.layers[0]).shape[-3:-1]
                        paths = [path for path in run.sites if run.shape(path)[-3:-1] == grid]
                        found = maps.words([word], layers=f"{grid[0]}x{grid[1]}", pieces=pieces)
                        np.testing.assert_allclose(
                            found.isel(run=0, word=0).values, self.expected(run, word, paths, pieces), rtol=1e-6)

    def test_every_head_that_was_kept_counts_alike(self) -> None:
        run, mean = self.run_of("flux", heads="all"), self.run_of("flux")
        found = heed_reader.open(run.path).map("cat")
        np.testing.assert_allclose(found.values, self.expected(run, "cat", list(run.sites)), rtol=1e-6)
        np.testing.assert_allclose(found.values, heed_reader.open(mean.path).map("cat").values, rtol=2e-3, atol=1e-6)

    def test_summed_columns_bear_their_own_names(self) -> None:
        run = self.run_of("flux")
        maps = heed_reader.open(run.path)
        path = next(iter(run.sites))
        columns = [column["name"] for column in run.sites[path]["summedColumns"]]
        self.assertEqual(columns, ["padding", "image"])
        for place, name in enumerate(columns):
            self.assertEqual(maps.vocabulary[f"<{name}>"], [-1 - place])
            values = maps.words([f"<{name}>"], layers=path).isel(run=0, word=0).values
            column = len(run.sites[path]["tokens"]) + place
            np.testing.assert_allclose(values, run.maps(path)[..., column].astype(np.float64).mean((0, 1)), rtol=1e-6)
        everything = maps.words(list(maps.vocabulary), layers=path, pieces="mean").isel(run=0)
        tokens = [len(tokens) for tokens in maps.vocabulary.values()]
        np.testing.assert_allclose((everything.values.T * tokens).sum(-1), 1, atol=2e-3)

    def test_words_are_those_of_the_prompt(self) -> None:
        for name in ["sdxl", "sd35", "flux", "qwen-image", "sana"]:
            with self.subTest(name):
                maps = heed_reader.open(self.run_of(name).path)
                spoken = [word for word in maps.vocabulary if not word.startswith("<")]
                self.assertEqual(spoken, ["a#1", "cat", "and", "a#2", "frog"])
                self.assertIn("a#1, cat, and, a#2, frog", repr(maps))
                self.assertIn("frog", maps._repr_html_())

    def test_a_video_has_an_axis_of_frames(self) -> None:
        for name in ["cogvideox", "wan"]:
            with self.subTest(name):
                run, tiny = self.run_of(name), NAMED[name]
                maps = heed_reader.open(run.path)
                found = maps.map("cat")
                self.assertEqual(found.dims, ("frame", "row", "column"))
                self.assertEqual(found.shape, (tiny.frames, *tiny.grid))
                np.testing.assert_allclose(found.values, self.expected(run, "cat", list(run.sites)), rtol=1e-6)
                np.testing.assert_array_equal(maps.map("cat", frame=2).values, found.values[2])
                self.assertEqual(maps.words(each_step=True, frame=0).dims, ("run", "position", "word", "row", "column"))
                with self.assertRaisesRegex(ValueError, "no frame 3"):
                    maps.map("cat", frame=3)
                self.assertEqual(maps.overlay("cat", size=96).size[0], 96)
                self.assertEqual(float(maps.peaks(["cat"])[0, 0]), float(found.max()))
                maps.draw().savefig(os.path.join(self.folder.name, "drawn.png"))
        with self.assertRaisesRegex(ValueError, "is no video"):
            heed_reader.open(self.run_of("flux").path).map("cat", frame=0)

    def test_pictures_of_a_video_follow_the_frame(self) -> None:
        run = self.run_of("wan")
        maps = heed_reader.open(run.path)
        frames = maps.runs[0].frames
        if not frames:
            self.skipTest("the recorder stores no frames")
        self.assertEqual(len(frames), 9)
        shown = [maps.picture(frame=frame) for frame in range(3)]
        self.assertFalse(np.array_equal(shown[0], shown[1]))
        self.assertFalse(np.array_equal(shown[1], shown[2]))

    def test_a_coarser_grid_is_the_recorded_one(self) -> None:
        run = self.run_of("sdxl", cells=8)
        maps = heed_reader.open(run.path)
        self.assertLessEqual(max(maps.map("cat").shape), 8)

    def test_both_branches_have_their_own_words(self) -> None:
        tiny = NAMED["sdxl"]
        pipeline, folder = tiny.make(), os.path.join(self.folder.name, "both")
        with Recorder(pipeline, folder, PROMPT, seed=1, branches=["conditional", "unconditional"]):
            pipeline(prompt=PROMPT, negative_prompt="a red car", **tiny.arguments())
        maps = heed_reader.open(Recorded(folder).path)
        self.assertIn("car", maps.words_of("unconditional"))
        self.assertIn("cat", maps.words_of("conditional"))
        self.assertFalse(np.array_equal(
            maps.map("car", branch="unconditional").values, maps.map("cat").values))

    @unittest.skipUnless(HEED, "HEED names no built heed")
    def test_an_export_reads_as_the_run_does(self) -> None:
        for name in ["sdxl", "flux", "sd35"]:
            with self.subTest(name):
                run, out = self.run_of(name), os.path.join(self.folder.name, f"export-{name}")
                answer = subprocess.run(
                    [HEED, "export", run.path, "-o", out, "--format", "zarr"], capture_output=True, text=True)
                self.assertEqual(answer.returncode, 0, answer.stderr)
                own, exported = heed_reader.open(run.path), heed_reader.open(out)
                self.assertEqual(exported.vocabulary, own.vocabulary)
                for word in ["cat", "frog"]:
                    np.testing.assert_allclose(exported.map(word).values, own.map(word).values, rtol=1e-6)


if __name__ == "__main__":
    unittest.main()
