#!/usr/bin/env python3
"""Writes a checkpoint of Stable Diffusion XL's full size and what torch computes with it.

    python3 -m venv venv && venv/bin/pip install torch diffusers transformers accelerate safetensors
    venv/bin/python Tests/Benchmarks/full_size_xl.py FOLDER [--size 512x512] [--threads 2]
    heed verify FOLDER --tolerance 1e-3

The weights are random under a seed, in float16 (7 GB); torch computes in float32 from exactly those, which takes some
minutes and 16 GB of memory. Beside the checkpoint stand golden.safetensors and golden.json: text embeddings, a UNet pass,
Attend-and-Excite's loss and gradient, and the latents of 3 plain Euler steps by diffusers' pipeline and of 3 that Attend-and-Excite
alters, by the loop over diffusers' UNet that the tiny checkpoints are made with, since diffusers has none for XL.
"""
import argparse, gc, json, os, shutil

import full_size
import torch
from diffusers import (
    AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel)
from full_size import INDICES, NOISE_SEED, PROMPTS, SEED, SHARPNESS, STEPS, Goldens
from make_tiny_models import ae_loss, hook
from transformers import (
    CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer)
from xl_attend_and_excite import attend_and_excite

SHAPES = f"{full_size.RESOURCES}/Shapes/sdxl"


def read(name):
    return json.load(open(f"{SHAPES}/{name}"))


@torch.no_grad()
def save(model, folder):
    """Writes a model in float16; it is then in float32 again, each number one that float16 holds."""
    model.half().save_pretrained(folder, safe_serialization=True)
    return model.float().eval().requires_grad_(False)


def encode(folder):
    """Writes the text encoders and their tokenizers; gives what they make of the prompts and of none."""
    torch.manual_seed(SEED)
    tokenizers = [CLIPTokenizer.from_pretrained(full_size.VOCABULARY, model_max_length=77, pad_token=pad)
                  for pad in ("<|endoftext|>", "!")]
    encoders = []
    for name, kind in (("text_encoder", CLIPTextModel), ("text_encoder_2", CLIPTextModelWithProjection)):
        model = kind(CLIPTextConfig(**read(f"{name}/config.json")))
        encoders.append(save(model, f"{folder}/{name}"))
    for tokenizer, name in zip(tokenizers, ("tokenizer", "tokenizer_2")):
        tokenizer.save_pretrained(f"{folder}/{name}")
    pipe = StableDiffusionXLPipeline(
        vae=None, text_encoder=encoders[0], text_encoder_2=encoders[1], tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1], unet=None, scheduler=None, add_watermarker=False)
    ids = tokenizers[0](
        PROMPTS + [""], padding="max_length", max_length=77, truncation=True,
        return_tensors="pt").input_ids
    with torch.no_grad():
        return ids, [pipe.encode_prompt(prompt, device="cpu") for prompt in PROMPTS]


def build(folder):
    """Writes the other parts; gives the UNet and the scheduler."""
    torch.manual_seed(SEED)
    save(AutoencoderKL.from_config(read("vae/config.json")), f"{folder}/vae")
    unet = UNet2DConditionModel.from_config(read("unet/config.json"))
    with torch.no_grad():
        for name, weight in unet.named_parameters():
            if "attn2.to_q" in name or "attn2.to_k" in name:
                weight.mul_(SHARPNESS)
    scheduler = EulerDiscreteScheduler.from_config(read("scheduler/scheduler_config.json"))
    scheduler.save_pretrained(f"{folder}/scheduler")
    shutil.copy(f"{SHAPES}/model_index.json", folder)
    return save(unet, f"{folder}/unet"), scheduler


def compute(unet, scheduler, texts, noise, grid, put):
    """Every golden tensor of the UNet; gives Attend-and-Excite's losses."""
    height, width = (8.0 * extent for extent in noise.shape[2:])
    sizes = torch.tensor([[height, width, 0, 0, height, width]])
    own, none, pooled, no_pooled = texts[0]
    added = dict(text_embeds=torch.cat([no_pooled, pooled]), time_ids=sizes.repeat(2, 1))
    with torch.no_grad():
        put("unet.noise.t500",
            unet(noise.expand(2, -1, -1, -1), 500, torch.cat([none, own]), added_cond_kwargs=added).sample,
            "[2, 4, h, w] UNet output at t=500, rows: no prompt, prompt 0")
    store, latent = hook(unet, grid), noise.clone().requires_grad_(True)
    unet(latent, 500, own, added_cond_kwargs=dict(text_embeds=pooled, time_ids=sizes))
    _, maxima, loss = ae_loss(store, INDICES[0], 76, True)
    gradient, = torch.autograd.grad(loss, [latent])
    put("ae.p0.sd1.smooth.maxima", maxima, f"largest value of the smoothed maps of {INDICES[0]}, t=500")
    put("ae.p0.sd1.smooth.loss", loss.reshape(1), "the loss")
    put("ae.p0.sd1.smooth.gradient", gradient, "[1, 4, h, w] its gradient with respect to unet.latent")
    print("maxima", maxima.tolist(), "largest slope", float(gradient.abs().max()))
    del store, loss, maxima, gradient, latent
    altered, losses = attend_and_excite(
        unet, scheduler, texts[1], INDICES[1], noise, grid, STEPS, STEPS, {})
    put("e2e.ae.latent", altered, f"as e2e.sd.latent, altered in every step for {INDICES[1]}")
    own, none, pooled, no_pooled = texts[1]
    pipe = StableDiffusionXLPipeline(
        vae=None, text_encoder=None, text_encoder_2=None, tokenizer=None, tokenizer_2=None, unet=unet,
        scheduler=scheduler, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    plain = pipe(
        prompt_embeds=own, negative_prompt_embeds=none, pooled_prompt_embeds=pooled,
        negative_pooled_prompt_embeds=no_pooled, num_inference_steps=STEPS, guidance_scale=7.5,
        height=int(height), width=int(width), latents=noise.clone(), output_type="latent").images
    put("e2e.sd.latent", plain, f"[1, 4, h, w] after {STEPS} steps of prompt 1 from unet.latent")
    print("losses", losses, "moved by", float((altered - plain).abs().max()), "of a range of",
          float(altered.max() - altered.min()))
    return losses


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--size", default="512x512", metavar="WxH")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    width, height = (int(extent) // 8 for extent in arguments.size.split("x"))
    grid = (height // 4, width // 4)
    os.makedirs(arguments.folder, exist_ok=True)
    goldens = Goldens()
    ids, texts = encode(arguments.folder)
    # The text encoders' memory is needed for the UNet's.
    gc.collect()
    goldens.put("text.ids", ids, "token ids of the prompts and of the empty prompt, padded to 77")
    for name, place, meaning in (
            ("text.embeddings", 0, "[prompt, 77, width] both encoders' last hidden state but one"),
            ("text.pooled", 2, "[prompt, width] the second encoder's projection")):
        rows = [text[place] for text in texts] + [texts[0][place + 1]]
        goldens.put(name, torch.cat(rows), meaning + "; the last row is that of no prompt")
    noise = torch.randn(1, 4, height, width, generator=torch.Generator("cpu").manual_seed(NOISE_SEED))
    goldens.put("unet.latent", noise, f"[1, 4, h, w] torch CPU generator, seed {NOISE_SEED}")
    unet, scheduler = build(arguments.folder)
    losses = compute(unet, scheduler, texts, noise, grid, goldens.put)
    goldens.save(arguments.folder, [height, width], grid, losses)


if __name__ == "__main__":
    main()
