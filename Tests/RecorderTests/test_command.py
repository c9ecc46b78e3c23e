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
from collections.abc import Iterator
from typing import Any

import heed_record
import numpy as np
import tiny_tokenizers
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


class DamagedTestCase(unittest.TestCase):
    """A whole run, and a copy of it for each test."""

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


class CheckTests(DamagedTestCase):
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


class DamagedTests(DamagedTestCase):
    """Whatever stands in a run's files, what is wrong is named, file by file, and nothing else happens."""

    WRONG: list[Any] = [None, "x", -7, 1e400, [], {}, [None], {"x": None}]

    def mutations(self, document: Any) -> Iterator[None]:
        """Puts something wrong in each place of a document, one after the other, and the right thing back."""
        places = [(document, key) for key in (document if isinstance(document, dict) else range(len(document)))]
        while places:
            holder, key = places.pop()
            right = holder[key]
            for wrong in self.WRONG:
                holder[key] = wrong
                yield
            if isinstance(holder, dict):
                del holder[key]
                yield
            holder[key] = right
            if isinstance(right, dict):
                places += [(right, inner) for inner in right]
            elif isinstance(right, list) and right:
                places.append((right, len(right) - 1))

    def test_wrong_values_anywhere_end_in_no_traceback(self) -> None:
        for name in ["run.json", "attention.zarr/zarr.json"]:
            file = os.path.join(self.copy, name)
            with open(file, encoding="utf-8") as opened:
                document = json.load(opened)
            for _ in self.mutations(document):
                with open(file, "w", encoding="utf-8") as opened:
                    json.dump(document, opened)
                problems = heed_record.check(self.copy)
                self.assertTrue(all(problem.startswith(self.copy) for problem in problems), problems)
            shutil.rmtree(self.copy)
            shutil.copytree(self.whole, self.copy)

    def test_wrong_lines_of_the_journal_end_in_no_traceback(self) -> None:
        file = os.path.join(self.copy, "calls.jsonl")
        with open(file, encoding="utf-8") as opened:
            calls = [json.loads(line) for line in opened]
        for _ in self.mutations(calls):
            with open(file, "w", encoding="utf-8") as opened:
                opened.writelines(json.dumps(call) + "\n" for call in calls)
            problems = heed_record.check(self.copy)
            self.assertTrue(all(problem.startswith(self.copy) for problem in problems), problems)

    def test_a_branch_of_another_name_is_named(self) -> None:
        file = os.path.join(self.copy, "calls.jsonl")
        with open(file, encoding="utf-8") as opened:
            text = opened.read()
        with open(file, "w", encoding="utf-8") as opened:
            opened.write(text.replace('"branch":"conditional"', '"branch":"sideways"', 1))
        self.assertTrue(any("sideways" in problem for problem in heed_record.check(self.copy)))

    def test_a_layer_whose_folder_is_gone_is_named(self) -> None:
        path = next(iter(Recorded(self.copy).sites))
        shutil.rmtree(os.path.join(self.copy, "attention.zarr", path))
        self.assertTrue(any(path in problem for problem in heed_record.check(self.copy)))


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

    def test_metadata_of_another_kind_is_refused_in_one_line(self) -> None:
        self.save(["attn2"], 1, 5)
        file = os.path.join(self.folder, "metadata.json")
        with open(file, encoding="utf-8") as opened:
            whole = opened.read()

        def record(**changes: Any) -> dict[str, Any]:
            document = json.loads(whole)
            for key, value in changes.items():
                if value is None:
                    del document["records"][0][key]
                else:
                    document["records"][0][key] = value
            return document

        for name, document in {
                "no object": [], "no records": {}, "records of another type": {"records": {"a": 1}},
                "no relation": record(relation=None), "no layer": record(layer_id=None),
                "a step that is no number": record(step_index="first"), "a time that is no number": record(timestep=[]),
                "a grid of another type": record(q_shape=[4, 6]), "words for a grid": record(q_shape={
                    "height": "four", "width": 6}), "another grid": record(q_shape={"height": 4, "width": 7}),
                "prompts of another type": {**record(), "provenance": {"prompts": 3}}}.items():
            with self.subTest(name):
                with open(file, "w", encoding="utf-8") as opened:
                    json.dump(document, opened)
                answer = command("convert", self.folder)
                self.assertEqual(answer.returncode, 65, answer.stderr)
                self.assertIn("metadata.json", answer.stderr)
                self.assertEqual(answer.stderr.count("\n"), 1, answer.stderr)

    def test_files_that_are_no_maps_are_passed_over(self) -> None:
        self.save(["attn2"], 1, 5)
        with open(os.path.join(self.folder, "raw", "image-to-text", "mine.pt"), "w"):
            pass
        self.assertEqual(command("convert", self.folder).returncode, 0)

    def test_a_tokenizer_that_is_none_is_refused_in_one_line(self) -> None:
        self.save(["attn2"], 1, 5)
        answer = command("convert", self.folder, "--tokenizer", self.folder)
        self.assertEqual(answer.returncode, 65, answer.stderr)
        self.assertIn(self.folder, answer.stderr)
        self.assertEqual(answer.stderr.count("\n"), 1, answer.stderr)

    def test_each_row_of_a_batch_has_its_own_prompt(self) -> None:
        """With guidance there are twice as many rows as prompts, the negative prompts' first."""
        tokenizer = os.path.join(self.folder, "tokenizer")
        tiny_tokenizers.clip().save_pretrained(tokenizer)
        for prompts, rows in [([PROMPT], 2), ([PROMPT, "a red car"], 2), ([PROMPT, "a red car"], 4)]:
            shutil.rmtree(os.path.join(self.folder, "raw"), ignore_errors=True)
            self.save(["attn2"], 1, 9, batch=rows)
            file = os.path.join(self.folder, "metadata.json")
            with open(file, encoding="utf-8") as opened:
                document = json.load(opened)
            document["provenance"]["prompts"] = prompts
            with open(file, "w", encoding="utf-8") as opened:
                json.dump(document, opened)
            for row in range(rows):
                with self.subTest(prompts=prompts, row=row):
                    answer = command("convert", self.folder, "--row", str(row), "--tokenizer", tokenizer)
                    self.assertEqual(answer.returncode, 0, answer.stderr)
                    with open(os.path.join(self.folder, "heed", "tokens.json"), encoding="utf-8") as opened:
                        self.assertEqual(json.load(opened)["prompt"], prompts[row % len(prompts)])

    def test_another_folder_is_refused_by_name(self) -> None:
        answer = command("convert", self.folder)
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("metadata.json", answer.stderr)


if __name__ == "__main__":
    unittest.main()
