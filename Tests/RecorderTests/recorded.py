"""A run's folder, read by the formats' own words: JSON, and chunks of Zarr v3 with their CRC-32C behind them."""

from __future__ import annotations

import glob
import json
import os
from functools import cached_property
from typing import Any

import numpy as np


class Recorded:
    """The one run below a folder."""

    def __init__(self, folder: str) -> None:
        found = sorted(glob.glob(os.path.join(glob.escape(folder), "**", "run.json"), recursive=True))
        assert len(found) == 1, f"{folder}: {len(found)} runs, expected one: {found}"
        self.path = os.path.dirname(found[0])

    @cached_property
    def manifest(self) -> dict[str, Any]:
        with open(os.path.join(self.path, "run.json"), encoding="utf-8") as file:
            return json.load(file)

    @cached_property
    def calls(self) -> list[dict[str, Any]]:
        """The acknowledged calls: the lines of the journal that are all there."""
        with open(os.path.join(self.path, "calls.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    @property
    def store(self) -> str:
        return os.path.join(self.path, "attention.zarr")

    @cached_property
    def sites(self) -> dict[str, dict[str, Any]]:
        """By path: the site as the model has it, and what is kept of it."""
        return {recorded["site"]["path"]: recorded for recorded in self.group()["attributes"]["sites"]}

    def group(self, path: str = "") -> dict[str, Any]:
        """What describes the store, or one of its arrays."""
        with open(os.path.join(self.store, path, "zarr.json"), encoding="utf-8") as file:
            return json.load(file)

    def shape(self, path: str) -> tuple[int, ...]:
        return tuple(self.group(path)["shape"])

    def chunk(self, path: str, call: int) -> np.ndarray:
        """A call of a site, [head, (frame), row, column, token]."""
        shape = self.shape(path)[1:]
        kind = np.dtype(self.group(path)["data_type"]).newbyteorder("<")
        with open(os.path.join(self.store, path, f"c.{call}" + ".0" * len(shape)), "rb") as file:
            data = file.read()
        assert len(data) == kind.itemsize * int(np.prod(shape)) + 4, f"{path}, call {call}: {len(data)} bytes"
        return np.frombuffer(data[:-4], kind).reshape(shape)

    def maps(self, path: str, *, branch: str = "conditional", phase: str = "denoise") -> np.ndarray:
        """The recorded calls of a site, [call, head, row, column, token], or with frames behind the head."""
        wanted = [call["call"] for call in self.calls if (call["branch"], call["phase"]) == (branch, phase)]
        return np.stack([self.chunk(path, call) for call in wanted])

    def recorded_calls(self, path: str) -> list[int]:
        """The calls whose chunk of a site the journal acknowledges."""
        return [call["call"] for call in self.calls if path in call["checksums"]]

    def tokens(self, role: str = "prompt") -> dict[str, Any]:
        return next(text for text in self.manifest["texts"] if text["role"] == role)

    def pieces(self, word: str) -> list[str]:
        """The pieces of a word of the prompt, of every segment, without the signs of spaces."""
        text = self.tokens()
        found = next(entry for entry in text["words"] if entry["text"] == word)
        return [text["tokens"][token]["piece"].replace("</w>", "").strip("▁Ġ") for token in found["tokens"]]
