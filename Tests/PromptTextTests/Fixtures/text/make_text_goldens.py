"""Writes nasty.json and folders.json: texts and their ids as transformers' CLIPTokenizer gives them.

    python make_text_goldens.py ../../../../Sources/PromptText/Resources/CLIPVocabulary

nasty.json is a list of {text, ids}: marks, scripts, spaces, controls and special names, thrown
together by a seeded generator; the ids are those of a window of 77, without padding.
folders.json is a list of {name, files, cases}: settings beside the same vocabulary, by file name,
and {text, ids} with the ids of the whole padded window.
"""

import json
import os
import random
import shutil
import sys
import tempfile
import unicodedata

from transformers import CLIPTokenizer

vocabulary = sys.argv[1]
random.seed(20240229)


def characters(*categories):
    return [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in categories]


marks = characters("Mn", "Mc", "Me")
numbers = characters("Nd", "Nl", "No")
letters = characters("Lu", "Ll", "Lt", "Lm", "Lo")
symbols = characters("Sm", "Sc", "Sk", "So", "Po", "Pd", "Ps", "Pe", "Pi", "Pf")
formats = characters("Cc", "Cf", "Zl", "Zp", "Zs")
new_letters = [chr(c) for c in (0x88F, 0xC5C, 0xA7CE, 0xA7F1, 0x10940, 0x11DE0, 0x16FF4)]
chosen = [
    "cat", "Frog", "SOMBRERO", "4k", "2026", "it's", "DON'T", "'sun'", "o'reilly", "''s", "!'s",
    "<|startoftext|>", "<|endoftext|>", "<|ENDOFTEXT|>", "<|endoftext", "|>", "...", "—", "“x”",
    "é", "é", "ậ", "ậ", "Å", "K", "ﬁ", "ß", "ẞ", "İ", "ı",
    "ΑΣ", "Σ", "ǅ", "Ⅷ", "ª", "각", "가", "각", "ཱི", "क़",
    "שּׁ", "が", "ｶﾞ", "豈", "नमस्ते,", "हिन्दी", "العربية", "ไทย", "猫とカエル", "👨‍👩‍👧",
    "❤️", "👍🏽", "1️⃣", "🇩🇪", "𝔘𝔫", "\u200b", "\ufeff", "\u00ad", "\u180e", "\x85", "\x1c",
    "\x00", "\ufffd", "\uffff", "\U0010ffff", "x" * 80,
]


def word():
    kind = random.random()
    if kind < 0.45:
        return random.choice(chosen)
    if kind < 0.6:
        return "".join(random.choice(letters) for _ in range(random.randint(1, 3)))
    if kind < 0.72:
        return random.choice("aeiouN가ι") + "".join(random.choices(marks, k=random.randint(1, 3)))
    pool = random.choice([marks, numbers, symbols, formats, new_letters])
    return random.choice(pool) * random.choice([1, 1, 2])


texts = []
for _ in range(600):
    gap = random.choice([" ", "  ", "", "\u00a0", "\u3000", "\t\n"])
    texts.append(gap.join(word() for _ in range(random.choice([1, 2, 3, 5, 8, 13]))))


def tokenizer(files, folder):
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(os.path.join(vocabulary, name), folder)
    for name, content in files.items():
        with open(os.path.join(folder, name), "w") as file:
            json.dump(content, file)
    return CLIPTokenizer.from_pretrained(folder)


def save(name, value):
    with open(name, "w") as file:
        lines = ",\n".join(json.dumps(element) for element in value)
        file.write("[\n" + lines + "\n]\n")


with tempfile.TemporaryDirectory() as folder:
    plain = tokenizer({}, folder)
    save("nasty.json", [
        {"text": t, "ids": plain(t, truncation=True, max_length=77)["input_ids"]} for t in texts
    ])


def flags(content, normalized=True, **more):
    return {"content": content, "lstrip": False, "normalized": normalized, "rstrip": False,
            "single_word": False, **more}


def typed(content, **more):
    return {"__type": "AddedToken", **flags(content, **more)}


start, end = "<|startoftext|>", "<|endoftext|>"
sd = {"bos_token": typed(start), "eos_token": typed(end), "unk_token": typed(end),
      "pad_token": end, "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
folders = {
    "no settings": {},
    "Stable Diffusion 1": {
        "tokenizer_config.json": sd,
        "special_tokens_map.json": {"bos_token": flags(start), "eos_token": flags(end),
                                    "unk_token": flags(end), "pad_token": end}},
    "Stable Diffusion 2": {
        "tokenizer_config.json": sd,
        "special_tokens_map.json": {"bos_token": flags(start), "eos_token": flags(end),
                                    "unk_token": flags(end), "pad_token": "!"}},
    "listed tokens": {
        "tokenizer_config.json": {
            "bos_token": start, "eos_token": end, "unk_token": end, "pad_token": "!",
            "model_max_length": 20,
            "added_tokens_decoder": {
                "0": flags("!", normalized=False, special=True),
                "49406": flags(start, special=True),
                "49407": flags(end, normalized=False, special=True),
                "49408": {**flags("<SKS>", special=False), "lstrip": True, "rstrip": True},
                "49409": {**flags("toy", special=False), "single_word": True}}}},
    "no limit": {"tokenizer_config.json": {"model_max_length": 1000000000000000019884624838656}},
}
cases = ["", "a cat and a frog", "a <|endoftext|> cat", "a <|ENDOFTEXT|> cat<|startoftext|>",
         "hello!!! you ! ¡", "my <sks> dog, <SKS>!", "toy toys a-toy TOY toy_ étoy", "x" * 300,
         " a cat " * 60, "<|endoftext", "<|endoftext|><|endoftext|>'s"]
result = []
for name, files in folders.items():
    with tempfile.TemporaryDirectory() as folder:
        t = tokenizer(files, folder)
        window = t.model_max_length if t.model_max_length < 1e6 else 77
        result.append({"name": name, "files": {n: json.dumps(c) for n, c in files.items()},
                       "cases": [{"text": c, "ids": t(c, truncation=True, max_length=window,
                                                      padding="max_length")["input_ids"]}
                                 for c in cases]})
save("folders.json", result)
