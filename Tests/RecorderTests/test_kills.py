"""The process that records is killed at a hundred moments; what was acknowledged is there each time."""

from __future__ import annotations

import contextlib
import glob
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from recorded import Recorded
from repository import HEED

KILLS = 100
RECORDING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "killed_recording.py")


class KillTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.server = subprocess.Popen(
            [sys.executable, RECORDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.stdin.close)
        self.addCleanup(self.server.stdout.close)

    def begin(self, folder: str) -> int:
        """Starts a recording in a process of its own, and tells its number once the pipeline runs."""
        print(folder, file=self.server.stdin, flush=True)
        return int(self.server.stdout.readline())

    def end(self) -> int:
        return int(self.server.stdout.readline())

    def test_what_was_acknowledged_is_there(self) -> None:
        whole = os.path.join(self.folder, "whole")
        self.begin(whole)
        begun = time.monotonic()
        self.assertEqual(self.end(), 0)
        seconds = time.monotonic() - begun
        complete = Recorded(whole)
        moments, acknowledged, cut_off = random.Random(18), [], []
        for kill in range(KILLS):
            folder = os.path.join(self.folder, str(kill))
            process = self.begin(folder)
            time.sleep(moments.uniform(0, 1.05) * seconds)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            if self.end() == -signal.SIGKILL:
                cut_off.append(kill)
            if not glob.glob(os.path.join(folder, "**", "run.json"), recursive=True):
                # Nothing was acknowledged before the manifest stood.
                self.assertEqual(glob.glob(os.path.join(folder, "**", "calls.jsonl"), recursive=True), [])
                continue
            run = Recorded(folder)
            self.compare(run, complete)
            acknowledged.append(run)
        counts = [len(run.calls) for run in acknowledged]
        self.assertGreater(len(cut_off), KILLS / 2, f"{seconds:.2f} s a recording")
        self.assertGreater(len(set(counts)), 5, "the moments do not differ")
        self.check([run.path for run in acknowledged])

    def compare(self, run: Recorded, complete: Recorded) -> None:
        """That each acknowledged call has the chunks, to the byte, that a recording to the end has."""
        for call in run.calls:
            self.assertEqual(call["checksums"], complete.calls[call["call"]]["checksums"])
            for path in call["checksums"]:
                name = os.path.join("attention.zarr", path, f"c.{call['call']}.0.0.0.0")
                with open(os.path.join(run.path, name), "rb") as mine, \
                        open(os.path.join(complete.path, name), "rb") as other:
                    self.assertEqual(mine.read(), other.read(), name)

    def check(self, runs: list[str]) -> None:
        import heed_record

        for run in runs:
            self.assertEqual(heed_record.check(run), [], run)
        if HEED:
            answer = subprocess.run([HEED, "check", *runs], capture_output=True, text=True)
            self.assertEqual(answer.returncode, 0, answer.stdout[-3000:] + answer.stderr)


if __name__ == "__main__":
    unittest.main()
