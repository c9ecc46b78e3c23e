#!/usr/bin/env python3
"""Writes a checkpoint of Stable Diffusion 1.4's full size and what diffusers computes with it.

    python3 -m venv venv && venv/bin/pip install torch diffusers transformers accelerate safetensors
    venv/bin/python Tests/Benchmarks/full_size.py FOLDER [--threads 2]
    heed verify FOLDER --tolerance 1e-3

The weights are random under a seed, in float16 (2.1 GB); diffusers computes in float32 from exactly
those, which takes some minutes and 12 GB of memory. Beside the checkpoint stand golden.safetensors and
golden.json: text embeddings, a UNet pass, cross-attention maps, Attend-and-Excite's loss and gradient,
a decoded picture, and the latents of 3 plain DDIM steps and of 3 that Attend-and-Excite alters.
"""
import argparse, json, os, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RESOURCES = f"{ROOT}/Sources/Diffusion/Resources"
VOCABULARY = f"{ROOT}/Sources/PromptText/Resources/CLIPVocabulary"
sys.path.insert(0, f"{ROOT}/Tests/DiffusionTests/Fixtures")

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from make_tiny_models import AE, Probe, ae_loss, hook
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

SEED, NOISE_SEED, STEPS, GRID = 14, 5, 3, (16, 16)
PROMPTS, INDICES = ["a mouse and a red car", "a cat and a frog"], [[2, 6], [2, 5]]
NONE = dict(safety_checker=None, feature_extractor=None, requires_safety_checker=False)
# torch's own initialisation leaves the maps nearly flat, and the loss without a slope: with queries
# and keys this much larger, the largest attention of a subject lies well inside 0…1.
SHARPNESS = 4.0


def build(shapes):
    """A pipeline of random weights in float32, each of them a number that float16 holds."""
    read = lambda name: json.load(open(f"{RESOURCES}/Shapes/{shapes}/{name}"))
    torch.manual_seed(SEED)
    unet = UNet2DConditionModel.from_config(read("unet/config.json")).eval()
    vae = AutoencoderKL.from_config(read("vae/config.json")).eval()
    tokenizer = CLIPTokenizer.from_pretrained(VOCABULARY, model_max_length=77)
    text = CLIPTextModel(CLIPTextConfig(**dict(
        read("text_encoder/config.json"), bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))).eval()
    scheduler = DDIMScheduler.from_config(
        read("scheduler/scheduler_config.json"), clip_sample=False)
    with torch.no_grad():
        for name, weight in unet.named_parameters():
            if "attn2.to_q" in name or "attn2.to_k" in name:
                weight.mul_(SHARPNESS)
        for model in (unet, vae, text):
            for weight in model.parameters():
                weight.copy_(weight.half())
    return StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=scheduler, **NONE)


class Goldens:
    """Tensors and what each is."""

    def __init__(self):
        self.tensors, self.meanings, self.start = {}, {}, time.perf_counter()

    def put(self, name, tensor, meaning):
        kind = torch.int32 if name.endswith("ids") else torch.float32
        self.tensors[name] = tensor.detach().to(kind).contiguous()
        self.meanings[name] = meaning
        now = time.perf_counter()
        print(f"{name:70}{now - self.start:8.1f} s", flush=True)
        self.start = now

    def save(self, folder, latent, grid, losses):
        """Writes golden.safetensors and golden.json into a checkpoint's folder."""
        save_file(self.tensors, f"{folder}/golden.safetensors")
        description = dict(
            model="full size", latent=latent, attention_grid=grid, prompts=PROMPTS,
            token_indices=INDICES, tensors=self.meanings, ae_loss_evaluations=losses,
            e2e=dict(steps=STEPS, max_iter_to_alter=STEPS, thresholds={}))
        with open(f"{folder}/golden.json", "w") as file:
            json.dump(description, file, indent=1)


def compute(pipe, noise, put):
    """Every golden tensor; gives Attend-and-Excite's losses."""
    unet, vae = pipe.unet, pipe.vae
    ids = pipe.tokenizer(
        PROMPTS + [""], padding="max_length", max_length=77, truncation=True,
        return_tensors="pt").input_ids
    put("text.ids", ids, "token ids of the prompts and of the empty prompt, padded to 77")
    with torch.no_grad():
        context = pipe.text_encoder(ids)[0]
        put("text.embeddings", context, "[prompt, 77, width] last hidden state after the norm")
        put("unet.latent", noise, f"[1, 4, h, w] torch CPU generator, seed {NOISE_SEED}")
        put("unet.noise.t500",
            unet(noise.expand(2, -1, -1, -1), 500,
                 encoder_hidden_states=torch.stack([context[-1], context[0]])).sample,
            "[2, 4, h, w] UNet output at t=500, rows: empty prompt, prompt 0")
        probe = Probe(unet)
        unet(noise, 500, encoder_hidden_states=context[:1])
        for name, (maps,) in probe.maps.items():
            whole = maps.shape[1] <= GRID[0] * GRID[1]
            put(f"cross.{name}", maps if whole else maps.mean(0),
                "[head, pixel, token] at t=500, prompt 0" if whole
                else "[pixel, token] mean over heads at t=500, prompt 0")
        del probe
    for index, tokens in enumerate(INDICES):
        store, latent = hook(unet, GRID), noise.clone().requires_grad_(True)
        unet(latent, 500, encoder_hidden_states=context[index:index + 1])
        _, maxima, loss = ae_loss(store, tokens, 76, True)
        gradient, = torch.autograd.grad(loss, [latent])
        name = f"ae.p{index}.sd1.smooth."
        put(name + "maxima", maxima, f"largest value of the smoothed maps of {tokens}, t=500")
        put(name + "loss", loss.reshape(1), "the loss")
        put(name + "gradient", gradient, "[1, 4, h, w] its gradient with respect to unet.latent")
        print("maxima", maxima.tolist(), "largest slope", float(gradient.abs().max()))
        del store, loss, maxima, gradient
    unet.set_attn_processor(AttnProcessor())
    with torch.no_grad():
        put("vae.decoded", vae.decode(noise / vae.config.scaling_factor).sample,
            "[1, 3, 8h, 8w] decode(latent / scaling_factor)")
    return run_both(pipe, noise, put)


def run_both(pipe, noise, put):
    how = dict(num_inference_steps=STEPS, guidance_scale=7.5, output_type="latent")
    pipe.set_progress_bar_config(disable=True)
    plain = pipe(PROMPTS[1], latents=noise.clone(), **how).images
    put("e2e.sd.latent", plain, f"[1, 4, h, w] after {STEPS} steps of prompt 1 from unet.latent")
    excited = AE(
        vae=pipe.vae, text_encoder=pipe.text_encoder, tokenizer=pipe.tokenizer, unet=pipe.unet,
        scheduler=pipe.scheduler, **NONE)
    excited.set_progress_bar_config(disable=True)
    losses, original = [], AE._compute_loss

    def noted(max_attention_per_index):
        loss = original(max_attention_per_index)
        losses.append(float(loss.detach()))
        return loss

    AE._compute_loss = staticmethod(noted)
    latent = excited(
        PROMPTS[1], token_indices=INDICES[1], latents=noise.clone(), attn_res=GRID,
        max_iter_to_alter=STEPS, thresholds={}, **how).images
    put("e2e.ae.latent", latent, f"as e2e.sd.latent, altered in every step for {INDICES[1]}")
    print("losses", losses, "moved by", float((latent - plain).abs().max()), "of a range of",
          float(latent.max() - latent.min()))
    return losses


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    pipe = build("sd14")
    pipe.to(torch.float16).save_pretrained(arguments.folder, safe_serialization=True)
    pipe.to(torch.float32)
    size = pipe.unet.config.sample_size
    noise = torch.randn(1, 4, size, size, generator=torch.Generator("cpu").manual_seed(NOISE_SEED))
    goldens = Goldens()
    losses = compute(pipe, noise, goldens.put)
    goldens.save(arguments.folder, [size, size], GRID, losses)


if __name__ == "__main__":
    main()
