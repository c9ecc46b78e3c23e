# %% [markdown]
# # Your own pipeline
#
# **Asked:** how does the attention of a pipeline of diffusers get into Heed?
#
# `heed_record.py` stands beside this notebook: one file that needs PyTorch and NumPy, and no Heed. It looks on while a
# pipeline draws, and writes a run. Here it does so with two pipelines that are made on the spot, an SDXL and a Flux
# with a few thousand random weights each: nothing is downloaded, they draw noise, and their maps mean nothing. With a
# model that was trained the same lines give maps that do; the last cell has them. This notebook needs
# `requirements-diffusers.txt` beside `requirements.txt`.

# %%
import os
import shutil
import subprocess

import torch
from diffusers import (
    AutoencoderKL, EulerDiscreteScheduler, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel,
    StableDiffusionXLPipeline, UNet2DConditionModel)
from IPython.display import Image
from transformers import (
    CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer, T5Config, T5EncoderModel, T5Tokenizer)

import heed_reader
from heed_record import Recorder

PROMPT = "a cat and a frog"
RUNS = "runs"

# %% [markdown]
# ## Small parts
#
# Tokenizers of four words, and text encoders and an autoencoder as small as their classes allow.


# %%
def clip_tokenizer(words):
    """Byte pairs that spell each word from its front; letters for others."""
    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    vocabulary, merges = [*letters, *(letter + "</w>" for letter in letters)], []
    for word in words:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            merges.append((parts[0], parts[1]))
            parts[:2] = [parts[0] + parts[1]]
            vocabulary.append(parts[0])
    vocabulary = list(dict.fromkeys([*vocabulary, "<|startoftext|>", "<|endoftext|>"]))
    numbers = {piece: number for number, piece in enumerate(vocabulary)}
    return CLIPTokenizer(vocab=numbers, merges=list(dict.fromkeys(merges)), model_max_length=77)


def clip(tokenizer, width, kind=CLIPTextModel):
    return kind(CLIPTextConfig(
        vocab_size=len(tokenizer), bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, hidden_size=width, intermediate_size=2 * width, projection_dim=width,
        num_attention_heads=2, num_hidden_layers=2)).eval()


def autoencoder(**more):
    return AutoencoderKL(
        block_out_channels=[8, 8], down_block_types=["DownEncoderBlock2D"] * 2, norm_num_groups=2,
        up_block_types=["UpDecoderBlock2D"] * 2, layers_per_block=1, latent_channels=4, **more).eval()


torch.manual_seed(0)
words = ["a", "cat", "and", "frog"]
tokenizer = clip_tokenizer(words)

# %% [markdown]
# ## An SDXL, recorded
#
# The recorder is told the prompt and the seed, and compares them with what the text encoders and the generator
# receive. It says first how large the run will be. The picture is the same to the last bit with and without it.
# (Random queries hardly prefer one word to another; here they are enlarged, so that there is something to see.)

# %%
sdxl = StableDiffusionXLPipeline(
    vae=autoencoder(), text_encoder=clip(tokenizer, 16), tokenizer=tokenizer,
    text_encoder_2=clip(tokenizer, 32, CLIPTextModelWithProjection), tokenizer_2=tokenizer,
    unet=UNet2DConditionModel(
        sample_size=32, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=2, cross_attention_dim=48,
        down_block_types=("CrossAttnDownBlock2D",) * 2, up_block_types=("CrossAttnUpBlock2D",) * 2,
        attention_head_dim=(2, 4), transformer_layers_per_block=(1, 2), use_linear_projection=True,
        addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=6 * 8 + 32),
    scheduler=EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"))
sdxl.set_progress_bar_config(disable=True)
for name, layer in sdxl.unet.named_modules():
    if name.endswith("attn2.to_q"):
        layer.weight.data *= 20


def draw(pipeline, **more):
    generator = torch.Generator().manual_seed(1)
    return pipeline(PROMPT, height=64, width=64, num_inference_steps=8, generator=generator, **more).images[0]


with Recorder(sdxl, RUNS, PROMPT, seed=1, subjects=["cat", "frog"], overwrite=True) as record:
    picture = draw(sdxl)
    record.picture(picture)
print("same picture:", picture.tobytes() == draw(sdxl).tobytes())

# %% [markdown]
# ## Opened
#
# A run of another pipeline is opened as one of Heed's own: `map`, `words`, `overlay` and `draw` know its words.

# %%
sdxl_maps = heed_reader.open(os.path.join(RUNS, "a-cat-and-a-frog", "stable-diffusion-xl", "seed-1"))
print(sdxl_maps.vocabulary)
sdxl_maps.draw(layers="32x32", size=1.4)

# %% [markdown]
# ## A Flux, recorded
#
# Its attention is joint: text and picture are one row of keys, and softmax goes over both. Recorded are the picture's
# queries and the text's keys; what goes to padding and to the picture itself is summed in two columns, `<padding>` and
# `<image>`, so that each row still sums to 1.

# %%
pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((f"▁{word}", -2.0) for word in words)]
t5_tokenizer = T5Tokenizer(vocab=pieces, extra_ids=0, additional_special_tokens=[])
flux = FluxPipeline(
    vae=autoencoder(use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1, scaling_factor=1.5),
    text_encoder=clip(tokenizer, 16), tokenizer=tokenizer, tokenizer_2=t5_tokenizer,
    text_encoder_2=T5EncoderModel(T5Config(
        vocab_size=len(t5_tokenizer), d_model=32, d_ff=64, d_kv=8, num_heads=2, num_layers=2)).eval(),
    transformer=FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=2, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=16, axes_dims_rope=(4, 6, 6), guidance_embeds=True).eval(),
    scheduler=FlowMatchEulerDiscreteScheduler())
flux.set_progress_bar_config(disable=True)
with Recorder(flux, RUNS, PROMPT, seed=1, subjects=["cat", "frog"], overwrite=True) as record:
    record.picture(draw(flux, max_sequence_length=16))
flux_maps = heed_reader.open(os.path.join(RUNS, "a-cat-and-a-frog", "flux", "seed-1"))
shares = flux_maps.words(["cat", "frog", "<padding>", "<image>"]).mean(["run", "row", "column"])
print({str(word): round(float(share), 4) for word, share in zip(shares.word.values, shares.values)})
flux_maps.draw(size=1.4)

# %% [markdown]
# ## Drawn by Heed
#
# Where the command is installed, all of it works on such runs: `heed check` holds every file against the others,
# `heed sheet` draws vector figures, `heed report` a page to look through. Two pipelines stand beside each other, word
# by word.

# %%
heed = shutil.which(os.environ.get("HEED", "heed"))
shown = None
if heed:
    runs = [maps.path for maps in [sdxl_maps, flux_maps]]
    print(subprocess.run([heed, "check", *runs], check=True, capture_output=True, text=True).stdout.strip())
    sheet = os.path.join(RUNS, "sheet.png")
    subprocess.run([heed, "sheet", *runs, "-o", sheet, "--dpi", "85"], check=True, capture_output=True)
    shown = Image(sheet, width=600)
else:
    print("heed is not installed here")
shown

# %% [markdown]
# ## With a model that was trained
#
# ```
# import torch
# from diffusers import StableDiffusionXLPipeline
# from heed_record import Recorder
#
# name = "stabilityai/stable-diffusion-xl-base-1.0"
# pipe = StableDiffusionXLPipeline.from_pretrained(name, torch_dtype=torch.float16).to("cuda")
# prompt = "a cat and a frog"
# with Recorder(pipe, "runs", prompt, seed=1, subjects=["cat", "frog"]) as record:
#     picture = pipe(prompt, generator=torch.Generator("cuda").manual_seed(1)).images[0]
#     record.picture(picture)
# ```
