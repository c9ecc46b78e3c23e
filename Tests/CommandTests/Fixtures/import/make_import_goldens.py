"""Writes maps as other programs save them, and what NumPy computes of them. Needs NumPy, safetensors and Pillow.

    maps.npz            two layers by name, each step, head, row, column, token
    pixels.npz          the same deflated and in float64, rows and columns as one axis, axes in another order
    stacked.safetensors step, layer, head, row, column, token
    last.npy            row, column, token: the last step of a layer, without the first and last token
    video.npy           step, head, frame, row, column, token
    nan.npy, less.npy   maps with a number that is none, and with one below 0
    tokens.json, words.json, seven.json
                        their tokens by spelling; by piece and word, with ids; one too many
    picture.png, picture.jpg
    goldens.json        the mean over steps and heads of each word's map in the layer down.attn
"""

import json
import os

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

FOLDER = os.path.dirname(os.path.abspath(__file__))
PIECES = ["<|startoftext|>", "a</w>", "cat</w>", "fr", "og</w>", "<|endoftext|>"]
WORDS = {"a": [1], "cat": [2], "frog": [3, 4]}


def softmax(scores):
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def main():
    random = np.random.default_rng(7)

    def path(name):
        return os.path.join(FOLDER, name)

    def maps(*shape):
        return softmax(2 * random.standard_normal(shape + (len(PIECES),)))

    down, mid = maps(3, 2, 4, 6), maps(3, 2, 2, 3)
    np.savez(path("maps.npz"), **{"down.attn": down.astype("f4"), "mid.attn": mid.astype("f4")})

    def pixels(array):  # head, pixel, token, step
        steps, heads, rows, columns, tokens = array.shape
        return array.reshape(steps, heads, rows * columns, tokens).transpose(1, 2, 3, 0)

    np.savez_compressed(path("pixels.npz"), **{"down.attn": pixels(down), "mid.attn": pixels(mid)})
    stacked = maps(3, 2, 2, 4, 6)
    save_file({"maps": stacked.astype("f2")}, path("stacked.safetensors"))
    np.save(path("last.npy"), down[-1].mean(0)[..., 1:-1].astype("f4"))
    np.save(path("video.npy"), maps(2, 2, 3, 4, 6).astype("f4"))
    for name, number in [("nan", np.nan), ("less", -0.25)]:
        broken = down[0, 0].astype("f4")
        broken[1, 2, 3] = number
        np.save(path(name + ".npy"), broken)
    with open(path("tokens.json"), "w") as file:
        json.dump(PIECES, file)
    with open(path("seven.json"), "w") as file:
        json.dump(PIECES + ["<|endoftext|>"], file)
    with open(path("words.json"), "w") as file:
        entries = [{"piece": "a", "id": 320}, {"piece": "cat", "word": "cat", "id": 2368},
                   {"piece": "fr", "word": "frog"}, {"piece": "og", "word": "frog"}]
        json.dump({"prompt": "A cat, frog", "tokens": entries}, file)
    picture = Image.fromarray(random.integers(0, 256, (16, 24, 3), dtype=np.uint8))
    picture.save(path("picture.png"))
    picture.save(path("picture.jpg"), quality=95)
    mean = down.mean((0, 1))
    goldens = {word: mean[..., tokens].mean(-1).ravel().tolist() for word, tokens in WORDS.items()}
    with open(path("goldens.json"), "w") as file:
        json.dump(goldens, file, indent=1)


main()
