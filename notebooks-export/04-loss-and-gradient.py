# %% [markdown]
# # The loss of Attend-and-Excite and its gradient, in PyTorch
#
# **Asked:** what would the loss have said of a run that neglects a subject, and where would it have
# pushed?
#
# `PATH` has the maps of a plain run, with all tokens of the window, since the loss takes a softmax over them. The
# sample is "a cat and a frog" on seed 0, which loses its cat, in steps 0 to 12. Of your own run of plain Stable
# Diffusion (recorded with `--phases denoise,loss`):
#
# ```
# heed export RUN -o FOLDER --format safetensors --each-step --recipe "mean(head) mean(layer: 16x16) mean(step: 0..12)"
# ```
#
# (PyTorch is not in `requirements.txt`, for its size: see `requirements-torch.txt`.)

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

import heed_reader

PATH = "sample/loss"
run = heed_reader.open(PATH)
array = run.array("maps").isel(run=0)  # [position, row, column, token], the mean over heads and layers
maps = torch.tensor(np.asarray(array.values, dtype="f4").tolist())
subjects = {word: run.vocabulary[word][-1] for word in run.subjects}
print(run.runs[0], tuple(maps.shape), subjects)

# %% [markdown]
# ## The loss
#
# Equation by equation as in the paper (Chefer et al., arXiv 2301.13826, section 4): the start token is
# dropped, as is the last of the prompt's; the rest is renormalised by a softmax of 100 × the
# probability; each subject's map is smoothed by a Gaussian of 3 × 3 with σ = 0.5; the loss is what the most
# neglected subject lacks at its best cell.


# %%
def gaussian():
    """The published kernel, whose exponent is −(d / 2σ)², with σ = 0.5."""
    line = torch.exp(-((torch.arange(3) - 1.0) / (2 * 0.5)) ** 2)
    kernel = line[:, None] * line[None, :]
    return kernel / kernel.sum()


def scores(map_):
    """The excitation score of each subject, its largest smoothed attention, from `[row, column, token]`."""
    text = torch.softmax(100 * map_[:, :, 1:READ], dim=-1)
    found = []
    for token in subjects.values():
        padded = torch.nn.functional.pad(text[None, None, :, :, token - 1], (1, 1, 1, 1), "reflect")
        smooth = torch.nn.functional.conv2d(padded, gaussian()[None, None])
        found.append(smooth.max())
    return torch.stack(found)


def loss(map_):
    return torch.clamp(1 - scores(map_), min=0).max()


READ = -1  # all tokens but the first and the last of the window
computed = [loss(map_).item() for map_ in maps]
table = pd.DataFrame({
    "step": array.step.values, "computed": computed, "recorded": array.loss.values})
table["difference"] = table.computed - table.recorded
table.round(4)

# %% [markdown]
# The recorded losses are those of Heed's own engine, in the pass itself. Here they are computed anew from
# stored float16 probabilities, in another library.

# %%
assert table.difference.abs().max() < 5e-3

# %% [markdown]
# ## The gradient
#
# With respect to the maps: which cells should attend more to which word?

# %%
# The last step at which the loss still has a gradient worth the name, and the subject that is weakest there.
step = max(index for index, value in enumerate(computed) if value < 0.9 or index == 0)
weakest = list(subjects)[int(scores(maps[step]).argmin())]
map_ = maps[step].clone().requires_grad_()
loss(map_).backward()
gradient = map_.grad
figure, axes = plt.subplots(
    1, 1 + len(subjects), figsize=(2.9 * (1 + len(subjects)), 2.9), layout="constrained")
shown = axes[0].imshow(maps[step][:, :, subjects[weakest]].tolist(), cmap="magma", vmin=0)
figure.colorbar(shown, ax=axes[0], shrink=0.8, label="probability")
axes[0].set_title(f"{weakest}, step {step}")
reach = gradient.abs().max().item()
for panel, word in zip(axes[1:], subjects):
    shown = panel.imshow(
        gradient[:, :, subjects[word]].tolist(), cmap="RdBu", vmin=-reach, vmax=reach)
    panel.set_title(f"gradient for {word}")
figure.colorbar(shown, ax=axes[1:], shrink=0.8, label="∂ loss / ∂ probability")
for panel in axes:
    panel.set(xticks=[], yticks=[])
plt.show()

# %% [markdown]
# A finite difference at the cell with the largest gradient, in float64, agrees.

# %%
place = tuple(torch.nonzero(gradient.abs() == gradient.abs().max())[0].tolist())
exact = maps[step].double()
torch.set_default_dtype(torch.float64)
ends = []
for sign in (1, -1):
    moved = exact.clone()
    moved[place] += sign * 1e-5
    ends.append(loss(moved).item())
slope = (ends[0] - ends[1]) / 2e-5
print(f"at {place}: autograd {gradient[place].item():.5f}, finite difference {slope:.5f}")
assert abs(slope - gradient[place].item()) <= 1e-2 * abs(slope)

# %% [markdown]
# ## Who is pushed
#
# The neighbourhood of one cell, and there the words that compete with the weakest subject.

# %%
touched = (gradient != 0).any(dim=-1)
weights = gradient.sum(dim=(0, 1))
strongest = weights.abs().argsort(descending=True)[:6].tolist()
print(int(touched.sum()), "of", touched.numel(), "cells have a gradient")
print({str(array.piece.values[token]): round(weights[token].item(), 3) for token in strongest})
assert touched.sum() <= 9
assert strongest[0] == subjects[weakest] and weights[subjects[weakest]] < 0

# %%
figure, panel = plt.subplots(figsize=(5, 2.6), layout="constrained")
series = torch.tensor([scores(map_.double()).tolist() for map_ in maps])
for column, (word, color) in enumerate(zip(subjects, heed_reader.COLORS)):
    panel.plot(table.step, series[:, column].tolist(), color=color, label=word)
panel.plot(table.step, computed, "--", color="black", linewidth=2, label="loss")
panel.set(xlabel="step", ylabel="excitation score, loss", ylim=(-0.02, 1.02))
panel.legend(frameon=False)
plt.show()

# %% [markdown]
# **Seen, in the sample:** the loss computed here is the recorded one. It falls to 0.44 at step 6, and rises
# again while the *cat* disappears. Its gradient stands in at most nine cells around the cat's best one: more of
# *cat* there, less of *frog*.
#
# **Meant:** the push is local and knows no shape; that a whole cat grows from it is the work of the model,
# in the steps that follow. And it exists only while the cat has a best cell worth the name: the softmax of
# 100 × p is flat where a word has lost, which is why excitation must begin early.
