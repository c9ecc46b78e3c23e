#!/usr/bin/env python3
"""Writes pictures.json: pairs of pictures, and how much they differ by NumPy and scikit-image.

    python3 -m venv venv && venv/bin/pip install numpy scikit-image
    venv/bin/python Tests/AttentionAnalysisTests/Fixtures/make_pictures.py
"""
import json, pathlib

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

random = np.random.default_rng(7)
LUMA = np.array([0.299, 0.587, 0.114])


def pair(rows, columns, noise):
    y, x = np.mgrid[:rows, :columns]
    first = np.stack([128 + 90 * np.sin(x / 3 + c) * np.cos(y / (2 + c)) for c in range(3)], -1)
    second = first + noise * random.standard_normal(first.shape)
    return [np.clip(p, 0, 255).round().astype(np.uint8) for p in (first, second)]


pairs = []
for rows, columns, noise in ((7, 7, 5), (16, 24, 3), (31, 20, 40), (12, 9, 200)):
    a, b = pair(rows, columns, noise)
    pairs.append(dict(
        width=columns, first=a.ravel().tolist(), second=b.ravel().tolist(),
        meanAbsolute=float(np.abs(a.astype(float) - b).mean()),
        peakSignalToNoise=float(peak_signal_noise_ratio(a, b)),
        structuralSimilarity=float(structural_similarity(a @ LUMA, b @ LUMA, data_range=255))))
path = pathlib.Path(__file__).with_name("pictures.json")
path.write_text(json.dumps(pairs, separators=(",", ":")) + "\n")
