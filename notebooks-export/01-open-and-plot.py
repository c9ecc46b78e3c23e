# %% [markdown]
# # Open an export in one line, and look
#
# **Asked:** where does a model look for each word while it paints, and when?
#
# `PATH` is an export of a map for each call of the UNet: the mean over heads and over the layers at 16×16. The
# sample is "a cat and a frog" on seed 0, by plain Stable Diffusion and by Attend-and-Excite from the same
# noise. Of your own runs:
#
# ```
# heed export RUN… -o FOLDER --format zarr --each-step --recipe "mean(head) mean(layer: 16x16) mean(step)"
# ```

# %%
import matplotlib.pyplot as plt

import heed_reader

PATH = "sample/maps"
maps = heed_reader.open(PATH)
maps

# %% [markdown]
# ## Where, averaged over all steps
#
# One scale for all maps. A scale for each map would make a word that is hardly attended to look like one
# that is.

# %%
maps.draw()

# %% [markdown]
# The numbers below the colours are xarray's: axes and runs by their names.

# %%
mean = maps.words()
mean.max(["row", "column"]).to_pandas().set_axis([str(run) for run in maps.runs]).round(3)

# %% [markdown]
# ## When
#
# The peak attention of each word, step by step.

# %%
peaks = maps.peaks(each_step=True)
figure, axes = plt.subplots(
    1, len(maps.runs), figsize=(4 * len(maps.runs), 2.8), sharey=True, squeeze=False,
    layout="constrained")
for run, panel in zip(maps.runs, axes[0]):
    for word, color in zip(peaks.word.values, heed_reader.COLORS):
        panel.plot(peaks.step, peaks.sel(run=run.run, word=word), color=color, label=word)
    panel.set(title=str(run), xlabel="step", ylim=(0, 1.05 * float(peaks.max())))
axes[0, 0].set_ylabel("peak attention")
axes[0, 0].legend(frameon=False)
plt.show()

# %% [markdown]
# **Seen, in the sample:** without excitation no cell gives *cat* more than an eighth of its attention, and less from step 18 on:
# it ends at 0.06, spread over two frogs, while *frog* rises to 0.26. With excitation, from the same noise, both
# words rise to that, each in a place of its own.
#
# **Meant:** the maps tell early what the picture will lack. That is why Attend-and-Excite acts in the first 25 of
# 50 steps only.

# %%
if PATH.startswith("sample/"):
    cat = peaks.sel(word="cat")
    plain, excited = (
        cat.isel(run=(cat.method_name == name).values).squeeze("run")
        for name in ["stable-diffusion", "attend-and-excite"])
    assert plain.max() < 0.125 and plain[-1] < 0.065
    assert excited[20:].min() > 0.25
