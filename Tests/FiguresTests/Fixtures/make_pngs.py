"""Writes the PNG files of PNGImageTests with Pillow: python make_pngs.py

Each shows column * 10 in red, row * 20 in green, 7 in blue, 5 columns and 4 rows, as far as its
kind of pixel can.
"""
import pathlib

import numpy
from PIL import Image

here = pathlib.Path(__file__).parent
row, column = numpy.mgrid[:4, :5].astype(numpy.uint8)
rgb = numpy.stack([column * 10, row * 20, numpy.full_like(row, 7)], axis=-1)
Image.fromarray(rgb).save(here / "rgb.png")
alpha = numpy.where(column == 0, 0, 255).astype(numpy.uint8)[..., None]
Image.fromarray(numpy.concatenate([rgb, alpha], axis=-1)).save(here / "rgba.png")
Image.fromarray(rgb).quantize(20).save(here / "palette.png")
Image.fromarray(column * 10).save(here / "grey.png")
