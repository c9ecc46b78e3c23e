"""What the built command makes of recorded runs: every kind of reading, and numbers held against the arrays."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import tempfile
import unittest

import numpy as np
import tiny_pipelines
from heed_record import Recorder
from recorded import Recorded
from repository import HEED
from tiny_pipelines import NAMED, OTHERS, PROMPT


@unittest.skipUnless(HEED, "HEED names no built heed")
class HeedTests(unittest.TestCase):
    KINDS = ["sdxl", "sd35", "flux", "qwen-image", "pixart", "wan", "cogvideox", "hunyuan-dit", "aura-flow"]

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.runs = {name: cls.recorded(name, 1) for name in cls.KINDS}

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    @classmethod
    def recorded(cls, name: str, seed: int, folder: str = "runs") -> Recorded:
        tiny = {**NAMED, **OTHERS}[name]
        pipeline = tiny.make()
        place = os.path.join(cls.folder.name, folder)
        with Recorder(pipeline, place, PROMPT, seed=seed, subjects=["cat", "frog"]) as record:
            output = pipeline(prompt=PROMPT, **{**tiny.arguments(seed=seed), "num_inference_steps": 4})
            record.picture(output.frames[0] if tiny.frames > 1 else tiny_pipelines.pictures(output)[0])
        return Recorded(record.path)

    def heed(self, *arguments: str) -> str:
        answer = subprocess.run(
            [HEED, *arguments], capture_output=True, text=True, cwd=self.folder.name,
            env={**os.environ, "COLUMNS": "200"})
        self.assertEqual(answer.returncode, 0, f"heed {' '.join(arguments)}: {answer.stdout}{answer.stderr}")
        return answer.stdout

    def test_runs_are_listed_and_judged(self) -> None:
        listed = self.heed("ls", "runs")
        for run in self.runs.values():
            self.assertIn(run.manifest["method"]["title"], listed)
            answer = self.heed("analyze", run.path)
            self.assertIn("cat", answer)
            self.assertIn("frog", answer)

    def test_maps_are_measured(self) -> None:
        for name, run in self.runs.items():
            for report in ["statistics", "overlap", "convergence", "spectrum", "words"]:
                with self.subTest(name, report=report):
                    self.assertIn("cat", self.heed("analyze", run.path, "--report", report, "--tokens", "cat,frog"))

    def test_the_mean_of_a_map_is_that_of_the_array(self) -> None:
        for name in ["sdxl", "sd35", "flux", "qwen-image", "wan"]:
            with self.subTest(name):
                run, tiny = self.runs[name], NAMED[name]
                grid = f"{tiny.grid[0]}x{tiny.grid[1]}"
                table = self.heed(
                    "analyze", run.path, "--report", "statistics", "--tokens", "cat", "--csv",
                    "--recipe", f"mean(head) mean(layer: {grid}) mean(step)")
                row = next(csv.DictReader(io.StringIO(table)))
                words = next(word for word in run.tokens()["words"] if word["text"] == "cat")["tokens"]
                paths = [path for path in run.sites if run.shape(path)[-3:-1] == tiny.grid]
                columns = {path: [run.sites[path]["tokens"].index(token) for token in words] for path in paths}
                maps = [run.maps(path)[..., columns[path]].astype(np.float64).mean((0, 1, -1)) for path in paths]
                mean = np.mean(maps, 0)
                if tiny.frames > 1:
                    mean = mean.mean(0)
                self.assertAlmostEqual(float(row["mass"]), mean.sum(), delta=1e-4 * mean.sum())
                self.assertAlmostEqual(float(row["peak"]), mean.max(), delta=1e-4 * mean.max())
                self.assertAlmostEqual(mean[int(row["row"]), int(row["column"])], mean.max(), delta=1e-4 * mean.max())

    def test_the_shares_of_start_words_end_and_the_rest_sum_to_1(self) -> None:
        for name, run in self.runs.items():
            with self.subTest(name):
                rows = list(csv.DictReader(io.StringIO(self.heed("analyze", run.path, "--report", "mass", "--csv"))))
                kinds = ["start", "words", "end", "padding", "template", "image"]
                shares = {kind: float(rows[0][kind]) for kind in kinds if rows[0].get(kind)}
                self.assertAlmostEqual(sum(shares.values()), 1, delta=2e-3, msg=str(shares))
                self.assertEqual(
                    "image" in shares, any(site["site"]["kind"] == "joint" for site in run.sites.values()))

    def test_sheets_and_reports_are_drawn(self) -> None:
        for name, run in self.runs.items():
            with self.subTest(name):
                for layout in ["steps", "tokens", *(["frames"] if "frames" in run.manifest else [])]:
                    out = os.path.join(self.folder.name, f"{name}-{layout}.png")
                    self.heed("sheet", run.path, "--layout", layout, "-o", out, "--dpi", "40")
                    self.assertGreater(os.path.getsize(out), 1000)
                page = os.path.join(self.folder.name, f"{name}.html")
                self.heed("report", run.path, "-o", page)
                with open(page, encoding="utf-8") as file:
                    self.assertIn("frog", file.read())

    def test_pipelines_stand_beside_each_other_by_word(self) -> None:
        runs = [self.runs[name].path for name in ["sdxl", "flux", "sd35", "qwen-image"]]
        out = os.path.join(self.folder.name, "beside.png")
        self.heed("sheet", *runs, "-o", out, "--dpi", "40")
        self.assertGreater(os.path.getsize(out), 1000)
        self.heed("export", *runs[:1], "-o", os.path.join(self.folder.name, "beside"), "--format", "zarr")

    def test_seeds_are_summed_up(self) -> None:
        for seed in [1, 2, 3]:
            self.recorded("flux", seed, "seeds")
        table = list(csv.DictReader(io.StringIO(
            self.heed("analyze", "seeds", "--report", "statistics", "--tokens", "cat", "--over-seeds", "--csv"))))
        self.assertEqual(len(table), 1)
        out = os.path.join(self.folder.name, "seeds.png")
        self.heed("sheet", "seeds", "--layout", "seeds", "-o", out, "--dpi", "40")
        self.assertGreater(os.path.getsize(out), 1000)


if __name__ == "__main__":
    unittest.main()
