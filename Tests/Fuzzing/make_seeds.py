#!/usr/bin/env python3
"""Writes what fuzzing begins with: make_seeds.py FOLDER makes FOLDER/PARSER/… and FOLDER/PARSER.dict.

Most of it are the fixtures of other tests. Files of runs are not here: the target writes its own (run.sh asks it).
Inputs that once broke a parser lie in Finds/PARSER, and are always tried first.
"""

import json
import pathlib
import re
import struct
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
# Larger ones slow the search down; a few hundred bytes are best.
LARGEST = 8_000


def fixtures(*patterns):
    for pattern in patterns:
        for path in sorted(TESTS.glob(pattern)):
            if path.is_file() and 0 < path.stat().st_size <= LARGEST:
                yield path.read_bytes()


def joined(*names):
    """The files of a folder with NUL bytes between them."""
    return b"\0".join((TESTS / name).read_bytes() for name in names)


def checkpoint(model):
    """The configurations of a tiny checkpoint."""
    return joined(*(f"DiffusionTests/Fixtures/{model}/{name}" for name in [
        "unet/config.json", "vae/config.json", "text_encoder/config.json", "scheduler/scheduler_config.json",
        "model_index.json", "tokenizer/tokenizer_config.json"]))


def safetensors(tensors):
    header, data = {}, b""
    for name, (kind, shape, content) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def lines(*objects):
    return "".join(json.dumps(item) + "\n" for item in objects).encode()


VOCABULARY = {
    piece: index
    for index, piece in enumerate(
        ["a", "c", "t", "o", "f", "r", "g", "a</w>", "t</w>", "g</w>", "ca", "cat</w>", "fr", "fro", "frog</w>"]
        + ["<|startoftext|>", "<|endoftext|>"])
}
MERGES = ["c a", "ca t</w>", "f r", "fr o", "fro g</w>"]
TOKENIZER = {
    "added_tokens": [
        {"id": 15, "content": "<|startoftext|>", "special": True, "normalized": False, "lstrip": False, "rstrip": True},
        {"id": 16, "content": "<|endoftext|>", "special": True, "normalized": False, "lstrip": True}],
    "padding": {"pad_token": "<|endoftext|>"},
    "model": {"type": "BPE", "vocab": VOCABULARY, "merges": MERGES},
}
WORDPIECE = {
    "added_tokens": [{"id": 0, "content": "[UNK]", "special": True}],
    "normalizer": {"type": "BertNormalizer", "lowercase": True, "clean_text": True, "strip_accents": None,
                   "handle_chinese_chars": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "model": {"type": "WordPiece", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
              "vocab": {"[UNK]": 0, "[SEP]": 1, "[PAD]": 2, "[CLS]": 3, "[MASK]": 4, "a": 5, "cat": 6, "##s": 7}},
}
SUITE = [
    {"id": "p1", "prompt": "a red bear left of a car", "subset": "places", "subjects": ["bear", "car"],
     "attributes": {"bear": "red"}, "relations": [["bear", "left of", "car"]], "phrases": ["a red bear", "a car"]},
    {"prompt": "an orange orange", "subjects": ["orange"]},
]
GENEVAL2 = {
    "prompt": "two teal lanterns to the left of a ladder", "atom_count": 5,
    "vqa_list": [["How many lanterns are in the image?", "two"], ["Are the lanterns teal?", "Yes"],
                 ["Are there any lanterns in the image?", "Yes"],
                 ["Are the lanterns to the left of the ladder?", "Yes"],
                 ["Are there any ladders in the image?", "Yes"], ["Is the ladder leaning?", "No"]],
    "skills": ["count", "attribute", "object", "position", "object", "verb"],
}
ANSWERS = {
    "format": "heed study answers", "version": 1, "study": "0123456789abcdef", "respondent": "0123456789abcdef",
    "seed": 1, "checksum": "00000000",
    "answers": [{"question": code, "order": [code + "plain", code + "guided"], "choice": code + "plain"}
                for code in ["bcdf", "ghjk"]],
}
KEY = {
    "format": "heed study key", "version": 1, "study": "0123456789abcdef", "seed": 1, "methods": ["plain", "guided"],
    "questions": [{"code": "bcdf", "id": "a-cat", "prompt": "a cat", "subset": "animals", "seeds": ["0", "1"],
                   "sets": [{"code": "bcdfplain", "method": "plain"}, {"code": "bcdfguided", "method": "guided"}]}],
}
RESULTS = [
    {"a fox and an owl": {"full_text": [0.1], "first_half": [0.1], "second_half": [0.2], "image_names": ["0.png"]}},
    {"a fox": {"captions": ["a fox"], "text_similarities": [0.5], "image_names": ["0.png"]}},
    [{"question_id": 0, "answer": "0.5"}, {"question_id": 1, "answer": 1}],
    [[0.5, 0.5], [0.5, 1]],
    {"caption_scores": {"demo_0": 0.5}, "question_details": {}},
    {"0_0": {"recall": 2, "sra": 1}, "1_0": {"recall": 1, "sra": None}},
    [{"image_path": "p1/one/seed-0/image.png", "score": 1.5, "is_there": "yes"}],
    {"filename": "x/00000/samples/00000.png", "correct": True, "details": "{\"fox\": [[1, 2, 3, 4, 0.5]]}"},
]
CONLLU = """# text = A red frog don't.
1\tA\ta\tDET\t_\t_\t3\tdet\t3:det\t_
2\tred\tred\tADJ\t_\t_\t3\tamod\t3:amod\t_
3\tfrog\tfrog\tNOUN\t_\t_\t0\troot\t0:root\t_
4-5\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
4\tdo\tdo\tAUX\t_\t_\t3\taux\t3:aux|3.1:aux\t_
5\tn't\tnot\tPART\t_\t_\t3\tadvmod\t3:advmod\t_
3.1\tsees\tsee\t_\t_\t_\t_\t_\t3:conj\t_

"""
SHEETS = [
    'layout: maps\nrows: [method, seed]\ncolumns: [word]\nwords: [cat, "frog#2"]\nsteps: [0, 10]\nframes: []\n'
    'knob: ""\npictures: true\ndifference: false\nrecipe: "mean(head) mean(layer: 16x16) mean(step)"\n'
    "overlay: heat\ncolors: viridis\nscale: 0..0.5\nlog: false\nlevels: [0.25, 0.5]\ncaption: a\n",
    "caption: both\nno-title: true\nno-caption: false\npanels:\n  - - layout: compare\n      curves: loss\n"
    "      recipe: \"\"\n    - layout: matrix\n      words: []\n  - layout: curves\n    measures: [loss, peak]\n"
    "  - layout: neglect\n    cases: 3\n  - layout: outcome\n    knob: scale-factor\n",
]
FLOATS = struct.pack("<16f", *range(16))

SEEDS = {
    "safetensors": fixtures("TensorEngineTests/Fixtures/*.safetensors", "TensorEngineTests/Fixtures/stored/*.safetensors"),
    "npy": fixtures("TensorEngineTests/Fixtures/npy/*.npy", "TensorEngineTests/Fixtures/stored/*.npy"),
    "npz": fixtures("TensorEngineTests/Fixtures/*/*.npz", "TensorEngineTests/Fixtures/stored/*.pt"),
    "lora": fixtures("DiffusionTests/Fixtures/lora/**/*.safetensors"),
    "embedding": [
        safetensors({"emb_params": ("F32", [2, 8], FLOATS)}), safetensors({"<cat>": ("F32", [16], FLOATS)}),
        safetensors({"<cat>": ("F16", [4, 8], FLOATS)}),
        # SDXL's, with one vector and with several; the next lack what they should have.
        safetensors({"clip_l": ("F32", [8], FLOATS[:32]), "clip_g": ("F32", [16], FLOATS)}),
        safetensors({"clip_g": ("F16", [2, 16], FLOATS), "clip_l": ("F16", [2, 8], FLOATS[:32])}),
        safetensors({"clip_l": ("F32", [2, 8], FLOATS), "clip_g": ("F32", [1, 16], FLOATS)}),
        safetensors({"clip_g": ("F32", [1, 16], FLOATS)})],
    "png": fixtures("DiffusionTests/Fixtures/images/*.png", "FiguresTests/Fixtures/*.png"),
    "jpeg": fixtures("DiffusionTests/Fixtures/images/*.jpg"),
    "webp": fixtures("DiffusionTests/Fixtures/images/web/*.webp"),
    "gif": fixtures("DiffusionTests/Fixtures/images/web/*.gif"),
    "manifest": fixtures("CommandTests/Fixtures/*/**/run.json"),
    "journal": [],
    "store": [],
    "packed-store": [],
    "shard": [],
    "checkpoint": [
        checkpoint(model) for model in ["tiny-sd1", "tiny-sd2"]] + [
        # The place between is that of guidance.json, which these do not have.
        checkpoint(model) + b"\0\0" + joined(f"DiffusionTests/Fixtures/{model}/text_encoder_2/config.json")
        for model in ["tiny-xl", "tiny-xl-uneven"]],
    "configuration": fixtures("DiffusionTests/Fixtures/**/*config.json", "EvaluationTests/Fixtures/blip/*/config.json"),
    "evaluator": [
        joined(f"EvaluationTests/Fixtures/{name}/config.json", f"EvaluationTests/Fixtures/{name}/preprocessor_config.json")
        for name in ["clip-gelu", "owlvit-tiny", "owlv2-tiny", "blip/captioner"]
    ] + list(fixtures("EvaluationTests/Fixtures/open-clip/*config.json")),
    "original-configuration": fixtures("DiffusionTests/Fixtures/**/*.yaml"),
    "vocabulary": [
        b"\0".join([json.dumps(VOCABULARY).encode(), ("#version: 0.2\n" + "\n".join(MERGES) + "\n").encode(), tail])
        for tail in [
            b'{"model_max_length": 12, "pad_token": "!", "unk_token": {"content": "<|endoftext|>"},'
            b' "added_tokens_decoder": {"20": {"content": "<x>", "normalized": true}}}\0'
            b'{"bos_token": {"content": "<|startoftext|>"}}', b"{}"]],
    "tokenizer": [json.dumps(TOKENIZER).encode(), json.dumps(TOKENIZER).encode() + b'\0{"model_max_length": 9}'],
    "wordpiece": [
        json.dumps(WORDPIECE).encode() + b'\0{"tokenizer_class": "Other"}', json.dumps(WORDPIECE).encode(),
        b"[UNK]\n[SEP]\n[PAD]\n[CLS]\n[MASK]\na\ncat\n##s\n\0{\"do_lower_case\": false, \"strip_accents\": true}"],
    "json": [
        b'{"a": [1, -2.5e-3, true, false, null, NaN, -Infinity], "\\u00e9\\ud83d\\ude00\\n": {"b": "\xc3\xa9"}}',
        *fixtures("CommandTests/Fixtures/import/*.json")],
    "yaml": [
        b"a: 1\nb: [1.5, ~, yes, 0x10, 1:30]\nc:\n  - &x {d: \"e\\n\"}\n  - |\n    text\n  - 2001-01-01\n",
        *fixtures("DiffusionTests/Fixtures/**/*.yaml")],
    "sheet": [text.encode() for text in SHEETS],
    "defaults": [b"steps: 3\nlora: [a, b]\nforce: true\ngenerate:\n  steps: [1, 2]\n  resume: false\n"],
    "prompt": [
        "cat, frog#2,@5,<start>,5,<padding>\na red cat and a frog with a frog".encode(),
        "(cat:1.3) [frog] \\( BREAK ((owl)) AND a dog:1.2 | a cat:-2".encode(),
        "[a red car] and [a white sheep]".encode(), "\u0130\ufb03 e\u0301 \U0001f438\u200d\u05d0 don't".encode()],
    "prompt-file": [b"a cat and a frog\n# none\n\n a dog \n"],
    "objective": [
        b"excite(cat, frog) + 0.5 * bind(red, car)", b"-2e-1*excite(cat) - overlap(cat, frog)", b"box(cat, 0, 0, 0.5, 1)"],
    "recipe": [
        b"mean(head) mean(layer: 16x16) mean(step: 2..5) max(piece) loss unconditional",
        b"softmax(token: 100 without start) mean(layer: up*) smooth(pixel: 3 0.5) resize(pixel: bicubic 8x8)",
        b"daam", b"weighted(head: weights.json) mean(layer: *.attn2) tokens(cat, frog#2) normalize(token: with start)"],
    "dependencies": [CONLLU.encode(), b"relation,head,dependent\namod,frog,red\n", b"relation\thead\tdependent\namod\tfrog\tred\n"],
    "tokens": [
        *fixtures("CommandTests/Fixtures/import/*s.json", "CommandTests/Fixtures/import/seven.json"),
        b'{"mid_block.attn2": [0.5, 1.0]}',
        b'{"prompt": "A cat", "tokens": [{"piece": "a", "id": 320, "special": "start", "encoder": "t5"}]}'],
    "suite-jsonl": [lines(*SUITE)],
    "suite-yaml": [
        b"name: mine\nprompts:\n  - prompt: a cat and a frog\n    subjects: [cat, frog]\n    attributes: {cat: red}\n"
        b"    relations: [[cat, left of, frog]]\n", json.dumps(SUITE).encode()],
    "suite-lists": [b'{"animals": ["a cat and a frog", "a cat and a frog"], "animals_objects": ["a cat with a red car"]}'],
    "t2i-compbench": [b"a green bench and a blue bowl\ta\nthe cat is on the mat.\r\nthe cat is on the mat.\n"],
    "geneval": [lines(
        {"tag": "position", "prompt": "a photo of a kite above an oven",
         "include": [{"class": "oven", "count": 1}, {"class": "kite", "count": 1, "position": ["above", 0]}]},
        {"tag": "colors", "include": [{"class": "bus", "count": 2, "color": "red"}], "prompt": "two red buses"})],
    "geneval2": [lines(GENEVAL2)],
    "visor": [json.dumps([
        {"unique_id": 0, "num_objects": 2, "obj_1_attributes": ["lantern"], "obj_2_attributes": ["violin"],
         "rel_type": "to the left of", "text": "a lantern to the left of a violin"},
        {"unique_id": 1, "num_objects": 1, "obj_1_attributes": ["violin"], "obj_2_attributes": [None],
         "rel_type": "single", "text": "a violin"}]).encode()],
    "results": [json.dumps(result).encode() for result in RESULTS] + [
        b"dsg_prompt_split,qg_model,t2i_model,item_id,question,question_id,dependency_id,answer\n"
        b'demo,gpt,one,demo_0,"is there, a ""fox""?",1,0,yes\ndemo,gpt,one,demo_0,red?,2,"1, 3",no\n',
        b"id,method,seed,score,caption\np1,one,0,0.5,a fox\n"],
    "scores": [lines({
        "scorer": "clip", "model": "m", "id": "p1", "method": "one", "seed": 0, "values": {"full": 0.5},
        "caption": "a cat", "detections": [
            {"subject": "cat", "score": 0.9, "isFound": True, "box": {"left": 0, "top": 0, "right": 1, "bottom": 1}}]})],
    "benchmark": [
        b'{"format":1,"methods":["one","two"],"model":"m","seeds":[0,1],"suite":"s","titles":["One","Two"],'
        b'"fewerSeeds":{"two":[0]}}',
        b'{"format":1,"layout":"tifa","pictures":[{"file":"images/one/0.png","id":"p1","key":"0","method":"one",'
        b'"questions":2,"seed":0}],"suite":"s"}'],
    "answers": [json.dumps(ANSWERS).encode(), json.dumps(KEY).encode()],
}

# What inputs of these are made of, which no search of bytes finds.
WORDS = re.compile(rb'[A-Za-z_<#@|][A-Za-z0-9_.<>|#-]{2,30}')
BINARY = {"safetensors", "npy", "npz", "png", "jpeg", "webp", "gif", "shard"}


def dictionary(seeds):
    words = sorted({word for seed in seeds for word in WORDS.findall(seed)})[:400]
    numbers = [b"-1", b"0", b"1e300", b"-1e300", b"9223372036854775807", b"18446744073709551615", b"0.1", b"NaN"]
    quoted = (b'"' + word.replace(b"\\", b"\\\\") + b'"\n' for word in words + numbers)
    return b"".join(quoted)


def main():
    root = pathlib.Path(sys.argv[1])
    for parser, seeds in SEEDS.items():
        folder = root / parser
        folder.mkdir(parents=True, exist_ok=True)
        seeds = list(seeds)
        seeds += [path.read_bytes() for path in sorted((TESTS / "Fuzzing" / "Finds" / parser).glob("*"))]
        for index, seed in enumerate(seeds):
            (folder / f"seed-{index:02}").write_bytes(seed)
        if parser not in BINARY:
            (root / f"{parser}.dict").write_bytes(dictionary(seeds))


main()
