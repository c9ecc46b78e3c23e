"""Writes the files that StoredArray is held against. Needs NumPy, safetensors and PyTorch.

    whole.npy, columns.npy      2 x 3 x 4, in float64, and in float32 in column-major order
    plain.npz, deflated.npz     the same by np.savez and np.savez_compressed, in the types of numbers, beside
                                integers and texts
    all.safetensors             the same in the types of safetensors, beside integers
    weights.pt                  what torch.save makes of it, which is a pickle

The number at a place is a quarter of the place, counted in row-major order; all types hold it exactly.
"""

import os

import numpy as np
import torch
from safetensors.torch import save_file

FOLDER = os.path.join(os.path.dirname(__file__), "stored")


def main():
    os.makedirs(FOLDER, exist_ok=True)
    numbers = (np.arange(24) / 4).reshape(2, 3, 4)

    def path(name):
        return os.path.join(FOLDER, name)

    np.save(path("whole.npy"), numbers)
    np.save(path("columns.npy"), np.asfortranarray(numbers.astype("f4")))
    arrays = {
        "double": numbers, "single": np.asfortranarray(numbers.astype("f4")), "half": numbers.astype("f2"),
        "down/attn.0": numbers.astype("f4"), "ids": np.arange(3), "words": np.array(["a", "cat"]),
    }
    np.savez(path("plain.npz"), **arrays)
    np.savez_compressed(path("deflated.npz"), **arrays)
    tensor = torch.from_numpy(numbers)
    save_file({
        "double": tensor, "single": tensor.float(), "half": tensor.half(), "brain": tensor.bfloat16(),
        "ids": torch.arange(3),
    }, path("all.safetensors"))
    torch.save({"single": tensor.float()}, path("weights.pt"))


main()
