#!/usr/bin/env python3
"""What recipes make of the synthetic run of Tests/RecordingProbe, by NumPy and PyTorch.

    python3 -m venv venv && venv/bin/pip install numpy torch
    venv/bin/python Tests/AttentionAnalysisTests/Fixtures/make_recipes.py

Writes recipes.json: for each recipe its canonical text and the map of every token, [row, column, token].
The run has three steps; each is a loss pass (conditional), in the first step two tries of refinement,
and a denoising pass of both branches. Maps are small whole numbers over their row's sum.
"""
import json, math, os

import numpy as np
import torch
import torch.nn.functional as F

SITES = [("down.a.attn2", 2, 4, 3), ("mid.a.attn2", 2, 2, 2), ("up.a.attn2", 2, 4, 3),
         ("up.b.attn2", 2, 8, 6)]
KEYS, STEPS = 7, 3


def calls():
    made = []
    for step in range(STEPS):
        made.append((step, "loss", "conditional"))
        made += [(step, "refinement", "conditional")] * (2 if step == 0 else 0)
        made += [(step, "denoise", "unconditional"), (step, "denoise", "conditional")]
    return made


def maps(site, call):
    """[head, row, column, token]"""
    _, heads, rows, columns = site
    head, pixel, key = np.ogrid[:heads, :rows * columns, :KEYS]
    values = (1 + (key * 7 + pixel * 3 + head * 5 + call * 11) % 13).astype(np.float32)
    values = values / values.sum(-1, keepdims=True, dtype=np.float32)
    return values.reshape(heads, rows, columns, KEYS).astype(np.float64)


def take(phase, branch="conditional", steps=range(STEPS)):
    return [index for index, (step, p, b) in enumerate(calls())
            if p == phase and b == branch and step in steps]


def sites(*names):
    return [site for site in SITES if site[0] in names]


def resize(values, mode, rows, columns):
    """[…, row, column, token] as torch's interpolate."""
    lead = values.shape[:-3]
    x = torch.tensor(values).movedim(-1, -3).reshape(-1, 1, *values.shape[-3:-1])
    options = {} if mode == "nearest-exact" else dict(align_corners=False)
    y = F.interpolate(x, size=(rows, columns), mode=mode, **options)
    return y.reshape(*lead, values.shape[-1], rows, columns).movedim(-3, -1).numpy()


def softmax(values, scale, kept):
    result = np.zeros_like(values)
    result[..., kept] = torch.softmax(torch.tensor(scale * values[..., kept]), -1).numpy()
    return result


def smooth(values, side, sigma):
    reach = side // 2
    line = np.exp(-np.arange(-reach, reach + 1.0) ** 2 / (2 * sigma ** 2))
    kernel = torch.tensor(np.outer(line, line) / line.sum() ** 2)[None, None]
    x = torch.tensor(values).movedim(-1, 0)[:, None]
    return F.conv2d(F.pad(x, (reach,) * 4, mode="reflect"), kernel)[:, 0].movedim(0, -1).numpy()


def mean_map(names, taken):
    return np.mean([np.mean([maps(s, c).mean(0) for s in sites(*names)], 0) for c in taken], 0)


def minmax(values):
    low, high = values.min((0, 1)), values.max((0, 1))
    return (values - low) / (high - low)


MIDDLE = ("down.a.attn2", "up.a.attn2")
CONTENT = list(range(1, KEYS - 1))


def recipes():
    denoise, loss = take("denoise"), take("loss")
    heads = np.array([0.25, 0.75])
    yield ("mean(head) mean(layer: 4x3) mean(step) conditional denoise", mean_map(MIDDLE, denoise))
    yield ("mean(head) mean(layer: 4x3) mean(step: 1..2) unconditional denoise",
           mean_map(MIDDLE, take("denoise", "unconditional", (1, 2))))
    yield ("max(head) sum(layer: 4x3) max(step) conditional denoise",
           np.max([sum(maps(s, c).max(0) for s in sites(*MIDDLE)) for c in denoise], 0))
    yield ("max(step) mean(head: 1) max(layer: down*, up.a*) conditional denoise",
           np.max([np.max([maps(s, c) for c in denoise], 0)[1] for s in sites(*MIDDLE)], 0))
    yield ("weighted(head: 0.25 0.75) last(layer: 4x3) last(step) conditional denoise",
           np.tensordot(heads, maps(sites("up.a.attn2")[0], denoise[-1]), 1))
    yield ("mean(head) mean(layer: 4x3) mean(branch) last(step) conditional unconditional denoise",
           mean_map(MIDDLE, [denoise[-1], take("denoise", "unconditional")[-1]]))
    yield ("mean(head) mean(layer: 4x3) mean(step) conditional loss refinement",
           mean_map(MIDDLE, loss + take("refinement")))
    yield ("mean(head) mean(layer: 4x3) softmax(token: 100 without start last) "
           "smooth(pixel: 3 0.70710677) mean(step) conditional loss",
           np.mean([smooth(softmax(mean_map(MIDDLE, [c]), 100, CONTENT), 3, math.sqrt(0.5))
                    for c in loss], 0))
    normalized = mean_map(MIDDLE, denoise)
    kept = np.zeros_like(normalized)
    kept[..., CONTENT] = normalized[..., CONTENT] / normalized[..., CONTENT].sum(-1, keepdims=True)
    yield ("mean(head) mean(layer: 4x3) mean(step) normalize(token: without start end) "
           "conditional denoise", kept)
    yield ("mean(head) mean(layer: 4x3) mean(step) minmax(pixel) conditional denoise",
           minmax(normalized))
    yield ("mean(head) mean(layer: 4x3) mean(step) smooth(pixel: 5 1.25) conditional denoise",
           smooth(normalized, 5, 1.25))
    for kernel, mode in (("nearest", "nearest-exact"), ("bilinear",) * 2, ("bicubic",) * 2):
        yield (f"mean(head) mean(layer: 4x3) mean(step) resize(pixel: {kernel} 11x8) "
               "conditional denoise", resize(normalized, mode, 11, 8))
        yield (f"mean(head) mean(layer: up.b*) mean(step) resize(pixel: {kernel} 3x5) "
               "conditional denoise", resize(mean_map(("up.b.attn2",), denoise), mode, 3, 5))
    everything = ("down.a.attn2", "up.a.attn2", "up.b.attn2")
    yield ("resize(pixel: bicubic largest) sum(step) sum(head) sum(layer: down*, up*) "
           "conditional denoise",
           sum(resize(maps(s, c), "bicubic", 8, 6).sum(0) for s in sites(*everything)
               for c in denoise))
    yield ("resize(pixel: bicubic 8x6) clamp(pixel) mean(head) mean(layer: down*, mid*) mean(step) "
           "conditional denoise",
           np.mean([np.mean([np.maximum(resize(maps(s, c), "bicubic", 8, 6), 0).mean(0)
                             for s in sites("down.a.attn2", "mid.a.attn2")], 0)
                    for c in denoise], 0))


def main():
    made = [{"recipe": text, "rows": values.shape[0], "columns": values.shape[1],
             "values": [float(f"{v:.9g}") for v in values.ravel()]} for text, values in recipes()]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recipes.json")
    with open(path, "w") as file:
        json.dump(made, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
