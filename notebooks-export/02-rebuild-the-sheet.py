# %% [markdown]
# # Rebuild Heed's sheet in matplotlib, and hold the two against each other
#
# **Asked:** are the colours in Heed's figure the recorded numbers, and nothing else?
#
# `PATH.png` is what `heed sheet` drew, and `PATH.json` where everything lies, in points. The maps themselves come
# from another way: `PATH` is an export of the same runs. Of your own:
#
# ```
# heed export PLAIN EXCITED -o FOLDER --recipe "mean(head) mean(layer: 16x16) mean(step)"
# heed sheet PLAIN EXCITED --overlay mosaic -o FOLDER.png -o FOLDER.json
# ```

# %%
import json

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Polygon, Rectangle

import heed_reader

PATH = "sample/sheet"
recorded = heed_reader.open(PATH)
with open(PATH + ".json") as file:
    scene = json.load(file)
sheet = (plt.imread(PATH + ".png")[..., :3] * 255).round().astype(np.uint8)
DPI = 300
plt.figure(figsize=(6, 6 * sheet.shape[0] / sheet.shape[1]))
plt.imshow(sheet)
plt.axis("off")
plt.show()

# %% [markdown]
# ## The maps and the scale that they share

# %%


def nodes(items, path=()):
    """Every shape of the scene with the names of the groups it is in."""
    for item in items:
        if "group" in item:
            yield from nodes(item["nodes"], path + (item["group"],))
        else:
            yield path, item


panels = {
    (path[-2], path[-1].removeprefix("map ")): item
    for path, item in nodes(scene["nodes"])
    if "cells" in item and path[-1].startswith("map ")
}
maps = {
    (method, word): recorded.map(word, method=method).values for method, word in panels
}
top = max(map_.max() for map_ in maps.values())
magma = (mpl.colormaps["magma"](np.arange(256))[:, :3] * 255).round().astype(np.uint8)
print(len(maps), f"maps, the scale ends at {top:.4f}")


def colors(map_):
    """What a value's colour must be: 256 colours, each for 1/256 of the scale."""
    return magma[np.minimum((map_ / top * 256).astype(int), 255)]


# %% [markdown]
# ## The same figure by matplotlib
#
# Same size, same places; pictures from the runs, a square for each cell, its area in proportion to the
# value.


# %%
def grey(picture):
    """A picture in grey, stretched over the middle of the range (Rec. 709 luma)."""
    luma = picture @ [0.2126, 0.7152, 0.0722]
    stretched = 60 + 140 * (luma - luma.min()) / (luma.max() - luma.min())
    return np.repeat(stretched.round()[..., None], 3, axis=2).astype(np.uint8)


pictures = {method: recorded.picture(method=method).astype(float) for method, _ in panels}
width, height = scene["width"], scene["height"]
figure = plt.figure(figsize=(width / 72, height / 72), dpi=DPI)
page = figure.add_axes([0, 0, 1, 1])
page.set(xlim=(0, width), ylim=(height, 0))
page.axis("off")
for path, item in nodes(scene["nodes"]):
    if "text" in item:
        x, y = item["origin"]
        page.text(
            x, y, item["text"], size=item["size"], color=item["color"], va="baseline",
            rotation=90 if item["vertical"] else 0, weight="bold" if item["bold"] else "normal",
            family=["Liberation Sans", "DejaVu Sans"], rotation_mode="anchor")
    elif "rectangle" in item:
        x, y, w, h = item["rectangle"]
        page.add_patch(
            Rectangle((x, y), w, h, facecolor=item.get("fill", "none"),
                      edgecolor=item.get("stroke", "none"), linewidth=item.get("line", 0)))
    elif "path" in item:
        points = np.reshape(item["path"], (-1, 2))
        # matplotlib counts dashes in widths of the line, the scene in points.
        dashes = (0, [length / item["line"] for length in item["dash"]]) if "dash" in item else "-"
        page.add_patch(
            Polygon(points, closed=item["closed"], facecolor=item.get("fill", "none"),
                    edgecolor=item.get("stroke", "none"), linewidth=item.get("line", 0),
                    linestyle=dashes))
    elif "image" in item and path[-1] == "color bar":
        x, y, w, h = item["image"]
        page.imshow(magma[None], extent=(x, x + w, y + h, y),
                    interpolation="nearest", aspect="auto")
    elif "image" in item:
        x, y, w, h = item["image"]
        picture = pictures[path[-2]].astype(np.uint8)
        page.imshow(grey(picture) if path[-1].startswith("map ") else picture,
                    interpolation="nearest", extent=(x, x + w, y + h, y), aspect="auto")
    elif "cells" in item:
        x, y, w, h = item["cells"]
        rows, columns = item["grid"]
        fill = colors(maps[path[-2], path[-1].removeprefix("map ")]) / 255
        for index, side in enumerate(item["sides"]):
            row, column = divmod(index, columns)
            page.add_patch(
                Rectangle((x + (column + (1 - side) / 2) * w / columns,
                           y + (row + (1 - side) / 2) * h / rows), side * w / columns,
                          side * h / rows, facecolor=fill[row, column], linewidth=0))
page.set(xlim=(0, width), ylim=(height, 0))
figure.canvas.draw()
ours = np.array(figure.canvas.buffer_rgba())[..., :3]
plt.close(figure)
plt.figure(figsize=(6, 6 * height / width))
plt.imshow(ours)
plt.axis("off")
plt.show()

# %% [markdown]
# ## Pixel for value
#
# At the middle of each cell of each map: the value's colour, the scene's, the pixel in Heed's PNG, and
# the pixel that matplotlib drew.


# %%
def middles(frame, rows, columns):
    """Pixels in the middle of each cell."""
    x, y, w, h = frame
    across = (x + (np.arange(columns) + 0.5) * w / columns) * DPI / 72
    down = (y + (np.arange(rows) + 0.5) * h / rows) * DPI / 72
    return np.ix_(down.astype(int), across.astype(int))


checked = 0
for key, item in panels.items():
    expected = colors(maps[key])
    told = np.array([[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in item["colors"]])
    told = told.reshape(expected.shape)
    # A value between two colours may be rounded to either.
    either = [colors(maps[key] * (1 + rounding)) for rounding in (-1e-6, 0, 1e-6)]
    assert np.any([told == color for color in either], axis=0).all(), f"{key}: the scene's colours"
    place = middles(item["cells"], *item["grid"])
    for name, image, wanted in [
        ("Heed's PNG", sheet, told), ("matplotlib's figure", ours, expected)
    ]:
        difference = np.abs(image[place].astype(int) - wanted).max()
        assert difference <= 1, f"{key}: {name} differs by {difference}"
        checked += expected.shape[0] * expected.shape[1]
print(f"{checked} pixels agree with their values")

# %% [markdown]
# And back: the colours of Heed's PNG, looked up in its own colour bar, give the recorded values to 1/255
# of the scale.

# %%
bar = next(item["gradient"] for path, item in nodes(scene["nodes"])
           if "gradient" in item and path[-1] == "color bar")
x, y, w, h = (value * DPI / 72 for value in bar)
across = np.linspace(x + 1, x + w - 1, 4 * 256)
strip = sheet[int(y + h / 2), across.astype(int)].astype(int)
worst = 0.0
for key, item in panels.items():
    pixels = sheet[middles(item["cells"], *item["grid"])].reshape(-1, 3).astype(int)
    for pixel, value in zip(pixels, maps[key].ravel()):
        same = np.abs(strip - pixel).sum(axis=1)
        read = ((across - x) / w)[same == same.min()].mean() * top
        worst = max(worst, abs(read - value))
print(f"read back through the colour bar: off by {worst / top:.5f} of the scale at most")
assert worst <= top / 255

# %% [markdown]
# **Seen:** every cell has the colour of its recorded value, in Heed's file and in a figure drawn by another
# library from an export of the same runs.
#
# **Meant:** the sheet hides no normalisation. All maps share one scale from zero, so a pale word beside a
# bright one is a finding, not an effect of the drawing.
