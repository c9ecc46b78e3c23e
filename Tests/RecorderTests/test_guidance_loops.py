"""Loops of one's own: passes whose loss moves the latent, refinement, and passes without guidance between them."""

from __future__ import annotations

import tempfile
import unittest
from collections.abc import Iterator
from typing import Any

import heed_record
import numpy as np
import tiny_text_encoders as encoders
import tiny_tokenizers as tokenizers
import torch
from heed_record import Recorder
from recorded import Recorded
from tiny_pipelines import NAMED, OTHERS, PROMPT


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

    def test_steps_that_a_loop_leaves_out_are_in_no_list(self) -> None:
        for made in [[0, 2, 3], [2, 3, 4], [1, 4]]:
            with self.subTest(made), tempfile.TemporaryDirectory() as folder:
                self.leave_out(made, folder)

    def leave_out(self, made: list[int], folder: str) -> None:
        pipeline = NAMED["sdxl"].make()
        with torch.no_grad(), Recorder(pipeline, folder, PROMPT, seed=1):
            text, _, pooled, _ = pipeline.encode_prompt(PROMPT, do_classifier_free_guidance=False)
            added = {"text_embeds": pooled, "time_ids": torch.tensor([[32.0, 48, 0, 0, 32, 48]])}
            pipeline.scheduler.set_timesteps(5)
            latent = torch.randn((1, 4, 16, 24), generator=torch.Generator().manual_seed(1))
            for step in made:
                pipeline.unet(latent, pipeline.scheduler.timesteps[step], text, added_cond_kwargs=added)
        run = Recorded(folder)
        self.assertEqual(run.manifest["timesteps"], [float(pipeline.scheduler.timesteps[step]) for step in made])
        self.assertEqual(run.manifest["sigmas"], [float(pipeline.scheduler.sigmas[step]) for step in made])
        self.assertEqual([call["step"] for call in run.calls], [*range(len(made))])
        self.assertEqual(heed_record.check(run.path), [])

    def test_a_batch_with_the_prompt_first_and_gradients_has_its_calls_in_order(self) -> None:
        tiny = NAMED["z-image"]
        pipeline = tiny.make()

        def with_gradients(module: Any, args: Any, kwargs: Any) -> Any:
            torch.set_grad_enabled(True)
            return ([sample.detach().requires_grad_() for sample in args[0]], *args[1:]), kwargs

        def without(module: Any, args: Any, output: Any) -> Any:
            torch.set_grad_enabled(False)
            return ([sample.detach() for sample in output[0]], *output[1:])

        pipeline.transformer.register_forward_pre_hook(with_gradients, with_kwargs=True)
        self.addCleanup(torch.set_grad_enabled, torch.is_grad_enabled())
        with tempfile.TemporaryDirectory() as folder:
            with Recorder(pipeline, folder, PROMPT, seed=1, phases=["loss"]):
                pipeline.transformer.register_forward_hook(without)
                pipeline(prompt=PROMPT, **tiny.arguments())
            run = Recorded(folder)
            self.assertEqual([call["call"] for call in run.calls], [0, 1, 2, 3])
            self.assertEqual([call["branch"] for call in run.calls], ["unconditional", "conditional"] * 2)

    def test_a_text_that_stands_along_the_second_axis_of_its_encoding(self) -> None:
        """ChatGLM gives [token, text, channel], which Kolors turns round."""
        tiny = OTHERS["stable-diffusion"].make()

        class Turned(torch.nn.Module):
            def __init__(self, encoder: Any) -> None:
                super().__init__()
                self.encoder = encoder

            def forward(self, input_ids: torch.Tensor) -> list[torch.Tensor]:
                return [self.encoder(input_ids).last_hidden_state.transpose(0, 1)]

        class Pipeline:
            components = {"unet": tiny.unet, "text_encoder": Turned(tiny.text_encoder), "tokenizer": tiny.tokenizer}

        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            with Recorder(Pipeline(), folder, PROMPT, seed=1, subjects=["frog"]):
                ids = tiny.tokenizer(["", PROMPT], padding="max_length", return_tensors="pt").input_ids
                text = Pipeline.components["text_encoder"](ids)[0].permute(1, 0, 2)
                latent = torch.randn((1, 4, 16, 24), generator=torch.Generator().manual_seed(1))
                tiny.unet(latent.expand(2, -1, -1, -1), 500, text)
            run = Recorded(folder)
            self.assertEqual([call["branch"] for call in run.calls], ["unconditional", "conditional"])
            self.assertEqual(run.pieces("frog"), ["frog"])

    def test_a_model_that_writes_prompts_is_no_text_encoder(self) -> None:
        """It reads token ids too, before the encoder does, and no tokenizer of an encoder belongs to it."""
        tiny, tokenizer = OTHERS["stable-diffusion"].make(), tokenizers.llama()

        class Pipeline:
            components = {
                "unet": tiny.unet, "text_encoder": tiny.text_encoder, "tokenizer": tiny.tokenizer,
                "prompt_enhancer_llm_model": encoders.llama(tokenizer, 16), "prompt_enhancer_llm_tokenizer": tokenizer}

        for prompt in [PROMPT, None]:
            with self.subTest(prompt), tempfile.TemporaryDirectory() as folder, torch.no_grad():
                with Recorder(Pipeline(), folder, prompt, seed=1, subjects=["frog"]):
                    Pipeline.components["prompt_enhancer_llm_model"](tokenizer("a frog", return_tensors="pt").input_ids)
                    ids = tiny.tokenizer(PROMPT, padding="max_length", return_tensors="pt").input_ids
                    text = tiny.text_encoder(ids).last_hidden_state
                    tiny.unet(torch.randn((1, 4, 16, 24), generator=torch.Generator().manual_seed(1)), 500, text)
                run = Recorded(folder)
                self.assertEqual(run.tokens()["prompt"], PROMPT)
                self.assertEqual(run.pieces("frog"), ["frog"])

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
