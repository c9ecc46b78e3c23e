"""The same model, prompt and seed, by diffusers with the recorder and by Heed itself."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest

import heed_record
import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from recorded import Recorded
from repository import HEED, MENAGERIE

PROMPT = "a cat and a frog"
STEPS = 12


@unittest.skipUnless(HEED, "HEED names no built heed")
class MenagerieTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        own, theirs = os.path.join(cls.folder.name, "heed"), os.path.join(cls.folder.name, "diffusers")
        subprocess.run(
            [HEED, "generate", PROMPT, "--method", "stable-diffusion", "--seeds", "1", "--steps", str(STEPS),
             "--layers", "*", "-o", own], check=True, capture_output=True)
        pipeline = StableDiffusionPipeline.from_pretrained(MENAGERIE, torch_dtype=torch.float32)
        pipeline.set_progress_bar_config(disable=True)

        def draw() -> Image.Image:
            generator = torch.Generator("cpu").manual_seed(1)
            return pipeline(PROMPT, num_inference_steps=STEPS, guidance_scale=7.5, generator=generator).images[0]

        cls.alone = np.asarray(draw())
        with heed_record.Recorder(
                pipeline, theirs, PROMPT, seed=1, subjects=["cat", "frog"], tokens="all", heads="all",
                cells="all") as record:
            picture = draw()
            record.picture(picture)
        cls.beside = np.asarray(picture)
        cls.own, cls.theirs = Recorded(own), Recorded(theirs)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def test_the_picture_is_that_without_recording_and_heeds_but_for_a_grey_level(self) -> None:
        np.testing.assert_array_equal(self.beside, self.alone)
        with Image.open(os.path.join(self.own.path, "image.png")) as file:
            drawn = np.asarray(file.convert("RGB")).astype(int)
        self.assertLessEqual(np.abs(drawn - self.beside).max(), 1)

    def test_the_layers_are_the_same(self) -> None:
        cross = {path: site for path, site in self.own.sites.items() if site["site"]["kind"] == "cross"}
        self.assertEqual(len(cross), 7)
        self.assertEqual(list(self.theirs.sites), list(cross))
        for path, site in cross.items():
            for key in ["kind", "heads", "grid", "keys"]:
                self.assertEqual(self.theirs.sites[path]["site"][key], site["site"][key])

    def test_every_call_agrees_to_float16_rounding(self) -> None:
        for path in self.theirs.sites:
            own = self.own.maps(path).astype(np.float64)
            theirs = self.theirs.maps(path).astype(np.float64)
            self.assertEqual(theirs.shape, own.shape)
            self.assertEqual(len(own), STEPS)
            for call in range(STEPS):
                # A place of float16, where both stand at the edge of a rounding, and what twelve steps carry on.
                np.testing.assert_allclose(
                    theirs[call], own[call], rtol=2.0 ** -10, atol=1e-4, err_msg=f"{path}, step {call}")

    def test_what_the_manifests_say_is_the_same(self) -> None:
        own, theirs = self.own.manifest, self.theirs.manifest
        np.testing.assert_allclose(theirs["timesteps"], own["timesteps"])
        self.assertEqual(theirs["subjects"], own["subjects"])
        for role in ["prompt", "negative"]:
            mine = next((text for text in own["texts"] if text["role"] == role), None)
            other = next((text for text in theirs["texts"] if text["role"] == role), None)
            self.assertEqual(mine is None, other is None, role)
            if mine is not None:
                for key in ["prompt", "tokens", "words"]:
                    self.assertEqual(other[key], mine[key], f"{role} {key}")
        self.assertEqual(theirs["method"]["name"], own["method"]["name"])
        self.assertEqual(theirs["method"]["grid"], own["method"]["grid"])
        for key in ["prompt", "seed", "steps", "height", "width", "guidanceScale"]:
            self.assertEqual(theirs["request"].get(key), own["request"].get(key), key)
        shared = set(own["scheduler"]) & set(theirs["scheduler"])
        self.assertGreaterEqual(len(shared), 4)
        for key in shared:
            self.assertEqual(theirs["scheduler"][key], own["scheduler"][key], key)

    def test_the_journals_have_the_same_calls(self) -> None:
        self.assertEqual(len(self.theirs.calls), 2 * STEPS)
        for mine, other in zip(self.own.calls, self.theirs.calls, strict=True):
            for key in ["call", "step", "timestep", "branch", "phase"]:
                self.assertEqual(other[key], mine[key])

    def test_the_scores_that_heed_makes_of_the_maps_are_those_that_it_measured(self) -> None:
        answer = subprocess.run([HEED, "analyze", self.theirs.path, "--json"], capture_output=True, text=True)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        run = json.loads(answer.stdout)["runs"][0]
        self.assertIn("softmax(token: 100 without unread)", run["scoreRecipe"])
        own = [call["measurement"]["scores"] for call in self.own.calls
               if (call["branch"], call["phase"]) == ("conditional", "denoise")]
        self.assertEqual(len(own), STEPS)
        for place, subject in enumerate(run["subjects"]):
            made = [point["score"] for point in subject["trajectory"]]
            np.testing.assert_allclose(made, [scores[place] for scores in own], atol=0.01)

    def test_heed_reads_both_alike(self) -> None:
        """The one table of both runs, by the same recipe."""
        answer = subprocess.run([HEED, "check", self.theirs.path], capture_output=True, text=True)
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)


if __name__ == "__main__":
    unittest.main()
