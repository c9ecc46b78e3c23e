"""Records the attention of any diffusers pipeline as a run that Heed reads.

    from heed_record import Recorder

    with Recorder(pipe, "runs", prompt, seed=1, subjects=["cat", "frog"]) as record:
        picture = pipe(prompt, generator=torch.Generator().manual_seed(1)).images[0]
        record.picture(picture)

The run lies in `runs/PROMPT/METHOD/seed-1`: `heed check`, `heed sheet`, `heed report` and `heed analyze` read it,
and so does `heed_reader`. It holds, of every attention layer that reads the prompt, the probabilities of the
prompt's tokens in every step, and is written while the picture is made: what was acknowledged is there, whenever
the process ends.

How it looks on. Nothing of the pipeline is replaced. A mode of torch (`torch.overrides.TorchFunctionMode`) sees
each `scaled_dot_product_attention` before it is computed, and hooks of modules say which layer computes it. Which
rows of an attention are cells of the picture and which are tokens is told by no name of a class or layer: in the
first pass each operation is computed again with another text and with another latent beside the true ones,
attention passing nothing on, so that a row which changes with the latent alone is a cell, and one which changes
with the text is a token. Which text, and which of its tokens, is told by comparing what the denoiser reads with
what the text encoders gave.

    python -m heed_record check RUN          # manifest, journal, checksums and sums of rows of a run
    python -m heed_record convert FOLDER     # maps that attention-map-diffusers 1.x saved, for heed import

One file, to be copied: it needs NumPy, and PyTorch to record.
"""

from __future__ import annotations

import argparse
import datetime
import errno
import fnmatch
import inspect
import itertools
import json
import math
import os
import pickle
import platform
import queue
import re
import shlex
import shutil
import struct
import sys
import threading
import time
import unicodedata
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

try:
    import fcntl
except ImportError:  # Windows has no such locks.
    fcntl = None  # type: ignore[assignment]
try:
    import torch
    from torch.overrides import TorchFunctionMode
except ImportError:  # A run is checked without torch.
    torch = None  # type: ignore[assignment]
    TorchFunctionMode = object  # type: ignore[assignment, misc]

__all__ = ["Recorder", "RecordingError", "check", "convert", "crc32c"]

__version__ = "0.1.0"

HEED_VERSION = "0.1.0"
"""The version of Heed whose run format is written."""

Branch = Literal["unconditional", "conditional"]
Phase = Literal["loss", "refinement", "denoise"]
Ints = npt.NDArray[np.intp]

BRANCHES: tuple[Branch, ...] = ("unconditional", "conditional")
PHASES: tuple[Phase, ...] = ("loss", "refinement", "denoise")
CALLS_IN_CHUNK = 256
"""Calls in a chunk of a coordinate: even eight bytes for each then fit one page of memory."""


class RecordingError(RuntimeError):
    """The recording cannot go on, or would say something wrong; the message says what to do."""


# MARK: - Checksums


_POLYNOMIAL = np.uint32(0x82F63B78)


def _times(columns: npt.NDArray[np.uint32], values: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """A linear map of words of 32 bits, given by what it makes of each single bit."""
    result = np.zeros_like(values)
    for bit in range(32):
        result ^= np.where((values >> np.uint32(bit)) & np.uint32(1), columns[bit], np.uint32(0))
    return result


@lru_cache(maxsize=None)
def _passage(count: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """What `count` zero bytes make of a remainder's lower and of its upper half, for each of their values."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    one, all_of_them, rest = np.where(bits & np.uint32(1), _POLYNOMIAL, bits >> np.uint32(1)), bits, count * 8
    while rest:
        if rest & 1:
            all_of_them = _times(one, all_of_them)
        one, rest = _times(one, one), rest >> 1
    halves = np.arange(1 << 16, dtype=np.uint32)
    return _times(all_of_them, halves), _times(all_of_them, halves << np.uint32(16))


def _passed(remainders: npt.NDArray[np.uint32], count: int) -> npt.NDArray[np.uint32]:
    lower, upper = _passage(count)
    passed: npt.NDArray[np.uint32] = lower.take(remainders & np.uint32(0xFFFF))
    passed ^= upper.take(remainders >> np.uint32(16))
    return passed


def crc32c(data: bytes | bytearray | memoryview | npt.NDArray[Any]) -> int:
    """CRC-32C (Castagnoli, RFC 3720 appendix B.4) of bytes, some hundred megabytes a second.

    The bytes are laid out in rows of words. A remainder is linear, so that a whole row is carried over the next
    one at a time, and the last row is folded in half until one word is left. Bytes that fill no row go first,
    behind zeros, which a remainder of zero passes unchanged.
    """
    flat = np.frombuffer(data, np.uint8) if not isinstance(data, np.ndarray) else data.reshape(-1).view(np.uint8)
    width = 4096 if flat.size >= 1 << 15 else 256
    if flat.size < 4:
        remainder = 0xFFFFFFFF
        for byte in flat.tolist():
            remainder ^= byte
            for _ in range(8):
                remainder = (remainder >> 1) ^ (int(_POLYNOMIAL) & -(remainder & 1))
        return remainder ^ 0xFFFFFFFF
    head = flat.size % (4 * width)
    first = np.zeros(4 * width, np.uint8)
    first[4 * width - head:] = flat[:head]
    # The remainder begins as 32 ones, which is the same as the first four bytes inverted.
    inverted = min(head, 4)
    if inverted:
        first[4 * width - head:4 * width - head + inverted] ^= 0xFF
    state = first.view("<u4").astype(np.uint32)
    for index, row in enumerate(flat[head:].view("<u4").reshape(-1, width)):
        state = _passed(state, 4 * width)
        state ^= row
        if index == 0 and inverted < 4:
            state[0] ^= np.uint32((1 << 8 * (4 - inverted)) - 1)
    while width > 1:
        width //= 2
        state = _passed(state[:width], 4 * width) ^ state[width:]
    return int(_passed(state, 4)[0]) ^ 0xFFFFFFFF


# MARK: - Texts


@dataclass(frozen=True)
class _Tokenizer:
    """What is asked of a tokenizer of transformers: its public methods only."""

    own: Any

    @property
    def special(self) -> set[int]:
        return set(self.own.all_special_ids)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        pieces = self.own.convert_ids_to_tokens(list(ids))
        return ["" if piece is None else str(piece) for piece in pieces]

    def text(self, ids: Sequence[int], *, with_special: bool = False) -> str:
        return str(self.own.decode(list(ids), skip_special_tokens=not with_special, clean_up_tokenization_spaces=False))

    def ids_and_ranges(self, text: str) -> tuple[list[int], list[tuple[int, int]] | None]:
        """The ids of a text without special tokens around it, and the characters of each; `None` where it cannot
        say.
        """
        try:
            made = self.own(text, add_special_tokens=False, return_offsets_mapping=True)
            return list(made["input_ids"]), [(int(a), int(b)) for a, b in made["offset_mapping"]]
        except (NotImplementedError, TypeError, KeyError, ValueError):
            return list(self.own(text, add_special_tokens=False)["input_ids"]), None

    def places(self, prompt: str, ids: list[int]) -> dict[int, tuple[int, int]] | None:
        """The characters of `prompt` that each of the ids covers, by the id's position.

        The ids are those that an encoder received: the prompt's, with special tokens, padding, and perhaps a
        chat's template around them; a long prompt is cut. It is `None` where the prompt is not among them.
        """
        for text, shift in _readings(prompt):
            own, ranges = self.ids_and_ranges(text)
            if not own:
                return {}
            starts = range(len(ids) - len(own), -1, -1)
            start = next((start for start in starts if ids[start:start + len(own)] == own), None)
            if start is not None and ranges is not None:
                return {start + i: _moved(range_, shift, len(prompt)) for i, range_ in enumerate(ranges)}
        if (spelled := self._spelled(prompt, ids)) is not None:
            return spelled
        # A window cuts a long prompt: behind what fits stand special tokens only.
        for text, shift in _readings(prompt):
            own, ranges = self.ids_and_ranges(text)
            start, count = _longest_match(own, ids)
            if count and not set(ids[start + count:]) - self.special:
                if ranges is None:
                    return self._spelled(self.text(own[:count]).strip(), ids)
                return {start + i: _moved(ranges[i], shift, len(prompt)) for i in range(count)}
        return None

    def _spelled(self, prompt: str, ids: list[int]) -> dict[int, tuple[int, int]] | None:
        """The same by what each id spells, where a template's text changes how the prompt's first word is cut.

        White space and case do not count, since tokenizers treat them in their own ways.
        """
        letters = [(index, character) for index, whole in enumerate(prompt) for character in whole.lower()
                   if not character.isspace()]
        wanted = "".join(character for _, character in letters)
        spelled, owners = "", []
        for place, token in enumerate(ids):
            piece = "".join(self.text([token], with_special=True).removeprefix("##").lower().split())
            spelled += piece
            owners += [place] * len(piece)
        start = spelled.rfind(wanted) if wanted else -1
        if start < 0:
            return None
        places: dict[int, tuple[int, int]] = {}
        for (index, _), place in zip(letters, owners[start:start + len(wanted)]):
            places[place] = (places.get(place, (index,))[0], index + 1)
        return places


def _readings(prompt: str) -> list[tuple[str, int]]:
    """A prompt as pipelines hand it to tokenizers (as it is, trimmed, in lower case), and what was cut off in
    front.
    """
    trimmed = prompt.strip()
    front = len(prompt) - len(prompt.lstrip())
    texts = [(prompt, 0), (trimmed, front), (trimmed.lower(), front), (" ".join(prompt.split()), front)]
    return list(dict.fromkeys(texts))


def _moved(range_: tuple[int, int], shift: int, limit: int) -> tuple[int, int]:
    return min(range_[0] + shift, limit), min(range_[1] + shift, limit)


def _longest_match(own: list[int], ids: list[int]) -> tuple[int, int]:
    """Where the first ids of a text stand among others, and how many of them follow each other there."""
    best = (0, 0)
    for start in range(len(ids)):
        count = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(own, ids[start:])))
        best = (start, count) if count > best[1] else best
    return best


def _split(prompt: str) -> list[tuple[int, int]]:
    """The words of a prompt as ranges of characters: letters, single digits, or signs, as CLIP's tokenizer
    splits.
    """

    def kind(character: str) -> str:
        category = unicodedata.category(character)
        return " " if character.isspace() else "L" if category[0] in "LM" else "N" if category[0] == "N" else "S"

    ranges: list[tuple[int, int]] = []
    last = " "
    for index, character in enumerate(prompt):
        now = kind(character)
        if now == " ":
            pass
        elif now == last and now != "N":
            ranges[-1] = (ranges[-1][0], index + 1)
        else:
            ranges.append((index, index + 1))
        last = now
    return ranges


@dataclass
class _Encoding:
    """One pass of a text encoder: the ids that it received, and the first numbers of each vector that it gave."""

    encoder: str
    ids: list[list[int]]
    mask: list[list[int]] | None
    outputs: list[torch.Tensor] = field(default_factory=list)
    widths: set[int] = field(default_factory=set)

    numbers = 8
    """How many numbers of a vector are kept to know it again."""

    def add(self, tensor: torch.Tensor) -> None:
        self.outputs.append(tensor.detach()[..., :self.numbers].clone())
        self.widths.add(int(tensor.shape[-1]))


@dataclass(frozen=True)
class _Key:
    """Where a key of the text part comes from: a token of a row of an encoding."""

    encoding: int
    row: int
    token: int


@dataclass
class _Source:
    """The text that one row of the denoiser's batch reads; a key is `None` where no encoder's token stands."""

    keys: tuple[_Key | None, ...]
    is_zero: bool
    shared: frozenset[tuple[int, int]] = frozenset()
    """Rows of encodings that lie beside the keys' along the channels."""

    @property
    def rows(self) -> frozenset[tuple[int, int]]:
        return frozenset((key.encoding, key.row) for key in self.keys if key is not None)


def _vectors(tensor: torch.Tensor) -> list[bytes]:
    """Each vector along the last axis as bytes, to be compared."""
    values = np.ascontiguousarray(tensor.detach().to("cpu", torch.float32).numpy())
    # Both zeros are one number.
    values = values + np.float32(0)
    return [row.tobytes() for row in values]


class _Texts:
    """What the text encoders received and gave, and the tables of tokens that follow from it."""

    def __init__(self, tokenizers: dict[str, _Tokenizer]) -> None:
        self.tokenizers = tokenizers
        self.encodings: list[_Encoding] = []
        # What stands in front of the prompt and behind it, by encoder: special tokens, a template.
        self._frames: dict[str, tuple[list[int], list[int]]] = {}
        self._sources: dict[bytes, _Source] = {}

    def source(self, row: torch.Tensor) -> _Source:
        """The source of one row of a text, `[token, channel]`."""
        head = row.detach()[:, :_Encoding.numbers]
        tail = row.detach()[:, -_Encoding.numbers:]
        mark = b"".join(_vectors(torch.cat([head, tail], -1))) + bytes(str(tuple(row.shape)), "ascii")
        mark += bytes(str(len(self.encodings)), "ascii")
        if mark not in self._sources:
            self._sources[mark] = self._found(row)
        return self._sources[mark]

    def _found(self, row: torch.Tensor) -> _Source:
        zero = not bool((row != 0).any())
        keys = self._matched(row, 0)
        shared: set[tuple[int, int]] = set()
        widths = sorted({width for encoding in self.encodings for width in encoding.widths})
        offsets = {sum(chosen) for count in (1, 2) for chosen in itertools.combinations_with_replacement(widths, count)}
        for offset in sorted(offsets):
            if offset + _Encoding.numbers <= row.shape[-1]:
                beside = self._matched(row, offset)
                if not any(keys):
                    keys = beside
                shared |= {(key.encoding, key.row) for key in beside if key is not None}
        return _Source(tuple(keys), zero, frozenset(shared))

    def _matched(self, row: torch.Tensor, offset: int) -> list[_Key | None]:
        """The token of each key, by the numbers of its vector from channel `offset` on."""
        there = row[:, offset:offset + _Encoding.numbers]
        vectors = _vectors(there)
        nothing = bytes(4 * _Encoding.numbers)
        best: dict[int, tuple[int, dict[int, _Key]]] = {}
        for number, encoding in enumerate(self.encodings):
            for output in encoding.outputs:
                for line in range(output.shape[0]):
                    tokens: dict[bytes, list[int]] = {}
                    for token, vector in enumerate(_vectors(output[line].to(there.dtype))):
                        tokens.setdefault(vector, []).append(token)
                    found: dict[int, _Key] = {}
                    last = -1
                    for place, vector in enumerate(vectors):
                        choices = tokens.get(vector, [])
                        if vector != nothing and choices:
                            last = last + 1 if last + 1 in choices else choices[0]
                            found[place] = _Key(number, line, last)
                    if len(found) > best.get(number, (0, {}))[0]:
                        best[number] = (len(found), found)
        keys: list[_Key | None] = [None] * row.shape[0]
        # A later encoding of the same text is the one in use; more tokens weigh more.
        for number in sorted(best, key=lambda number: (best[number][0], number)):
            for place, key in best[number][1].items():
                keys[place] = key
        return self._filled(keys)

    def _filled(self, keys: list[_Key | None]) -> list[_Key | None]:
        """Keys that were changed on their way (weighted, set to zero) continue the run of tokens that they stand
        in.
        """
        filled = list(keys)
        for places in (range(1, len(keys)), range(len(keys) - 2, -1, -1)):
            step = places.step
            for place in places:
                near = filled[place - step]
                if filled[place] is None and near is not None:
                    token = near.token + step
                    if 0 <= token < len(self.encodings[near.encoding].ids[near.row]):
                        filled[place] = _Key(near.encoding, near.row, token)
        return filled

    def tokenizer(self, encoder: str) -> _Tokenizer:
        if encoder in self.tokenizers:
            return self.tokenizers[encoder]
        raise RecordingError(
            f"no tokenizer belongs to {encoder}: expected a component of the pipeline named "
            f"{encoder.replace('text_encoder', 'tokenizer')}")

    def spelled(self, source: _Source) -> str:
        """A text as its first encoder read it, without special tokens, nor what stands around the prompt too."""
        key = next((key for key in source.keys if key is not None), None)
        if key is None:
            return ""
        encoding = self.encodings[key.encoding]
        tokenizer = self.tokenizer(encoding.encoder)
        ids = self._shown(key)
        front, behind = self._frames.get(encoding.encoder, ([], []))
        last = len(ids) - len(behind)
        if last >= len(front) and ids[:len(front)] == front and ids[last:] == behind:
            ids = ids[len(front):last]
        return tokenizer.text(ids).strip()

    def _shown(self, key: _Key) -> list[int]:
        """The ids of a text without those that the encoder was told to pass over."""
        encoding = self.encodings[key.encoding]
        ids = encoding.ids[key.row]
        return ids if encoding.mask is None else [one for one, shown in zip(ids, encoding.mask[key.row]) if shown]

    def table(self, source: _Source, role: str, told: str | None) -> dict[str, Any]:
        """The entry of `texts` in run.json for a row's text."""
        prompt = self.spelled(source) if told is None else told
        places: dict[tuple[int, int], dict[int, tuple[int, int]]] = {}
        for number, row in sorted(source.rows | source.shared):
            encoding = self.encodings[number]
            tokenizer = self.tokenizer(encoding.encoder)
            found = tokenizer.places(prompt, encoding.ids[row])
            if found is None and told is not None:
                got = tokenizer.text(encoding.ids[row]).strip()
                raise RecordingError(
                    f"{role}: {encoding.encoder} received {got!r}, not {prompt!r}: give the recorder the text that the "
                    "pipeline gets, the same for every encoder")
            # A text that nobody told may be cut out of what no tokenizer makes again: then it has no words.
            places[number, row] = found or {}
            if role == "prompt" and found:
                shown = self._shown(_Key(number, row, 0))
                hidden = len(encoding.ids[row]) - len(shown)
                first = min(found) - (hidden if encoding.mask is not None and not encoding.mask[row][0] else 0)
                self._frames[encoding.encoder] = (shown[:first], shown[first + max(found) - min(found) + 1:])
        return _TableOfText(self, source, role, prompt, places).entry()


@dataclass
class _TableOfText:
    """The tokens, words and segments of one text along the keys."""

    texts: _Texts
    source: _Source
    role: str
    prompt: str
    places: dict[tuple[int, int], dict[int, tuple[int, int]]]

    def entry(self) -> dict[str, Any]:
        ranges = [self._range(key) for key in self.source.keys]
        words, word_of = self._words(ranges)
        tokens: list[dict[str, Any]] = []
        segments = []
        for first, after in self._runs():
            kinds = self._kinds(first, after, ranges)
            segments.append(self._segment(first, after, kinds))
            pieces, ids = self._pieces(first, after)
            for index in range(first, after):
                token: dict[str, Any] = {"index": index, "id": ids[index - first], "piece": pieces[index - first]}
                if (kind := kinds[index - first]) is not None:
                    token["special"] = kind
                elif (range_ := ranges[index]) is not None:
                    token["range"] = self._bytes(range_)
                    if index in word_of:
                        token["word"] = word_of[index]
                tokens.append(token)
        entry = {
            "role": self.role, "encoder": segments[0].get("encoder", "text_encoder"), "prompt": self.prompt,
            "segments": segments, "tokens": tokens, "words": words, "leftOut": self._left_out(words)}
        return entry

    def _range(self, key: _Key | None) -> tuple[int, int] | None:
        return None if key is None else self.places[key.encoding, key.row].get(key.token)

    def _bytes(self, range_: tuple[int, int]) -> list[int]:
        return [len(self.prompt[:place].encode()) for place in range_]

    def _runs(self) -> list[tuple[int, int]]:
        """The keys of one encoder after the other; a key without a token belongs to the run before it."""
        encoders = [None if key is None else self.texts.encodings[key.encoding].encoder for key in self.source.keys]
        runs: list[tuple[int, int]] = []
        last: str | None = None
        for index, encoder in enumerate(encoders):
            if not runs or (encoder is not None and last is not None and encoder != last):
                runs.append((index, index + 1))
            runs[-1] = (runs[-1][0], index + 1)
            last = encoder if encoder is not None else last
        return runs

    def _pieces(self, first: int, after: int) -> tuple[list[str], list[int]]:
        pieces, ids = [], []
        for key in self.source.keys[first:after]:
            if key is None:
                # No token stands for a key that a pipeline filled with zeros.
                pieces.append("<zeros>")
                ids.append(0)
            else:
                encoding = self.texts.encodings[key.encoding]
                ids.append(encoding.ids[key.row][key.token])
                pieces += self.texts.tokenizer(encoding.encoder).pieces(ids[-1:])
        return pieces, ids

    def _kinds(self, first: int, after: int, ranges: list[tuple[int, int] | None]) -> list[str | None]:
        """What each key of a segment is: `None` for the text's own."""
        keys = self.source.keys[first:after]
        of_text = [index for index in range(first, after) if ranges[index] is not None]
        kinds: list[str | None] = ["padding"] * len(keys)
        known = next((key for key in keys if key is not None), None)
        if known is None:
            return kinds
        encoding = self.texts.encodings[known.encoding]
        tokenizer = self.texts.tokenizer(encoding.encoder)
        pad, special = getattr(tokenizer.own, "pad_token_id", None), tokenizer.special
        ends = {getattr(tokenizer.own, "eos_token_id", None), getattr(tokenizer.own, "sep_token_id", None)}
        for index in of_text:
            kinds[index - first] = None

        def is_shown(key: _Key | None) -> bool:
            return key is not None and (encoding.mask is None or bool(encoding.mask[key.row][key.token]))

        def id_(key: _Key) -> int:
            return encoding.ids[key.row][key.token]

        front = (of_text[0] if of_text else after) - first
        before = [place for place in range(front) if is_shown(keys[place])]
        if not of_text:
            # An empty text: a start and an end at most, or a template alone.
            shown = [place for place in before if (key := keys[place]) and (id_(key) != pad or id_(key) in ends)]
            begins = getattr(tokenizer.own, "bos_token_id", None)
            ending = next((place for place in shown if (key := keys[place]) and id_(key) in ends and not (
                place == shown[0] and len(shown) > 1 and id_(key) == begins)), None)
            if ending is not None and all((key := keys[place]) and id_(key) in special for place in shown):
                for place in shown[:shown.index(ending) + 1]:
                    kinds[place] = "end" if place == ending else "start"
            else:
                for place in shown:
                    key = keys[place]
                    is_start = len(shown) == 1 and key is not None and id_(key) in special
                    kinds[place] = "start" if is_start else "template"
            return kinds
        # Padding may stand in front.
        while len(before) > 1 and (key := keys[before[0]]) and id_(key) == pad and encoding.mask is None:
            before.pop(0)
        for place in before:
            key = keys[place]
            is_first = place == before[0] and key is not None and id_(key) in special and len(before) == 1
            kinds[place] = "start" if is_first else "template"
        behind = [place for place in range(of_text[-1] + 1 - first, len(keys)) if is_shown(keys[place])]
        if encoding.mask is None or all(map(all, encoding.mask)):
            # Without a mask the padding begins behind the end token.
            ending = next((place for place in behind if (key := keys[place]) and id_(key) in ends), None)
            if ending is not None and all(
                    (key := keys[place]) and id_(key) in special for place in behind if place > ending):
                behind = [place for place in behind if place <= ending]
            behind = [place for place in behind if (key := keys[place]) and (id_(key) != pad or place == ending)]
        for place in behind:
            key = keys[place]
            is_end = len(behind) == 1 and key is not None and id_(key) in special
            kinds[place] = "end" if is_end else "template"
        return kinds

    def _segment(self, first: int, after: int, kinds: list[str | None]) -> dict[str, Any]:
        key = next((key for key in self.source.keys[first:after] if key is not None), None)
        segment: dict[str, Any] = {}
        if key is not None:
            segment["encoder"] = self.texts.encodings[key.encoding].encoder
        if "start" in kinds:
            segment["start"] = first + kinds.index("start")
        words = [place for place, kind in enumerate(kinds) if kind in (None, "template")]
        begin = first + (words[0] if words else kinds.index("start") + 1 if "start" in kinds else 0)
        segment["words"] = [begin, first + words[-1] + 1 if words else begin]
        if "end" in kinds:
            segment["end"] = first + kinds.index("end")
        padding = [place for place, kind in enumerate(kinds) if kind == "padding"]
        # Padding on both sides does not occur; what stands within is no padding of the window.
        behind = [place for place in padding if not words or place > words[-1]]
        chosen = behind or padding
        segment["padding"] = [first + chosen[0], first + chosen[-1] + 1] if chosen else [after, after]
        return segment

    def _words(self, ranges: list[tuple[int, int] | None]) -> tuple[list[dict[str, Any]], dict[int, int]]:
        """The words that have a token; words that share a token are one."""
        split = _split(self.prompt)
        group = list(range(len(split)))

        def root(word: int) -> int:
            while group[word] != word:
                word = group[word]
            return word

        touched: dict[int, list[int]] = {}
        for index, range_ in enumerate(ranges):
            if range_ is None:
                continue
            there = [word for word, (a, b) in enumerate(split) if a < range_[1] and b > range_[0]]
            for one, other in itertools.pairwise(there):
                group[root(other)] = root(one)
            if there:
                touched[index] = there
        members: dict[int, list[int]] = {}
        for word in range(len(split)):
            members.setdefault(root(word), []).append(word)
        words: list[dict[str, Any]] = []
        word_of: dict[int, int] = {}
        counts: dict[str, int] = {}
        for first in sorted(members):
            tokens = [index for index, there in touched.items() if root(there[0]) == first]
            if not tokens:
                continue
            range_ = (split[members[first][0]][0], split[members[first][-1]][1])
            text = unicodedata.normalize("NFC", self.prompt[range_[0]:range_[1]]).lower()
            counts[text] = counts.get(text, 0) + 1
            for index in tokens:
                word_of[index] = len(words)
            words.append({
                "text": text, "occurrence": counts[text], "tokens": sorted(tokens), "range": self._bytes(range_)})
        return words, word_of

    def _left_out(self, words: list[dict[str, Any]]) -> list[str]:
        taken = [word["range"] for word in words]
        left = []
        for range_ in _split(self.prompt):
            first, after = self._bytes(range_)
            if not any(first < b and after > a for a, b in taken):
                left.append(self.prompt[range_[0]:range_[1]])
        return left


def _subject(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """The tokens that a name means: a word, words that follow each other, `frog#2`, or `@5`."""
    name = name.strip()
    words: list[dict[str, Any]] = entry["words"]
    listed = ", ".join(
        word["text"] + (f"#{word['occurrence']}" if sum(w["text"] == word["text"] for w in words) > 1 else "")
        for word in words) or "none"
    if re.fullmatch(r"@\d+", name):
        index = int(name[1:])
        if index >= len(entry["tokens"]):
            raise RecordingError(f"subject {name!r}: the prompt's tokens are @0 to @{len(entry['tokens']) - 1}")
        if entry["tokens"][index].get("special"):
            raise RecordingError(
                f"subject {name!r}: the token is <{entry['tokens'][index]['special']}>, not a word's")
        return {"name": name, "tokens": [index]}
    text, occurrence = name, None
    if (marked := re.fullmatch(r"(.+)#(\d+)", name)) is not None:
        text, occurrence = marked[1], int(marked[2])
    wanted = [unicodedata.normalize("NFC", text[a:b]).lower() for a, b in _split(text)]
    texts = [word["text"] for word in words]
    places: list[list[int]] = [[index] for index, there in enumerate(texts) if there == text.lower()]
    if not places and wanted:
        places = [
            list(range(start, start + len(wanted))) for start in range(len(texts) - len(wanted) + 1)
            if texts[start:start + len(wanted)] == wanted]
    if not places:
        left = " (the prompt is too long for the encoder: it was left out)" if any(
            part.lower() in wanted for part in entry["leftOut"]) else ""
        raise RecordingError(f"subject {name!r}: no such word in the prompt{left}; its words: {listed}")
    if occurrence is None and len(places) > 1:
        raise RecordingError(
            f"subject {name!r}: the prompt has it {len(places)} times; write {text}#1 or {text}#2")
    if occurrence is not None and not 1 <= occurrence <= len(places):
        raise RecordingError(f"subject {name!r}: the prompt has it {len(places)} times")
    chosen = places[(occurrence or 1) - 1]
    named = [word for word in chosen if any(character.isalnum() for character in texts[word])] or chosen
    return {"name": name, "tokens": sorted(token for word in named for token in words[word]["tokens"])}


# MARK: - Sites


@dataclass(eq=False)
class _Site:
    """An attention layer whose maps are kept, and what of them."""

    path: str
    kind: Literal["cross", "joint"]
    heads: int
    rows: int
    columns: int
    frames: int
    keys: int
    width: int
    tokens: list[int]
    sums: list[tuple[str, int]]
    mean_of_heads: bool
    cells: int | None
    cell_rows: Ints
    """The queries that are the picture's cells, in the order of the grid."""
    key_columns: Ints
    """The keys of `tokens`, in their order."""
    sum_columns: list[Ints]
    """The keys of each of `sums`."""
    _placed: tuple[torch.Tensor, ...] | None = None
    _shares: tuple[torch.Tensor, torch.Tensor] | None = None

    @property
    def recorded_grid(self) -> tuple[int, int]:
        """The cells that are kept: an area mean where the model has more than `cells` a side."""
        factor = math.ceil(max(self.rows, self.columns) / self.cells) if self.cells else 1
        return math.ceil(self.rows / factor), math.ceil(self.columns / factor)

    @property
    def shape(self) -> list[int]:
        heads = 1 if self.mean_of_heads else self.heads
        frames = [self.frames] if self.frames > 1 else []
        return [heads, *frames, *self.recorded_grid, len(self.tokens) + len(self.sums)]

    def chunk(self, call: int) -> str:
        return f"c.{call}" + ".0" * len(self.shape)

    def entry(self) -> dict[str, Any]:
        """The site as the store's attributes have it."""
        site: dict[str, Any] = {
            "path": self.path, "kind": self.kind, "heads": self.heads, "keys": self.keys, "width": self.width,
            "grid": {"rows": self.rows, "columns": self.columns}}
        if self.frames > 1:
            site["frames"] = self.frames
        entry: dict[str, Any] = {"site": site, "heads": list(range(self.heads)), "tokens": self.tokens}
        if self.mean_of_heads:
            entry["reducedHeads"] = "mean"
        if self.sums:
            entry["summedColumns"] = [{"name": name, "keys": keys} for name, keys in self.sums]
        rows, columns = self.recorded_grid
        if (rows, columns) != (self.rows, self.columns):
            entry["grid"] = {"rows": rows, "columns": columns}
        return entry

    def maps(
        self, query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None, scale: float | None,
        is_causal: bool, precision: torch.dtype
    ) -> torch.Tensor:
        """The kept maps of a picture, in the site's shape.

        `query` is `[frame, head, query, channel]`, `key` the same with as many heads or a divisor of them
        (grouped queries), `mask` is broadcast to `[frame, head, query, key]`. The softmax is taken over every key
        in float32, of as many queries at a time as make 64 MiB of scores.
        """
        frames, heads, _, channels = query.shape
        factor = channels ** -0.5 if scale is None else scale
        cells, chosen, sums = self._indices(query.device)
        block = max(1, (1 << 24) // (heads * self.keys))
        of_frames = []
        for frame in range(frames):
            keys = key[frame].float().repeat_interleave(heads // key.shape[1], 0).transpose(-1, -2)
            parts = []
            for rows in cells.split(block):
                scores = (query[frame][:, rows].float() @ keys) * factor
                if is_causal:
                    later = torch.arange(self.keys, device=query.device) > rows[:, None]
                    scores = scores.masked_fill(later, -math.inf)
                if mask is not None:
                    part = mask[min(frame, mask.shape[0] - 1)]
                    part = part if part.shape[1] == 1 else part[:, rows]
                    scores = scores.masked_fill(~part, -math.inf) if part.dtype == torch.bool else scores + part.float()
                probabilities = torch.softmax(scores, -1)
                kept = [probabilities.index_select(-1, chosen)]
                kept += [probabilities.index_select(-1, columns).sum(-1, keepdim=True) for columns in sums]
                values = torch.cat(kept, -1)
                parts.append(values.mean(0, keepdim=True) if self.mean_of_heads else values)
            of_frames.append(torch.cat(parts, 1))
        made = torch.stack(of_frames, 1)
        made = made.reshape(made.shape[0], -1, self.rows, self.columns, made.shape[-1])
        return self._pooled(made).reshape(self.shape).to(precision)

    def _indices(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """Rows of cells, columns of tokens, and columns of each sum, where they are used."""
        if self._placed is None or self._placed[0].device != device:
            self._placed = tuple(
                torch.as_tensor(indices, device=device)
                for indices in (self.cell_rows, self.key_columns, *self.sum_columns))
        cells, chosen, *sums = self._placed
        return cells, chosen, sums

    def _pooled(self, maps: torch.Tensor) -> torch.Tensor:
        """Area means of `[head, frame, row, column, token]` on the grid that is kept."""
        rows, columns = self.recorded_grid
        if (rows, columns) == (self.rows, self.columns):
            return maps
        if self._shares is None or self._shares[0].device != maps.device:
            self._shares = _areas(self.rows, rows, maps.device), _areas(self.columns, columns, maps.device)
        return torch.einsum("ri,hfict,kc->hfrkt", self._shares[0], maps, self._shares[1])


def _matches(site: _Site, pattern: str) -> bool:
    """Whether a pattern of paths, or a grid as in `32x32`, means a layer."""
    return fnmatch.fnmatchcase(site.path, pattern) or pattern == f"{site.rows}x{site.columns}"


def _areas(count: int, kept: int, device: torch.device) -> torch.Tensor:
    """The share of each of `count` cells in each of `kept` equal parts of their length."""
    edges = np.linspace(0, count, kept + 1)
    cells = np.arange(count)
    overlap = np.minimum(edges[1:, None], cells[None] + 1) - np.maximum(edges[:-1, None], cells[None])
    shares = np.clip(overlap, 0, None) * (kept / count)
    return torch.as_tensor(shares, dtype=torch.float32, device=device)


# MARK: - Files of a run


def _title(name: str) -> str:
    """What a class of pipelines is called, as in `Stable Diffusion XL Img2Img`: model names are spelled as there."""
    stem = name.removesuffix("Pipeline") or name
    return re.sub(
        r"(?<=[a-z])(?=Diffusion)|(?<=Diffusion)(?=.)|(?<=.)(?=Img2Img|Inpaint|ControlNet)|"
        r"(?<=[a-z])(?=\d+(?![A-Za-z\d]))",
        " ", stem)


def _slug(prompt: str) -> str:
    """A folder's name for a prompt, such that no two prompts share one; the same as Heed's."""
    slug = ""
    for character in prompt.lower():
        if character in "abcdefghijklmnopqrstuvwxyz0123456789":
            slug += character
        elif slug and not slug.endswith("-"):
            slug += "-"
    slug = slug.removesuffix("-")
    if slug.replace("-", " ") == prompt and 1 <= len(slug) <= 60:
        return slug
    full = 0xCBF29CE484222325
    for byte in prompt.encode():
        full = (full ^ byte) * 0x100000001B3 % 2**64
    return (slug[:60].removesuffix("-") or "prompt") + f"-{(full ^ full >> 32) & 0xFFFFFFFF:08x}"


def _replace(path: str, data: bytes, durably: bool = False) -> None:
    """Writes a file whole: under another name first, so that nobody ever sees a part of it."""
    temporary = os.path.join(os.path.dirname(path), ".tmp")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        if durably:
            os.fsync(file.fileno())
    os.replace(temporary, path)


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _short(number: float) -> float:
    """A number of float32 as the shortest decimal that reads back to it."""
    return float(str(np.float32(number)))


def _digits(number: float) -> str:
    """A number as tables have it: the fewest digits, no point behind a whole number."""
    return repr(number).removesuffix(".0")


@dataclass
class _Call:
    """One pass for one branch, as the journal will have it, and the maps to be written before."""

    call: int
    step: int
    timestep: float
    branch: Branch
    phase: Phase
    attempt: int
    maps: dict[str, torch.Tensor] = field(default_factory=dict)
    ready: Any = None
    """What to wait for before the maps are in memory: an event of the accelerator."""
    loss: float | None = None
    scores: list[float] = field(default_factory=list)

    def record(self, checksums: dict[str, int]) -> dict[str, Any]:
        record: dict[str, Any] = {
            "attempt": self.attempt, "branch": self.branch, "call": self.call, "checksums": checksums,
            "phase": self.phase, "step": self.step, "timestep": self.timestep}
        if self.loss is not None:
            record["measurement"] = {"loss": _short(self.loss), "scores": [_short(score) for score in self.scores]}
        return record


_COORDINATES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "step": ("int32", "<i4", {"long_name": "iteration of the scheduler, from 0; -1 for no call yet"}),
    "timestep": ("float64", "<f8", {"long_name": "diffusion time of the scheduler; not unique within a run"}),
    "branch": ("int8", "i1", {
        "long_name": "half of classifier-free guidance; -1 for no call yet", "flag_values": [0, 1],
        "flag_meanings": " ".join(BRANCHES)}),
    "phase": ("int8", "i1", {
        "long_name": "what the pass was for; -1 for no call yet", "flag_values": [0, 1, 2],
        "flag_meanings": " ".join(PHASES)}),
    "attempt": ("int32", "<i4", {
        "long_name": "try of iterative refinement, from 1; 0 outside; -1 for no call yet"}),
    "loss": ("float32", "<f4", {"long_name": "the objective's loss of the pass; NaN where it gave none"}),
}


def _coordinate(name: str, call: dict[str, Any] | None) -> float:
    """The element of a call in a coordinate; without a call the fill value."""
    if name == "loss":
        return float(call["measurement"]["loss"]) if call and call.get("measurement") else math.nan
    if call is None:
        return math.nan if name == "timestep" else -1
    if name == "branch":
        return BRANCHES.index(call["branch"])
    return PHASES.index(call["phase"]) if name == "phase" else call[name]


class _Layout:
    """The description of a store: its arrays and attributes, for a number of calls (zarr v3, no compressor)."""

    comment = (
        "Attention probabilities, a softmax over every key of the layer. Columns are the prompt's tokens, and behind "
        "them sums over the keys that are not kept one by one: padding (of the text's keys) and image (the picture's "
        "own, in joint attention); with them each row sums to 1, up to the rounding of the stored type. A call is one "
        "evaluation of the denoiser for one branch of guidance. Every call of the run has its coordinates; maps are "
        "NaN for calls whose maps were not recorded, and for calls that were not made or not acknowledged.")

    def __init__(self, manifest: dict[str, Any], sites: list[_Site]) -> None:
        self.sites, self.manifest = sites, manifest
        text = manifest["texts"][0]
        self.pieces = [token["piece"] for token in text["tokens"]]
        recording = manifest["request"]["recording"]
        self.precision: str = recording["precision"]
        self.attributes = {
            "Conventions": "CF-1.11", "comment": self.comment, "heed_version": HEED_VERSION,
            "model": manifest["model"]["name"], "method": manifest["method"]["name"],
            "seed": manifest["request"]["seed"], "prompt": text["prompt"], "token_pieces": self.pieces,
            "subjects": manifest["subjects"], "precision": self.precision, "sites": [site.entry() for site in sites]}
        if "unconditional" in recording["branches"]:
            negative = next(text for text in manifest["texts"] if text["role"] == "negative")
            self.attributes["negative_prompt"] = negative["prompt"]
            self.attributes["negative_token_pieces"] = [token["piece"] for token in negative["tokens"]]

    def head_axis(self, site: _Site) -> str:
        if all(other.mean_of_heads for other in self.sites):
            return "head"
        return "head" if all(other.heads == site.heads for other in self.sites) else f"head_{site.heads}"

    def token_axis(self, site: _Site) -> str:
        same = all((other.tokens, other.sums) == (site.tokens, site.sums) for other in self.sites)
        return "token" if same else f"token_{site.keys}"

    def axes(self) -> dict[str, tuple[list[int], dict[str, Any]]]:
        """The coordinates of heads and tokens, and what they say of themselves."""
        axes: dict[str, tuple[list[int], dict[str, Any]]] = {}
        for site in self.sites:
            heads = [-1] if site.mean_of_heads else list(range(site.heads))
            named = "mean of the layer's heads: -1" if site.mean_of_heads else "head of the layer, from 0"
            axes[self.head_axis(site)] = (heads, {"long_name": named})
            columns = site.tokens + [-1 - place for place in range(len(site.sums))]
            pieces = [self.pieces[token] for token in site.tokens] + [f"<{name}>" for name, _ in site.sums]
            attributes: dict[str, Any] = {"long_name": "position in the text's window; sums of other keys are negative"}
            if "conditional" in self.manifest["request"]["recording"]["branches"]:
                attributes["pieces"] = pieces
            if (negative := self.attributes.get("negative_token_pieces")) is not None:
                attributes["pieces_unconditional"] = [negative[token] for token in site.tokens] + [
                    f"<{name}>" for name, _ in site.sums]
            axes[self.token_axis(site)] = (columns, attributes)
        return axes

    @staticmethod
    def array(
        shape: list[int], chunk: list[int], type_: str, names: list[str], attributes: dict[str, Any]
    ) -> dict[str, Any]:
        elements: dict[str, Any] = {"name": "bytes"}
        if type_ != "int8":
            elements["configuration"] = {"endian": "little"}
        return {
            "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": type_,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
            "fill_value": -1 if type_.startswith("int") else "NaN", "codecs": [elements, {"name": "crc32c"}],
            "attributes": attributes, "dimension_names": names}

    def arrays(self, calls: int) -> dict[str, dict[str, Any]]:
        """The description of each array when the run has `calls` of them."""
        arrays = {}
        for site in self.sites:
            rows, columns = site.recorded_grid
            frames = [f"frame_{site.frames}"] if site.frames > 1 else []
            names = ["call", self.head_axis(site), *frames, f"row_{rows}", f"column_{columns}", self.token_axis(site)]
            arrays[site.path] = self.array([calls, *site.shape], [1, *site.shape], self.precision, names, {
                "long_name": f"{site.kind}-attention probabilities", "coordinates": " ".join(_COORDINATES)})
        for name, (values, attributes) in self.axes().items():
            arrays[name] = self.array([len(values)], [len(values)], "int32", [name], attributes)
        arrays["call"] = self.array(
            [calls], [CALLS_IN_CHUNK], "int32", ["call"], {"long_name": "position in the run, from 0"})
        for name, (type_, _, attributes) in _COORDINATES.items():
            arrays[name] = self.array([calls], [CALLS_IN_CHUNK], type_, ["call"], attributes)
        return arrays

    def group(self, arrays: dict[str, dict[str, Any]]) -> dict[str, Any]:
        return {
            "zarr_format": 3, "node_type": "group", "attributes": self.attributes,
            "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": arrays}}


class _RunWriter:
    """The folder of one run, written by a thread: chunks, then coordinates, then the journal's line.

    One call waits while another is written; the next waits for it. Files are not forced to the disk call by call:
    a run survives the death of its process at any moment, not a power cut.
    """

    def __init__(self, path: str, manifest: dict[str, Any], sites: list[_Site], calls: int, overwrite: bool) -> None:
        self.path, self.manifest = path, manifest
        self.layout = _Layout(manifest, sites)
        self.capacity = max(1, calls)
        self.calls = 0
        self.losses: list[dict[str, Any]] = []
        self.store = os.path.join(path, "attention.zarr")
        self._chunks: dict[str, npt.NDArray[Any]] = {}
        try:
            _refuse_existing(path, overwrite)
            if os.path.isdir(path):
                shutil.rmtree(path)
            os.makedirs(self.store)
            self._lock = None if fcntl is None else _Lock(path)
            self.save_manifest()
            self._journal = os.open(
                os.path.join(path, "calls.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND | _BINARY, 0o666)
            self._describe(self.capacity)
        except OSError as error:
            raise RecordingError(f"{path}: cannot be made: {error.strerror or error}") from error
        self._queue: queue.Queue[_Call | None] = queue.Queue(maxsize=1)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="heed_record", daemon=True)
        self._thread.start()

    # What the recorder calls.

    def put(self, call: _Call) -> None:
        """Hands over a call.

        Raises `RecordingError` for what went wrong in the thread before; after that nothing is written.
        """
        while True:
            self._raise()
            try:
                return self._queue.put(call, timeout=1)
            except queue.Full:
                continue

    def close(self) -> None:
        """Writes what is still waiting, and ends the thread."""
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=1)
                self._thread.join()
            except queue.Full:
                continue
        os.close(self._journal)
        if self._lock is not None:
            self._lock.release()
        self._raise()

    def complete(self) -> None:
        """Trims the store to the calls that were made, and marks the run complete; everything else must be there.
        """
        try:
            if self.losses:
                _replace(os.path.join(self.path, "losses.csv"), _losses(self.losses, self.manifest["subjects"]))
            self._describe(self.calls)
            self.manifest["status"] = "complete"
            self.save_manifest()
        except OSError as error:
            raise RecordingError(f"{self.path}: cannot be written: {error.strerror or error}") from error

    def save_manifest(self) -> None:
        _replace(os.path.join(self.path, "run.json"), _json(self.manifest), durably=True)

    def _raise(self) -> None:
        if self._failure is not None:
            reason = getattr(self._failure, "strerror", None) or self._failure
            raise RecordingError(
                f"{self.path}: writing failed after {self.calls} calls, which are kept: {reason}") from self._failure

    # What the thread does.

    def _work(self) -> None:
        while (call := self._queue.get()) is not None:
            if self._failure is None:
                try:
                    self._write(call)
                except BaseException as error:  # It is raised where the recorder hands over the next call.
                    self._failure = error

    def _write(self, call: _Call) -> None:
        if call.ready is not None:
            call.ready.synchronize()
        checksums = {}
        for site in self.layout.sites:
            if site.path in call.maps:
                values = call.maps[site.path].numpy()
                checksums[site.path] = crc32c(values)
                place = os.path.join(self.store, site.path, site.chunk(call.call))
                with open(place, "wb") as file:
                    file.write(values.data)
                    file.write(struct.pack("<I", checksums[site.path]))
        if call.call >= self.capacity:
            self.capacity *= 2
            self._describe(self.capacity)
        record = call.record(checksums)
        self._write_coordinates(record)
        line = json.dumps(record, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        if os.write(self._journal, line) != len(line):
            raise OSError("the disk is full")
        if record.get("measurement"):
            self.losses.append(record)
        self.calls = call.call + 1

    def _write_coordinates(self, record: dict[str, Any]) -> None:
        """A chunk is written over in place: it lies in one page, and a kernel does not stop inside a page."""
        place = record["call"] % CALLS_IN_CHUNK
        for name, (_, type_, _) in _COORDINATES.items():
            chunk = self._chunks.setdefault(name, np.full(CALLS_IN_CHUNK, _coordinate(name, None), type_))
            if place == 0:
                chunk[:] = _coordinate(name, None)
            chunk[place] = _coordinate(name, record)
            data = chunk.tobytes()
            path = os.path.join(self.store, name, f"c.{record['call'] // CALLS_IN_CHUNK}")
            file = os.open(path, os.O_WRONLY | os.O_CREAT | _BINARY, 0o666)
            try:
                os.write(file, data + struct.pack("<I", crc32c(data)))
            finally:
                os.close(file)

    def _describe(self, calls: int) -> None:
        """Writes the descriptions of all arrays, and what does not change with the calls."""
        arrays = self.layout.arrays(calls)
        for name, array in arrays.items():
            os.makedirs(os.path.join(self.store, name), exist_ok=True)
            _replace(os.path.join(self.store, name, "zarr.json"), _json(array))
        for name, (values, _) in self.layout.axes().items():
            self._write_values(name, 0, np.array(values, "<i4"))
        for first in range(0, calls, CALLS_IN_CHUNK):
            self._write_values("call", first // CALLS_IN_CHUNK, np.arange(first, first + CALLS_IN_CHUNK, dtype="<i4"))
        _replace(os.path.join(self.store, "zarr.json"), _json(self.layout.group(arrays)))

    def _write_values(self, name: str, chunk: int, values: npt.NDArray[Any]) -> None:
        data = values.tobytes()
        _replace(os.path.join(self.store, name, f"c.{chunk}"), data + struct.pack("<I", crc32c(data)))


_BINARY = getattr(os, "O_BINARY", 0)
"""What keeps Windows from writing other ends of lines."""


class _Lock:
    """A run's folder, held for one writer as Heed holds it: by a lock on the file `.lock` in it, which is opened for
    writing since file systems of a network lock nothing else; or by the existence of that file, where the file
    system has no locks. The file says who holds the folder.

    Raises `RecordingError` where another process holds it, or may hold it.
    """

    NAME = ".lock"
    _UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EINVAL)

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = os.path.join(path, self.NAME)
        for _ in range(32):
            try:
                self._descriptor, is_ours = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), True
            except FileExistsError:
                try:
                    self._descriptor, is_ours = os.open(self._file, os.O_RDWR), False
                except FileNotFoundError:
                    continue
            try:
                taken = self._take(is_ours)
            except BaseException:
                os.close(self._descriptor)
                raise
            if taken:
                return
            os.close(self._descriptor)
        raise RecordingError(f"{path}: is being written by another process")

    def release(self) -> None:
        """Gives the folder back."""
        if self._is_there():
            os.unlink(self._file)
        os.close(self._descriptor)

    def _take(self, is_ours: bool) -> bool:
        """Whether the folder is held now; if not, it may be at the next try."""
        is_by_existence = False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._holder()
            named = f": process {holder['process']} on {holder['host']}" if holder else ""
            raise RecordingError(f"{self.path}: is being written by another process{named}") from None
        except OSError as error:
            if error.errno not in self._UNSUPPORTED:
                raise
            is_by_existence = True
        if not is_by_existence and not self._is_there():
            return False
        holder = None if is_ours else self._holder()
        if not is_ours and (is_by_existence or holder and holder["isByExistence"]):
            if holder is None or not self._has_ended(holder):
                named = f"process {holder['process']} on {holder['host']}" if holder else "another process"
                raise RecordingError(
                    f"{self.path}: is locked by {named} in {self._file}, and its file system cannot tell whether that "
                    "process has ended: if it has, remove the file and try again")
            if is_by_existence:
                # By renaming, so that of several processes one alone removes it.
                aside = os.path.join(self.path, f".lock.{os.getpid()}.tmp")
                os.rename(self._file, aside)
                if not os.path.samestat(os.fstat(self._descriptor), os.stat(aside)):
                    os.link(aside, self._file)
                os.unlink(aside)
                return False
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(
            self._identity() | {"isByExistence": is_by_existence}, sort_keys=True).encode() + b"\n", 0)
        return True

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.lstat(self._file))
        except FileNotFoundError:
            return False

    def _holder(self) -> dict[str, Any] | None:
        try:
            holder = json.loads(os.pread(self._descriptor, 4096, 0))
            return holder if {*self._identity(), "isByExistence"} <= set(holder) else None
        except (ValueError, TypeError):
            return None

    @staticmethod
    def _identity() -> dict[str, Any]:
        """This process: its machine and number, the machine's start, and the space of numbers it is of."""

        def read(path: str) -> str:
            try:
                with open(path, encoding="utf-8") as file:
                    return file.read().strip()
            except OSError:
                return ""

        try:
            numbers = os.readlink("/proc/self/ns/pid")
        except OSError:
            numbers = ""
        fields = read("/proc/self/stat").rpartition(")")[2].split()
        return {
            "host": platform.node(), "process": os.getpid(), "boot": read("/proc/sys/kernel/random/boot_id"),
            "numbers": numbers, "began": fields[19] if len(fields) > 19 else ""}

    def _has_ended(self, holder: dict[str, Any]) -> bool:
        """Whether a process is certain to have ended: it is of this machine since its last start, and of the same
        numbers, and none of its number is there."""
        here = self._identity()
        if not (here["boot"] and here["numbers"] and type(holder["process"]) is int and holder["process"] > 0) or any(
                holder[key] != here[key] for key in ("host", "boot", "numbers")):
            return False
        try:
            os.kill(holder["process"], 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        return False


def _refuse_existing(path: str, overwrite: bool) -> None:
    """Refuses a folder that holds something, unless it is a run that may be replaced."""
    if not os.path.exists(path):
        return
    names = [name for name in os.listdir(path) if name not in (".tmp", _Lock.NAME)]
    if "run.json" in names:
        if not overwrite:
            raise RecordingError(f"{path}: there is a run already; Recorder(…, overwrite=True) replaces it")
        if fcntl is not None:
            _Lock(path).release()
    elif set(names) - {"attention.zarr"}:
        raise RecordingError(f"{path}: holds files, but no run (no run.json); give another folder, or empty it")


def _losses(records: list[dict[str, Any]], subjects: list[dict[str, Any]]) -> bytes:
    """The losses as a table (RFC 4180), as Heed writes it."""

    def line(fields: Iterable[str]) -> str:
        quoted = ['"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text for text in fields]
        return ",".join(quoted) + "\r\n"

    lines = [line(["call", "step", "timestep", "phase", "attempt", "branch", "loss"] + [s["name"] for s in subjects])]
    for record in records:
        measurement = record["measurement"]
        lines.append(line([
            str(record["call"]), str(record["step"]), _digits(float(record["timestep"])), record["phase"],
            str(record["attempt"]), record["branch"], _digits(measurement["loss"]),
            *(_digits(score) for score in measurement["scores"])]))
    return "".join(lines).encode()


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A picture `[row, column, channel]` of 1, 3 or 4 channels as a PNG (ISO/IEC 15948), without a filter."""
    rows, columns, channels = pixels.shape
    colour = {1: 0, 3: 2, 4: 6}[channels]
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), pixels.reshape(rows, -1)], 1)

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", columns, rows, 8, colour, 0, 0, 0)
    data = part(b"IHDR", header) + part(b"IDAT", zlib.compress(lines.tobytes())) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def _pixels(picture: Any) -> npt.NDArray[np.uint8]:
    """A picture of Pillow, NumPy or torch as bytes `[row, column, channel]`; numbers of type float are in 0…1."""
    if hasattr(picture, "detach"):
        picture = picture.detach().to("cpu", torch.float32).numpy()
    if hasattr(picture, "convert"):
        picture = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    values = np.asarray(picture)
    while values.ndim > 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim == 3 and values.shape[-1] not in (1, 3, 4) and values.shape[0] in (1, 3, 4):
        values = np.moveaxis(values, 0, -1)
    if values.ndim != 3 or values.shape[-1] not in (1, 3, 4):
        raise RecordingError(f"a picture of shape {values.shape}: expected rows, columns and 1, 3 or 4 channels")
    if values.dtype.kind == "f":
        values = np.round(np.clip(values, 0, 1) * 255)
    elif values.dtype != np.uint8:
        raise RecordingError(f"a picture of type {values.dtype}: expected uint8, or float in 0…1")
    return np.ascontiguousarray(values.astype(np.uint8))


# MARK: - What depends on what


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor in nested lists, tuples and dictionaries."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _tensors(part)


def _exchanged(value: Any, other: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The same nested value with other tensors in it."""
    if isinstance(value, torch.Tensor):
        return other(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_exchanged(part, other) for part in value))
    if isinstance(value, (list, tuple)):
        return type(value)(_exchanged(part, other) for part in value)
    if isinstance(value, dict):
        return {key: _exchanged(part, other) for key, part in value.items()}
    return value


class _Dependence:
    """What of a pass changes with its latent and with its texts, told by computing each operation on others as
    well.

    There are four other worlds: in the first the latent is another, in each of the others the texts are others at
    some of their positions, such that positions differ in the worlds that change them. A tensor has another of
    its own in each world that it depends on. Attention hands nothing on, so that a row of a sequence depends on
    what stands at its own place only. Nothing of the true pass is touched: no module is called twice, and no
    random number is drawn.
    """

    worlds = 4
    latent = 0
    texts = (1, 2, 3)
    # Functions that draw are not computed again; those that move gradients are of no concern.
    _not_again = {
        "rand_like", "randn_like", "randint_like", "bernoulli", "multinomial", "normal", "poisson", "rand", "randn",
        "bernoulli_", "normal_", "uniform_", "random_", "exponential_", "backward", "requires_grad_", "retain_grad",
        "__set__"}
    _in_place = {"__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__iand__", "__ior__", "__ipow__"}

    def __init__(self) -> None:
        self._others: dict[int, tuple[weakref.ref[torch.Tensor], list[torch.Tensor | None]]] = {}

    def others(self, tensor: torch.Tensor) -> list[torch.Tensor | None] | None:
        known = self._others.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else None

    def set(self, tensor: torch.Tensor, others: list[torch.Tensor | None]) -> None:
        key = id(tensor)
        self._others[key] = (weakref.ref(tensor, lambda _: self._others.pop(key, None)), others)

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls a function, and the same function in each world that one of its arguments depends on."""
        tensors = list(_tensors((args, kwargs)))
        known = [others for tensor in tensors if (others := self.others(tensor)) is not None]
        name = getattr(function, "__name__", "")
        if not known or name in self._not_again or ("dropout" in name and self._is_training(args, kwargs)):
            return function(*args, **kwargs)
        changed = self._changed(name, args, kwargs)
        before: list[torch.Tensor | None] = [None] * self.worlds
        if changed is not None:
            before = list(self.others(changed) or before)
            for world in range(self.worlds):
                if before[world] is None and any(others[world] is not None for others in known):
                    before[world] = changed.detach().clone()
        made = function(*args, **kwargs)
        results: list[Any] = [None] * self.worlds
        for world in range(self.worlds):
            if all(others[world] is None for others in known):
                continue

            def other(tensor: torch.Tensor) -> torch.Tensor:
                if changed is not None and tensor is changed and before[world] is not None:
                    return before[world]  # type: ignore[return-value]
                there = self.others(tensor)
                chosen = there[world] if there is not None else None
                return tensor if chosen is None else chosen

            try:
                with torch.no_grad():
                    results[world] = function(*_exchanged(args, other), **_exchanged(kwargs, other))
            except torch.cuda.OutOfMemoryError as error:
                raise RecordingError(
                    "the memory is too small for the first pass, which is computed for other texts and another latent "
                    "too: draw a smaller picture, or offload more of the pipeline") from error
            except (RuntimeError, IndexError, ValueError, TypeError):
                # Where shapes follow from values, other values do not fit; what is lost is refused when it is
                # missed.
                continue
        if changed is not None:
            self.set(changed, before)
        if made is not changed:
            self._pair(made, results)
        return made

    def _pair(self, made: Any, results: list[Any]) -> None:
        if isinstance(made, torch.Tensor):
            others = [result if isinstance(result, torch.Tensor) and result.shape == made.shape else None
                      for result in results]
            if any(other is not None for other in others):
                self.set(made, others)
        elif isinstance(made, (list, tuple)):
            for index, part in enumerate(made):
                self._pair(part, [None if result is None else result[index] for result in results])

    def _changed(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
        """The tensor that a function writes into."""
        target: Any = None
        if isinstance(kwargs.get("out"), torch.Tensor):
            target = kwargs["out"]
        elif name in self._in_place or (name.endswith("_") and not name.endswith("__")) or kwargs.get("inplace"):
            target = args[0] if args else None
        return target if isinstance(target, torch.Tensor) else None

    @staticmethod
    def _is_training(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        return bool(kwargs.get("training", args[2] if len(args) > 2 else True))

    def rows(
        self, tensor: torch.Tensor, world: int, part: Callable[[torch.Tensor], torch.Tensor]
    ) -> npt.NDArray[np.bool_]:
        """Which places of the last axis but one depend on what differs in a world, of a part of a tensor."""
        others = self.others(tensor)
        other = others[world] if others is not None else None
        if other is None:
            return np.zeros(tensor.shape[-2], bool)
        return self._differ(part(tensor), part(other), -2)

    def splits_last_axis(self, tensor: torch.Tensor) -> bool:
        """Whether some places of the last axis depend on a part of the texts, and others beside them do not.

        So it is with the scores of attention, for a cell's row; what chooses among experts depends on the text in
        all places of a token's row.
        """
        others = self.others(tensor)
        for world in self.texts:
            if others is not None and (other := others[world]) is not None and tensor.is_floating_point():
                one = tensor.detach().float()
                change = (one - other.float()).abs().nan_to_num(0)
                differ = change > 1e-3 * one.abs().nan_to_num(0, 0, 0).amax(-1, keepdim=True).clamp(min=1e-6)
                if bool((differ.any(-1) & ~differ.all(-1)).any()):
                    return True
        return False

    @staticmethod
    def _differ(tensor: torch.Tensor, other: torch.Tensor, axis: int) -> npt.NDArray[np.bool_]:
        axes = [index for index in range(tensor.ndim) if index != tensor.ndim + axis]
        one = tensor.detach().float()
        change = (one - other.float()).abs().nan_to_num(0).amax(axes) if axes else (one - other.float()).abs()
        size = one.abs().nan_to_num(0, 0, 0).amax(axes) if axes else one.abs()
        found: npt.NDArray[np.bool_] = (change > 1e-3 * size.clamp(min=1e-6)).cpu().numpy()
        return found

    def depends_on(self, tensor: torch.Tensor, worlds: Iterable[int]) -> bool:
        others = self.others(tensor)
        if others is None or not tensor.is_floating_point():
            return False
        return any(
            other is not None and bool(((tensor.detach() - other).abs() > 1e-3).any())
            for other in (others[world] for world in worlds))


def _waves(tensor: torch.Tensor) -> torch.Tensor:
    """Numbers as large as those of a tensor that follow no pattern of it, without a draw."""
    count = torch.arange(tensor.numel(), device=tensor.device, dtype=torch.float32).reshape(tensor.shape)
    spread = float(tensor.detach().float().std() if tensor.numel() > 1 else tensor.detach().float().abs().max())
    size = spread if math.isfinite(spread) and spread > 0 else 1.0
    return (torch.sin(count * 0.7) * (1.5 * size) + 0.5 * size).to(tensor.dtype)


# MARK: - The recorder


class _Tap(TorchFunctionMode):
    """Shows the recorder each function of torch before it is computed, and changes none."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return self._recorder._called(function, args, kwargs or {})


@dataclass(frozen=True)
class _Draw:
    """Numbers that were drawn, and the generator that drew them."""

    shape: tuple[int, ...]
    seed: int
    device: str
    is_fresh: bool
    """Whether the generator had drawn nothing before the recording, so that the seed alone makes the numbers again."""


@dataclass
class _Block:
    """A text among what a denoiser reads: its tensors, and of them each row of the batch, `[token, channel]`."""

    wholes: list[torch.Tensor]
    rows: list[torch.Tensor]

    @property
    def length(self) -> int:
        return max(row.shape[0] for row in self.rows)


@dataclass
class _Pass:
    """One pass of a denoiser that is under way."""

    denoiser: torch.nn.Module
    time: float
    step: int
    timestep: float
    phase: Phase
    batch: int
    rows: list[tuple[int, Branch]]
    """The rows of the batch, and the branch of each."""
    sources: list[_Source]
    blocks: list[_Block]
    masks: list[npt.NDArray[np.bool_]]
    """Masks of the denoiser's input, `[row, token]`."""
    dependence: _Dependence | None
    is_kept: bool
    maps: dict[Branch, dict[str, torch.Tensor]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    attended: set[str] = field(default_factory=set)


class Recorder:
    """Records one call of a pipeline, or one loop of your own over its denoiser.

    - `pipeline_or_denoiser`: a pipeline of diffusers; or a denoiser alone, whose tokens then have numbers for
      names.
    - `folder`: where runs lie; this one becomes `folder/PROMPT/METHOD/seed-SEED`.
    - `prompt`, `seed`: what the pipeline gets. Without them they are read from what the text encoders receive and
      from the generator; where they differ from that, the recording ends.
    - `subjects`: words to measure, as `cat`, `red car`, `frog#2` or `@5`.
    - `tokens`: `"prompt"` keeps the prompt's tokens with each start and end, and sums the rest; `"all"` keeps
      all; or positions along the keys.
    - `heads`: `"mean"` or `"all"`. `cells`: the most rows and columns of a map, as an area mean; `"all"` keeps
      them.
    - `steps`: first and last step to keep, from 0. `layers`: patterns of layers' paths, as `up*`, or grids, as
      `32x32`.
    - `branches`, `phases`: which branches of guidance and which passes keep maps; every pass is in the journal.
    - `negative_prompt`, `guidance`: for the record, where they cannot be read.
    - `method`: a name for a method of your own, as in `my-guidance`; otherwise the pipeline's.
    - `overwrite`: replaces a run that is there; otherwise it is refused.

    Raises `RecordingError` for what cannot be recorded, where it is found out; the files so far are kept.
    """

    def __init__(
        self, pipeline_or_denoiser: Any, folder: str | os.PathLike[str], prompt: str | None = None, *,
        seed: int | None = None, subjects: Iterable[str] = (),
        tokens: Literal["prompt", "all"] | Iterable[int] = "prompt",
        heads: Literal["mean", "all"] = "mean", cells: int | Literal["all"] = 32,
        steps: tuple[int, int] | range | None = None, layers: Iterable[str] | None = None,
        branches: Iterable[Branch] = ("conditional",), phases: Iterable[Phase] = ("denoise",),
        precision: Literal["float16", "float32"] = "float16", negative_prompt: str | None = None,
        guidance: float | None = None, method: str | None = None, overwrite: bool = False,
    ) -> None:
        if torch is None:
            raise RecordingError("PyTorch is missing: pip install torch")
        if isinstance(prompt, (list, tuple)):
            raise RecordingError(
                "a list of prompts: record one picture at a time, each with a recorder of its own")
        if isinstance(subjects, str):
            raise RecordingError(f"subjects: expected a list of words, as in [{subjects!r}]")
        if heads not in ("mean", "all"):
            raise RecordingError(f"heads is {heads!r}: expected 'mean' or 'all'")
        if cells != "all" and not (isinstance(cells, int) and cells >= 1):
            raise RecordingError(f"cells is {cells!r}: expected a number from 1 on, or 'all'")
        if isinstance(tokens, str) and tokens not in ("prompt", "all"):
            raise RecordingError(f"tokens is {tokens!r}: expected 'prompt', 'all', or positions")
        if seed is not None and not 0 <= seed < 2**64:
            raise RecordingError(f"seed is {seed}: expected 0 to 2⁶⁴ − 1")
        self._pipeline = pipeline_or_denoiser
        self._denoisers = _denoisers(pipeline_or_denoiser)
        self.folder = os.fspath(folder)
        self._prompt, self._seed, self._negative = prompt, seed, negative_prompt
        self._subjects = list(subjects)
        self._tokens: Literal["prompt", "all"] | list[int] = tokens if isinstance(tokens, str) else sorted(set(tokens))
        self._heads, self._cells = heads, None if cells == "all" else int(cells)
        self._steps = _interval(steps)
        self._layers = [layers] if isinstance(layers, str) else list(layers) if layers is not None else None
        self._branches = [branch for branch in BRANCHES if branch in set(branches)]
        self._phases = [phase for phase in PHASES if phase in set(phases)]
        if not self._branches or not self._phases or self._layers == []:
            raise RecordingError("branches, phases and layers: expected at least one of each")
        self._precision, self._guidance = precision, guidance
        self._method, self._overwrite = method, overwrite
        self.path: str | None = None
        """The run's folder, once the first pass has told it."""
        self._texts = _Texts(_tokenizers(pipeline_or_denoiser))
        self._handles: list[Any] = []
        self._layer_handles: dict[str, list[Any]] = {}
        self._tap: _Tap | None = None
        self._pass: _Pass | None = None
        self._running: list[tuple[str, int, bool]] = []
        self._ordinals: dict[str, int] = {}
        self._failed: str | None = None
        self._encoding = 0
        self._names: dict[int, str] = {}
        self._began = 0.0
        self._date = ""
        self._device = torch.device("cpu")
        self._draws: list[_Draw] = []
        self._generators: dict[int, tuple[torch.Generator, bool]] = {}
        """Those that drew, by their place in memory, and whether each was fresh."""
        self._text_arguments: set[str] = set()
        self._ids_of_prompt: dict[str, list[int]] = {}
        self._said: dict[str, str] = {}
        self._found: dict[str, _Site] = {}
        self._extents: dict[str, tuple[int, int]] = {}
        self._sites: list[_Site] | None = None
        self._order: list[int] = []
        self._codes: Ints = np.zeros(0, np.intp)
        self._kept: list[int] = []
        self._subject_entries: list[dict[str, Any]] = []
        self._spaces: list[tuple[int, int, int]] = []
        self._noise: list[torch.Tensor] = []
        self._own = slice(None)
        self._has_schedule = self._is_same_time = False
        self._passed_over: dict[str, str] = {}
        """Layers whose maps are not kept, and why."""
        self._writer: _RunWriter | None = None
        self._entries: list[dict[str, Any]] = []
        self._waiting: list[_Call] = []
        self._held: _Call | None = None
        self._calls = 0
        self._times: list[float] = []
        self._timesteps: list[float] = []
        self._step = -1
        self._offset = 0
        self._seen_branches: set[Branch] = set()
        self._tries = 0
        self._forwards = self._backwards = 0
        self._size: tuple[int, int] | None = None
        self._frames: int | None = None
        self._latent: torch.Tensor | None = None
        self._pictures: list[npt.NDArray[np.uint8]] = []
        self._distilled: float | None = None
        self._asked_guidance: float | None = None
        self._noticed: float | None = None
        self._predictions: dict[Branch, torch.Tensor] | None = {}
        self._sees_negative = False

    # MARK: In and out

    def __enter__(self) -> Recorder:
        if self._tap is not None or self._times or self._writer is not None:
            raise RecordingError("a recorder records once: make another for the next picture")
        if self._prompt is not None and self._seed is not None:
            # As early as it can be told.
            _refuse_existing(self._place(self._prompt, self._seed), self._overwrite)
        try:
            for name, denoiser in self._denoisers.items():
                self._refuse_compiled(name, denoiser)
                self._attach(denoiser)
            for name, encoder in _encoders(self._pipeline, self._denoisers).items():
                for module in encoder.modules():
                    self._handles.append(module.register_forward_pre_hook(self._encoder_begins))
                    self._handles.append(module.register_forward_hook(
                        lambda module, args, kwargs, output, name=name: self._encoder_ended(name, args, kwargs, output),
                        with_kwargs=True))
            self._began = time.time()
            self._date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._tap = _Tap(self)
            self._tap.__enter__()
        except BaseException:
            self._detach()
            raise
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if self._tap is not None:
            self._tap.__exit__(kind, error, traceback)
            self._tap = None
        self._detach()
        try:
            if self._writer is not None and kind is None:
                self._release_held()
        finally:
            if self._writer is not None:
                try:
                    self._writer.close()
                except RecordingError:
                    # What went wrong in the block is told first.
                    if kind is None:
                        raise
        if kind is None:
            self._finish()
        elif self._failed is not None and kind.__module__.startswith("torch._dynamo"):
            raise self._otherwise(self._failed, "compiles its attention, as flex attention does") from error

    def _detach(self) -> None:
        for handle in itertools.chain(self._handles, *self._layer_handles.values()):
            handle.remove()
        self._handles.clear()
        self._layer_handles.clear()
        self._pass = None

    def _attach(self, denoiser: torch.nn.Module) -> None:
        self._handles.append(denoiser.register_forward_pre_hook(self._begins, with_kwargs=True))
        self._handles.append(denoiser.register_forward_hook(self._ended, always_call=True))
        for path, module in denoiser.named_modules():
            # A layer of torch's own has no attention in it.
            if path and (next(module.children(), None) is not None or not type(module).__module__.startswith("torch.")):
                self._names[id(module)] = path
                self._layer_handles.setdefault(path, []).extend([
                    module.register_forward_pre_hook(self._layer_begins, with_kwargs=True),
                    module.register_forward_hook(self._layer_ended, always_call=True)])

    # MARK: What a caller tells

    def picture(self, picture: Any) -> None:
        """Takes the picture that the pipeline made, or a video's frames; call it inside the `with` block.

        A picture of Pillow, or an array or tensor of rows, columns and channels. Frames are a list of pictures,
        or an array with an axis in front. A list of one picture is that picture.
        """
        if self._tap is None:
            raise RecordingError("record.picture: call it inside the with block")
        frames = _frames_of(picture)
        self._pictures = [_pixels(frame) for frame in frames]

    def callback(self, pipeline: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        """Keeps the last latent as `latent.npy`: hand it over as `callback_on_step_end=record.callback`."""
        latent = values.get("latents")
        if isinstance(latent, torch.Tensor):
            self._latent = latent.detach()
        return values

    def latent(self, latent: torch.Tensor) -> None:
        """Takes the last latent, `[1, channel, row, column]`, for `latent.npy`; for loops of your own."""
        self._latent = latent.detach()

    def loss(self, value: Any, maxima: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        """Says what the objective made of the last pass with gradients: its loss, and a score for each subject.

        `maxima` are numbers in the order of `subjects`, or by their names. Call it before the next pass.
        """
        call = self._held
        if call is None:
            raise RecordingError("record.loss: there was no pass with gradients before it")
        names = [subject.strip() for subject in self._subjects]
        if isinstance(maxima, Mapping):
            unknown = [name for name in maxima if name not in names]
            if unknown or set(names) != set(maxima):
                raise RecordingError(
                    f"record.loss: maxima of {list(maxima)}, expected those of the subjects {names}")
            maxima = [maxima[name] for name in names]
        if len(maxima) != len(names):
            raise RecordingError(
                f"record.loss: {len(maxima)} maxima, expected one for each of the subjects {names}")
        call.loss, call.scores = _number(value), [_number(score) for score in maxima]
        if not all(math.isfinite(number) for number in [call.loss, *call.scores]):
            raise RecordingError(f"record.loss: {call.loss}, {call.scores}: expected finite numbers")

    # MARK: Text encoders and draws

    def _encoder_begins(self, module: Any, args: Any) -> None:
        self._encoding += 1

    def _encoder_ended(self, name: str, args: Any, kwargs: Any, output: Any) -> None:
        self._encoding -= 1
        if self._encoding or self._pass is not None:
            return
        ids = kwargs.get("input_ids")
        if ids is None:
            ids = next((tensor for tensor in args if isinstance(tensor, torch.Tensor) and tensor.ndim == 2
                        and not tensor.is_floating_point()), None)
        if isinstance(ids, torch.Tensor) and ids.ndim == 2:
            self._listen()
            mask = kwargs.get("attention_mask")
            if mask is None and len(args) > 1 and isinstance(args[1], torch.Tensor):
                mask = args[1]
            is_mask = isinstance(mask, torch.Tensor) and mask.shape == ids.shape
            self._texts.encodings.append(_Encoding(
                name, ids.tolist(), mask.tolist() if is_mask else None))
        # What a pipeline makes of an encoder's output with a layer of the encoder belongs to the same text.
        encoding = next((one for one in reversed(self._texts.encodings) if one.encoder == name), None)
        if encoding is None:
            return
        shape = (len(encoding.ids), len(encoding.ids[0]))
        values = list(output.values()) if isinstance(output, Mapping) else output
        for tensor in _tensors(values):
            if tensor.ndim != 3 or not tensor.is_floating_point():
                continue
            if tuple(tensor.shape[:2]) == shape:
                encoding.add(tensor)
            elif tuple(tensor.shape[:2]) == shape[::-1]:
                # ChatGLM's texts stand along the second axis.
                encoding.add(tensor.transpose(0, 1))

    def _draw(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Draws numbers, and notes by which seed."""
        if self._encoding or self._writer is not None:
            return function(*args, **kwargs)
        own = kwargs.get("generator")
        # Which of torch's own generators draws is known once it has drawn.
        for generator in _generators() if own is None else [own]:
            if id(generator) not in self._generators:
                self._generators[id(generator)] = generator, _is_fresh(generator)
        made = function(*args, **kwargs)
        if not isinstance(made, torch.Tensor):
            return made
        generator = next((one for one in _generators() if one.device == made.device), torch.default_generator)
        generator = generator if own is None else own
        _, is_fresh = self._generators.get(id(generator), (generator, True))
        self._draws.append(_Draw(
            tuple(made.shape), int(generator.initial_seed()) % 2**64, generator.device.type, is_fresh))
        self._noise.append(made.detach())
        return made

    # MARK: Functions

    def _called(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        running = self._pass
        if running is None:
            if function in _PRODUCTS and self._predictions is not None:
                self._notice_guidance(args)
            if function in _DRAWS:
                return self._draw(function, args, kwargs)
            return function(*args, **kwargs)
        if function is torch.nn.functional.scaled_dot_product_attention:
            self._attends(running, args, kwargs)
            return function(*args, **kwargs)
        dependence = running.dependence
        if dependence is None:
            return function(*args, **kwargs)
        if function is torch.nn.functional.multi_head_attention_forward:
            # As that of a text's mean to its tokens, which is no map.
            if dependence.depends_on(args[0], [dependence.latent]) and dependence.depends_on(args[1], dependence.texts):
                raise self._otherwise(self._layer(), "computes attention inside torch.nn.MultiheadAttention")
            return function(*args, **kwargs)
        if function in _SOFTMAXES and args and isinstance(args[0], torch.Tensor) and args[0].ndim > 2:
            if dependence.splits_last_axis(args[0]):
                raise self._otherwise(self._layer(), "computes the softmax by itself")
        return dependence.call(function, args, kwargs)

    def _notice_guidance(self, args: tuple[Any, ...]) -> None:
        """Reads the scale of guidance where a pipeline multiplies the difference of both predictions by it."""
        number = next((arg for arg in args if isinstance(arg, (int, float)) and not isinstance(arg, bool)), None)
        tensor = next((arg for arg in args if isinstance(arg, torch.Tensor)), None)
        told = self._predictions
        if number is None or tensor is None or told is None or set(told) != set(BRANCHES):
            return
        difference = told["conditional"] - told["unconditional"]
        if tensor.numel() >= difference.numel() and bool(difference.any()):
            if torch.equal(_beginning(tensor).float(), difference.float()):
                # A scale that a pipeline changes from step to step is known by the one it was called with.
                changes = self._asked_guidance is not None and number == getattr(self._pipeline, "guidance_scale", None)
                self._noticed = self._asked_guidance if changes else float(number)
                self._predictions = None

    def _layer(self) -> str:
        return self._running[-1][0].removesuffix(".processor") if self._running else "the denoiser"

    def _otherwise(self, path: str, what: str) -> RecordingError:
        # A second attention of a layer has a number behind its path.
        modules = (dict(denoiser.named_modules()).get(path.partition("#")[0]) for denoiser in self._denoisers.values())
        module = next((module for module in modules if module is not None), None)
        processor = type(getattr(module, "processor", module)).__name__
        known = sys.modules.get("diffusers.models.attention_processor")
        advised = f"{processor}2_0" if hasattr(known, f"{processor}2_0") else "AttnProcessor2_0"
        return RecordingError(
            f"{path}: {what} (its processor is {processor}), not by scaled_dot_product_attention, so that its "
            "probabilities cannot be seen. Before recording, undo what chose it: disable_attention_slicing(), "
            "disable_xformers_memory_efficient_attention(), set_attention_backend(\"native\"), "
            f"set_attn_processor({advised}()), or no torch.compile")

    @staticmethod
    def _refuse_compiled(name: str, denoiser: torch.nn.Module) -> None:
        for path, module in denoiser.named_modules():
            # No public property says it; both are read only.
            if getattr(module, "_compiled_call_impl", None) is not None or hasattr(module, "_orig_mod"):
                raise RecordingError(
                    f"{path or name}: is compiled by torch.compile, which hides its attention; record "
                    "with the pipeline as it was before it was compiled")

    # MARK: Layers

    def _layer_begins(self, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        running = self._pass
        if running is not None:
            reads = running.dependence is not None and hasattr(module, "processor") and any(
                running.dependence.depends_on(tensor, running.dependence.texts) for tensor in _tensors((args, kwargs)))
            self._running.append((self._names[id(module)], len(running.seen), reads))

    def _layer_ended(self, module: torch.nn.Module, args: Any, output: Any) -> None:
        running = self._pass
        if running is None or not self._running:
            return
        path, seen, reads = self._running.pop()
        if output is None:
            self._failed = self._failed or path.removesuffix(".processor")
            return
        if hasattr(module, "processor") and len(running.seen) == seen:
            if reads:
                raise self._otherwise(path, "attends to the text")
            if running.dependence is not None:
                self._passed_over.setdefault(path, "no softmax attention, and no text among its inputs")

    # MARK: Passes

    def _begins(self, denoiser: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._pass is not None:
            return
        arguments = _arguments(denoiser, args, kwargs)
        name, sample = next(iter(arguments.items()), ("", None))
        samples = list(_tensors(sample))
        if not samples:
            raise RecordingError(f"{type(denoiser).__name__}: its first argument ({name}) holds no latent")
        if getattr(denoiser, "is_cache_enabled", False):
            raise RecordingError(
                f"{type(denoiser).__name__}: a cache leaves layers out in some steps; call disable_cache() on it")
        self._device = samples[0].device
        is_list = not isinstance(sample, torch.Tensor)
        batch = len(samples) if is_list else samples[0].shape[0]
        phase: Phase = "denoise"
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in _tensors((args, kwargs))):
            phase = "loss"
        blocks, sources = self._read(arguments, name, batch)
        self._refuse_pictures(samples if is_list else list(samples[0].unbind(0)))
        rows = self._rows(sources)
        time_ = _time(arguments)
        step, is_negative = self._stepped(time_, {branch for _, branch in rows}, phase)
        if is_negative:
            rows = [(row, "unconditional") for row, _ in rows]
        if step > 0 and self._sites is not None and self._writer is None:
            raise self._without_negative()
        branches = {branch for _, branch in rows}
        if phase == "denoise":
            self._seen_branches |= branches
        self._release_held(step if phase == "loss" else None)
        self._forwards += 1
        self._backwards += phase == "loss"
        self._sees_negative |= "unconditional" in branches
        told = getattr(self._pipeline, "guidance_scale", None)
        if isinstance(guidance := arguments.get("guidance"), torch.Tensor):
            self._distilled = float(guidance.flatten()[0] if told is None else told)
        elif arguments.get("timestep_cond") is not None and told is not None:
            # Consistency models read the scale as an embedding.
            self._distilled = float(told)
        kept = phase in self._phases and (self._steps is None or self._steps[0] <= step <= self._steps[1])
        dependence = None
        if self._sites is None and "conditional" in branches:
            draws = [draw.shape for draw in self._draws]
            if samples[0].ndim < (2 if is_list else 3):
                raise RecordingError(
                    f"{type(denoiser).__name__}: its latent is a vector, not a picture: it has no cells to record")
            self._own = slice(None)
            if not is_list and samples[0].ndim == 3:
                self._own = _own_cells(samples[0].detach()[0], self._noise)
            self._noise.clear()
            self._spaces = _spaces(samples[0], is_list, denoiser, arguments, draws, self._own)
            dependence = self._worlds(samples, blocks)
        self._running.clear()
        self._ordinals = {}
        self._pass = _Pass(
            denoiser, time_, step, self._timesteps[step], phase, batch, rows, sources, blocks,
            _masks(arguments, blocks, batch), dependence, kept and bool(branches & set(self._branches)))

    def _read(self, arguments: dict[str, Any], first: str, batch: int) -> tuple[list[_Block], list[_Source]]:
        """The texts that a denoiser reads, and the source of each row of the batch."""
        blocks: list[_Block] = []
        found: list[list[_Source]] = []
        for name, value in arguments.items():
            # Once the layers are known, texts are where they were: nothing else is read in each pass.
            if name == first or (self._sites is not None and name not in self._text_arguments):
                continue
            for block in _sequences(value, batch):
                if not self._texts.encodings:
                    if "encoder_hidden_states" in name:
                        self._text_arguments.add(name)
                        blocks.append(block)
                        found.append([_Source((None,) * row.shape[0], False) for row in block.rows])
                    continue
                sources = [self._texts.source(row) for row in block.rows]
                if any(source.rows for source in sources):
                    self._text_arguments.add(name)
                    keys = [source.keys for source in sources]
                    same = next((one for one, other in zip(blocks, found) if [row.keys for row in other] == keys), None)
                    if same is not None:
                        # Another layer's numbers for the same tokens, as where each block reads a layer of its own.
                        same.wholes = [*same.wholes, *block.wholes]
                        continue
                    blocks.append(block)
                    found.append(sources)
            if any(
                    self._texts.source(tensor.flatten(0, 1)[-1]).rows for tensor in _tensors(value)
                    if tensor.ndim == 4 and tensor.shape[1] > 1 and tensor.is_floating_point()
                    and tensor.shape[-1] >= _Encoding.numbers):
                raise RecordingError(
                    f"{name}: holds a text several times over, from several layers of its encoder; this is not "
                    "recorded")
        if not blocks:
            raise RecordingError(
                "nothing that the denoiser reads came from a text encoder: the text must be encoded inside the with "
                "block, by the pipeline's call or by encode_prompt, and reach the denoiser as the encoder gave it")
        return blocks, [
            _Source(
                tuple(itertools.chain.from_iterable(sources[row].keys for sources in found)),
                all(sources[row].is_zero for sources in found),
                frozenset().union(*(sources[row].shared for sources in found)))
            for row in range(batch)]

    @staticmethod
    def _refuse_pictures(samples: list[torch.Tensor]) -> None:
        """Rows of guidance share the latent; a second latent is a second picture."""
        latents = [sample.detach()[..., :4] if sample.ndim == 2 else sample.detach()[:4] for sample in samples]
        count = 1 + sum(not any(torch.equal(latent, other) for other in latents[:index])
                        for index, latent in enumerate(latents) if index)
        if count > 1:
            raise RecordingError(
                f"the batch holds {count} pictures (several prompts, num_images_per_prompt, or tiles): record one "
                "picture at a time, each with a recorder of its own")

    def _rows(self, sources: list[_Source]) -> list[tuple[int, Branch]]:
        """The branch of each row of a batch, by the text that it reads."""
        if not self._texts.encodings:
            if len(sources) > 1:
                raise RecordingError(
                    f"a batch of {len(sources)} rows, and no text encoder that tells them apart: hand the recorder the "
                    "pipeline, and encode the texts inside the with block")
            return [(0, "conditional")]
        prompt = self._prompt_ids()
        rows: list[tuple[int, Branch]] = []
        read = {self._texts.encodings[n].encoder: (n, line) for source in sources for n, line in source.rows}
        if read and not set(read) & set(prompt):
            encoder, (n, line) = next(iter(read.items()))
            got = self._texts.tokenizer(encoder).text(self._texts.encodings[n].ids[line]).strip()
            raise RecordingError(
                f"{encoder}, which the attention reads, did not receive the prompt but {got!r}: give every encoder the "
                "prompt, and the recorder the same")
        for row, source in enumerate(sources):
            told = [self._texts.encodings[n].ids[line] == prompt[encoder] for n, line in source.rows
                    if (encoder := self._texts.encodings[n].encoder) in prompt]
            rows.append((row, "conditional" if told and all(told) else "unconditional"))
        conditional = [row for row, branch in rows if branch == "conditional"]
        if "unconditional" in self._branches and len(rows) - len(conditional) > 1:
            raise RecordingError(
                f"branches: {len(rows) - len(conditional)} rows of the batch read other texts than the prompt, as "
                "where a picture is edited: record the conditional branch alone")
        if len(conditional) > 1:
            if len(rows) == 2 and self._is_encoded_twice():
                # Both texts are the same; nothing but the usual order tells their rows apart, and their maps
                # agree.
                return [(0, "unconditional"), (1, "conditional")]
            raise RecordingError(
                f"{len(conditional)} rows of the batch read the prompt for the same picture, as perturbed-attention "
                "guidance (PAG, SEG) does: which of them is the perturbed one cannot be told; set its scale to 0")
        return rows

    def _listen(self) -> None:
        """Reads what the pipeline was called with, of the call that is under way: the texts before any template.
        """
        frame = inspect.currentframe()
        while frame is not None:
            names = frame.f_locals
            if names.get("self") is self._pipeline and "prompt" in names:
                for name in ("prompt", "negative_prompt"):
                    text = names.get(name)
                    if name == "prompt" and isinstance(text, (list, tuple)) and len(text) > 1:
                        raise RecordingError(
                            f"a list of {len(text)} prompts: record one picture at a time, each with a recorder "
                            "of its own")
                    text = text[0] if isinstance(text, (list, tuple)) and len(text) == 1 else text
                    if isinstance(text, str):
                        self._said[name] = text
                scale = names.get("guidance_scale")
                if isinstance(scale, (int, float)) and not isinstance(scale, bool):
                    self._asked_guidance = float(scale)
                if isinstance(names.get("height"), int) and isinstance(names.get("width"), int):
                    self._size = (names["height"], names["width"])
            frame = frame.f_back

    def _prompt_ids(self) -> dict[str, list[int]]:
        """What each encoder received as the prompt: what was told, or else the first text that it encoded."""
        if self._ids_of_prompt:
            return self._ids_of_prompt
        said = self._said.get("prompt")
        if self._prompt is not None and said is not None and said.strip() != self._prompt.strip():
            raise RecordingError(
                f"the recorder was told the prompt {self._prompt!r}, but the pipeline was called with {said!r}: give "
                "both the same")
        prompt = said if self._prompt is None else self._prompt
        found: dict[str, list[int]] = {}
        received: list[str] = []
        encoders = dict.fromkeys(encoding.encoder for encoding in self._texts.encodings)
        # A model that writes prompts reads token ids too, and belongs to no text of the denoiser.
        for encoder in [one for one in encoders if one in self._texts.tokenizers] or encoders:
            lines = [ids for encoding in self._texts.encodings if encoding.encoder == encoder for ids in encoding.ids]
            tokenizer = self._texts.tokenizer(encoder)
            if prompt is None:
                first = next(encoding for encoding in self._texts.encodings if encoding.encoder == encoder)
                if any(ids != first.ids[0] for ids in first.ids):
                    raise RecordingError(
                        f"{encoder} received several texts at once: say which is the prompt, Recorder(…, prompt)")
                found[encoder] = first.ids[0]
                continue
            received += [repr(tokenizer.text(ids).strip()) for ids in lines]
            holding = []
            for ids in lines:
                places = tokenizer.places(prompt, ids)
                after = max(places) + 1 if places else len(ids)
                if places and (said is not None or after == len(ids) or ids[after] in tokenizer.special):
                    holding.append(ids)
                elif not prompt.strip() and (said is not None or not tokenizer.text(ids).strip()):
                    holding.append(ids)
            if holding:
                # A negative prompt may hold the prompt's words too; the prompt's own text has nothing besides.
                found[encoder] = min(holding, key=lambda ids: sum(token not in tokenizer.special for token in ids))
        if not found:
            raise RecordingError(
                f"the recorder was told the prompt {prompt!r}, but the text encoder received "
                f"{' and '.join(dict.fromkeys(received))}: give both the same")
        self._ids_of_prompt = found
        return found

    def _is_encoded_twice(self) -> bool:
        """Whether prompt and negative prompt are the same text."""
        return any(
            sum(ids == wanted for encoding in self._texts.encodings if encoding.encoder == encoder
                for ids in encoding.ids) > 1
            for encoder, wanted in self._prompt_ids().items())

    def _stepped(self, time_: float, branches: set[Branch], phase: Phase) -> tuple[int, bool]:
        """The step of a pass, a new one where the denoiser is given another time than before; and whether a pass
        for the prompt's text is the negative prompt's, which is the same text.
        """
        if not self._times:
            self._schedule(time_)
            self._times, self._step = [time_], 0
            return 0, False
        again = phase == "denoise" and bool(branches & self._seen_branches)
        following = self._timesteps[self._step + 1] if self._step + 1 < len(self._timesteps) else None
        if time_ != self._times[-1] or (again and following == self._timesteps[self._step]):
            self._advance(time_, following)
        elif again and "conditional" in branches & self._seen_branches:
            if self._is_encoded_twice() and "unconditional" not in self._seen_branches:
                return self._step, True
            raise RecordingError(
                f"step {self._step}: a second pass reads the prompt at the same time (skip-layer or perturbed "
                "guidance, tiles, or a second try): which of them makes the picture cannot be told; record without it")
        return self._step, False

    def _schedule(self, time_: float) -> None:
        """The scheduler's times from the first pass on."""
        times = getattr(getattr(self._pipeline, "scheduler", None), "timesteps", None)
        self._has_schedule = times is not None and len(times) > 0
        if times is None or not self._has_schedule:
            self._timesteps = [time_]
            return
        all_of_them = [float(number) for number in times]
        # A start in the middle is told to schedulers that keep count; of others the time itself tells it.
        begin = getattr(self._pipeline.scheduler, "begin_index", None)
        self._offset = begin if begin is not None else next(
            (index for index, number in enumerate(all_of_them) if time_ > 1 and _is_time(time_, number)), 0)
        self._timesteps = all_of_them[self._offset:]
        self._is_same_time = _is_time(time_, self._timesteps[0])

    def _advance(self, time_: float, following: float | None) -> None:
        """Goes on to the next step; where the denoiser is given the scheduler's times, to the step of that time.
        """
        self._step += 1
        self._times.append(time_)
        self._seen_branches, self._tries = set(), 0
        if not self._has_schedule:
            self._timesteps.append(time_)
        elif self._is_same_time and (following is None or not _is_time(time_, following)):
            later = [
                index for index in range(self._step, len(self._timesteps)) if _is_time(time_, self._timesteps[index])]
            if not later:
                raise RecordingError(
                    f"a pass at time {_digits(time_)} after step {self._step - 1}, which the scheduler has not ahead: "
                    "a second picture in the same with block, or a method that goes back in time, is not recorded")
            del self._timesteps[self._step:later[0]]
            if self._writer is not None and "sigmas" in self._writer.manifest:
                del self._writer.manifest["sigmas"][self._step:later[0]]
        elif self._step >= len(self._timesteps):
            raise RecordingError(
                f"a pass after the last of {len(self._timesteps)} steps: record one picture with a recorder, and the "
                "next with another")
        if self._writer is not None and self._writer.manifest["timesteps"] != self._timesteps:
            self._writer.manifest["timesteps"] = list(self._timesteps)
            self._writer.save_manifest()

    def _worlds(self, samples: list[torch.Tensor], blocks: list[_Block]) -> _Dependence:
        """Other latents and texts for the first pass."""
        dependence = _Dependence()
        for sample in samples:
            dependence.set(sample, [sample.detach() + _waves(sample), None, None, None])
        place = 0
        # In which of the three worlds a position is another, as bits; all three would say as little as a mean of
        # all tokens.
        self._codes = np.random.default_rng(18).integers(1, 7, sum(block.length for block in blocks))
        for block in blocks:
            for whole in block.wholes:
                codes = torch.as_tensor(self._codes[place:place + whole.shape[-2]], device=whole.device)[:, None]
                own, other = whole.detach(), whole.detach() + _waves(whole)
                dependence.set(whole, [None] + [
                    torch.where((codes & 1 << bit) > 0, other, own) for bit in range(len(dependence.texts))])
            place += block.length
        return dependence

    # MARK: Attention

    def _attends(self, running: _Pass, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keeps the maps of one attention."""
        path = self._layer()
        running.seen.append(path)
        given = dict(zip(("query", "key", "value", "attn_mask", "dropout_p", "is_causal"), args)) | kwargs
        query, key, mask = given["query"], given["key"], given.get("attn_mask")
        ordinal = self._ordinals.get(path, 0)
        self._ordinals[path] = ordinal + 1
        rows = running.rows
        # A layer may attend for one row of the batch after the other.
        is_single = running.batch > 1 and query.ndim == 4 and query.shape[0] == 1
        if is_single:
            ordinal, only = divmod(ordinal, running.batch)
            rows = [(row, branch) for row, branch in rows if row == only]
        # A second attention in the same layer, as of an image prompt's tokens, has a number.
        name = path if ordinal == 0 else f"{path}#{ordinal + 1}"
        running.attended.add(name)
        row = next((row for row, branch in rows if branch == "conditional"), None)
        if row is None and not (running.is_kept and any(branch in self._branches for _, branch in rows)):
            return

        def part(tensor: torch.Tensor, row: int) -> torch.Tensor:
            """What of a tensor belongs to a row of the batch, `[frame, head, place, channel]`."""
            tensor = tensor.detach()
            if is_single:
                return tensor
            if tensor.ndim == 3:
                tensor = tensor.reshape(running.batch, -1, *tensor.shape[-2:])
            frames = tensor.shape[0] // running.batch
            return tensor[row * frames:(row + 1) * frames]

        if running.dependence is not None and row is not None:
            if query.ndim not in (3, 4) or (query.shape[0] % running.batch and not is_single):
                self._passed_over[name] = f"its queries have shape {tuple(query.shape)}, in a batch of {running.batch}"
                return
            self._look(name, running, row, query, key, part)
        if (site := self._found.get(name)) is None:
            if name not in self._passed_over and row is not None:
                raise RecordingError(f"{name}: attends in step {running.step}, but did not in the first pass")
            return
        if (query.shape[-2], key.shape[-2]) != self._extents[name]:
            if row is None:
                raise RecordingError(
                    f"{name}: the negative prompt has {key.shape[-2]} keys, the prompt {self._extents[name][1]}: "
                    "record the conditional branch alone, or a negative prompt of as many tokens")
            raise RecordingError(
                f"{name}: {query.shape[-2]} queries and {key.shape[-2]} keys in step {running.step}, but "
                f"{self._extents[name][0]} and {self._extents[name][1]} before: the text or the size changed")
        if not running.is_kept or not self._is_asked_for(site):
            return
        with torch.no_grad(), torch.autocast(query.device.type, enabled=False):
            for row, branch in rows:
                if branch in self._branches:
                    of_row = part(query, row)
                    of_mask = _mask_of(
                        mask, 0 if is_single else row, of_row.shape[0], query.shape, key.shape[-2], running.batch)
                    maps = site.maps(
                        of_row, part(key, row), of_mask,
                        given.get("scale"), bool(given.get("is_causal")), getattr(torch, self._precision))
                    running.maps.setdefault(branch, {})[site.path] = _to_memory(maps, self._device)

    def _look(
        self, name: str, running: _Pass, row: int, query: torch.Tensor, key: torch.Tensor,
        part: Callable[[torch.Tensor, int], torch.Tensor],
    ) -> None:
        """Finds out what the rows of an attention are, in the first pass."""
        dependence = running.dependence
        assert dependence is not None

        def rows(tensor: torch.Tensor, world: int) -> npt.NDArray[np.bool_]:
            return dependence.rows(tensor, world, lambda tensor: part(tensor, row))

        is_image = rows(key, dependence.latent)
        # In which worlds of the texts each key is another, as bits.
        codes = sum(rows(key, world).astype(int) << bit for bit, world in enumerate(dependence.texts)) * ~is_image
        if not codes.any():
            self._passed_over[name] = "no text among its keys"
            return
        cells = np.flatnonzero(rows(query, dependence.latent))
        if self._own.stop is not None and cells.size >= self._own.stop:
            cells = cells[self._own]
        if not cells.size:
            self._passed_over[name] = "its queries are tokens"
            return
        keys, positions = self._positions(name, running, row, codes, is_image)
        if not self._order:
            self._tell_text(running, row, positions)
        index_of = {position: index for index, position in enumerate(self._order)}
        key_of = {index_of[position]: int(place) for place, position in zip(keys, positions)}
        of_row = part(query, row)
        frames, rows_, columns = self._grid(name, int(cells.size), of_row.shape[0])
        kept = [token for token in self._kept if token in key_of]
        key_columns = np.array([key_of[token] for token in kept], np.intp)
        others = np.setdiff1d(np.arange(key.shape[-2]), key_columns)
        image, padding = others[is_image[others]], others[~is_image[others]]
        sums = [(title, columns_) for title, columns_ in (("padding", padding), ("image", image)) if columns_.size]
        self._extents[name] = (query.shape[-2], key.shape[-2])
        self._found[name] = _Site(
            path=name, kind="joint" if is_image.any() else "cross", heads=of_row.shape[1], rows=rows_, columns=columns,
            frames=frames, keys=key.shape[-2], width=of_row.shape[1] * of_row.shape[-1], tokens=kept,
            sums=[(title, len(columns_)) for title, columns_ in sums], mean_of_heads=self._heads == "mean",
            cells=self._cells, cell_rows=cells, key_columns=key_columns, sum_columns=[columns_ for _, columns_ in sums])

    def _positions(
        self, name: str, running: _Pass, row: int, codes: npt.NDArray[Any], is_image: npt.NDArray[np.bool_]
    ) -> tuple[Ints, list[int]]:
        """The keys that are tokens, and the position of each in the texts: the arrangement that the changes fit.
        """
        spans: list[list[list[int]]] = []
        for start, block in self._starts(running.blocks):
            whole = list(range(start, start + block.rows[row].shape[0]))
            choices = [whole]
            for mask in running.masks:
                if mask.shape[1] == len(whole):
                    valid = [position for position, is_valid in zip(whole, mask[row]) if is_valid]
                    hidden = [position for position, is_valid in zip(whole, mask[row]) if not is_valid]
                    choices += [valid, valid + hidden, hidden + valid]
            spans.append(choices)

        def fits(keys: Ints, positions: list[int], is_mixed: bool) -> bool:
            if len(keys) != len(positions):
                return False
            found, own = codes[keys], self._codes[positions]
            if is_mixed:
                # A mean of the tokens that changes some of the keys adds to their own changes, and takes none away;
                # enough of them must be untouched by it.
                is_clear = (found == own) & (found != 7)
                return bool(((found == 0) | (found & own == own)).all()) and is_clear.sum() >= max(4, len(keys) / 2)
            # One that reaches every key changes all in some worlds, which then tell nothing.
            everywhere = np.bitwise_and.reduce(found[found > 0], initial=7)
            return bool(((found == 0) | (found == 7) | (found == own | everywhere)).all())

        # A model may put one vector of its own in the place of every token of the padding: then all keys but
        # cells count.
        for is_mixed, keys in itertools.product((False, True), (np.flatnonzero(~is_image), np.flatnonzero(codes))):
            for order in itertools.permutations(range(len(spans))):
                for chosen in itertools.product(*(spans[index] for index in order)):
                    positions = list(itertools.chain.from_iterable(chosen))
                    if fits(keys, positions, is_mixed):
                        return keys, positions
            # One of several texts may be read by a layer of its own.
            for choices in spans:
                for positions in choices:
                    if fits(keys, positions, is_mixed):
                        return keys, positions
        lengths = " + ".join(str(block.rows[row].shape[0]) for block in running.blocks)
        raise RecordingError(
            f"{name}: {np.count_nonzero(codes)} of its keys change with the text, which has {lengths} tokens, and no "
            "order of the tokens fits them; this arrangement is not known, and nothing was labelled")

    def _tell_text(self, running: _Pass, row: int, positions: list[int]) -> None:
        """The table of the prompt's tokens in the order in which they stand among the keys."""
        source = running.sources[row]
        # Tokens that the layers pass over are no keys; those of another text may be keys of other layers.
        passed = {index for mask in running.masks for block_start, block in self._starts(running.blocks)
                  if mask.shape[1] == block.length for index in block_start + np.flatnonzero(~mask[row])}
        there = set(positions)
        rest = [position for position in range(len(source.keys)) if position not in there and position not in passed]
        is_in_order = sorted(positions) == positions
        self._order = sorted(there | set(rest)) if is_in_order else positions + rest
        ordered = _Source(tuple(source.keys[position] for position in self._order), source.is_zero, source.shared)
        if self._texts.encodings:
            told = self._said.get("prompt") if self._prompt is None else self._prompt
            entry = self._texts.table(ordered, "prompt", told)
        else:
            entry = _numbered(self._prompt or "", len(self._order))
        self._entries = [entry]
        self._subject_entries = [_subject(name, entry) for name in self._subjects]
        count = len(entry["tokens"])
        if isinstance(self._tokens, list):
            if not self._tokens or self._tokens[0] < 0 or self._tokens[-1] >= count:
                raise RecordingError(f"tokens {self._tokens}: expected positions in 0…{count - 1}")
            self._kept = self._tokens
        else:
            self._kept = [index for index, token in enumerate(entry["tokens"])
                          if self._tokens == "all" or token.get("special") != "padding"]

    @staticmethod
    def _starts(blocks: list[_Block]) -> list[tuple[int, _Block]]:
        """Each text, and the position of its first token among all."""
        return list(zip(itertools.accumulate((block.length for block in blocks), initial=0), blocks))

    def _grid(self, name: str, cells: int, copies: int) -> tuple[int, int, int]:
        """Frames, rows and columns of a layer's cells, by their number alone."""
        largest = max((max(space[1:]) for space in self._spaces), default=0)
        # Frames are seldom merged, and parts are seldom uneven: as many cells come of 4 frames in one as of 2 × 2
        # cells.
        for is_even, part, factor, space in itertools.product(
                (True, False), (1, 2, 4, 8) if copies == 1 else (1,), range(1, largest + 1), self._spaces):
            frames, rows, columns = space
            if is_even and (frames % part or rows % factor or columns % factor):
                continue
            there = math.ceil(frames / part)
            for round_ in (math.ceil, math.floor):
                high, wide = round_(rows / factor), round_(columns / factor)
                if (high * wide * there == cells) if copies == 1 else (high * wide == cells and there == copies):
                    # The first layer settles what the latent's axes are.
                    self._spaces = [space]
                    return there, high, wide
        known = ", ".join(f"{frames} × {rows} × {columns}" for frames, rows, columns in self._spaces) or "none"
        raise RecordingError(
            f"{name}: {cells} cells{f' in each of {copies} frames' if copies > 1 else ''} fit no grid of the latent "
            f"(frames × rows × columns: {known}); pictures beside the latent, as in editing, are not recorded")

    def _is_asked_for(self, site: _Site) -> bool:
        return self._layers is None or any(_matches(site, pattern) for pattern in self._layers)

    # MARK: Calls

    def _ended(self, denoiser: torch.nn.Module, args: Any, output: Any) -> None:
        running = self._pass
        if running is None or running.denoiser is not denoiser:
            return
        self._pass = None
        if output is None:
            return
        if running.phase == "denoise" and self._predictions is not None:
            made = list(_tensors(output if not isinstance(output, Mapping) else list(output.values())))
            for row, branch in running.rows if made else []:
                of_row = made[row] if len(made) == running.batch else made[0][row:row + 1]
                self._predictions[branch] = _beginning(of_row)
        is_for_prompt = any(branch == "conditional" for _, branch in running.rows)
        if running.dependence is not None:
            self._settle_sites(denoiser)
        if is_for_prompt or running.is_kept:
            missing = [name for name in self._found if name not in running.attended]
            if missing:
                raise self._otherwise(missing[0], f"attended before, but not in step {running.step}")
        ready = None
        if running.maps and self._device.type == "cuda":
            ready = torch.cuda.Event()
            ready.record(torch.cuda.current_stream(self._device))
        if self._sites is not None and self._writer is None:
            self._open_when_told(running)
        self._tell_negative(running)
        # The conditional call may be held back for its loss: no line may stand before it that follows it.
        for _, branch in sorted(running.rows, key=lambda row: BRANCHES.index(row[1])):
            is_loss = running.phase == "loss" and branch == "conditional"
            call = _Call(
                self._calls, running.step, running.timestep, branch, running.phase, self._tries if is_loss else 0,
                running.maps.get(branch, {}), ready)
            self._calls += 1
            if is_loss:
                self._tries += 1
                self._held = call
            else:
                self._hand_over(call)

    def _hand_over(self, call: _Call) -> None:
        self._waiting.append(call)
        while self._writer is not None and self._waiting:
            self._writer.put(self._waiting.pop(0))

    def _release_held(self, next_loss_step: int | None = None) -> None:
        """Lets a pass with gradients go to the journal, once its loss was told or can be told no more.

        The first of a step is its loss; of those after it the last is the loss after refinement, and the others
        are its tries. `next_loss_step` is the step of the pass that follows, if it has gradients too.
        """
        call, self._held = self._held, None
        if call is None:
            return
        if call.attempt > 0 and call.step == next_loss_step:
            call.phase, call.attempt = "refinement", call.attempt + 1
        self._hand_over(call)

    def _settle_sites(self, denoiser: torch.nn.Module) -> None:
        """Which of the layers that were found are kept."""
        if not self._found:
            listed = "; ".join(f"{path}: {reason}" for path, reason in list(self._passed_over.items())[:3]) or (
                "no scaled_dot_product_attention was seen")
            raise RecordingError(
                f"{type(denoiser).__name__}: no layer in which cells of the picture attend to tokens ({listed})")
        self._sites = [site for site in self._found.values() if self._is_asked_for(site)]
        for pattern in self._layers or []:
            if not any(_matches(site, pattern) for site in self._found.values()):
                listed = ", ".join(self._found)
                raise RecordingError(f"layers: no layer matches {pattern!r}; there are {listed}")
        for name, site in self._found.items():
            if site not in self._sites:
                self._passed_over[name] = "not asked for"
        # From now on only layers that attend are of interest.
        attending = {name.partition("#")[0] for name in (*self._found, *self._passed_over)}
        for path in [path for path in self._layer_handles if path.removesuffix(".processor") not in attending]:
            for handle in self._layer_handles.pop(path):
                handle.remove()

    # MARK: The run

    def _place(self, prompt: str, seed: int) -> str:
        return os.path.join(self.folder, _slug(prompt), self._method_name()[0], f"seed-{seed}")

    def _method_name(self) -> tuple[str, str]:
        """The name and the title of the method."""
        if self._method is not None:
            if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", self._method):
                raise RecordingError(
                    f"method is {self._method!r}: expected small letters, digits, '-', '+' and '.'")
            return self._method, self._method
        title = _title(type(self._pipeline).__name__)
        return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "pipeline", title

    def _seed_of_noise(self) -> tuple[int, str]:
        """The seed and the device of the generator that drew the latent."""
        sizes = {frames * rows * columns for frames, rows, columns in self._spaces}
        fitting = [draw for draw in self._draws if any(math.prod(draw.shape) % size == 0 for size in sizes if size)]
        drawn = list(dict.fromkeys((draw.seed, draw.device) for draw in fitting or self._draws))
        if not drawn:
            if self._seed is None:
                raise RecordingError(
                    "no noise was drawn in the with block: say the seed of the latent, Recorder(…, seed=…)")
            return self._seed, "torch"
        seeds = [seed for seed, _ in drawn]
        if self._seed is not None and self._seed not in seeds:
            raise RecordingError(
                f"the recorder was told seed {self._seed}, but the noise was drawn with seed "
                f"{' and '.join(map(str, seeds))}: hand the pipeline "
                f"generator=torch.Generator().manual_seed({self._seed})")
        if self._seed is None and len(set(seeds)) > 1:
            raise RecordingError(
                f"noise was drawn with seeds {seeds}: say which is the latent's, Recorder(…, seed=…)")
        seed, device = next(draw for draw in drawn if self._seed in (None, draw[0]))
        chosen = [draw for draw in fitting or self._draws if (draw.seed, draw.device) == (seed, device)]
        if self._seed is None and not all(draw.is_fresh for draw in chosen):
            raise RecordingError(
                f"the generator of seed {seed} had drawn numbers before the recording, so that this seed does not make "
                "the noise again: hand the pipeline a fresh one, "
                f"generator=torch.Generator({device!r}).manual_seed({seed}), or say which seed the run is to have, "
                "Recorder(…, seed=…)")
        return seed, "torch" if device == "cpu" else f"torch-{device}"

    def _open_when_told(self, running: _Pass) -> None:
        """Makes the run's folder, once the texts are known whose maps it will hold.

        Where a pass of its own reads the negative prompt, the calls before it wait.
        """
        for row, branch in running.rows:
            if branch == "unconditional" and len(self._entries) == 1:
                self._add_negative(running.sources[row])
        if "unconditional" in self._branches:
            if any(call.branch == "unconditional" for call in self._waiting):
                raise RecordingError(
                    "branches: the unconditional branch is asked for, but its first pass came before the prompt's, "
                    "which tells the layers: record the conditional branch alone")
            if len(self._entries) == 1:
                return
            counts = [len(entry["tokens"]) for entry in self._entries]
            if counts[0] != counts[1]:
                raise RecordingError(
                    f"branches: the negative prompt has {counts[1]} tokens, the prompt {counts[0]}, and one array "
                    "holds both: record the conditional branch alone, or a negative prompt of as many tokens")
        self._open()

    @staticmethod
    def _without_negative() -> RecordingError:
        return RecordingError(
            "branches: the unconditional branch is asked for, but no pass of the first step read a negative prompt's "
            "tokens (there are none without guidance, nor where zeros stand in their place): record the conditional "
            "branch alone")

    def _open(self) -> None:
        """Makes the run's folder."""
        assert self._sites is not None
        entry = self._entries[0]
        seed, rng = self._seed_of_noise()
        self.path = self._place(entry["prompt"], seed)
        manifest = self._manifest(seed, rng)
        self._tell_size(manifest)
        self._writer = _RunWriter(
            self.path, manifest, self._sites, 2 * len(self._timesteps) + len(self._waiting), self._overwrite)

    def _tell_size(self, manifest: dict[str, Any]) -> None:
        """Says how large the run will be, and refuses what the disk has no room for."""
        assert self._sites is not None
        steps = len(self._timesteps) if self._steps is None else min(
            self._steps[1] + 1, len(self._timesteps)) - self._steps[0]
        of_call = sum(math.prod(site.shape) for site in self._sites) * (2 if self._precision == "float16" else 4)
        size = of_call * max(steps, 0) * len(self._branches) * len(self._phases)
        there = os.path.abspath(self.folder)
        while not os.path.isdir(there):
            there = os.path.dirname(there)
        free = shutil.disk_usage(there).free
        if size > free:
            raise RecordingError(
                f"{there}: the recording takes {_amount(size)}, and {_amount(free)} are free; keep fewer layers, "
                "heads, cells, tokens or steps")
        print(f"heed_record: {len(self._sites)} layers, {max(steps, 0)} steps: {_amount(size)} in {self.path}",
              file=sys.stderr, flush=True)

    def _manifest(self, seed: int, rng: str) -> dict[str, Any]:
        assert self._sites is not None
        entry = self._entries[0]
        name, title = self._method_name()
        scheduler = getattr(self._pipeline, "scheduler", None)
        config = dict(getattr(scheduler, "config", {}))
        settings = {key: _setting(value) for key, value in config.items() if not key.startswith("_")}
        settings["name"] = _scheduler_name(type(scheduler).__name__, config) if scheduler is not None else "none"
        steps = getattr(scheduler, "num_inference_steps", None)
        frames, rows, columns = self._spaces[0]
        factor = getattr(self._pipeline, "vae_scale_factor_spatial", None) or getattr(
            self._pipeline, "vae_scale_factor", None) or 1
        self._size = self._size or (rows * int(factor), columns * int(factor))
        recording: dict[str, Any] = {
            "layers": self._layers or ["*"], "branches": self._branches, "phases": self._phases,
            "precision": self._precision}
        if self._steps is not None:
            recording["steps"] = list(self._steps)
        tokens = sorted({token for site in self._sites for token in site.tokens})
        if tokens != list(range(len(entry["tokens"]))):
            recording["tokens"] = tokens
        if self._heads == "mean":
            recording["reducedHeads"] = "mean"
        summed = {title for site in self._sites for title, _ in site.sums}
        sums = [title for title in ("padding", "image") if title in summed]
        if sums:
            recording["summedColumns"] = sums
        if self._cells is not None:
            recording["cells"] = self._cells
        request: dict[str, Any] = {
            "prompt": entry["prompt"], "negativePrompt": self._entries[1]["prompt"] if len(self._entries) > 1 else "",
            "seed": seed, "rng": rng, "size": f"{self._size[1]}x{self._size[0]}",
            "steps": int(steps) if isinstance(steps, int) else len(self._timesteps), "guidanceScale": 1.0,
            "scheduler": settings["name"], "method": {"name": name, "knobs": {}}, "pieces": "last",
            "recording": recording}
        if self._subjects:
            request["subjects"] = [subject["name"] for subject in self._subject_entries]
        grid = self._method_grid()
        request["attentionResolution"] = f"{grid['rows']}x{grid['columns']}"
        manifest: dict[str, Any] = {
            "format": 2, "status": "running", "request": request, "texts": self._entries,
            "subjects": self._subject_entries, "height": self._size[0], "width": self._size[1],
            "timesteps": list(self._timesteps), "scheduler": settings,
            "method": {"name": name, "title": title, "alteredSteps": 0, "thresholds": {}, "grid": grid},
            "model": self._model(), "provenance": self._provenance()}
        sigmas = getattr(scheduler, "sigmas", None)
        if sigmas is not None and len(sigmas) >= self._offset + len(self._timesteps):
            manifest["sigmas"] = [float(sigma) for sigma in sigmas][self._offset:self._offset + len(self._timesteps)]
        return manifest

    def _method_grid(self) -> dict[str, int]:
        """The grid on which words are measured: of several the one that is nearest to 16 × 16, which guidance
        methods read of Stable Diffusion.
        """
        assert self._sites is not None
        grids = dict.fromkeys(site.recorded_grid for site in self._sites)
        rows, columns = min(grids, key=lambda grid: abs(math.log(math.prod(grid) / 256)))
        return {"rows": rows, "columns": columns}

    def _model(self) -> dict[str, Any]:
        config = getattr(self._pipeline, "config", {})
        source = str(getattr(self._pipeline, "name_or_path", None) or config.get("_name_or_path") or "").rstrip("/")
        pipeline = type(self._pipeline).__name__
        model: dict[str, Any] = {
            "name": os.path.basename(source) or pipeline, "files": {}, "pipeline": pipeline,
            "denoiser": type(next(iter(self._denoisers.values()))).__name__}
        if (snapshot := re.search(r"models--([^/]+)--([^/]+)/snapshots/([0-9a-f]+)$", source)) is not None:
            model |= {"name": snapshot[2], "repository": f"{snapshot[1]}/{snapshot[2]}", "revision": snapshot[3]}
        elif re.fullmatch(r"[\w.-]+/[\w.-]+", source) and not os.path.exists(source):
            model["repository"] = source
        return model

    def _provenance(self) -> dict[str, Any]:
        versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
        for name in ("diffusers", "transformers"):
            if (module := sys.modules.get(name)) is not None:
                versions[name] = str(getattr(module, "__version__", ""))
        parameter = next(next(iter(self._denoisers.values())).parameters(), None)
        device = str(self._device)
        if self._device.type == "cuda":
            device += f" {torch.cuda.get_device_name(self._device)}"
        recorded = len(self._sites or [])
        return {
            "version": HEED_VERSION, "date": self._date, "host": platform.node(), "commandLine": ["heed_record"],
            "loras": [],
            "recorder": {
                "name": "heed_record", "version": __version__, "versions": versions, "device": device,
                "dtype": str(parameter.dtype).removeprefix("torch.") if parameter is not None else "none",
                "backend": "scaled_dot_product_attention",
                "coverage": {
                    "recorded": recorded, "layers": recorded + len(self._passed_over),
                    "left": [{"path": path, "reason": reason} for path, reason in self._passed_over.items()]}}}

    def _tell_negative(self, running: _Pass) -> None:
        """Adds the negative prompt's text to a run that is open, when a pass of its own reads it first."""
        if self._writer is None or len(self._entries) > 1:
            return
        for row, branch in running.rows:
            if branch == "unconditional" and self._add_negative(running.sources[row]):
                self._writer.manifest["request"]["negativePrompt"] = self._entries[1]["prompt"]
                self._writer.save_manifest()
                return

    def _add_negative(self, source: _Source) -> bool:
        """Reads the table of the negative prompt; a text of zeros has none."""
        if not source.rows:
            return False
        keys = source.keys
        if len(keys) == len(self._order):
            keys = tuple(keys[position] for position in self._order)
        ordered = _Source(keys, source.is_zero)
        said = self._said.get("negative_prompt")
        try:
            entry = self._texts.table(ordered, "negative", said if self._negative is None else self._negative)
        except RecordingError:
            # A pipeline may put another text in the negative prompt's place.
            if self._negative is not None:
                raise
            entry = self._texts.table(ordered, "negative", None)
        self._entries.append(entry)
        return True

    def _finish(self) -> None:
        """Writes what the end tells, and marks the run complete."""
        if self._writer is None and self._sites is not None:
            raise self._without_negative()
        if self._writer is None:
            raise RecordingError(
                "no pass of the denoiser read the prompt inside the with block: call the pipeline inside it, in the "
                "same thread, and let it encode the prompt")
        writer, made = self._writer, self._step + 1
        manifest = writer.manifest
        if made < len(self._timesteps):
            print(f"heed_record: the pipeline made {made} of {len(self._timesteps)} steps", file=sys.stderr, flush=True)
        self._timesteps = self._timesteps[:made]
        manifest["timesteps"] = list(self._timesteps)
        if "sigmas" in manifest:
            manifest["sigmas"] = manifest["sigmas"][:made]
        if not all(abs(one - other) < 1e-3 for one, other in zip(self._times, self._timesteps)):
            manifest["denoiserTimes"] = self._times
        scale = self._guidance
        if scale is None:
            scale = self._noticed
        if scale is None and self._distilled is None:
            scale = getattr(self._pipeline, "guidance_scale", None)
        if self._sees_negative:
            manifest["guidance"] = {"kind": "cfg"}
            if scale is not None:
                manifest["guidance"]["scale"] = manifest["request"]["guidanceScale"] = float(scale)
        elif self._distilled is not None:
            manifest["guidance"] = {"kind": "distilled", "scale": self._distilled}
        else:
            manifest["guidance"] = {"kind": "none"}
        manifest["method"]["alteredSteps"] = len({record["step"] for record in writer.losses})
        manifest["passes"] = {"forward": self._forwards, "backward": self._backwards}
        manifest["provenance"]["seconds"] = time.time() - self._began
        try:
            self._write_pictures(writer)
            self._write_latent(writer)
        except OSError as error:
            raise RecordingError(f"{writer.path}: cannot be written: {error.strerror or error}") from error
        manifest["request"]["size"] = f"{manifest['width']}x{manifest['height']}"
        writer.complete()

    def _write_pictures(self, writer: _RunWriter) -> None:
        if not self._pictures:
            return
        middle = self._pictures[len(self._pictures) // 2]
        writer.manifest["height"], writer.manifest["width"] = middle.shape[:2]
        _replace(os.path.join(writer.path, "image.png"), _png(middle))
        if len(self._pictures) > 1:
            writer.manifest["frames"] = len(self._pictures)
            os.makedirs(os.path.join(writer.path, "frames"), exist_ok=True)
            for index, frame in enumerate(self._pictures):
                _replace(os.path.join(writer.path, "frames", f"{index:03}.png"), _png(frame))

    def _write_latent(self, writer: _RunWriter) -> None:
        latent = self._latent
        if latent is None:
            return
        values = latent.to("cpu", torch.float32).numpy()
        height, width = writer.manifest["height"], writer.manifest["width"]
        # A packed latent, or a video's, is no [1, channel, row, column].
        if values.ndim == 4 and values.shape[0] == 1 and height % values.shape[2] == 0 and (
                height // values.shape[2] * values.shape[3] == width):
            with open(os.path.join(writer.path, "latent.npy"), "wb") as file:
                np.save(file, np.ascontiguousarray(values))


# MARK: - What is asked of pipelines


if torch is not None:
    _DRAWS = {torch.randn, torch.randn_like, torch.normal, torch.rand, torch.Tensor.normal_}
    _PRODUCTS = {torch.mul, torch.Tensor.mul, torch.Tensor.__mul__, torch.Tensor.__rmul__}
    _SOFTMAXES = {torch.softmax, torch.nn.functional.softmax, torch.Tensor.softmax}


def _generators() -> list[torch.Generator]:
    """Torch's own generators, which draw where a pipeline is given none."""
    return [torch.default_generator, *(torch.cuda.default_generators if torch.cuda.is_initialized() else ())]


def _is_fresh(generator: torch.Generator) -> bool:
    """Whether a generator has drawn nothing since it got its seed."""
    fresh = torch.Generator(generator.device).manual_seed(generator.initial_seed())
    return torch.equal(fresh.get_state(), generator.get_state())


def _components(pipeline: Any) -> dict[str, Any]:
    components = getattr(pipeline, "components", None)
    return dict(components) if isinstance(components, Mapping) else {}


def _parameters(module: Any) -> list[str]:
    # What torch.compile wraps is asked itself.
    own = getattr(module, "_orig_mod", module)
    return [name for name in inspect.signature(type(own).forward).parameters if name != "self"]


_TIMES = ("timestep", "timesteps", "timestep_ratio", "t", "r", "time", "sigma")


def _denoisers(pipeline: Any) -> dict[str, torch.nn.Module]:
    """The modules that take a latent and a time; several only if they are one model in parts of the schedule."""
    if isinstance(pipeline, torch.nn.Module):
        return {"denoiser": pipeline}
    found: dict[str, torch.nn.Module] = {}
    beside: dict[str, torch.nn.Module] = {}
    for name, module in _components(pipeline).items():
        parameters = _parameters(module) if isinstance(module, torch.nn.Module) else []
        if parameters and not hasattr(module, "decode") and "input_ids" not in parameters:
            if hasattr(module, "_orig_mod") or any(time in parameters for time in _TIMES):
                # A ControlNet takes a time too, and the picture that controls.
                (beside if "controlnet_cond" in parameters else found)[name] = module
    found = found or beside
    if not found:
        raise RecordingError(
            f"{type(pipeline).__name__}: no component that takes a latent and a time step was found; hand the recorder "
            "the denoiser itself")
    if len(found) > 1:
        layers = [[path for path, _ in module.named_modules()] for module in found.values()]
        if any(other != layers[0] for other in layers):
            named = {name: module for name, module in found.items() if name in ("unet", "transformer")}
            if len(named) != 1:
                raise RecordingError(
                    f"{type(pipeline).__name__} has several denoisers ({', '.join(found)}): hand the recorder the one "
                    "that reads the prompt")
            return named
    return found


def _encoders(pipeline: Any, denoisers: Mapping[str, torch.nn.Module]) -> dict[str, torch.nn.Module]:
    """The modules that read token ids."""
    return {
        name: module for name, module in _components(pipeline).items()
        if isinstance(module, torch.nn.Module) and name not in denoisers and "input_ids" in _parameters(module)}


def _tokenizers(pipeline: Any) -> dict[str, _Tokenizer]:
    """The tokenizer of each text encoder, by the encoder's name."""
    found: dict[str, _Tokenizer] = {}
    for name, component in _components(pipeline).items():
        own = component if hasattr(component, "convert_ids_to_tokens") else getattr(component, "tokenizer", None)
        if own is not None and hasattr(own, "convert_ids_to_tokens"):
            encoder = name.replace("tokenizer", "text_encoder").replace("processor", "text_encoder")
            found.setdefault(encoder, _Tokenizer(own))
    encoders = [name for name, module in _components(pipeline).items()
                if isinstance(module, torch.nn.Module) and "input_ids" in _parameters(module)]
    if len(encoders) == 1 == len(found):
        return {encoders[0]: next(iter(found.values()))}
    return found


def _arguments(denoiser: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """A pass's arguments by their names, the latent first."""
    signature = inspect.signature(type(denoiser).forward)
    bound = signature.bind_partial(denoiser, *args, **kwargs)
    arguments = dict(itertools.islice(bound.arguments.items(), 1, None))
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments |= arguments.pop(parameter.name, {})
    names = [name for name in signature.parameters if name != "self"]
    return {name: arguments[name] for name in sorted(
        arguments, key=lambda name: names.index(name) if name in names else len(names)) if arguments[name] is not None}


def _time(arguments: dict[str, Any]) -> float:
    """The number that says the time; of several for one pass (a picture's and a frame's) the largest."""
    name = next((name for name in _TIMES if name in arguments), None)
    if name is None:
        raise RecordingError(f"the denoiser was given no time step: expected one of {', '.join(_TIMES)}")
    value = arguments[name]
    return float(value.detach().float().max()) if isinstance(value, torch.Tensor) else float(value)


def _is_time(given: float, time_: float) -> bool:
    """Whether a denoiser is given a time of the scheduler, as it is or in a type of fewer digits."""
    return abs(given - time_) < 1e-3 or any(
        given == float(torch.tensor(time_).to(type_)) for type_ in (torch.bfloat16, torch.float16))


def _sequences(value: Any, batch: int) -> list[_Block]:
    """The sequences of vectors in an argument that have a row for each of the batch."""
    if isinstance(value, torch.Tensor):
        if not value.is_floating_point() or value.shape[-1:] < (_Encoding.numbers,):
            return []
        view = value.squeeze(1) if value.ndim == 4 and value.shape[1] == 1 else value
        if view.ndim != 3 or view.shape[0] % batch:
            return []
        # A video's frames read the same text.
        return [_Block([value], list(view[::view.shape[0] // batch].unbind(0)))]
    if isinstance(value, (list, tuple)):
        tensors = [part for part in value if isinstance(part, torch.Tensor)]
        if len(tensors) == len(value) == batch and all(
                part.ndim == 2 and part.is_floating_point() and part.shape[-1] >= _Encoding.numbers
                for part in tensors):
            return [_Block(tensors, tensors)]
        return [block for part in value for block in _sequences(part, batch)]
    return []


def _masks(arguments: dict[str, Any], blocks: list[_Block], batch: int) -> list[npt.NDArray[np.bool_]]:
    """Tensors that say which tokens of a text count."""
    lengths = {block.length for block in blocks}
    found = []
    for value in arguments.values():
        for tensor in _tensors(value) if not isinstance(value, list) else []:
            if tensor.ndim == 2 and tensor.shape[0] == batch and tensor.shape[1] in lengths and tensor.shape[1] > 1:
                found.append((tensor.detach() > 0).cpu().numpy())
    return found


def _spaces(
    sample: torch.Tensor, is_list: bool, denoiser: torch.nn.Module, arguments: dict[str, Any],
    draws: list[tuple[int, ...]], own: slice,
) -> list[tuple[int, int, int]]:
    """What the latent's frames, rows and columns can be: by its shape, or, where it is packed, by the shape in
    which it was drawn or by the numbers that the denoiser is given with it.
    """
    shape = tuple(sample.shape) if is_list else tuple(sample.shape[1:])
    config = dict(getattr(denoiser, "config", {}))
    channels = config.get("in_channels")

    def volumes(shape: tuple[int, ...]) -> list[tuple[int, int, int]]:
        """What is left of a latent's shape without its channels, where the configuration says how many there are.
        """
        # Channels stand before rows and columns, of which one may be as long as they are many.
        axes = [axis for axis in range(len(shape)) if shape[axis] == channels][:1] or list(range(len(shape)))
        left = [shape[:axis] + shape[axis + 1:] for axis in axes]
        if len(shape) == 3:
            return [(1, rows, columns) for rows, columns in left]
        return [tuple(one) for one in left if len(one) == 3]  # type: ignore[misc]

    if len(shape) in (3, 4):
        along = [axes for value in arguments.values() for axes in _axes(value)]
        return list(dict.fromkeys(along + volumes(shape)))
    found: list[tuple[int, int, int]] = []
    cells = len(range(*own.indices(shape[0])))
    for value in arguments.values():
        found += _products(value, cells)
    named = [arguments.get(name) for name in ("num_frames", "height", "width")]
    if all(isinstance(number, int) for number in named[1:]):
        found.append((named[0] or 1, named[1], named[2]))  # type: ignore[arg-type]
    for value in arguments.values():
        # Places of the cells, one row for each, in whole numbers.
        if isinstance(value, torch.Tensor) and value.shape[-2:-1] == shape[:1] and value.shape[-1] in (2, 3, 4):
            places = value.detach().reshape(-1, *value.shape[-2:])[0, own].float().cpu().numpy()
            extents = [len(np.unique(column)) for column in places.T]
            many = [extent for extent in extents if extent > 1] or extents[-2:]
            if math.prod(extents) == cells and len(many) in (2, 3):
                found.append((1, *many) if len(many) == 2 else tuple(many))  # type: ignore[arg-type]
    if found:
        return list(dict.fromkeys(found))
    for draw in reversed(draws):
        if len(draw) in (4, 5) and math.prod(draw[1:]) == cells * shape[1]:
            found += volumes(draw[1:])
    return list(dict.fromkeys(found))


def _own_cells(latent: torch.Tensor, noise: list[torch.Tensor]) -> slice:
    """The picture's own cells in a packed latent `[cell, channel]`: those that were drawn. In front of them or behind
    may stand the cells of a picture that is edited; the numbers tell where.
    """
    cells, channels = latent.shape
    counts: list[int] = []
    for drawn in reversed(noise):
        for packed in _packings(drawn, channels):
            count = len(packed)
            for first in (0, cells - count) if count <= cells else ():
                own = latent[first:first + count]
                if bool((own.sort(-1).values == packed.to(own).sort(-1).values).all(-1).any()):
                    return slice(first, first + count)
                counts.append(count)
    if len(set(counts)) > 1:
        raise RecordingError(
            f"of the latent's {cells} cells {' or '.join(map(str, sorted(set(counts))))} may be the picture's own: the "
            "noise is not among them, so that it cannot be told")
    return slice(0, counts[0] if counts else cells)


def _packings(drawn: torch.Tensor, channels: int) -> Iterator[torch.Tensor]:
    """A drawn latent as `[cell, channel]`, where a cell is a patch of p × p of its rows and columns."""
    if drawn.ndim == 3 and drawn.shape[-1] == channels:
        yield drawn[0]
    for axis in range(1, drawn.ndim - 2):
        patch = math.isqrt(channels // max(drawn.shape[axis], 1))
        if drawn.shape[axis] * patch**2 == channels and not any(length % patch for length in drawn.shape[-2:]):
            cut = drawn[0].movedim(axis - 1, 0).unfold(-2, patch, patch).unfold(-2, patch, patch)
            yield cut.movedim(0, -1).reshape(-1, channels)


def _axes(value: Any) -> list[tuple[int, int, int]]:
    """The lengths of three lists of places, one for frames, one for rows, one for columns."""
    if isinstance(value, (list, tuple)):
        if len(value) == 3 and all(isinstance(part, torch.Tensor) and part.ndim == 1 for part in value):
            return [(len(value[0]), len(value[1]), len(value[2]))]
        return [found for part in value for found in _axes(part)]
    return []


def _products(value: Any, cells: int) -> list[tuple[int, int, int]]:
    """Three whole numbers in nested lists whose product is the number of cells."""
    if isinstance(value, (list, tuple)):
        if len(value) == 3 and all(isinstance(number, int) for number in value):
            return [tuple(value)] if math.prod(value) == cells else []
        return [found for part in value for found in _products(part, cells)]
    return []


def _number(value: Any) -> float:
    return float(value.detach() if isinstance(value, torch.Tensor) else value)


def _beginning(tensor: torch.Tensor) -> torch.Tensor:
    """The first numbers of a prediction, by which it is known again."""
    return tensor.detach().reshape(-1)[:16].clone()


def _mask_of(
    mask: torch.Tensor | None, row: int, frames: int, queries: Sequence[int], keys: int, batch: int
) -> torch.Tensor | None:
    """The part of an attention mask for a row of the batch, `[frame or 1, head or 1, query or 1, key]`."""
    if mask is None:
        return None
    mask = mask.detach()
    if mask.ndim == 3 and len(queries) == 3:
        mask = mask.expand(queries[0], *mask.shape[1:]).reshape(batch, -1, *mask.shape[1:])
    while mask.ndim < 4:
        mask = mask[None]
    if mask.shape[-1] != keys:
        mask = mask.expand(*mask.shape[:-1], keys)
    return mask[row * frames:(row + 1) * frames] if mask.shape[0] > 1 else mask


def _to_memory(maps: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A copy in the host's memory; from the CUDA device of the pass it is under way when this returns."""
    if maps.device.type != "cuda" or maps.device != device:
        return maps.to("cpu").contiguous()
    pinned = torch.empty(maps.shape, dtype=maps.dtype, pin_memory=True)
    return pinned.copy_(maps, non_blocking=True)


def _interval(steps: tuple[int, int] | range | None) -> tuple[int, int] | None:
    if steps is None:
        return None
    if isinstance(steps, range):
        if steps.step != 1 or not len(steps):
            raise RecordingError(f"steps is {steps}: expected steps that follow each other")
        steps = (steps.start, steps.stop - 1)
    first, last = (int(step) for step in steps)
    if not 0 <= first <= last:
        raise RecordingError(f"steps is {(first, last)}: expected the first and the last step, from 0")
    return first, last


def _frames_of(picture: Any) -> list[Any]:
    """The frames of a video, or the one picture."""
    if isinstance(picture, (list, tuple)):
        if len(picture) == 1:
            return _frames_of(picture[0])
        return list(picture)
    shape = tuple(getattr(picture, "shape", ()))
    if len(shape) == 5 and shape[0] == 1:
        picture, shape = picture[0], shape[1:]
    return list(picture) if len(shape) == 4 else [picture]


def _numbered(prompt: str, count: int) -> dict[str, Any]:
    """The table of a denoiser alone: its tokens are known by their numbers."""
    return {
        "role": "prompt", "encoder": "text_encoder", "prompt": prompt, "words": [], "leftOut": [],
        "segments": [{"words": [0, count], "padding": [count, count]}],
        "tokens": [{"index": index, "id": index, "piece": f"@{index}"} for index in range(count)]}


def _setting(value: Any) -> str:
    """A scheduler's setting as a text, as Heed spells it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)


_SCHEDULERS = {
    "DDIMScheduler": "ddim", "PNDMScheduler": "pndm", "LMSDiscreteScheduler": "lms", "EulerDiscreteScheduler": "euler",
    "EulerAncestralDiscreteScheduler": "euler-ancestral", "HeunDiscreteScheduler": "heun",
    "KDPM2DiscreteScheduler": "kdpm2", "KDPM2AncestralDiscreteScheduler": "kdpm2-ancestral",
    "DPMSolverSinglestepScheduler": "dpmsolver-singlestep", "UniPCMultistepScheduler": "unipc", "LCMScheduler": "lcm",
    "TCDScheduler": "tcd"}
"""What Heed calls schedulers; the others have their class's name."""


def _scheduler_name(name: str, config: Mapping[str, Any]) -> str:
    if name == "DPMSolverMultistepScheduler":
        return str(config.get("algorithm_type", "dpmsolver++"))
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[0-9]+", name.removesuffix("Scheduler"))
    return _SCHEDULERS.get(name, "-".join(words).lower())


def _amount(size: float) -> str:
    """Bytes for a reader."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1024
    return ""


# MARK: - Checking a run


class _Check:
    """Holds every file of a run against the others."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[str] = []
        self.chunks = self.rows = 0
        self.calls: list[dict[str, Any]] = []
        manifest = self._document("run.json")
        if manifest is None:
            return
        if manifest.get("format") != 2:
            self._add("run.json", f"format is {manifest.get('format')}, expected 2; heed check reads others")
            return
        self.manifest = manifest
        try:
            self.is_complete = manifest["status"] == "complete"
            self._check_manifest()
            self._check_journal()
            self._check_store()
            if self.is_complete:
                self._check_results()
        except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, OSError) as error:
            self._add("run.json", f"cannot be read: {type(error).__name__}: {error}")

    def _add(self, file: str, reason: str) -> None:
        self.problems.append(f"{os.path.join(self.path, file)}: {reason}")

    def _document(self, file: str) -> dict[str, Any] | None:
        try:
            with open(os.path.join(self.path, file), encoding="utf-8") as opened:
                document = json.load(opened)
            if isinstance(document, dict):
                return document
            self._add(file, "is no object")
        except FileNotFoundError:
            self._add(file, "is missing")
        except (OSError, ValueError) as error:
            self._add(file, f"cannot be read: {error}")
        return None

    def _check_manifest(self) -> None:
        manifest = self.manifest
        if manifest["status"] not in ("running", "complete"):
            self._add("run.json", f"status is {manifest['status']!r}, expected running or complete")
        if manifest["height"] < 1 or manifest["width"] < 1:
            self._add("run.json", f"the picture is {manifest['width']}x{manifest['height']}")
        if not manifest["timesteps"]:
            self._add("run.json", "timesteps: none, expected one for each iteration")
        for text in manifest["texts"]:
            count, words, length = len(text["tokens"]), len(text["words"]), len(text["prompt"].encode())
            for index, token in enumerate(text["tokens"]):
                if token["index"] != index:
                    self._add("run.json", f"{text['role']}: index {token['index']} at position {index}")
                if not 0 <= token.get("word", 0) < max(words, 1):
                    self._add("run.json", f"{text['role']}: token {index} is of word {token['word']}, of {words}")
                first, after = token.get("range", (0, 0))
                if not 0 <= first <= after <= length:
                    self._add("run.json", f"{text['role']}: token {index} is outside the prompt")
            for word in text["words"]:
                tokens = word["tokens"]
                if not tokens or not all(0 <= token < count for token in tokens):
                    self._add("run.json", f"{text['role']}: word {word['text']!r} has tokens {tokens}, of {count}")
            places = [list(range(*segment[kind])) for segment in text["segments"] for kind in ("words", "padding")]
            marks = [segment[kind] for segment in text["segments"] for kind in ("start", "end")
                     if segment.get(kind) is not None]
            taken = [place for part in places for place in part] + marks
            if sorted(taken) != list(range(count)) and not any(place < 0 or place >= count for place in taken):
                if len(set(taken)) != len(taken):
                    self._add("run.json", f"{text['role']}: a token is twice in the segments")
            elif any(place < 0 or place >= count for place in taken):
                self._add("run.json", f"{text['role']}: segments name tokens outside 0…{count - 1}")
        for subject in manifest["subjects"]:
            count = len(manifest["texts"][0]["tokens"])
            if not subject["tokens"] or not all(0 <= token < count for token in subject["tokens"]):
                self._add("run.json", f"subject {subject['name']!r} has tokens {subject['tokens']}, of {count}")

    def _check_journal(self) -> None:
        self._is_whole = True
        try:
            with open(os.path.join(self.path, "calls.jsonl"), "rb") as file:
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            if self.is_complete:
                self._add("calls.jsonl", "is missing")
            return
        # A last line without its end is being written.
        for line in lines[:-1]:
            try:
                call = json.loads(line)
                if call["call"] != len(self.calls):
                    raise ValueError(f"call {call['call']}, expected {len(self.calls)}")
                call["checksums"], call["step"], call["timestep"], call["branch"], call["phase"], call["attempt"]
            except (ValueError, KeyError, TypeError) as error:
                self._add("calls.jsonl", f"line {len(self.calls) + 1}: {error}")
                self._is_whole = False
                break
            self.calls.append(call)
        times, subjects = self.manifest["timesteps"], self.manifest["subjects"]
        counts = [0] * len(times)
        for call in self.calls:
            where = f"call {call['call']}"
            if not 0 <= call["step"] < len(times):
                self._add("calls.jsonl", f"{where}: step {call['step']}, but run.json has {len(times)} timesteps")
                continue
            if call["timestep"] != (time_ := times[call["step"]]):
                self._add("calls.jsonl", f"{where}: timestep {call['timestep']}, but run.json has {time_}")
            if call["branch"] not in BRANCHES or call["phase"] not in PHASES:
                self._add("calls.jsonl", f"{where}: {call['branch']} {call['phase']}")
            if call.get("measurement") and len(call["measurement"].get("scores", [])) != len(subjects):
                self._add("calls.jsonl", f"{where}: not one score for each of {len(subjects)} subjects")
            counts[call["step"]] += (call["branch"], call["phase"]) == ("conditional", "denoise")
        if self.is_complete and self._is_whole:
            for step, count in enumerate(counts):
                if count != 1:
                    self._add("calls.jsonl", f"step {step} of a complete run has {count} predictions for the prompt")

    def _check_store(self) -> None:
        recording = self.manifest["request"].get("recording")
        written = any(call["checksums"] for call in self.calls)
        if not os.path.exists(os.path.join(self.path, "attention.zarr", "zarr.json")):
            if recording and (written or self.is_complete):
                self._add("attention.zarr/zarr.json", "is missing")
            return
        group = self._document("attention.zarr/zarr.json")
        if group is None:
            return
        if "unpacked" in group["consolidated_metadata"]:
            self._add("attention.zarr/zarr.json", "is packed: heed check reads it, and heed pack --undo unpacks it")
            return
        attributes, inlined = group["attributes"], group["consolidated_metadata"]["metadata"]
        text = self.manifest["texts"][0]
        for name, here, there in [
            ("prompt", attributes["prompt"], text["prompt"]),
            ("seed", attributes["seed"], self.manifest["request"]["seed"]),
            ("method", attributes["method"], self.manifest["method"]["name"]),
            ("model", attributes["model"], self.manifest["model"]["name"]),
            ("subjects", attributes["subjects"], self.manifest["subjects"]),
            ("token_pieces", attributes["token_pieces"], [token["piece"] for token in text["tokens"]]),
        ]:
            if here != there:
                self._add("attention.zarr/zarr.json", f"{name} is {here}, but run.json says {there}")
        for name, array in inlined.items():
            if self._document(f"attention.zarr/{name}/zarr.json") != array:
                self._add(f"attention.zarr/{name}/zarr.json", "is not what attention.zarr/zarr.json has of it")
        self._check_coordinates(inlined)
        sites = {entry["site"]["path"]: entry for entry in attributes["sites"]}
        kept = {call["call"] for call in self.calls if recording and call["branch"] in recording["branches"]
                and call["phase"] in recording["phases"] and _is_within(call["step"], recording.get("steps"))}
        for name in sorted({name for call in self.calls for name in call["checksums"]} | set(sites)):
            if name not in inlined:
                self._add("attention.zarr/zarr.json", f"has no array {name}")
                continue
            self._check_chunks(name, inlined[name], sites.get(name))
            for call in self.calls:
                if name in sites and (name in call["checksums"]) != (call["call"] in kept):
                    self._add("calls.jsonl", f"call {call['call']}: " + (
                        f"a chunk of {name}, which is not recorded of such calls" if name in call["checksums"]
                        else f"no chunk of {name}, which is recorded of such calls"))

    def _check_chunks(self, name: str, array: dict[str, Any], entry: dict[str, Any] | None) -> None:
        shape, type_ = array["shape"][1:], np.dtype(array["data_type"]).newbyteorder("<")
        calls = array["shape"][0]
        if self.is_complete and calls != len(self.calls):
            self._add(f"attention.zarr/{name}/zarr.json", f"has {calls} calls, calls.jsonl {len(self.calls)}")
        columns = shape[-1]
        sums = entry.get("summedColumns") or [] if entry else []
        covered = len(entry.get("tokens") or []) + sum(one["keys"] for one in sums) if entry else 0
        is_whole = entry is not None and (
            entry.get("tokens") is None or covered == entry["site"]["keys"]) and self.manifest["method"].get(
                "rowsSumToOne") is not False
        if entry and entry.get("tokens") is not None and columns != len(entry["tokens"]) + len(sums):
            self._add(f"attention.zarr/{name}/zarr.json", f"has {columns} columns, not its tokens and sums")
        tolerance = 1e-5 + (2.0**-11 + columns * 2.0**-25 if type_.itemsize == 2 else 0)
        size = math.prod(shape) * type_.itemsize
        for call in self.calls:
            if name not in call["checksums"]:
                continue
            file = f"attention.zarr/{name}/c.{call['call']}" + ".0" * len(shape)
            try:
                with open(os.path.join(self.path, file), "rb") as opened:
                    data = opened.read()
            except OSError:
                self._add(file, "is missing, but listed in calls.jsonl")
                continue
            self.chunks += 1
            if len(data) != size + 4:
                self._add(file, f"{len(data)} bytes, expected {size + 4}")
                continue
            checksum = crc32c(memoryview(data)[:-4])
            if checksum != struct.unpack("<I", data[-4:])[0] or checksum != call["checksums"][name]:
                self._add(file, "is damaged: its CRC-32C is not its own, or not that of calls.jsonl")
                continue
            values = np.frombuffer(data, type_, math.prod(shape)).astype(np.float64)
            if not np.isfinite(values).all():
                self._add(file, "holds numbers that are NaN or infinite")
            elif is_whole:
                totals = values.reshape(-1, columns).sum(-1)
                self.rows += len(totals)
                worst = int(np.abs(totals - 1).argmax())
                if abs(totals[worst] - 1) > tolerance:
                    self._add(file, f"row {worst} sums to {totals[worst]:.6f}, expected 1 within {tolerance:.6f}")
        self._check_surplus(name)

    def _check_surplus(self, name: str) -> None:
        """A chunk is written before its line, so that the call after the last may have one."""
        limit = len(self.calls) + (0 if self.is_complete else 1)
        folder = os.path.join(self.path, "attention.zarr", name)
        for file in os.listdir(folder) if os.path.isdir(folder) else []:
            number = re.match(r"c\.(\d+)\.", file)
            if number is not None and self._is_whole:
                call = int(number[1])
                if call >= limit or (call < len(self.calls) and name not in self.calls[call]["checksums"]):
                    self._add(f"attention.zarr/{name}/{file}", "calls.jsonl has no such chunk")

    def _check_coordinates(self, arrays: dict[str, Any]) -> None:
        for name, (_, type_, _) in {**_COORDINATES, "call": ("int32", "<i4", {})}.items():
            for first in range(0, len(self.calls), CALLS_IN_CHUNK):
                file = f"attention.zarr/{name}/c.{first // CALLS_IN_CHUNK}"
                calls = self.calls[first:first + CALLS_IN_CHUNK]
                wanted = np.array([
                    call["call"] if name == "call" else _coordinate(name, call) for call in calls], type_)
                self._compare(file, wanted, CALLS_IN_CHUNK)
        for name, array in arrays.items():
            if name.split("_")[0] in ("head", "token") and len(array["shape"]) == 1:
                self._compare(f"attention.zarr/{name}/c.0", None, array["shape"][0], np.dtype("<i4"))

    def _compare(
        self, file: str, wanted: npt.NDArray[Any] | None, count: int, type_: np.dtype[Any] | None = None
    ) -> None:
        kind = wanted.dtype if wanted is not None else type_
        assert kind is not None
        try:
            with open(os.path.join(self.path, file), "rb") as opened:
                data = opened.read()
        except OSError:
            return self._add(file, "is missing")
        if len(data) != count * kind.itemsize + 4 or crc32c(memoryview(data)[:-4]) != struct.unpack("<I", data[-4:])[0]:
            return self._add(file, "is damaged: its length or its CRC-32C is wrong")
        if wanted is not None and data[:len(wanted) * kind.itemsize] != wanted.tobytes():
            self._add(file, "is not what calls.jsonl has")
        return None

    def _check_results(self) -> None:
        def read(file: str) -> bytes | None:
            path = os.path.join(self.path, file)
            if os.path.exists(path):
                with open(path, "rb") as opened:
                    return opened.read()
            if not self.manifest["provenance"].get("recorder"):
                self._add(file, "is missing")
            return None

        if (picture := read("image.png")) is not None:
            if picture[:8] != b"\x89PNG\r\n\x1a\n" or picture[-12:-4] != b"\0\0\0\0IEND":
                self._add("image.png", "is no PNG picture, or incomplete")
            elif (size := struct.unpack(">II", picture[16:24])) != (self.manifest["width"], self.manifest["height"]):
                self._add("image.png", f"is {size[0]}x{size[1]}, but run.json says "
                          f"{self.manifest['width']}x{self.manifest['height']}")
        measured = [call for call in self.calls if call.get("measurement")]
        if (table := read("losses.csv")) is not None and table != _losses(measured, self.manifest["subjects"]):
            self._add("losses.csv", "is not what the measurements of calls.jsonl make")
        if read("latent.npy") is not None:
            try:
                latent = np.load(os.path.join(self.path, "latent.npy"), allow_pickle=False)
                if not np.isfinite(latent).all():
                    self._add("latent.npy", "holds numbers that are NaN or infinite")
            except (OSError, ValueError) as error:
                self._add("latent.npy", f"cannot be read: {error}")


def _is_within(step: int, steps: Sequence[int] | None) -> bool:
    return steps is None or steps[0] <= step <= steps[1]


def check(path: str | os.PathLike[str]) -> list[str]:
    """What is wrong with a run: manifest, journal, chunks against checksums, sums of rows; empty where nothing
    is.

    A run that is being written, or was interrupted, is checked as far as its calls were acknowledged.

    Raises `FileNotFoundError` where there is no run.
    """
    place = os.fspath(path)
    if not os.path.exists(os.path.join(place, "run.json")):
        raise FileNotFoundError(f"{place}: no run (no run.json in it)")
    return _Check(place).problems


# MARK: - Maps of attention-map-diffusers


def convert(
    folder: str | os.PathLike[str], output: str | os.PathLike[str] | None = None, *, prompt: str | None = None,
    tokenizer: str | os.PathLike[str] | None = None, row: int | None = None, number: int | None = None,
) -> list[str]:
    """Makes of maps that attention-map-diffusers 1.x saved with `save_raw=True` what `heed import` reads.

    Writes `maps.npz`, an array `[step, head, row, column, token]` for each layer (with `frame` before `row` for
    video), and `tokens.json` into `output`, by default `folder/heed`. Returns the arguments of `heed import` for
    them.

    - `prompt`: the text; by default the one that the folder has. The folder has no tokens: they are read with a
      tokenizer of transformers, by its folder or name, and without one they are called `@0`, `@1`, ….
    - `row`: of the batch; asked for where the batch has several. `number`: which pass at a time, from 0; asked
      for where guidance made several.

    Raises `RecordingError` for a folder that holds something else.
    """
    if torch is None:
        raise RecordingError("PyTorch is missing, which reads the folder's .pt files: pip install torch")
    source = os.fspath(folder)
    try:
        with open(os.path.join(source, "metadata.json"), encoding="utf-8") as file:
            document = json.load(file)
        records = [_Record.read(record) for record in document["records"]]
        prompts = (document.get("provenance") or {}).get("prompts") or []
        if not isinstance(prompts, list):
            raise TypeError(f"prompts is {prompts!r}")
    except FileNotFoundError:
        raise FileNotFoundError(f"{source}: no metadata.json, which attention-map-diffusers 1.x writes") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RecordingError(
            f"{source}/metadata.json: is not that of attention-map-diffusers 1.x: {error!r}") from error
    relation = next(
        (one for one in ("image->text", "video->text") if any(record.relation == one for record in records)), None)
    raw = os.path.join(source, "raw", (relation or "image->text").replace("->", "-to-"))
    if relation is None or not os.path.isdir(raw):
        raise RecordingError(
            f"{source}: no maps of image->text in raw/; they are saved by save(…, save_raw=True)")
    files = {int(found[1]): os.path.join(raw, found[0]) for found in map(
        re.compile(r"(\d+)-.*\.pt").fullmatch, os.listdir(raw)) if found is not None}
    found: dict[str, dict[int, list[npt.NDArray[Any]]]] = {}
    times: dict[int, float] = {}
    frames = 1
    for index, record in enumerate(records):
        if record.relation != relation or index not in files:
            continue
        # Only tensors are taken; a pickle of anything else is refused.
        try:
            values = torch.load(files[index], map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
            reason = str(error).partition("\n")[0]
            raise RecordingError(
                f"{files[index]}: holds no tensor alone, and nothing else is read: {reason}") from error
        maps, frames = _map_of(values, record, files[index], row)
        found.setdefault(record.layer, {}).setdefault(record.step, []).append(maps)
        if record.time is not None:
            times[record.step] = record.time
    if not found:
        raise RecordingError(f"{source}: metadata.json names no map that is in raw/")
    arrays: dict[str, npt.NDArray[Any]] = {}
    for layer, steps in found.items():
        chosen = []
        for step, passes in sorted(steps.items()):
            if len(passes) > 1 and number is None:
                raise RecordingError(
                    f"{layer}: {len(passes)} passes in step {step} (prompt and negative prompt): choose by "
                    "--pass 0 or 1")
            if not 0 <= (number or 0) < len(passes):
                raise RecordingError(f"--pass {number}: step {step} of {layer} has {len(passes)}")
            chosen.append(passes[number or 0])
        if len({maps.shape for maps in chosen}) > 1 or len(steps) != max(map(len, found.values())):
            raise RecordingError(f"{layer}: other steps or sizes than in other layers")
        arrays[layer] = np.stack(chosen)
    counts = {maps.shape[-1] for maps in arrays.values()}
    if len(counts) > 1:
        raise RecordingError(f"{source}: layers have {sorted(counts)} tokens; expected the same in all")
    text = prompt if prompt is not None else prompts[(row or 0) % len(prompts)] if prompts else None
    tokens = _tokens_of(counts.pop(), text, tokenizer)
    place = os.path.join(source, "heed") if output is None else os.fspath(output)
    os.makedirs(place, exist_ok=True)
    np.savez(os.path.join(place, "maps.npz"), **arrays)  # type: ignore[arg-type]
    with open(os.path.join(place, "tokens.json"), "w", encoding="utf-8") as file:
        json.dump({"tokens": tokens} | ({"prompt": text} if text is not None and tokenizer is not None else {}), file)
    axes = "step,head," + ("frame," if frames > 1 else "") + "row,column,token"
    command = ["heed", "import", os.path.join(place, "maps.npz"), "--axes", axes, "--tokens",
               os.path.join(place, "tokens.json")]
    if len(times) == max(map(len, found.values())):
        command += ["--timesteps", ",".join(_digits(times[step]) for step in sorted(times))]
    return command


@dataclass(frozen=True)
class _Record:
    """What metadata.json says of one file."""

    relation: str
    layer: str
    step: int
    time: float | None
    grid: tuple[int, int, int] | None
    """Frames, rows and columns."""

    @classmethod
    def read(cls, record: Any) -> _Record:
        """Raises `LookupError`, `TypeError`, `ValueError` or `AttributeError` for a record of another kind."""
        time_, grid = record.get("timestep"), record.get("q_shape") or {}
        rows, columns = grid.get("height"), grid.get("width")
        return cls(
            str(record["relation"]), str(record["layer_id"]), int(record.get("step_index") or 0),
            None if time_ is None else float(time_),
            (int(grid.get("frames") or 1), int(rows), int(columns)) if rows and columns else None)


def _map_of(values: Any, record: _Record, file: str, row: int | None) -> tuple[npt.NDArray[Any], int]:
    """A layer's map `[head, (frame), row, column, token]`, and its frames."""
    if not isinstance(values, torch.Tensor) or values.ndim not in (3, 4):
        raise RecordingError(f"{file}: expected a tensor of batch, head, cell and token")
    values = values if values.ndim == 4 else values[:, None]
    if values.shape[0] > 1 and row is None:
        raise RecordingError(
            f"{file}: a batch of {values.shape[0]}; with guidance the first half is the negative prompt's: "
            "choose by --row")
    if not 0 <= (row or 0) < values.shape[0]:
        raise RecordingError(f"{file}: --row {row}, but its batch has {values.shape[0]}")
    maps = values[row or 0].float().numpy()
    if record.grid is None or math.prod(record.grid) != maps.shape[1]:
        raise RecordingError(
            f"{file}: {maps.shape[1]} cells, but metadata.json gives the grid (frames, rows, columns) {record.grid}")
    frames, rows, columns = record.grid
    shape = (maps.shape[0], *([frames] if frames > 1 else []), rows, columns, maps.shape[-1])
    return maps.reshape(shape), frames


def _tokens_of(count: int, prompt: str | None, tokenizer: str | os.PathLike[str] | None) -> list[dict[str, Any]]:
    """The entries of tokens.json."""
    if tokenizer is None:
        return [{"piece": f"@{index}"} for index in range(count)]
    if prompt is None:
        raise RecordingError("the folder names no prompt: say it, --prompt")
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise RecordingError(
            "transformers is missing, which reads the tokenizer: pip install transformers") from None
    try:
        own = AutoTokenizer.from_pretrained(os.fspath(tokenizer))
    except (OSError, ValueError, LookupError) as error:
        reason = str(error).partition("\n")[0]
        raise RecordingError(f"{tokenizer}: no tokenizer of transformers can be read there: {reason}") from error
    ids = own(prompt, padding="max_length", max_length=count, truncation=True)["input_ids"]
    if len(ids) != count:
        raise RecordingError(f"{tokenizer}: makes {len(ids)} tokens of the prompt, but the maps have {count}")
    return [{"piece": piece, "id": token} for piece, token in zip(own.convert_ids_to_tokens(ids), ids)]


# MARK: - The command


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m heed_record`: 0 for done, 65 for bad data, 66 where there is none."""
    parser = argparse.ArgumentParser(prog="python -m heed_record", description="Runs of Heed that were made in Python.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    checking = commands.add_parser("check", help="hold the files of runs against each other")
    checking.add_argument("runs", nargs="+", metavar="RUN", help="the folder of a run")
    converting = commands.add_parser(
        "convert", help="make of maps that attention-map-diffusers 1.x saved what heed import reads")
    converting.add_argument("folder", metavar="FOLDER", help="the folder with metadata.json and raw")
    converting.add_argument(
        "-o", "--output", metavar="FOLDER", help="where maps.npz and tokens.json go (default: FOLDER/heed)")
    converting.add_argument("--prompt", metavar="TEXT", help="the prompt (default: the one that the folder has)")
    converting.add_argument(
        "--tokenizer", metavar="FOLDER", help="a tokenizer of transformers, for the tokens' spellings")
    converting.add_argument("--row", type=int, metavar="N", help="the row of the batch, from 0")
    converting.add_argument("--pass", dest="number", type=int, metavar="N", help="the pass at each time, from 0")
    parsed = parser.parse_args(arguments)
    try:
        if parsed.command == "convert":
            command = convert(
                parsed.folder, parsed.output, prompt=parsed.prompt, tokenizer=parsed.tokenizer, row=parsed.row,
                number=parsed.number)
            print(" ".join(shlex.quote(part) for part in command))
            return 0
        status = 0
        for run in parsed.runs:
            if not os.path.exists(os.path.join(run, "run.json")):
                raise FileNotFoundError(f"{run}: no run (no run.json in it)")
            made = _Check(run)
            for problem in made.problems:
                print(problem, file=sys.stderr)
            status = 65 if made.problems else status
            counted = f"calls {len(made.calls)}, chunks {made.chunks}, rows {made.rows}"
            print(f"{run}: {counted}: {f'{len(made.problems)} problems' if made.problems else 'no problem'}")
        return status
    except FileNotFoundError as error:
        print(f"heed_record: {error}", file=sys.stderr)
        return 66
    except (RecordingError, OSError) as error:
        print(f"heed_record: {error}", file=sys.stderr)
        return 65


if __name__ == "__main__":
    sys.exit(main())
