"""Writes Sources/Figures/Color/ColorMapTables.swift.

The numbers of magma, inferno, plasma and viridis are CC0 (Nathaniel Smith and Stefan van der Walt,
BIDS/colormap, colormaps.py), those of cividis free of all copyright (Nuñez, Anderton and Renslow,
PLoS ONE 13(7): e0199239), those of turbo Apache-2.0 (Copyright 2019 Google LLC, Anton Mikhailov).
matplotlib ships the same ones, and is where this script reads them.

    python make_color_tables.py > ../../../Sources/Figures/Color/ColorMapTables.swift
"""
import hashlib

import matplotlib
import numpy

EXPECTED = {
    "magma": "f95197e8391d18e2", "viridis": "18545f7c72a02f02", "inferno": "e24e8bd38b972989",
    "plasma": "7463ac7565e75449", "cividis": "40881f40490dc08a", "turbo": "c4ae9ddb8a7f1356",
}

print("// Written by Tests/FiguresTests/Fixtures/make_color_tables.py.")
print("// Data: BIDS/colormap, colormaps.py (Nathaniel Smith, Stefan van der Walt), CC0;")
print("// cividis: Nuñez, Anderton and Renslow, PLoS ONE 13(7): e0199239, free of all copyright;")
print("// turbo: Copyright 2019 Google LLC, Anton Mikhailov, SPDX-License-Identifier: Apache-2.0.")
print()
print("/// The colours of the maps as 0xRRGGBB, lowest value first.")
print("enum ColorMapTables {")
for position, (name, digest) in enumerate(EXPECTED.items()):
    table = numpy.round(255 * numpy.asarray(matplotlib.colormaps[name].colors)).astype(numpy.uint8)
    assert table.shape == (256, 3)
    assert hashlib.sha256(table.tobytes()).hexdigest()[:16] == digest, name
    if position:
        print()
    print(f"  static let {name}: [UInt32] = [")
    for start in range(0, 256, 8):
        print("    " + " ".join("0x%02X%02X%02X," % tuple(c) for c in table[start : start + 8]))
    print("  ]")
print("}")
