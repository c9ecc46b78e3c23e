"""Loops of one's own: passes whose loss moves the latent, refinement, and passes without guidance between them."""

from __future__ import annotations

import tempfile
import unittest
from collections.abc import Iterator
from typing import Any

import heed_record
import numpy as np
import torch
from heed_record import Recorder
from recorded import Recorded
from tiny_pipelines import NAMED, PROMPT


class GuidanceLoopTests(unittest.TestCase):
    """Attend-and-Excite's loop in a few lines: a pass with gradients, some tries, the pass that denoises."""

    STEPS = 3
    TRIES = {0: 2, 1: 0, 2: 1}

    def loop(self, pipeline: Any, record: Any = None, moved: bool = True) -> torch.Tensor:
        arguments = {"do_classifier_free_guidance": True, "num_images_per_prompt": 1, "device": torch.device("cpu")}
        with torch.no_grad():
            text, empty, pooled, nothing = pipeline.encode_prompt(PROMPT, **arguments)
        ids = torch.tensor([[32.0, 48, 0, 0, 32, 48]])
        added = {"text_embeds": pooled, "time_ids": ids}
        both = {"text_embeds": torch.cat([nothing, pooled]), "time_ids": torch.cat([ids, ids])}
        pipeline.scheduler.set_timesteps(self.STEPS)
        latent = torch.randn((1, 4, 16, 24), generator=torch.Generator().manual_seed(1))
        latent = latent * pipeline.scheduler.init_noise_sigma
        for step, time in enumerate(pipeline.scheduler.timesteps):
            for attempt in range(1 + self.TRIES[step]):
                with torch.enable_grad():
                    latent = latent.detach().requires_grad_()
                    sample = pipeline.scheduler.scale_model_input(latent, time)
                    noise = pipeline.unet(sample, time, text, added_cond_kwargs=added).sample
                    loss = noise.square().mean()
                    if record is not None:
                        record.loss(float(loss), {"cat": 0.25, "frog": 0.5})
                    gradient, = torch.autograd.grad(loss, latent)
                if moved:
                    latent = (latent - gradient).detach()
                pipeline.scheduler._step_index = None
            with torch.no_grad():
                latent = latent.detach()
                sample = pipeline.scheduler.scale_model_input(torch.cat([latent, latent]), time)
                noise = pipeline.unet(sample, time, torch.cat([empty, text]), added_cond_kwargs=both).sample
                away, towards = noise.chunk(2)
                latent = pipeline.scheduler.step(away + 5 * (towards - away), time, latent).prev_sample
        return latent

    def test_phases_losses_and_tries_are_in_the_journal(self) -> None:
        pipeline = NAMED["sdxl"].make()
        alone = self.loop(pipeline)
        with tempfile.TemporaryDirectory() as folder:
            with Recorder(pipeline, folder, PROMPT, seed=1, subjects=["cat", "frog"]) as record:
                beside = self.loop(pipeline, record)
            run = Recorded(folder)
            np.testing.assert_array_equal(beside.detach().numpy(), alone.detach().numpy())
            # Of several passes with gradients the first gives the loss, the last the loss after refinement.
            self.assertEqual(list(self.passes(run)), [
                (0, "loss", 1), (0, "refinement", 1), (0, "loss", 1), (0, "denoise", 2),
                (1, "loss", 1), (1, "denoise", 2),
                (2, "loss", 1), (2, "loss", 1), (2, "denoise", 2)])
            for call in run.calls:
                with_loss = call["phase"] != "denoise"
                self.assertEqual(call["branch"] == "conditional" or not with_loss, True)
                measured = call.get("measurement") or {}
                self.assertEqual("loss" in measured, with_loss, call)
            self.assertEqual(len(run.manifest["timesteps"]), self.STEPS)
            self.assertEqual(heed_record.check(run.path), [])

    def test_gradients_are_the_same_with_recording(self) -> None:
        pipeline = NAMED["sdxl"].make()
        found = []
        for recorded in [False, True]:
            torch.manual_seed(0)
            with tempfile.TemporaryDirectory() as folder:
                if recorded:
                    with Recorder(pipeline, folder, PROMPT, seed=1, subjects=["cat", "frog"]) as record:
                        latent = self.loop(pipeline, record)
                else:
                    latent = self.loop(pipeline)
                found.append(latent.detach().numpy())
        np.testing.assert_array_equal(*found)

    def passes(self, run: Recorded) -> Iterator[tuple[int, str, int]]:
        """Step, phase, and the number of branches of each pass."""
        calls = list(run.calls)
        while calls:
            first = calls.pop(0)
            branches = 1
            if calls and first["branch"] == "unconditional" and calls[0]["branch"] == "conditional":
                calls.pop(0)
                branches = 2
            yield first["step"], first["phase"], branches


if __name__ == "__main__":
    unittest.main()
