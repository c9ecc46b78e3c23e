"""Tokenizers of the kinds that diffusion pipelines have, made on the spot for a few words.

The words of `WORDS` are one token each; others fall to pieces, and what no piece spells is unknown.
"""

from __future__ import annotations

from typing import Any

from tokenizers import pre_tokenizers
from transformers import (
    BertTokenizer, CLIPTokenizer, GemmaTokenizer, LlamaTokenizer, ProcessorMixin, Qwen2Tokenizer, T5Tokenizer,
)

WORDS = [
    "describe", "picture", "system", "frog", "user", "with", "and", "car", "cat", "red", "the", "of", "a"]
"""Longer ones first, so that no merge of a shorter one comes between those of a longer one."""
LETTERS = [*"abcdefghijklmnopqrstuvwxyz"]
SIGNS = [*",.:", *map(str.upper, LETTERS)]
PLAIN = [*map(list, WORDS), *(["▁", word] for word in WORDS)]
"""Words without and with the sign of a space in front."""

CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
"""The chat template of Qwen, without its tools."""

INSTRUCTION = (
    "<s>{% for message in messages %}{% if message.role == 'system' %}[SYSTEM_PROMPT]"
    "{{ message.content[0].text }}[/SYSTEM_PROMPT]{% else %}[INST]{{ message.content[0].text }}[/INST]"
    "{% endif %}{% endfor %}")
"""The chat template of Mistral, for messages of text."""


def clip(length: int = 77) -> CLIPTokenizer:
    """Byte pairs that end in `</w>`; a start, an end, and the end token again as padding."""
    signs = [*LETTERS, *SIGNS]
    vocabulary, merges = _spelled(
        [*signs, *(sign + "</w>" for sign in signs)], [[*word[:-1], word[-1] + "</w>"] for word in WORDS])
    return CLIPTokenizer(
        vocab=_numbered([*vocabulary, "<|startoftext|>", "<|endoftext|>"]), merges=merges, model_max_length=length)


def t5(length: int = 512) -> T5Tokenizer:
    """Pieces that begin with `▁`; an end, no start."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -4.0)]
    pieces += [(f"▁{word}", -2.0) for word in WORDS] + [(letter, -5.0) for letter in [*LETTERS, *SIGNS]]
    return T5Tokenizer(vocab=pieces, extra_ids=0, additional_special_tokens=[], model_max_length=length)


def qwen(length: int = 512) -> Qwen2Tokenizer:
    """Byte pairs with a space in front; no start, no end but the chat template's."""
    vocabulary, merges = _spelled(
        sorted(pre_tokenizers.ByteLevel.alphabet()), [*map(list, WORDS), *(["Ġ", word] for word in WORDS)])
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made = Qwen2Tokenizer(
        vocab=_numbered([*vocabulary, *special]), merges=merges, model_max_length=length,
        additional_special_tokens=special[1:])
    made.chat_template = CHAT
    return made


def gemma(length: int = 512) -> GemmaTokenizer:
    """Pieces with the space behind or in front, as they fall; a start, no end."""
    vocabulary, merges = _spelled(["▁", *LETTERS, *SIGNS], PLAIN)
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    return GemmaTokenizer(
        vocab=_numbered([*special, *bytes_, *vocabulary]), merges=merges, model_max_length=length,
        add_bos_token=True)


def llama(length: int = 512, **more: Any) -> LlamaTokenizer:
    """Pieces that begin with `▁`, and bytes; a start, no end."""
    vocabulary, merges = _spelled(["▁", *LETTERS, *SIGNS], PLAIN)
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    return LlamaTokenizer(
        vocab=_numbered(["<unk>", "<s>", "</s>", "<pad>", *bytes_, *vocabulary]), merges=merges, pad_token="<pad>",
        model_max_length=length, add_bos_token=True, **more)


def llama3() -> LlamaTokenizer:
    """With the signs around each speaker's part, and one for a picture; padded on the right."""
    special = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<image>"]
    return llama(additional_special_tokens=special, padding_side="right")


def bert(length: int = 77) -> BertTokenizer:
    """Whole words, and pieces that begin with `##`; `[CLS]` in front, `[SEP]` behind."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *WORDS, *(letter for letter in LETTERS if letter not in WORDS)]
    pieces += [f"##{letter}" for letter in LETTERS]
    return BertTokenizer(vocab=_numbered(pieces), model_max_length=length)


class TextProcessor(ProcessorMixin):
    """A processor with a tokenizer only, as Mistral's is where there are no pictures."""

    def __init__(self, tokenizer: LlamaTokenizer, chat_template: str | None = None) -> None:
        super().__init__(tokenizer, chat_template=chat_template)


def mistral() -> TextProcessor:
    """A processor with Mistral's chat template, padded on the left."""
    special = ["[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]", "[IMG]"]
    tokenizer = llama(additional_special_tokens=special, padding_side="left")
    return TextProcessor(tokenizer, INSTRUCTION)


def _numbered(pieces: list[str]) -> dict[str, int]:
    assert len(set(pieces)) == len(pieces)
    return {piece: index for index, piece in enumerate(pieces)}


def _spelled(symbols: list[str], words: list[list[str]]) -> tuple[list[str], list[tuple[str, str]]]:
    """Pieces in the order of their numbers, and the merges that spell each word from its front."""
    pieces, merges = list(symbols), []
    for word in words:
        parts = list(word)
        while len(parts) > 1:
            merges.append((parts[0], parts[1]))
            parts[:2] = [parts[0] + parts[1]]
            pieces.append(parts[0])
    return list(dict.fromkeys(pieces)), list(dict.fromkeys(merges))
