"""Layers that attend in another way, and texts and seeds that are not what they were said to be, end a recording."""

from __future__ import annotations

import glob
import os
import re
import tempfile
import unittest
from collections.abc import Callable
from typing import Any
from unittest import mock

import heed_record
import torch
from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0, SlicedAttnProcessor
from heed_record import Recorder, RecordingError
from recorded import Recorded
from test_pipelines import traces
from tiny_pipelines import NAMED, OTHERS, PROMPT, TinyPipeline, kandinsky_prior


class RecordingTestCase(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def refused(
        self, pipeline: Any, arguments: dict[str, Any], *words: str, prompt: str | None = PROMPT, seed: int | None = 1,
        **plan: Any,
    ) -> str:
        """The message that ends the recording; it has the words, and nothing of the recorder stays behind."""
        # The first call of a text encoder leaves hooks of transformers' own.
        pipeline(**{"prompt": PROMPT, **arguments})
        before = traces(pipeline)
        with self.assertRaises(RecordingError) as caught:
            with Recorder(pipeline, self.folder, prompt, seed=seed, **plan):
                pipeline(**{"prompt": PROMPT, **arguments})
        self.assertEqual(traces(pipeline), before)
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        for word in words:
            self.assertRegex(message, word)
        for run in glob.glob(os.path.join(self.folder, "**", "run.json"), recursive=True):
            # What was acknowledged before stays readable, and does not say that it is complete.
            self.assertEqual(heed_record.check(os.path.dirname(run)), [])
            self.assertNotEqual(Recorded(self.folder).manifest["status"], "complete")
        return message


class OtherAttentionTests(RecordingTestCase):
    def test_sliced_attention(self) -> None:
        pipeline = OTHERS["stable-diffusion"].make()
        pipeline.enable_attention_slicing("max")
        self.assertTrue(any(isinstance(p, SlicedAttnProcessor) for p in pipeline.unet.attn_processors.values()))
        self.refused(
            pipeline, OTHERS["stable-diffusion"].arguments(), r"attn[12]", "SlicedAttnProcessor",
            r"disable_attention_slicing|set_attn_processor")

    def test_plain_products(self) -> None:
        """What the message advises cures it; the default processor is the plain one."""
        pipeline = NAMED["sdxl"].make()
        unet = pipeline.unet
        for choose in [lambda: unet.set_attn_processor(AttnProcessor()), unet.set_default_attn_processor]:
            choose()
            message = self.refused(pipeline, NAMED["sdxl"].arguments(), r"attn[12]", "AttnProcessor")
            self.assertIn("set_attn_processor(AttnProcessor2_0())", message)
            self.assertNotIn("set_default_attn_processor", message)
            pipeline.unet.set_attn_processor(AttnProcessor2_0())
            with tempfile.TemporaryDirectory() as folder:
                with Recorder(pipeline, folder, PROMPT, seed=1):
                    pipeline(prompt=PROMPT, **NAMED["sdxl"].arguments())
                self.assertEqual(len(Recorded(folder).sites), NAMED["sdxl"].sites["cross"])

    def test_one_layer_of_many_with_plain_products(self) -> None:
        pipeline = NAMED["sdxl"].make()
        name = "up_blocks.1.attentions.0.transformer_blocks.0.attn2"
        pipeline.unet.get_submodule(name).set_processor(AttnProcessor())
        self.refused(pipeline, NAMED["sdxl"].arguments(), re.escape(name))

    def test_a_stub_that_attends_to_nothing_we_see(self) -> None:
        class Stub:
            def __call__(
                self, attn: Any, hidden_states: torch.Tensor, encoder_hidden_states: torch.Tensor | None = None,
                *_: Any, **__: Any,
            ) -> Any:
                return hidden_states if encoder_hidden_states is None else (hidden_states, encoder_hidden_states)

        for kind, name in [("flux", "transformer_blocks.1.attn"), ("sd35", "transformer_blocks.2.attn")]:
            with self.subTest(kind):
                pipeline = NAMED[kind].make()
                pipeline.transformer.get_submodule(name).set_processor(Stub())
                self.refused(pipeline, NAMED[kind].arguments(), re.escape(name), "Stub")

    def test_attention_backends_of_diffusers(self) -> None:
        """Those that end in the function that is watched are recorded alike; another is refused."""
        # A backend that was set holds for every model of the process.
        self.addCleanup(lambda: NAMED["flux"].make().transformer.set_attention_backend("native"))
        checksums = []
        for backend in ["native", "_native_math", "flex"]:
            pipeline = NAMED["flux"].make()
            pipeline.transformer.set_attention_backend(backend)
            if backend == "flex":
                self.refused(pipeline, NAMED["flux"].arguments(), "transformer_blocks.0.attn", "flex", "native")
                continue
            with self.subTest(backend), tempfile.TemporaryDirectory() as folder:
                with Recorder(pipeline, folder, PROMPT, seed=1):
                    pipeline(prompt=PROMPT, **NAMED["flux"].arguments())
                checksums.append([call["checksums"] for call in Recorded(folder).calls[:1]])
        self.assertEqual(checksums[0], checksums[1])

    def test_a_compiled_denoiser(self) -> None:
        pipeline = NAMED["pixart"].make()
        pipeline.transformer = torch.compile(pipeline.transformer, backend="eager")
        self.refused(pipeline, NAMED["pixart"].arguments(), "compile")

    def test_compiled_blocks(self) -> None:
        pipeline = NAMED["flux"].make()
        for block in pipeline.transformer.transformer_blocks:
            block.compile(backend="eager")
        self.refused(pipeline, NAMED["flux"].arguments(), "transformer_blocks", "compile")


class WrongWordTests(RecordingTestCase):
    def test_another_prompt_than_the_pipelines(self) -> None:
        for name in ["sdxl", "flux", "qwen-image", "sana"]:
            with self.subTest(name):
                self.refused(
                    NAMED[name].make(), NAMED[name].arguments(), "a red car", PROMPT, prompt="a red car")

    def test_a_prompt_that_is_a_part_of_the_pipelines(self) -> None:
        self.refused(NAMED["sdxl"].make(), NAMED["sdxl"].arguments(), PROMPT, prompt="a cat and a")

    def test_the_second_encoder_received_another_prompt(self) -> None:
        self.refused(NAMED["sdxl"].make(), {**NAMED["sdxl"].arguments(), "prompt_2": "a red car"}, "text_encoder_2")

    def test_another_seed_than_the_generators(self) -> None:
        self.refused(NAMED["sdxl"].make(), NAMED["sdxl"].arguments(seed=5), "seed", r"\b1\b", r"\b5\b")

    def test_a_subject_that_is_no_word_of_the_prompt(self) -> None:
        self.refused(NAMED["sdxl"].make(), NAMED["sdxl"].arguments(), "dog", "cat", subjects=["dog"])

    def test_a_plan_that_names_no_layer(self) -> None:
        self.refused(NAMED["sdxl"].make(), NAMED["sdxl"].arguments(), r"nowhere", layers=["nowhere*"])


class UsedGeneratorTests(RecordingTestCase):
    """A generator's seed makes its first numbers again, and no others."""

    def record(self, tiny: TinyPipeline, generator: torch.Generator | None, **told: Any) -> Recorded:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        pipeline = tiny.make()
        with Recorder(pipeline, folder.name, PROMPT, **told):
            pipeline(**{**tiny.arguments(), "prompt": PROMPT, "generator": generator})
        return Recorded(folder.name)

    def test_a_second_picture_of_one_generator(self) -> None:
        for name in ["flux", "sdxl", "image-to-image", "wan"]:
            with self.subTest(name):
                tiny = {**NAMED, **OTHERS}[name]
                generator = torch.Generator().manual_seed(3)
                self.assertEqual(self.record(tiny, generator).manifest["request"]["seed"], 3)
                with self.assertRaises(RecordingError) as caught:
                    self.record(tiny, generator)
                for word in [r"seed 3\b", "fresh", r"manual_seed\(3\)", "seed="]:
                    self.assertRegex(str(caught.exception), word)

    def test_who_says_the_seed_has_the_last_word(self) -> None:
        generator = torch.Generator().manual_seed(3)
        torch.randn(5, generator=generator)
        self.assertEqual(self.record(NAMED["flux"], generator, seed=3).manifest["request"]["seed"], 3)

    def test_torchs_own_generator(self) -> None:
        tiny = NAMED["flux"]
        pipeline = tiny.make()

        def record(folder: str) -> None:
            with Recorder(pipeline, folder, PROMPT):
                pipeline(prompt=PROMPT, **{**tiny.arguments(), "generator": None})

        torch.manual_seed(3)
        record(self.folder)
        self.assertEqual(Recorded(self.folder).manifest["request"]["seed"], 3)
        with tempfile.TemporaryDirectory() as other, self.assertRaisesRegex(RecordingError, "fresh"):
            record(other)

    def test_what_drew_something_else_before_is_of_no_concern(self) -> None:
        torch.manual_seed(3)
        torch.randn(5)
        self.assertEqual(
            self.record(NAMED["flux"], torch.Generator().manual_seed(4)).manifest["request"]["seed"], 4)


class OtherLatentTests(RecordingTestCase):
    def test_a_latent_that_is_a_vector(self) -> None:
        self.refused(
            kandinsky_prior(), {"num_inference_steps": 2}, "PriorTransformer", "vector", "no cells", seed=None)

    def test_a_memory_too_small_for_the_first_pass(self) -> None:
        """What other texts and another latent do not fit into loses no layer silently."""
        exchanged, calls = heed_record._exchanged, []

        def full(value: Any, other: Any) -> Any:
            calls.append(value)
            if len(calls) == 400:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
            return exchanged(value, other)

        with mock.patch.object(heed_record, "_exchanged", full):
            self.refused(NAMED["flux"].make(), NAMED["flux"].arguments(), "memory", "first pass", "smaller")


class ToldNothingTests(RecordingTestCase):
    def test_prompt_tokens_and_seed_are_read_off(self) -> None:
        for name in ["sdxl", "sd35", "flux", "qwen-image", "wan"]:
            with self.subTest(name), tempfile.TemporaryDirectory() as told, tempfile.TemporaryDirectory() as read:
                for folder, arguments in [(told, {"prompt": PROMPT, "seed": 7}), (read, {})]:
                    pipeline = NAMED[name].make()
                    with Recorder(pipeline, folder, **arguments):
                        pipeline(prompt=PROMPT, **NAMED[name].arguments(seed=7))
                told_run, read_run = Recorded(told), Recorded(read)
                self.assertEqual(read_run.manifest["request"]["seed"], 7)
                self.assertEqual(read_run.tokens(), told_run.tokens())
                self.assertEqual(
                    [call["checksums"] for call in read_run.calls], [call["checksums"] for call in told_run.calls])


class UndoneTests(RecordingTestCase):
    def test_after_an_exception_of_the_pipeline(self) -> None:
        class Stop(Exception):
            pass

        def stop(*_: Any) -> dict[str, Any]:
            raise Stop

        for where in ["in a step", "before the first", "in a layer"]:
            with self.subTest(where), tempfile.TemporaryDirectory() as folder:
                pipeline = NAMED["sdxl"].make()
                pipeline(prompt=PROMPT, **NAMED["sdxl"].arguments())
                hook: Callable[[], None] = lambda: None
                if where == "in a layer":
                    hook = pipeline.unet.mid_block.register_forward_hook(stop).remove
                before = traces(pipeline)
                with self.assertRaises(Stop):
                    with Recorder(pipeline, folder, PROMPT, seed=1):
                        if where == "before the first":
                            stop()
                        pipeline(
                            prompt=PROMPT, **NAMED["sdxl"].arguments(),
                            callback_on_step_end=stop if where == "in a step" else None)
                self.assertEqual(traces(pipeline), before)
                hook()
                for run in glob.glob(os.path.join(folder, "**", "run.json"), recursive=True):
                    self.assertEqual(heed_record.check(os.path.dirname(run)), [])
                    self.assertNotEqual(Recorded(folder).manifest["status"], "complete")
                # The pipeline records anew.
                with tempfile.TemporaryDirectory() as again:
                    with Recorder(pipeline, again, PROMPT, seed=1):
                        pipeline(prompt=PROMPT, **NAMED["sdxl"].arguments())
                    self.assertEqual(Recorded(again).manifest["status"], "complete")

    def test_two_recorders_of_one_pipeline_are_refused_or_record_alike(self) -> None:
        pipeline = NAMED["flux"].make()
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            try:
                with Recorder(pipeline, one, PROMPT, seed=1), Recorder(pipeline, other, PROMPT, seed=1):
                    pipeline(prompt=PROMPT, **NAMED["flux"].arguments())
            except RecordingError:
                return
            self.assertEqual(
                [call["checksums"] for call in Recorded(one).calls],
                [call["checksums"] for call in Recorded(other).calls])


if __name__ == "__main__":
    unittest.main()
