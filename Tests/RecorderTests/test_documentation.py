"""The lines to paste of Documentation/record-from-diffusers.md, run with tiny pipelines in the models' places."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import unittest
from collections.abc import Iterator
from typing import Any
from unittest import mock

import diffusers
import torch
from recorded import Recorded
from repository import ROOT
from tiny_pipelines import NAMED

PAGE = os.path.join(ROOT, "Documentation", "record-from-diffusers.md")
PIPELINES = {
    "StableDiffusionXLPipeline": "sdxl", "StableDiffusion3Pipeline": "sd35", "FluxPipeline": "flux",
    "QwenImagePipeline": "qwen-image",
}


class DocumentationTests(unittest.TestCase):
    def test_the_lines_to_paste_record_a_run(self) -> None:
        with open(PAGE, encoding="utf-8") as file:
            blocks = re.findall(r"^```python\n(.*?)^```", file.read(), re.S | re.M)
        named = [next(kind for kind in PIPELINES if kind in block) for block in blocks]
        self.assertEqual(named, list(PIPELINES))
        for block, kind in zip(blocks, named):
            with self.subTest(kind), tempfile.TemporaryDirectory() as folder, in_folder(folder), small(kind):
                self.assertLessEqual(len(block.strip().splitlines()), 12)
                exec(compile(block, PAGE, "exec"), {})
                run = Recorded(os.path.join(folder, "runs"))
                self.assertEqual(run.manifest["status"], "complete")
                self.assertEqual([subject["name"] for subject in run.manifest["subjects"]], ["cat", "frog"])
                self.assertTrue(os.path.exists(os.path.join(run.path, "image.png")))


@contextlib.contextmanager
def in_folder(folder: str) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def small(kind: str) -> Iterator[None]:
    """`from_pretrained` gives a tiny pipeline, on the CPU whatever is asked; its size and steps are its own."""
    tiny, pipelines = NAMED[PIPELINES[kind]], getattr(diffusers, kind)
    call = pipelines.__call__

    class Generator(torch.Generator):
        def __new__(cls, device: str) -> torch.Generator:
            return super().__new__(cls, "cpu")

    def called(pipeline: Any, *arguments: Any, **more: Any) -> Any:
        size = {key: value for key, value in tiny.call.items() if key not in ("negative_prompt", "true_cfg_scale")}
        return call(pipeline, *arguments, **{**more, **size})

    with mock.patch.object(pipelines, "from_pretrained", lambda *_, **__: tiny.make()), \
            mock.patch.object(pipelines, "to", lambda pipeline, _: pipeline), \
            mock.patch.object(pipelines, "enable_model_cpu_offload", lambda _: None), \
            mock.patch.object(pipelines, "__call__", called), \
            mock.patch.object(torch, "Generator", Generator):
        yield


if __name__ == "__main__":
    unittest.main()
