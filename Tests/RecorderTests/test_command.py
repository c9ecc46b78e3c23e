"""`python -m heed_record`: check finds what is damaged, convert reads what attention-map-diffusers saved."""

from __future__ import annotations

import contextlib
import glob
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import heed_record
import numpy as np
import torch
from recorded import Recorded
from tiny_pipelines import NAMED, PROMPT

try:
    import google_crc32c
except ImportError:
    google_crc32c = None


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What `python -m heed_record` does, in this process: PyTorch is long in loading."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        status = heed_record.main(arguments)
    return subprocess.CompletedProcess(arguments, status, stdout.getvalue(), stderr.getvalue())


class CheckTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        tiny = NAMED["flux"]
        pipeline = tiny.make()
        with heed_record.Recorder(pipeline, cls.folder.name, PROMPT, seed=1) as record:
            record.picture(pipeline(prompt=PROMPT, **tiny.arguments()).images[0])
        cls.whole = Recorded(cls.folder.name).path

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def setUp(self) -> None:
        copy = tempfile.TemporaryDirectory()
        self.addCleanup(copy.cleanup)
        self.copy = os.path.join(copy.name, "run")
        shutil.copytree(self.whole, self.copy)

    def test_a_whole_run_ends_with_0(self) -> None:
        answer = subprocess.run(
            [sys.executable, "-m", "heed_record", "check", self.whole], capture_output=True, text=True)
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)

    def test_what_is_damaged_is_named(self) -> None:
        chunk = sorted(glob.glob(os.path.join(glob.escape(self.copy), "attention.zarr", "*", "c.1.0.0.0.0")))[0]
        with open(chunk, "r+b") as file:
            file.seek(100)
            byte = file.read(1)[0]
            file.seek(100)
            file.write(bytes([byte ^ 1]))
        answer = command("check", self.copy)
        self.assertEqual(answer.returncode, 65)
        self.assertIn(os.path.relpath(chunk, self.copy), answer.stdout + answer.stderr)

    def test_what_is_missing_is_named(self) -> None:
        for name in ["calls.jsonl", "attention.zarr/zarr.json", "attention.zarr/transformer_blocks.0.attn/c.0.0.0.0.0"]:
            with self.subTest(name):
                shutil.rmtree(self.copy)
                shutil.copytree(self.whole, self.copy)
                os.remove(os.path.join(self.copy, name))
                problems = heed_record.check(self.copy)
                self.assertTrue(any((os.path.dirname(name) or name) in problem for problem in problems), problems)

    def test_rows_that_do_not_sum_to_1_are_named_though_their_checksum_is_right(self) -> None:
        path = next(iter(Recorded(self.folder.name).sites))
        chunk = os.path.join(self.copy, "attention.zarr", path, "c.1.0.0.0.0")
        with open(chunk, "rb") as file:
            values = np.frombuffer(file.read()[:-4], "<f2").copy()
        values[3] += 0.25
        checksum = heed_record.crc32c(values.tobytes())
        with open(chunk, "wb") as file:
            file.write(values.tobytes() + checksum.to_bytes(4, "little"))
        journal = os.path.join(self.copy, "calls.jsonl")
        with open(journal, encoding="utf-8") as file:
            calls = [json.loads(line) for line in file]
        calls[1]["checksums"][path] = checksum
        with open(journal, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(call, sort_keys=True, separators=(",", ":")) + "\n" for call in calls)
        problems = heed_record.check(self.copy)
        self.assertTrue(any(path in problem and "sum" in problem for problem in problems), problems)

    def test_no_run_ends_with_66(self) -> None:
        answer = command("check", os.path.join(self.copy, "nowhere"))
        self.assertEqual(answer.returncode, 66, answer.stdout + answer.stderr)
        self.assertIn("nowhere", answer.stderr)


class ChecksumTests(unittest.TestCase):
    def test_it_is_crc32c(self) -> None:
        # RFC 3720, appendix B.4.
        for data, expected in [
                (b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43),
                (bytes(range(32)), 0x46DD794E)]:
            self.assertEqual(heed_record.crc32c(data), expected)

    @unittest.skipUnless(google_crc32c, "google-crc32c is not installed")
    def test_it_is_googles_for_every_length(self) -> None:
        random = np.random.default_rng(18)
        lengths = [*range(70), 255, 256, 1023, 1024, 1025, 4096, 16383, 32767, 32768, 32769, 100_003, 1_000_000]
        for length in lengths:
            data = random.bytes(length)
            self.assertEqual(heed_record.crc32c(data), google_crc32c.value(data), length)

    def test_it_makes_200_megabytes_a_second(self) -> None:
        data = np.random.default_rng(18).bytes(32 << 20)
        heed_record.crc32c(data)
        seconds = []
        for _ in range(5):
            begun = time.thread_time()
            heed_record.crc32c(data)
            seconds.append(time.thread_time() - begun)
        self.assertGreater(len(data) / min(seconds), 200e6)


class ConvertTests(unittest.TestCase):
    """The folder is written as attention-map-diffusers 1.0.0 does in `AttentionCollector.save(…, save_raw=True)`."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def save(self, layers: list[str], steps: int, tokens: int, batch: int = 1) -> dict[str, np.ndarray]:
        random, records = torch.Generator().manual_seed(18), []
        expected: dict[str, list[np.ndarray]] = {}
        os.makedirs(os.path.join(self.folder, "raw", "image-to-text"))
        for step in range(steps):
            for layer in layers:
                values = torch.rand((batch, 2, 4 * 6, tokens), generator=random).softmax(-1)
                timestep = 999.0 - 300 * step
                name = f"{len(records):04d}-{str(timestep).replace('.', '_')}-{layer.replace('.', '_')}.pt"
                torch.save(values, os.path.join(self.folder, "raw", "image-to-text", name))
                expected.setdefault(layer, []).append(values[-1].reshape(2, 4, 6, tokens).numpy())
                records.append({
                    "layer_id": layer, "relation": "image->text", "attention_type": "cross", "heads": 2,
                    "q_range": [0, 24], "k_range": [0, tokens], "dtype": "torch.float32", "device": "cpu",
                    "q_shape": {"frames": None, "height": 4, "width": 6}, "k_shape": None, "step_index": step,
                    "timestep": timestep, "has_data": True, "has_qk": False, "metadata": {}})
        with open(os.path.join(self.folder, "metadata.json"), "w", encoding="utf-8") as file:
            json.dump({
                "summary": {}, "provenance": {"prompts": [PROMPT]}, "selected_relation": None,
                "records": records}, file)
        return {layer: np.stack(calls) for layer, calls in expected.items()}

    def test_maps_become_an_archive_by_layer(self) -> None:
        expected = self.save(["blocks.0.attn2", "blocks.1.attn2"], 3, 7)
        answer = command("convert", self.folder)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("heed import", answer.stdout)
        with np.load(os.path.join(self.folder, "heed", "maps.npz")) as archive:
            self.assertEqual(set(archive), set(expected))
            for layer in expected:
                np.testing.assert_array_equal(archive[layer], expected[layer])
        with open(os.path.join(self.folder, "heed", "tokens.json"), encoding="utf-8") as file:
            self.assertEqual(len(json.load(file)["tokens"]), 7)

    def test_a_batch_asks_for_its_row(self) -> None:
        expected = self.save(["attn2"], 1, 5, batch=2)
        answer = command("convert", self.folder)
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("--row", answer.stderr)
        self.assertEqual(command("convert", self.folder, "--row", "1").returncode, 0)
        with np.load(os.path.join(self.folder, "heed", "maps.npz")) as archive:
            np.testing.assert_array_equal(archive["attn2"], expected["attn2"])

    def test_a_pickle_that_is_no_tensor_is_refused(self) -> None:
        self.save(["attn2"], 1, 5)
        file = glob.glob(os.path.join(self.folder, "raw", "*", "*.pt"))[0]

        class Code:
            def __reduce__(self) -> tuple[object, tuple[str]]:
                return os.mkdir, (os.path.join(tempfile.gettempdir(), "heed-was-run"),)

        torch.save(Code(), file)
        answer = command("convert", self.folder)
        self.assertNotEqual(answer.returncode, 0)
        self.assertFalse(os.path.exists(os.path.join(tempfile.gettempdir(), "heed-was-run")))

    def test_another_folder_is_refused_by_name(self) -> None:
        answer = command("convert", self.folder)
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("metadata.json", answer.stderr)


if __name__ == "__main__":
    unittest.main()
