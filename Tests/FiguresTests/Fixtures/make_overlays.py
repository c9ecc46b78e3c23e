"""Makes overlays.json and overlay-*.png: what torch, Pillow and OpenCV make of a small map and picture.

The overlay is Attend-and-Excite's `show_image_relevance` in its formulas (../../../README.md names the paper):
bilinear enlargement, min-max stretch, COLORMAP_JET, the picture added, division by the largest sum.

Run with: python make_overlays.py   (torch, numpy, pillow, opencv-python-headless)
"""

import json

import cv2
import numpy as np
import torch
from PIL import Image

generator = np.random.default_rng(5)
ROWS, COLUMNS = 3, 4
values = generator.random((ROWS, COLUMNS), dtype=np.float32) ** 2
picture = generator.integers(0, 256, (10, 22, 3), dtype=np.uint8)
Image.fromarray(picture).save("overlay-picture.png")


def enlarged(mode, factor):
    tensor = torch.from_numpy(values)[None, None]
    size = (ROWS * factor, COLUMNS * factor)
    return torch.nn.functional.interpolate(tensor, size=size, mode=mode, align_corners=False)[0, 0].numpy()


def stretched(array):
    return (array - array.min()) / (array.max() - array.min())


def overlay(swaps):
    heat_values = stretched(enlarged("bilinear", 16))
    height, width = heat_values.shape
    photo = np.array(Image.fromarray(picture).resize((width, height)), dtype=np.float32) / 255
    heat = cv2.applyColorMap(np.uint8(255 * heat_values), cv2.COLORMAP_JET)
    heat = np.float32(heat) / 255
    if not swaps:
        heat = heat[..., ::-1]
    total = heat + stretched(photo)
    total = total / total.max()
    result = np.uint8(255 * total)
    return result[..., ::-1] if swaps else result


for name, swaps in [("plain", False), ("swapped", True)]:
    Image.fromarray(np.ascontiguousarray(overlay(swaps))).save(f"overlay-{name}.png")

jet = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_JET)[:, 0, ::-1]
json.dump(
    {
        "rows": ROWS,
        "columns": COLUMNS,
        "values": values.ravel().tolist(),
        "bilinear": enlarged("bilinear", 5).ravel().tolist(),
        "bicubic": np.clip(enlarged("bicubic", 5), values.min(), values.max()).ravel().tolist(),
        "jet": jet.ravel().tolist(),
    },
    open("overlays.json", "w"),
)
