"""Several pictures of one call, parts that come and go, and the sizes that were foretold."""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from typing import Any
from unittest import mock

import heed_record
import numpy as np
import torch
from heed_record import Recorder, RecordingError
from recorded import Recorded
from tiny_pipelines import NAMED, OTHERS, PROMPT, result

try:
    import accelerate
except ImportError:
    accelerate = None


class ManyPicturesTests(unittest.TestCase):
    """One run a picture, or refused by name: never one picture's maps under another's name."""

    CALLS: dict[str, dict[str, Any]] = {
        "a list of prompts": {"prompt": [PROMPT, "a red car"]},
        "num_images_per_prompt": {"prompt": PROMPT, "num_images_per_prompt": 2},
    }

    def test_several_pictures(self) -> None:
        for name in ["sdxl", "sd35", "flux", "qwen-image", "z-image", "wan", "pixart"]:
            for what, call in self.CALLS.items():
                if name == "wan":
                    call = {("num_videos_per_prompt" if key == "num_images_per_prompt" else key): value
                            for key, value in call.items()}
                if name == "qwen-image" and isinstance(call["prompt"], list):
                    call = {**call, "negative_prompt": ["a red car", "a red car"]}
                with self.subTest(f"{name}, {what}"), tempfile.TemporaryDirectory() as folder:
                    self.one_run_a_picture_or_refused(name, {**NAMED[name].arguments(), **call}, folder)

    def one_run_a_picture_or_refused(self, name: str, call: dict[str, Any], folder: str) -> None:
        pipeline = NAMED[name].make()
        try:
            with Recorder(pipeline, folder, seed=1):
                pipeline(**call)
        except RecordingError as error:
            self.assertRegex(str(error), r"num_images_per_prompt|prompts|pictures|videos")
            self.assertEqual(glob.glob(os.path.join(folder, "**", "c.0.*"), recursive=True), [])
            return
        runs = sorted(glob.glob(os.path.join(folder, "**", "run.json"), recursive=True))
        self.assertEqual(len(runs), 2)

    def test_two_pictures_in_one_recorder(self) -> None:
        """A second call of the pipeline is a second run, or is refused; it never continues the first."""
        pipeline = NAMED["flux"].make()
        with tempfile.TemporaryDirectory() as folder:
            try:
                with Recorder(pipeline, folder, PROMPT, seed=1):
                    for _ in range(2):
                        pipeline(prompt=PROMPT, **NAMED["flux"].arguments())
            except RecordingError as error:
                self.assertRegex(str(error), r"second|again|one picture|once")
                return
            runs = glob.glob(os.path.join(folder, "**", "run.json"), recursive=True)
            self.assertEqual(len(runs), 2)

    def test_the_next_recorder_gives_the_next_run(self) -> None:
        pipeline = NAMED["flux"].make()
        with tempfile.TemporaryDirectory() as folder:
            for seed in [1, 2]:
                with Recorder(pipeline, folder, PROMPT, seed=seed):
                    pipeline(prompt=PROMPT, **NAMED["flux"].arguments(seed=seed))
            runs = sorted(glob.glob(os.path.join(folder, "**", "run.json"), recursive=True))
            self.assertEqual([os.path.basename(os.path.dirname(run)) for run in runs], ["seed-1", "seed-2"])
            one, other = (Recorded(os.path.dirname(run)) for run in runs)
            path = next(iter(one.sites))
            self.assertFalse(np.array_equal(one.maps(path), other.maps(path)))

    def test_an_earlier_run_is_not_lost(self) -> None:
        """The same prompt and seed again: refused, or kept beside; the first one's numbers are not touched before."""
        pipeline = NAMED["flux"].make()
        with tempfile.TemporaryDirectory() as folder:
            with Recorder(pipeline, folder, PROMPT, seed=1):
                pipeline(prompt=PROMPT, **NAMED["flux"].arguments())
            first = Recorded(folder).calls
            with contextlib.suppress(RecordingError, FileExistsError):
                with Recorder(pipeline, folder, PROMPT, seed=1):
                    raise RecordingError("before the pipeline runs")
            runs = glob.glob(os.path.join(folder, "**", "run.json"), recursive=True)
            self.assertTrue(any(Recorded(os.path.dirname(run)).calls == first for run in runs))


class PartsThatComeAndGoTests(unittest.TestCase):
    def recorded(self, pipeline: Any, name: str) -> tuple[list[dict[str, int]], np.ndarray]:
        tiny = {**NAMED, **OTHERS}[name]
        with tempfile.TemporaryDirectory() as folder:
            with Recorder(pipeline, folder, PROMPT, seed=1):
                output = pipeline(prompt=PROMPT, **tiny.arguments())
            return [call["checksums"] for call in Recorded(folder).calls], result(output)

    @unittest.skipUnless(accelerate, "accelerate is not installed")
    def test_weights_that_are_loaded_for_each_layer(self) -> None:
        """What offload does on a GPU, layer by layer: the hooks of accelerate load weights and drop them again."""
        for name in ["sdxl", "flux"]:
            with self.subTest(name):
                expected = self.recorded(NAMED[name].make(), name)
                pipeline = NAMED[name].make()
                for part in pipeline.components.values():
                    if isinstance(part, torch.nn.Module):
                        accelerate.cpu_offload(part, torch.device("cpu"))
                maps, picture = self.recorded(pipeline, name)
                np.testing.assert_array_equal(picture, expected[1])
                self.assertEqual(maps, expected[0])

    def test_the_denoiser_alone(self) -> None:
        """A loop of one's own: the denoiser, texts that nobody encoded under the recorder, and no pipeline."""
        tiny = NAMED["sdxl"]
        pipeline = tiny.make()
        with tempfile.TemporaryDirectory() as folder:
            try:
                with Recorder(pipeline.unet, folder, PROMPT, seed=1):
                    pipeline(prompt=PROMPT, **tiny.arguments())
            except RecordingError as error:
                self.assertRegex(str(error), r"tokens|tokenizer|pipeline")
                return
            self.assertEqual(len(Recorded(folder).sites), 11)

    def test_a_controlnets_own_attention_is_not_recorded(self) -> None:
        tiny = OTHERS["controlnet"]
        pipeline = tiny.make()
        with tempfile.TemporaryDirectory() as folder:
            with Recorder(pipeline, folder, PROMPT, seed=1):
                pipeline(prompt=PROMPT, **tiny.arguments())
            run = Recorded(folder)
            self.assertEqual(len(run.sites), 7)
            self.assertEqual([call["branch"] for call in run.calls].count("conditional"), 2)

    def test_image_to_image_begins_in_the_middle(self) -> None:
        for name in ["image-to-image", "flux-image-to-image"]:
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                tiny = OTHERS[name]
                pipeline = tiny.make()
                with Recorder(pipeline, folder, PROMPT, seed=1):
                    pipeline(prompt=PROMPT, **tiny.arguments())
                run = Recorded(folder)
                # Of four steps, strength 0.5 leaves the last two.
                self.assertEqual(len(run.manifest["timesteps"]), 2)
                self.assertLess(run.manifest["timesteps"][0], 800)


class SizeTests(unittest.TestCase):
    def test_the_size_is_told_first_and_holds(self) -> None:
        for name in ["sdxl", "flux", "sd35"]:
            for plan in [{}, {"heads": "all", "cells": "all", "tokens": "all"}]:
                with self.subTest(name, **plan), tempfile.TemporaryDirectory() as folder:
                    pipeline, said = NAMED[name].make(), io.StringIO()
                    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
                        with Recorder(pipeline, folder, PROMPT, seed=1, **plan):
                            pipeline(prompt=PROMPT, **NAMED[name].arguments())
                    told = re.search(r"([\d.]+) (B|bytes|KiB|MiB|GiB)", said.getvalue())
                    self.assertIsNotNone(told, said.getvalue())
                    factor = {"B": 1, "bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[told[2]]
                    chunks = glob.glob(os.path.join(folder, "**", "c.*.0.0.0.0"), recursive=True)
                    written = sum(os.path.getsize(chunk) for chunk in chunks)
                    self.assertAlmostEqual(float(told[1]) * factor, written, delta=0.06 * written + 512)


class WhatIsReadTests(unittest.TestCase):
    def test_no_more_texts_are_looked_up_the_more_steps_there_are(self) -> None:
        """A ControlNet hands the denoiser other tensors in each step, of which none is a text."""
        tiny, counts = OTHERS["controlnet"], []
        for steps in [2, 6]:
            pipeline = tiny.make()
            for parameter in pipeline.controlnet.parameters():
                torch.nn.init.normal_(parameter, std=0.05)
            texts = heed_record._Texts
            watched = mock.patch.object(texts, "_found", autospec=True, side_effect=texts._found)
            with tempfile.TemporaryDirectory() as folder, watched as looked_up:
                with Recorder(pipeline, folder, PROMPT, seed=1):
                    pipeline(prompt=PROMPT, **{**tiny.arguments(), "num_inference_steps": steps})
                counts.append(looked_up.call_count)
        self.assertGreater(counts[0], 0)
        self.assertEqual(*counts)


class SystemTests(unittest.TestCase):
    def test_a_system_without_locks_of_files(self) -> None:
        tiny = NAMED["flux"]
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(heed_record, "fcntl", None):
            for _ in range(2):
                pipeline = tiny.make()
                with Recorder(pipeline, folder, PROMPT, seed=1, overwrite=True):
                    pipeline(prompt=PROMPT, **tiny.arguments())
            run = Recorded(folder)
            self.assertEqual(run.manifest["status"], "complete")
            self.assertEqual(heed_record.check(run.path), [])

    def test_a_folder_has_one_writer_whether_its_file_system_has_locks_or_not(self) -> None:
        for code in [None, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP]:
            failing = mock.patch.object(
                heed_record.fcntl, "flock", **({"side_effect": OSError(code, "")} if code else {
                    "wraps": heed_record.fcntl.flock}))
            with self.subTest(code=code), tempfile.TemporaryDirectory() as folder, failing:
                lock = heed_record._Lock(folder)
                with self.assertRaisesRegex(RecordingError, f"process {os.getpid()} on "):
                    heed_record._Lock(folder)
                lock.release()
                self.assertEqual(os.listdir(folder), [])

    def test_a_lock_of_a_process_that_has_ended(self) -> None:
        ended = subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpid())"], stdout=subprocess.PIPE, check=True)
        holder = heed_record._Lock._identity() | {"process": int(ended.stdout), "isByExistence": True}
        failing = mock.patch.object(heed_record.fcntl, "flock", side_effect=OSError(errno.ENOLCK, ""))
        for changes in [{}, {"host": "node7"}, {"boot": "another"}, {"numbers": "pid:[1]"}, {"process": -1}]:
            with self.subTest(changes=changes), tempfile.TemporaryDirectory() as folder, failing:
                with open(os.path.join(folder, ".lock"), "w") as file:
                    json.dump(holder | changes, file)
                if changes:
                    with self.assertRaisesRegex(RecordingError, "remove the file and try again"):
                        heed_record._Lock(folder)
                else:
                    heed_record._Lock(folder).release()
                self.assertEqual(os.listdir(folder), [".lock"] if changes else [])


if __name__ == "__main__":
    unittest.main()
