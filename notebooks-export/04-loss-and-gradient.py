# %% [markdown]
# # The loss of Attend-and-Excite and its gradient, in PyTorch
#
# **Asked:** what would the loss have said of a run that neglects a subject, and where would it have
# pushed?
#
# `sample/loss` has the maps of plain Stable Diffusion on seed 1, which loses its cat: of steps 0 to 12, with all
# 77 tokens of the window, since the loss takes a softmax over them. (PyTorch is not in
# `requirements.txt`, for its size: see `requirements-torch.txt`.)

# %%
import matplotlib.pyplot as plt
import pandas as pd
import torch
from safetensors.torch import load_file

arrays = load_file("sample/loss/arrays/arrays.safetensors")
maps = arrays["maps"]  # [call, row, column, token], the mean over heads and layers
tokens = pd.read_csv("sample/loss/tables/tokens.csv")
subjects = {word: tokens.query("word == @word").token.item() for word in ["cat", "frog"]}
end = tokens.query("special == 'end'").token.item()
print(tuple(maps.shape), subjects, "end of the text at", end)

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


def maxima(map_):
    """The largest smoothed attention of each subject, from `[row, column, token]`."""
    text = torch.softmax(100 * map_[:, :, 1:READ], dim=-1)
    found = []
    for token in subjects.values():
        padded = torch.nn.functional.pad(text[None, None, :, :, token - 1], (1, 1, 1, 1), "reflect")
        smooth = torch.nn.functional.conv2d(padded, gaussian()[None, None])
        found.append(smooth.max())
    return torch.stack(found)


def loss(map_):
    return torch.clamp(1 - maxima(map_), min=0).max()


READ = -1  # all tokens but the first and the last of the window
computed = [loss(map_).item() for map_ in maps]
recorded = arrays["loss"].flatten().tolist()
table = pd.DataFrame({"step": arrays["step"].tolist(), "computed": computed, "recorded": recorded})
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
step = 9
map_ = maps[step].clone().requires_grad_()
loss(map_).backward()
gradient = map_.grad
figure, axes = plt.subplots(1, 3, figsize=(8.6, 2.9), layout="constrained")
shown = axes[0].imshow(maps[step][:, :, subjects["cat"]].tolist(), cmap="viridis", vmin=0)
figure.colorbar(shown, ax=axes[0], shrink=0.8, label="probability")
axes[0].set_title(f"cat, step {step}")
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
# The neighbourhood of one cell, and there the words that compete with *cat*.

# %%
touched = (gradient != 0).any(dim=-1)
weights = gradient.sum(dim=(0, 1))
strongest = weights.abs().argsort(descending=True)[:6].tolist()
print(int(touched.sum()), "of", touched.numel(), "cells have a gradient")
print({tokens.piece[token]: round(weights[token].item(), 3) for token in strongest})
assert touched.sum() <= 9
assert strongest[0] == subjects["cat"] and weights[subjects["cat"]] < 0

# %%
figure, panel = plt.subplots(figsize=(5, 2.6), layout="constrained")
series = torch.tensor([maxima(map_.double()).tolist() for map_ in maps])
for column, (word, style) in enumerate(zip(subjects, ["-", "--"])):
    panel.plot(table.step, series[:, column].tolist(), style, label=word)
panel.plot(table.step, computed, color="black", linewidth=2, label="loss")
panel.set(xlabel="step", ylabel="largest attention, loss", ylim=(-0.02, 1.02))
panel.legend(frameon=False)
plt.show()

# %% [markdown]
# **Seen:** the loss computed here is the recorded one. It rises from nothing to almost 1 while the
# *cat* disappears, and its gradient stands in at most nine cells around the cat's best one: more of
# *cat* there, less of *frog*.
#
# **Meant:** the push is local and knows no shape; that a whole cat grows from it is the work of the model,
# in the steps that follow. And it exists only while the cat has a best cell worth the name: the softmax of
# 100 × p is flat where a word has lost, which is why excitation must begin early.
