#!/usr/bin/env python3
"""Writes WebP and GIF files, and what diffusers' load_image reads from them with Pillow.

    python3 -m venv v && v/bin/pip install torch diffusers transformers safetensors pillow
    v/bin/python make_web_pictures.py

Beside this file, in web/: the pictures, and files.safetensors, each as [row, column, 3].
"""
import io, os, struct
import numpy as np, torch
from PIL import Image
from diffusers.utils import load_image
from safetensors.torch import save_file

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "web"); os.makedirs(OUT, exist_ok=True)
rng = np.random.default_rng(5)

def photo(w, h, channels=3):
    y, x = np.mgrid[0:h, 0:w]
    out = np.stack([x / w, y / h, 0.5 + 0.5 * np.sin(x * y / 40), (x + y) % 7 / 6][:channels], -1)
    return Image.fromarray(np.clip(255 * (out + 0.04 * rng.standard_normal(out.shape)), 0, 255).astype(np.uint8))

def exif(orientation):
    return b"Exif\0\0" + b"II" + struct.pack("<HI", 42, 8) + struct.pack("<H", 1) + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack("<I", 0)

def save(name, image, **options): image.save(os.path.join(OUT, name), **options)

save("lossy.webp", photo(29, 21), quality=60)
save("lossless.webp", photo(23, 17), lossless=True)
save("rgba-lossless.webp", photo(19, 13, 4), lossless=True, exact=True)
save("rgba-lossy.webp", photo(19, 13, 4), quality=70, exact=True)
save("animated.webp", photo(16, 12), save_all=True, append_images=[photo(16, 12)], duration=90, quality=80)
save("rgba-animated.webp", photo(16, 12, 4), save_all=True, append_images=[photo(16, 12, 4)], duration=90, lossless=True, exact=True)
for orientation in (3, 6, 8): save(f"turned-{orientation}.webp", photo(14, 9), lossless=True, exif=exif(orientation))

def indexed(w, h, colors): return Image.fromarray(rng.integers(0, colors, (h, w), dtype=np.uint8), "P")
def palette(image, colors):
    image.putpalette(bytes(rng.integers(0, 256, 3 * colors, dtype=np.uint8))); return image

def gif(w, h, frames, global_colors=None):
    """A GIF written by hand: `frames` are (left, top, samples, colors or None, transparent or None, interlaced)."""
    def codes(samples, bits):   # no compression: a clear code before every run that would widen codes
        size = bits + 1; clear, end = 1 << bits, (1 << bits) + 1; out = acc = 0; data = b""; nbits = 0; n = 0
        for s in [None] + list(samples.reshape(-1)):
            for code in ([clear] if s is None else [int(s)] if n % ((1 << bits) - 2) else [clear, int(s)]):
                acc |= code << nbits; nbits += size
                while nbits >= 8: data += bytes([acc & 255]); acc >>= 8; nbits -= 8
            n += s is not None
        acc |= end << nbits; nbits += size
        while nbits > 0: data += bytes([acc & 255]); acc >>= 8; nbits -= 8
        return bytes([bits]) + b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255)) + b"\0"
    def table(colors): return bytes(np.asarray(colors, dtype=np.uint8).reshape(-1))
    def bits(colors): return int(np.log2(len(colors)))
    out = b"GIF89a" + struct.pack("<HHBBB", w, h, (0x80 | bits(global_colors) - 1) if global_colors is not None else 0, 0, 0)
    if global_colors is not None: out += table(global_colors)
    for left, top, samples, colors, transparent, interlaced in frames:
        if transparent is not None: out += b"\x21\xF9\x04" + struct.pack("<BHB", 1, 5, transparent) + b"\0"
        out += b"\x21\xFE\x04note\0"
        rows = samples
        if interlaced: rows = np.concatenate([samples[o::s] for o, s in ((0, 8), (4, 8), (2, 4), (1, 2))])
        out += b"\x2C" + struct.pack("<HHHHB", left, top, samples.shape[1], samples.shape[0], ((0x80 | bits(colors) - 1) if colors is not None else 0) | (0x40 if interlaced else 0))
        if colors is not None: out += table(colors)
        out += codes(rows, max(2, bits(colors if colors is not None else global_colors if global_colors is not None else range(256))))
    return out + b"\x3B"

def some(n): return rng.integers(0, 256, (n, 3))
def samples(w, h, n): return rng.integers(0, n, (h, w))
files = {
    "global.gif": gif(13, 9, [(0, 0, samples(13, 9, 16), None, None, False)], some(16)),
    "local.gif": gif(13, 9, [(0, 0, samples(13, 9, 8), some(8), None, False)], some(16)),
    "interlaced.gif": gif(11, 21, [(0, 0, samples(11, 21, 32), None, None, True)], some(32)),
    "alpha.gif": gif(13, 9, [(0, 0, samples(13, 9, 16), None, 3, False)], some(16)),
    "alpha-inside.gif": gif(20, 15, [(4, 3, samples(11, 7, 16), None, 5, False)], some(16)),
    "inside.gif": gif(20, 15, [(4, 3, samples(11, 7, 16), None, None, False)], some(16)),
    "animated.gif": gif(13, 9, [(0, 0, samples(13, 9, 16), None, None, False), (2, 2, samples(5, 4, 16), some(16), 1, False)], some(16)),
    "wide.gif": gif(10, 8, [(4, 3, samples(11, 7, 16), None, None, False)], some(16)),
    "grey.gif": gif(9, 7, [(0, 0, samples(9, 7, 256), None, None, False)]),
}
for name, data in files.items(): open(os.path.join(OUT, name), "wb").write(data)
save("pillow.gif", photo(30, 20).quantize(64))
save("pillow-animated.gif", photo(16, 12).quantize(32), save_all=True, append_images=[photo(16, 12).quantize(32)], duration=80, loop=0)

names = sorted(n for n in os.listdir(OUT) if not n.endswith(".safetensors"))
save_file({n: torch.tensor(np.array(load_image(os.path.join(OUT, n)))) for n in names}, os.path.join(OUT, "files.safetensors")); print(len(names), "files")
