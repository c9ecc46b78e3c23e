"""Both branches of guidance, in one batch and in passes of their own."""

from __future__ import annotations

import tempfile
import unittest
from typing import Any

import heed_record
import numpy as np
import torch
from recorded import Recorded
from test_refusals import RecordingTestCase
from tiny_pipelines import NAMED, OTHERS, PROMPT, TinyPipeline, instruct_pix2pix, start_picture

NEGATIVE = "a frog and a car"
"""As long as the prompt."""


class BothBranchesTests(unittest.TestCase):
    BATCHED: dict[str, dict[str, Any]] = {"stable-diffusion": {}, "sd35": {}, "pixart": {}, "cogvideox": {}}
    SEPARATE: dict[str, dict[str, Any]] = {
        "wan": {}, "cogview4": {}, "chroma": {}, "flux": {"true_cfg_scale": 4.0}, "qwen-image": {}, "kandinsky5": {}}

    def recorded(
        self, tiny: TinyPipeline, prompt: str, negative: str, more: dict[str, Any], **plan: Any
    ) -> tuple[Recorded, dict[str, np.ndarray]]:
        """A run, and the maps of its first step, by layer and branch."""
        pipeline = tiny.make()
        with tempfile.TemporaryDirectory() as folder:
            with heed_record.Recorder(pipeline, folder, prompt, seed=1, tokens="all", **plan):
                pipeline(**{**tiny.arguments(seed=1), "prompt": prompt, "negative_prompt": negative, **more})
            run = Recorded(folder)
            self.assertEqual(heed_record.check(run.path), [])
            maps = {f"{path} {branch}": run.maps(path, branch=branch)[0]
                    for path in run.sites for branch in run.manifest["request"]["recording"]["branches"]}
            run.calls
            return run, maps

    def test_the_negative_prompts_maps_are_those_of_a_run_whose_prompt_it_is(self) -> None:
        """In the first step both runs have the same latent, and no branch sees the other."""
        for name, more in {**self.BATCHED, **self.SEPARATE}.items():
            with self.subTest(name):
                tiny = {**NAMED, **OTHERS}[name]
                run, both = self.recorded(
                    tiny, PROMPT, NEGATIVE, more, branches=["unconditional", "conditional"])
                other, alone = self.recorded(tiny, NEGATIVE, PROMPT, more)
                self.assertEqual(run.tokens("negative")["prompt"], NEGATIVE)
                pieces = [[token["piece"] for token in text["tokens"]]
                          for text in (run.tokens("negative"), other.tokens())]
                self.assertEqual(pieces[0], pieces[1])
                for path in run.sites:
                    np.testing.assert_allclose(
                        both[f"{path} unconditional"].astype(float), alone[f"{path} conditional"].astype(float),
                        rtol=2.0 ** -10, atol=1e-6, err_msg=path)
                    self.assertFalse(np.array_equal(both[f"{path} unconditional"], both[f"{path} conditional"]))

    def test_the_journal_has_the_calls_in_the_order_in_which_they_were_made(self) -> None:
        for name, more in self.SEPARATE.items():
            with self.subTest(name):
                run, _ = self.recorded(
                    {**NAMED, **OTHERS}[name], PROMPT, NEGATIVE, more, branches=["unconditional", "conditional"])
                self.assertEqual(
                    [(call["step"], call["branch"]) for call in run.calls],
                    [(step, branch) for step in range(2) for branch in ("conditional", "unconditional")])
                for call in run.calls:
                    self.assertEqual(set(call["checksums"]), set(run.sites))


class RefusedBranchTests(RecordingTestCase):
    BOTH: dict[str, Any] = {"branches": ["unconditional", "conditional"]}

    def test_a_negative_prompt_of_another_length(self) -> None:
        self.refused(NAMED["qwen-image"].make(), NAMED["qwen-image"].arguments(), "negative prompt", **self.BOTH)
        self.refused(NAMED["z-image"].make(), NAMED["z-image"].arguments(), "negative prompt", r"\b15\b", **self.BOTH)

    def test_no_negative_prompt(self) -> None:
        for name in ["flux", "sdxl", "hunyuan-video"]:
            with self.subTest(name):
                tiny = {**NAMED, **OTHERS}[name]
                self.refused(tiny.make(), tiny.arguments(), "unconditional", "conditional branch alone", **self.BOTH)

    def test_two_rows_beside_the_prompts(self) -> None:
        def call() -> dict[str, Any]:
            return {
                "num_inference_steps": 2, "image": start_picture(), "generator": torch.Generator().manual_seed(1)}

        self.refused(instruct_pix2pix(), call(), "branches", "2 rows", **self.BOTH)
        pipeline = instruct_pix2pix()
        with heed_record.Recorder(pipeline, self.folder, PROMPT, seed=1):
            pipeline(prompt=PROMPT, **call())
        run = Recorded(self.folder)
        self.assertEqual([call["branch"] for call in run.calls], ["unconditional", "unconditional", "conditional"] * 2)
        self.assertEqual(heed_record.check(run.path), [])


if __name__ == "__main__":
    unittest.main()
