"""Writes what transformers' BertTokenizer makes of hostile texts: make_wordpiece_goldens.py

Needs transformers 5. Into the folder that it lies in:
  vocab.txt      the vocabulary of all cases
  nasty.json     a list of {text, ids}: marks, scripts, spaces, controls and special names, thrown
                 together by a seeded generator; the ids are those of the text alone
  folders.json   a list of {name, files, cases}: a folder's files by name, the vocabulary among them
                 unless tokenizer.json has it, and {text, ids}
  decoded.json   a list of {ids, text}: ids written out without special tokens
  classes.json   for every character c of Unicode, what becomes of "a" + c + "b", as a list of
                 [first, last, kind]: "joined" (c goes), "apart" (c is space), "alone" (c is a piece by
                 itself), "spelt" (the word is cut into pieces that the vocabulary has), "other"
"""

import json
import os
import random
import tempfile
import unicodedata

from transformers import AutoTokenizer, BertTokenizer

here = os.path.dirname(os.path.abspath(__file__))
random.seed(20261129)


def characters(*categories):
    return [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in categories]


special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
words = """a an and the cat dog frog red blue yellow car cars crown picture of with two is it s t re ve
 m ll d don do n't 's 'm not e i o u c b n x ss ae oe sun glass glasses back backpack pack un able
 unable playing play ##ing ##ed ##s ##es ##pack ##able ##a ##b ##c ##e ##i ##n ##o ##t ##x ##ss ##'
 4 ##k ##4 20 ##26 26 . , ! ? ' " - ( ) [ ] { } < > | / \\ # $ % & * + : ; = @ ^ _ ` ~ … — “ ” «
 中 国 猫 と カエル ##カエル 각 ᄀ ##ᅡ ##ᆨ 가 й и ж ##ж й α σ ς ##σ ##ς ß ##ß ﬁ ##ﬁ æ ø đ ı ##ı
 é É è ậ A B Cat CAT न म स ##म ##स ##त ้ ##้ ไ ท ##ย [DEC] [ENC] [dec] 👍 ##👍 ∞ ° 0 １ ##１ Ⅷ ⅷ ª""".split()
pieces = special + list(dict.fromkeys(w for w in words if w not in special))
with open(os.path.join(here, "vocab.txt"), "w") as file:
    file.write("\n".join(pieces) + "\n")
vocabulary = "\n".join(pieces) + "\n"

marks = characters("Mn", "Mc", "Me")
numbers = characters("Nd", "Nl", "No")
letters = characters("Lu", "Ll", "Lt", "Lm", "Lo")
symbols = characters("Sm", "Sc", "Sk", "So", "Po", "Pd", "Ps", "Pe", "Pi", "Pf")
formats = characters("Cc", "Cf", "Zl", "Zp", "Zs", "Co")[:400]
chosen = words + [
    "Cat", "FROG", "UNABLE", "backpacks", "4k", "2026", "it's", "DON'T", "don't", "'sun'", "o'reilly",
    "[UNK]", "[SEP]", "[CLS]", "[MASK]", "[sep]", "[SEP", "SEP]", "[[SEP]]", "a[SEP]b", "[DEC]a", "...",
    "é", "é", "É", "naïve", "ậ", "Å", "K", "ß", "ẞ", "İ", "ı", "ΑΣ", "Σ", "ǅ", "각", "가",
    "각", "क़", "שּׁ", "が", "ｶﾞ", "豈", "नमस्ते,", "हिन्दी", "العربية", "ไทย", "中国", "猫とカエル",
    "a中b", "👨‍👩‍👧", "❤️", "👍🏽", "1️⃣", "🇩🇪", "𝔘𝔫", "\u200b", "a\u200bb", "\ufeff", "\u00ad", "\u180e", "\x85",
    "\x1c", "a\x00b", "a\ufffdb", "\uffff", "\U0010ffff", "a" * 100, "a" * 101, "é" * 100, "é" * 101, "ss" * 60,
    "##a", "a##b", "__init__", "a_b", "$5", "50%", "#1", "a\u0301\u0323", "\u0323\u0301", "\u0301", " ",
]


def word():
    kind = random.random()
    if kind < 0.55:
        return random.choice(chosen)
    if kind < 0.65:
        return "".join(random.choice(letters) for _ in range(random.randint(1, 3)))
    if kind < 0.77:
        return random.choice("aeiouN가ι") + "".join(random.choices(marks, k=random.randint(1, 3)))
    pool = random.choice([marks, numbers, symbols, formats])
    return random.choice(pool) * random.choice([1, 1, 2])


texts = ["", " ", "a picture of ", "a red car?"]
for _ in range(700):
    gap = random.choice([" ", " ", "  ", "", "\u00a0", "\u3000", "\t\n"])
    texts.append(gap.join(word() for _ in range(random.choice([1, 2, 3, 5, 8]))))


def save(name, value):
    with open(os.path.join(here, name), "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(element) for element in value) + "\n]\n")


def tokenizer(files, kind=BertTokenizer):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(content)
        return kind.from_pretrained(folder)


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


plain = tokenizer({"vocab.txt": vocabulary})
save("nasty.json", [{"text": t, "ids": ids(plain, t)} for t in texts])

decoded = [ids(plain, t) for t in texts[4:60]]
decoded += [[random.randrange(len(pieces)) for _ in range(random.randint(1, 12))] for _ in range(120)]
save("decoded.json", [
    {"ids": i, "text": plain.decode(i, skip_special_tokens=True)} for i in decoded if i
])

with tempfile.TemporaryDirectory() as folder:
    plain.save_pretrained(folder)
    with open(os.path.join(folder, "tokenizer.json")) as file:
        whole = json.load(file)


def changed(**changes):
    other = json.loads(json.dumps(whole))
    for path, value in changes.items():
        node = other
        *way, last = path.split("__")
        for key in way:
            node = node[key]
        node[last] = value
    return json.dumps(other)


def config(**settings):
    return json.dumps({"tokenizer_class": "BertTokenizer", **settings})


def token(content, **more):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False,
            "single_word": False, "special": True, **more}


folders = {
    "vocab.txt alone": ({"vocab.txt": vocabulary}, BertTokenizer),
    "no line feed at the end": ({"vocab.txt": vocabulary.rstrip("\n")}, BertTokenizer),
    "upper case stays": (
        {"vocab.txt": vocabulary, "tokenizer_config.json": config(do_lower_case=False)},
        BertTokenizer),
    "upper case stays, accents do not": (
        {"vocab.txt": vocabulary,
         "tokenizer_config.json": config(do_lower_case=False, strip_accents=True)}, BertTokenizer),
    "accents stay": (
        {"vocab.txt": vocabulary, "tokenizer_config.json": config(strip_accents=False)},
        BertTokenizer),
    "Chinese characters are not apart": (
        {"vocab.txt": vocabulary, "tokenizer_config.json": config(tokenize_chinese_chars=False)},
        BertTokenizer),
    "BLIP's marks": (
        {"vocab.txt": vocabulary,
         "tokenizer_config.json": config(bos_token="[DEC]", extra_special_tokens=["[ENC]"])},
        BertTokenizer),
    "tokenizer.json before vocab.txt": (
        {"vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n", "tokenizer.json": json.dumps(whole),
         "tokenizer_config.json": config()}, AutoTokenizer),
    "tokenizer_config.json before tokenizer.json": (
        {"tokenizer.json": changed(normalizer__lowercase=False),
         "tokenizer_config.json": config()}, AutoTokenizer),
    "tokenizer.json alone": (
        {"tokenizer.json": changed(normalizer__lowercase=False, normalizer__strip_accents=True)},
        AutoTokenizer),
    "short words of tokenizer.json alone": (
        {"tokenizer.json": changed(model__max_input_chars_per_word=3)}, AutoTokenizer),
    "short words of another class": (
        {"tokenizer.json": changed(model__max_input_chars_per_word=3, normalizer__lowercase=False),
         "tokenizer_config.json": json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"})}, AutoTokenizer),
    "short words of tokenizer.json that are not heeded": (
        {"tokenizer.json": changed(model__max_input_chars_per_word=3),
         "tokenizer_config.json": config()}, AutoTokenizer),
    "listed tokens": (
        {"vocab.txt": vocabulary,
         "tokenizer_config.json": config(added_tokens_decoder={
             "1": token("[UNK]"), "2": token("[CLS]"), "3": token("[SEP]"), "0": token("[PAD]"),
             "4": token("[MASK]"), str(len(pieces)): token("<Toy>", normalized=True, special=False),
             str(len(pieces) + 1): token("<X>", lstrip=True, rstrip=True)})}, BertTokenizer),
}
cases = ["", "A Cat and a FROG.", "É é naïve", "中国 a中b", "a [SEP] [DEC]b [ENC] [dec]", "unable backpacks",
         "<toy> <TOY> a<X> b <x>", "각 ậ ẞ", "don't a_b ##a"]
made = []
for name, (files, kind) in folders.items():
    other = tokenizer(files, kind)
    made.append({"name": name, "files": files,
                 "cases": [{"text": t, "ids": ids(other, t)} for t in cases]})
save("folders.json", made)

small = tokenizer({"vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##b\n"})
kinds = {(5, 7): "joined", (5, 6): "apart", (5, 1, 6): "alone", (1,): "other"}
ranges = []
for c in range(1, 0x110000):
    if 0xD800 <= c < 0xE000:
        continue
    found = tuple(ids(small, "a" + chr(c) + "b"))
    kind = kinds.get(found, "spelt")
    if ranges and ranges[-1][2] == kind and ranges[-1][1] == c - 1:
        ranges[-1][1] = c
    else:
        ranges.append([c, c, kind])
save("classes.json", ranges)
