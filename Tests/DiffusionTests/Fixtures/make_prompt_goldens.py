#!/usr/bin/env python3
"""Writes what diffusers and transformers compute of prompts that are more than text: embeddings and final latents.

    python3 -m venv v && v/bin/pip install torch diffusers transformers accelerate safetensors
    v/bin/python make_prompt_goldens.py TINY_SD1_FOLDER OUT_FOLDER

OUT_FOLDER gets `cat-toy.safetensors` (diffusers' layout), `web-ui.safetensors` (AUTOMATIC1111's layout), `tokenizer/`
(the folder's tokenizer with the vectors of `<x>` among its words, and `rows.safetensors` with their vectors),
`final-norm.safetensors` (a bias of the text encoder's final norm, for windows and weights), and goldens.safetensors
with goldens.json. Every latent is that of 4 steps of the checkpoint's own scheduler at guidance
7.5 from torch's CPU generator, seed 7. Windows, weights and parts are computed as AUTOMATIC1111's web UI does, by
its rules written down here from its source (modules/prompt_parser.py, sd_hijack_clip.py, sd_emphasis.py): it is no
package that could be installed. CPU, float32: running this again gives the same files.
"""
import json, os, re, shutil, sys
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file

torch.set_num_threads(1)
MODEL, OUT = sys.argv[1], sys.argv[2]
G, D = {}, {}


def load():
    pipe = StableDiffusionPipeline.from_pretrained(MODEL, safety_checker=None, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def put(name, tensor, about):
    G[name], D[name] = tensor.detach().float().contiguous(), about


def run(pipe, prompt=None, **more):
    z = torch.randn(1, 4, 32, 32, generator=torch.Generator("cpu").manual_seed(7))
    return pipe(prompt, num_inference_steps=4, guidance_scale=7.5, latents=z, output_type="latent", **more).images


# Textual inversion

def inversions(folder):
    g = torch.Generator("cpu").manual_seed(31)
    cat = torch.randn(3, 32, generator=g) * 0.4
    web = torch.randn(2, 32, generator=g) * 0.4
    save_file({"<cat-toy>": cat}, os.path.join(folder, "cat-toy.safetensors"))
    save_file({"emb_params": web}, os.path.join(folder, "web-ui.safetensors"), {"name": "web-ui"})
    pipe = load()
    pipe.load_textual_inversion(os.path.join(folder, "cat-toy.safetensors"))
    pipe.load_textual_inversion(os.path.join(folder, "web-ui.safetensors"), token="web-ui")
    for name, prompt in (("cat-toy", "a <cat-toy> and a frog"), ("both", "a red <cat-toy>, web-ui and a dog")):
        put(f"embedding.{name}", pipe.encode_prompt(prompt, "cpu", 1, False)[0], f"[1, 77, 32] of {prompt!r}")
        put(f"latent.{name}", run(pipe, prompt), f"[1, 4, 32, 32] of {prompt!r}")
    text = pipe.maybe_convert_prompt("a <cat-toy> and a frog", pipe.tokenizer)
    D["ids.cat-toy"] = pipe.tokenizer(text).input_ids


def folder_of_vectors(folder):
    """A tokenizer that was saved with a word of three vectors, and the rows of the text encoder's table for them."""
    pipe = load()
    rows = torch.randn(3, 32, generator=torch.Generator("cpu").manual_seed(32)) * 0.4
    pipe.tokenizer.add_tokens(["<x>", "<x>_1", "<x>_2"])
    pipe.text_encoder.resize_token_embeddings(len(pipe.tokenizer), mean_resizing=False)
    with torch.no_grad():
        pipe.text_encoder.get_input_embeddings().weight[-3:] = rows
    pipe.tokenizer.save_pretrained(os.path.join(folder, "tokenizer"))
    save_file({"rows": rows}, os.path.join(folder, "tokenizer", "rows.safetensors"))
    prompt = "a red <x> and a frog"
    put("embedding.folder", pipe.encode_prompt(prompt, "cpu", 1, False)[0], f"[1, 77, 32] of {prompt!r}")
    put("latent.folder", run(pipe, prompt), f"[1, 4, 32, 32] of {prompt!r}")


# CLIP skip

def clip_skip():
    pipe = load()
    # transformers 5 has the final norm where diffusers 0.42 looks for a model inside.
    pipe.text_encoder.__dict__["text_model"] = pipe.text_encoder
    prompt = "a mouse and a red car"
    usual, skipped = (pipe.encode_prompt(prompt, "cpu", 1, False, clip_skip=skip)[0] for skip in (None, 0))
    assert torch.allclose(usual, skipped, atol=1e-6), "a hidden state is normalised twice"
    for skip in (1, 2, 3):
        put(f"embedding.skip-{skip}", pipe.encode_prompt(prompt, "cpu", 1, False, clip_skip=skip)[0], f"[1, 77, 32] of {prompt!r}, clip_skip {skip}")
    put("latent.skip-1", run(pipe, prompt, clip_skip=1), "[1, 4, 32, 32] with clip_skip 1")


# Windows and weights, as the web UI has them

TOKENS = re.compile(r"\\\(|\\\)|\\\[|\\]|\\\\|\\|\(|\[|:\s*([+-]?[.\d]+)\s*\)|\)|]|[^\\()\[\]:]+|:", re.X)
BREAK = re.compile(r"\s*\bBREAK\b\s*", re.S)


def weighted(text):
    """[text, weight] pairs; ["BREAK", -1] ends a window."""
    parts, opened = [], {"(": [], "[": []}
    def times(first, factor):
        for part in parts[first:]:
            part[1] *= factor
    for found in TOKENS.finditer(text):
        sign, number = found.group(0), found.group(1)
        if sign.startswith("\\"):
            parts.append([sign[1:], 1.0])
        elif sign in opened:
            opened[sign].append(len(parts))
        elif number is not None and opened["("]:
            times(opened["("].pop(), float(number))
        elif sign == ")" and opened["("]:
            times(opened["("].pop(), 1.1)
        elif sign == "]" and opened["["]:
            times(opened["["].pop(), 1 / 1.1)
        else:
            for place, piece in enumerate(BREAK.split(sign)):
                if place:
                    parts.append(["BREAK", -1])
                parts.append([piece, 1.0])
    for first in opened["("]:
        times(first, 1.1)
    for first in opened["["]:
        times(first, 1 / 1.1)
    joined = []
    for text, weight in parts or [["", 1.0]]:
        if joined and joined[-1][1] == weight:
            joined[-1][0] += text
        else:
            joined.append([text, weight])
    return joined


def windows(pipe, text, plain=False):
    """(ids, weights) of each window of 77."""
    tok = pipe.tokenizer
    comma = tok.get_vocab()[",</w>"]
    done, ids, weights, last = [], [], [], -1
    def end():
        nonlocal ids, weights, last
        rest = 75 - len(ids)
        done.append(([tok.bos_token_id] + ids + [tok.eos_token_id] * (rest + 1), [1.0] + weights + [1.0] * (rest + 1)))
        ids, weights, last = [], [], -1
    for part, weight in [[text, 1.0]] if plain else weighted(text):
        if (part, weight) == ("BREAK", -1):
            end()
            continue
        for token in tok(part, truncation=False, add_special_tokens=False).input_ids:
            if token == comma:
                last = len(ids)
            elif len(ids) == 75 and last != -1 and len(ids) - last <= 20:
                moved = ids[last + 1:], weights[last + 1:]
                ids, weights = ids[:last + 1], weights[:last + 1]
                end()
                ids, weights = moved
            if len(ids) == 75:
                end()
            ids.append(token)
            weights.append(weight)
    if ids or not done:
        end()
    return done


def embedded(pipe, text, count=1, plain=False):
    all_windows = windows(pipe, text, plain)
    all_windows += windows(pipe, "") * (count - len(all_windows))
    parts = []
    for ids, weights in all_windows:
        with torch.no_grad():
            z = pipe.text_encoder(torch.tensor([ids]))[0]
        mean = z.mean()
        z = z * torch.tensor(weights)[None, :, None]
        parts.append(z * (mean / z.mean()))
    return torch.cat(parts, 1), [ids for ids, _ in all_windows]


def web_ui(folder):
    pipe = load()
    # Without a bias the final norm's mean is 0, and what a mean is restored by is the rounding of it.
    bias = torch.randn(32, generator=torch.Generator("cpu").manual_seed(33)) * 0.3 + 0.2
    with torch.no_grad():
        pipe.text_encoder.final_layer_norm.bias.copy_(bias)
    save_file({"bias": bias}, os.path.join(folder, "final-norm.safetensors"))
    long = ", ".join(["a red car and a mouse beside a yellow frog with a crown"] * 7)
    cases = {
        "weights": ("a (red:1.4) car and [a mouse], (a ((frog)) with a crown:0.7)", "a (blue:1.2) dog", False),
        "escapes": (r"a \(red\) car\\ and (a mouse) with a [[crown", "", False),
        "break": ("a red car BREAK a (mouse:1.3) and a frog", "a dog", False),
        "long": (long, "a dog", True),
        "long-weights": (f"({long}:1.2)", "a dog BREAK a bear", False),
    }
    for name, (prompt, negative, plain) in cases.items():
        count = max(len(windows(pipe, text, plain)) for text in (prompt, negative))
        own, ids = embedded(pipe, prompt, count, plain)
        other, negative_ids = embedded(pipe, negative, count, plain)
        put(f"embedding.{name}", own, f"[1, {77 * count}, 32] of {prompt!r}")
        put(f"latent.{name}", run(pipe, prompt_embeds=own, negative_prompt_embeds=other), f"[1, 4, 32, 32], negative prompt {negative!r}")
        D[f"prompts.{name}"] = [prompt, negative, plain]
        D[f"ids.{name}"], D[f"negative-ids.{name}"] = sum(ids, []), sum(negative_ids, [])


def main():
    os.makedirs(OUT, exist_ok=True)
    shutil.rmtree(os.path.join(OUT, "tokenizer"), ignore_errors=True)
    inversions(OUT)
    folder_of_vectors(OUT)
    clip_skip()
    web_ui(OUT)
    save_file(G, os.path.join(OUT, "goldens.safetensors"))
    with open(os.path.join(OUT, "goldens.json"), "w", encoding="utf-8") as file:
        json.dump(D, file, indent=1)
        file.write("\n")
    print(len(G), "tensors", sum(t.numel() for t in G.values()) * 4 >> 10, "KiB")


if __name__ == "__main__":
    main()
