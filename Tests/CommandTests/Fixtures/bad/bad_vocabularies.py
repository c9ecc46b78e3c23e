"""Checkpoints whose tokenizers are bad: vocabularies, merges and what goes with them."""

import json

from make_bad_files import below, named_pipe, sparse, tree

FIXTURE = "DiffusionTests/Fixtures/tiny-sd1"
FOLDER = "model/tokenizer"
TOKENS = ["tokens", "a cat and a frog", "--model", "model"]


def vocabularies(group):
    # With tokenizer.json, which is read first, and without.
    both = below("model", tree(FIXTURE, without=["golden.safetensors", "golden.json"]))
    files = {path: content for path, content in both.items() if path != f"{FOLDER}/tokenizer.json"}
    vocabulary = json.loads(files[f"{FOLDER}/vocab.json"])
    merges = files[f"{FOLDER}/merges.txt"].decode()

    def bad(name, words, file, content, code=65, base=files, arguments=TOKENS):
        changed = {**base, f"{FOLDER}/{file}": content}
        if content is None:
            del changed[f"{FOLDER}/{file}"]
        group.add(name, arguments, code, words if arguments is not TOKENS else [FOLDER, *words], changed)

    def pieces(name, change, words, **more):
        changed = dict(vocabulary)
        change(changed)
        bad(name, words, "vocab.json", json.dumps(changed).encode(), **more)

    # The vocabulary.
    bad("a vocabulary of nothing", ["vocab.json", "empty"], "vocab.json", b"")
    bad("a vocabulary that is a list", ["vocab.json", "expected an object"], "vocab.json", b"[]")
    bad("a vocabulary that broke off", ["vocab.json", "end of the document"], "vocab.json", files[f"{FOLDER}/vocab.json"][:500])
    bad("a piece that is there twice", ["vocab.json", "duplicate key", "byte"], "vocab.json", b'{"!":0,"\\u0021":1}')
    bad("something behind the vocabulary", ["vocab.json", "end of the document", "'x'"], "vocab.json", files[f"{FOLDER}/vocab.json"].rstrip() + b"x")
    first = next(iter(vocabulary))
    pieces("an id below zero", lambda v: v.update({first: -1}), ["vocab.json", "expected an id from 0 to"])
    pieces("an id with a fraction", lambda v: v.update({first: 0.5}), ["vocab.json", "expected an id from 0 to"])
    pieces("an id of 2^62", lambda v: v.update({first: 1 << 62}), ["vocab.json", "expected an id from 0 to"])
    pieces("an id that is text", lambda v: v.update({first: "0"}), ["vocab.json", "expected a digit"])
    pieces("one id for two pieces", lambda v: v.update({first: 1}), ["vocab.json", "the id 1 is that of another piece"])
    pieces("no piece for the text's start", lambda v: v.pop("<|startoftext|>"), ["startoftext"])
    pieces("an id that the text encoder lacks", lambda v: v.update({"cat</w>": 1_000_000}), ["id of a token is 1000000", "expected below 653", "belongs to this text encoder"],
           arguments=["generate", "a cat and a frog", "--model", "model", "--steps", "1", "--tokens", "frog"])
    bad("a piece that is not UTF-8", ["vocab.json", "not UTF-8"], "vocab.json", b'{"\xff\xfe":0}')
    bad("a vocabulary of a gigabyte", ["vocab.json", "at most 268435456 bytes"], "vocab.json", sparse(files[f"{FOLDER}/vocab.json"], 1 << 30))
    bad("a vocabulary of more pieces than there are ids", ["vocab.json", "at most 1000000 values"], "vocab.json",
        b"{" + b",".join(b'"%x":%d' % (number, number) for number in range(1_048_577)) + b"}")
    bad("a vocabulary that is a pipe", ["vocab.json", "no regular file"], "vocab.json", named_pipe, 66)

    # The merges.
    bad("merges that are not there", ["merges.txt", "vocab.json needs it"], "merges.txt", None, 66)
    bad("merges of nothing", ["merges.txt", "empty"], "merges.txt", b"")
    bad("merges that are not UTF-8", ["merges.txt", "not UTF-8"], "merges.txt", merges.encode() + b"\xff \xfe\n")
    bad("a merge of one piece", ["merges.txt", "merge 1", "two pieces"], "merges.txt", b"#version: 0.2\ncat\n")
    bad("a merge of three pieces", ["merges.txt", "merge 1", "two pieces"], "merges.txt", b"#version: 0.2\nc a t\n")
    bad("a merge of a piece that there is not", ["merges.txt", "merge 1", "not in the vocabulary"], "merges.txt", "#version: 0.2\n\u2603 \u2603\n".encode())
    bad("a merge into a piece that there is not", ["merges.txt", "not in the vocabulary"], "merges.txt", b"#version: 0.2\n! \"\n")
    bad("a merge with a NUL", ["merges.txt", "not in the vocabulary"], "merges.txt", b"#version: 0.2\na\0 b\n")
    bad("merges of a gigabyte", ["merges.txt", "bytes", "HEED_LIMITS"], "merges.txt", sparse(merges.encode(), 1 << 30))
    bad("a million merges and one more", ["merges.txt", "at most"], "merges.txt", b"a b\n" * 1_048_577)

    # tokenizer.json and what goes with it.
    whole = json.loads(both[f"{FOLDER}/tokenizer.json"])

    def tokenizer(name, change, words):
        changed = json.loads(json.dumps(whole))
        change(changed)
        bad(name, ["tokenizer.json", *words], "tokenizer.json", json.dumps(changed).encode(), base=both)

    tokenizer("a tokenizer without a model", lambda t: t.pop("model"), [".model", "vocab and merges"])
    tokenizer("a tokenizer of another kind", lambda t: t["model"].update(type="Unigram"), [".model.type", "BPE"])
    tokenizer("a tokenizer whose merges are numbers", lambda t: t["model"].update(merges=[1, 2]), ["merge 1", "two pieces"])
    tokenizer("an added token of a vast id", lambda t: t.update(added_tokens=[{"id": 1 << 40, "content": "x"}]), ["added_tokens", "expected an id from 0"])
    tokenizer("a padding token that is a list", lambda t: t.update(padding={"pad_token": []}), ["padding"])
    many = {**whole, "added_tokens": [*whole.get("added_tokens", []), *({"id": 100_000 + i, "content": f"q{i}z"} for i in range(70_000))]}
    group.add("seventy thousand added tokens, which are allowed", TOKENS, 0, [],
              {**both, f"{FOLDER}/tokenizer.json": json.dumps(many).encode()}, stdout=["frog"], lines=None, seconds=3, mebibytes=256)
    bad("a window of two", ["tokenizer_config.json", "model_max_length", "at least 3"], "tokenizer_config.json", b'{"model_max_length": 2}')
    bad("a window with a fraction", ["tokenizer_config.json", "model_max_length", "whole number"], "tokenizer_config.json", b'{"model_max_length": 76.5}')
    bad("a token's name that is a number", ["tokenizer_config.json", "bos_token"], "tokenizer_config.json", b'{"bos_token": 5}')


GROUPS = {"vocabularies": (15, vocabularies)}
