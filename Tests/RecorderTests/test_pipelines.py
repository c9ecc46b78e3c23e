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
from diffusers import (
    DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, FlowMatchEulerDiscreteScheduler,
    HeunDiscreteScheduler, LMSDiscreteScheduler, PNDMScheduler, UniPCMultistepScheduler,
)
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
        cells = self.tiny.frames * self.tiny.grid[0] * self.tiny.grid[1] + sum(self.tiny.beside)
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


class OtherCallTests(unittest.TestCase):
    """What a manifest says of calls that are made in another way."""

    def recorded(self, tiny: TinyPipeline, pipeline: Any = None, **more: Any) -> Recorded:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        pipeline = tiny.make() if pipeline is None else pipeline
        with heed_record.Recorder(pipeline, folder.name, PROMPT, seed=1):
            pipeline(prompt=PROMPT, **{**tiny.arguments(seed=1), **more})
        run = Recorded(folder.name)
        self.assertEqual(heed_record.check(run.path), [])
        return run

    def test_the_size_is_the_calls_where_no_picture_is_handed_over(self) -> None:
        for name in ["flux", "flux2", "qwen-image", "sdxl", "z-image", "ltx", "wan", "cogvideox"]:
            with self.subTest(name):
                tiny = {**NAMED, **OTHERS}[name]
                manifest = self.recorded(tiny).manifest
                self.assertEqual(
                    (manifest["height"], manifest["width"]), (tiny.call["height"], tiny.call["width"]))
                self.assertEqual(manifest["request"]["size"], f"{tiny.call['width']}x{tiny.call['height']}")

    def test_the_scale_of_distilled_guidance_is_the_calls(self) -> None:
        for name, more in {"latent-consistency": {"guidance_scale": 6.0}, "flux": {"guidance_scale": 2.5}}.items():
            with self.subTest(name):
                manifest = self.recorded({**NAMED, **OTHERS}[name], **more).manifest
                self.assertEqual(manifest["guidance"], {"kind": "distilled", "scale": more["guidance_scale"]})

    def test_a_scale_that_changes_from_step_to_step_is_the_calls(self) -> None:
        manifest = self.recorded(
            NAMED["cogvideox"], guidance_scale=6.0, use_dynamic_cfg=True, num_inference_steps=4).manifest
        self.assertEqual(manifest["guidance"], {"kind": "cfg", "scale": 6.0})
        self.assertEqual(manifest["request"]["guidanceScale"], 6.0)

    def test_times_of_fewer_digits_are_the_schedulers(self) -> None:
        for type_ in [torch.bfloat16, torch.float16]:
            with self.subTest(type_):
                tiny = OTHERS["cogview4"]
                pipeline = tiny.make()
                pipeline.scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)

                def rounded(module: Any, args: Any, kwargs: dict[str, Any], type_: Any = type_) -> Any:
                    return args, {**kwargs, "timestep": kwargs["timestep"].to(type_).float()}

                pipeline.transformer.register_forward_pre_hook(rounded, with_kwargs=True)
                run = self.recorded(tiny, pipeline, num_inference_steps=40)
                self.assertEqual(
                    run.manifest["timesteps"], [float(time) for time in pipeline.scheduler.timesteps])
                self.assertEqual([call["step"] for call in run.calls if call["branch"] == "conditional"], [*range(40)])

    def test_a_start_in_the_middle_of_a_schedule(self) -> None:
        """Image to image begins where the noise is weaker; some schedulers keep count of it, others do not."""
        for scheduler in [
                DDIMScheduler, EulerDiscreteScheduler, HeunDiscreteScheduler, LMSDiscreteScheduler, PNDMScheduler,
                DPMSolverMultistepScheduler, UniPCMultistepScheduler]:
            with self.subTest(scheduler.__name__):
                tiny = OTHERS["image-to-image"]
                pipeline = tiny.make()
                pipeline.scheduler = scheduler.from_config(pipeline.scheduler.config)
                times: list[float] = []
                pipeline.unet.register_forward_pre_hook(lambda _, args: times.append(float(args[1])))
                run = self.recorded(tiny, pipeline, num_inference_steps=6)
                self.assertEqual(
                    [call["timestep"] for call in run.calls if call["branch"] == "conditional"], times)

    def test_a_compiled_text_encoder(self) -> None:
        for name, part in [("sdxl", "text_encoder"), ("sdxl", "text_encoder_2"), ("flux", "text_encoder_2")]:
            with self.subTest(f"{name}, {part}"):
                tiny = NAMED[name]
                pipeline = tiny.make()
                setattr(pipeline, part, torch.compile(getattr(pipeline, part), backend="eager"))
                compiled, plain = self.recorded(tiny, pipeline), self.recorded(tiny)
                self.assertEqual(compiled.tokens(), plain.tokens())
                self.assertEqual(
                    [call["checksums"] for call in compiled.calls], [call["checksums"] for call in plain.calls])

    def test_own_cells_are_found_in_numbers_of_fewer_digits(self) -> None:
        for name in ["flux-kontext", "flux-control"]:
            with self.subTest(name):
                tiny = OTHERS[name]
                run = self.recorded(tiny, tiny.make().to(torch.bfloat16))
                for site in run.sites.values():
                    self.assertEqual(
                        (site["site"]["grid"]["rows"], site["site"]["grid"]["columns"]), tiny.grid)


class TitleTests(unittest.TestCase):
    def test_a_methods_title_is_spelled_as_the_model_is(self) -> None:
        for name, title in {
                "StableDiffusionPipeline": "Stable Diffusion",
                "StableDiffusion3Pipeline": "Stable Diffusion 3",
                "StableDiffusionXLPipeline": "Stable Diffusion XL",
                "StableDiffusionXLImg2ImgPipeline": "Stable Diffusion XL Img2Img",
                "StableDiffusionControlNetPipeline": "Stable Diffusion ControlNet",
                "CogVideoXPipeline": "CogVideoX", "CogView4Pipeline": "CogView 4", "FluxPipeline": "Flux",
                "Flux2Pipeline": "Flux 2", "HunyuanDiTPipeline": "HunyuanDiT", "PixArtSigmaPipeline": "PixArtSigma",
                "Pipeline": "Pipeline"}.items():
            with self.subTest(name):
                self.assertEqual(heed_record._title(name), title)


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
