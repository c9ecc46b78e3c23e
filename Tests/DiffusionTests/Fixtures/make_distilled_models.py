#!/usr/bin/env python3
"""Writes small checkpoints of distilled models, with what diffusers' pipeline makes of each folder.

    python3 -m venv v && v/bin/pip install torch diffusers transformers accelerate safetensors scipy
    v/bin/python make_distilled_models.py FIXTURES

distilled/ has a UNet without a middle block, and a scheduler whose class in model_index.json is not that of its configuration;
consistency/ is a latent consistency model, whose UNet is told the weight of guidance. Text encoder, autoencoder and tokenizer are
those of sharded/. CPU, float32, fixed seeds: running this again gives the same numbers.
"""
import json, os, shutil, sys
import torch
from diffusers import DPMSolverMultistepScheduler, LCMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file

torch.set_num_threads(1)
PROMPTS, INDICES = ["a cat and a frog", "a mouse and a red car"], [[2, 5], [2, 6]]
BETAS = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
UNET = dict(sample_size=16, in_channels=4, out_channels=4, block_out_channels=(8, 16), layers_per_block=1, cross_attention_dim=24, attention_head_dim=2,
            norm_num_groups=4, down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"))

def folder(root, name, unet, scheduler, running):
    out, source = os.path.join(root, name), os.path.join(root, "sharded"); shutil.rmtree(out, ignore_errors=True); os.makedirs(out)
    for part in ("text_encoder", "vae", "tokenizer"):
        os.makedirs(os.path.join(out, part))
        for file in os.listdir(os.path.join(source, part)): shutil.copy(os.path.join(source, part, file), os.path.join(out, part, file.replace(".bf16.", ".")))
    unet.save_pretrained(os.path.join(out, "unet")); scheduler.save_pretrained(os.path.join(out, "scheduler"))
    index = json.load(open(os.path.join(source, "model_index.json"))); index["scheduler"] = ["diffusers", running]
    json.dump(index, open(os.path.join(out, "model_index.json"), "w"), indent=1)
    return out

def golden(out, note, steps):
    G, D = {}, {}
    def put(key, tensor, what, hidden=False):
        G[key] = tensor.detach().contiguous().float()
        if not hidden: D[key] = what
    pipe = StableDiffusionPipeline.from_pretrained(out, safety_checker=None, torch_dtype=torch.float32); pipe.set_progress_bar_config(disable=True)
    ids = pipe.tokenizer(PROMPTS + [""], padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    with torch.no_grad(): emb = pipe.text_encoder(ids)[0]
    z = torch.randn(1, 4, 16, 16, generator=torch.Generator("cpu").manual_seed(5)); put("unet.latent", z, "torch CPU generator, seed 5")
    with torch.no_grad():
        put("unet.noise.t500", pipe.unet(z.expand(2, -1, -1, -1), torch.tensor(500), torch.stack([emb[-1], emb[0]])).sample, "UNet output at t=500, rows: empty prompt, prompt 0")
    side = 16 * 2 ** (len(pipe.vae.config.block_out_channels) - 1)
    def run(**more):
        return pipe(PROMPTS[1], num_inference_steps=steps, guidance_scale=7.5, height=side, width=side, output_type="latent", generator=torch.Generator("cpu").manual_seed(5), **more).images
    put("e2e.sd.latent", run(), f"Stable Diffusion, prompt 1, {steps} steps, guidance 7.5, seed 5")
    put("rescaled.latent", run(guidance_rescale=0.7), "", hidden=True)
    save_file(G, os.path.join(out, "golden.safetensors"))
    json.dump(dict(model=note, latent=[16, 16], attention_grid=[8, 8], prompts=PROMPTS, token_indices=INDICES, e2e=dict(steps=steps, max_iter_to_alter=2, thresholds={}), tensors=D),
              open(os.path.join(out, "golden.json"), "w"), indent=1)

root = sys.argv[1]; torch.manual_seed(11)
unet = UNet2DConditionModel(**UNET, mid_block_type=None)
out = folder(root, "distilled", unet, DPMSolverMultistepScheduler(**BETAS, timestep_spacing="trailing", use_karras_sigmas=True), "EulerDiscreteScheduler")
golden(out, "a distilled model without a middle block", 6)
torch.manual_seed(12)
unet = UNet2DConditionModel(**UNET, time_cond_proj_dim=16)
out = folder(root, "consistency", unet, LCMScheduler(**BETAS), "LCMScheduler")
golden(out, "a latent consistency model", 4)
