#!/usr/bin/env python3
"""Writes complete checkpoints in company: with more in the file, in rare types and names; and autoencoders to put in.

    python3 -m venv v && v/bin/pip install torch diffusers transformers accelerate safetensors peft pyyaml
    v/bin/python make_checkpoint_company.py

Beside this file: crowded/, a checkpoint in one file, and vae/, an autoencoder in several forms for the checkpoint in
sharded/, each with what diffusers computes with its weights. Names and models are those of make_checkpoint_forms.py;
8-bit numbers are torch's. CPU, float32, fixed seeds: running this again gives the same numbers.
"""
import json, os, shutil
import torch
import make_checkpoint_forms as forms
from diffusers import DDIMScheduler
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "sharded", "tokenizer")
g = torch.Generator().manual_seed(17)
def r(*shape): return torch.randn(*shape, generator=g)

def newer(name):
    """The autoencoder's attention as diffusers names it."""
    a, sep, b = name.partition(".attn_1.")
    if not sep: return name
    for old, new in (("proj_out.", "to_out.0."), ("norm.", "group_norm."), ("q.", "to_q."), ("k.", "to_k."), ("v.", "to_v.")):
        if b.startswith(old): return a + sep + new + b[len(old):]

def crowded(out):
    """SD 1's layout: 8-bit UNet with scales, float64 autoencoder under vae., velocity by its mark, and other networks."""
    shutil.rmtree(out, ignore_errors=True); tok = forms.tokenizer(SOURCE, out); models = forms.build(31, tok, 1); unet, vae, text = models
    sched = DDIMScheduler(**forms.BETAS, prediction_type="v_prediction", clip_sample=False)
    state = {}; rows = forms.table(*models, 0); prefix = "model.diffusion_model."
    original = forms.original_state(rows, forms.states(*models))
    with torch.no_grad():
        own = {r[0]: dict(unet=unet, vae=vae, text_encoder=text)[r[1]].get_parameter(r[2] if r[1] != "text_encoder" else next(n for n in (r[2], "text_model." + r[2]) if n in dict(text.named_parameters()))) for r in rows if r[1]}
        for n, v in original.items():
            if n.startswith(prefix) and v.ndim == 2 and ".attn" in n:
                # Scaled to the type's range, one number a layer, or one a row of the keys.
                scale = v.abs().amax(dim=1, keepdim=True) / 448 if "to_k" in n else v.abs().max() / 448
                eight = (v / scale).to(torch.float8_e4m3fn); stem = n.removesuffix("weight")
                state[n] = eight; state[stem + ("weight_scale" if "to_k" in n else "scale_weight")] = scale; state[stem + "scale_input"] = torch.ones(1)
                own[n].copy_((eight.float() * scale).reshape(own[n].shape))
            elif n.startswith(prefix) and v.ndim > 1:
                state[n] = v.to(torch.float8_e5m2 if ".conv" in n or "in_layers" in n else torch.float8_e4m3fn); own[n].copy_(state[n].float().reshape(own[n].shape))
            elif n.startswith("first_stage_model."):
                state["vae." + newer(n.removeprefix("first_stage_model."))] = v.double() * (1 + 2 ** -30)
            else:
                state[n] = v.half(); own[n].copy_(state[n].float().reshape(own[n].shape))
    unit = {"scaled_fp8": torch.zeros(2).to(torch.float8_e4m3fn), "v_pred": torch.zeros(0), "global_step": torch.tensor(3), "epoch": torch.tensor(1),
        "betas": torch.linspace(0.1, 0.2, 5), "alphas_cumprod": torch.linspace(1, 0, 5), "model_ema.decay": torch.tensor(0.9), "model_ema.diffusion_modelout0bias": r(8),
        "cond_stage_model.logit_scale": torch.tensor(4.6), "cond_stage_model.transformer.text_model.embeddings.position_ids": torch.arange(77)[None],
        "control_model.input_hint_block.0.weight": r(2, 3), "control_model.zero_convs.0.0.bias": r(2), "text_encoder_2.text_model.final_layer_norm.weight": r(4),
        "conditioner.embedders.1.model.ln_final.weight": r(4), "safety_checker.concept_embeds": r(3, 4), "lora_unet_mid_block.lora_down.weight": r(2, 2),
        "first_stage_model.loss.logvar": torch.zeros(1), "vae.loss.discriminator.main.0.weight": r(2, 2), "emb_params": r(1, 4), "something.else": r(2)}
    save_file({**{k: v.contiguous() for k, v in state.items()}, **unit}, os.path.join(out, "crowded.safetensors"), metadata={"format": "pt"})
    forms.configs(out, *models, sched); shutil.rmtree(os.path.join(out, "scheduler"))   # the mark alone says what is predicted
    forms.golden(out, *models, sched, tok, (8, 8), "one file, float8 and float64, in company")

def vaes(out):
    """An autoencoder by each set of names, float16, with decoded goldens for the latent of sharded/."""
    shutil.rmtree(out, ignore_errors=True); os.makedirs(out); tok = forms.tokenizer(SOURCE, out); models = forms.build(32, tok, 1); shutil.rmtree(os.path.join(out, "tokenizer"))
    forms.rounded(models, torch.float16); vae = models[1]; rows = [r for r in forms.table(*models, 0) if r[1] == "vae"]
    bare = {k.removeprefix("first_stage_model."): v.half() for k, v in forms.original_state(rows, forms.states(*models)).items()}
    def write(name, tensors):
        folder = os.path.join(out, name); os.makedirs(folder); vae.save_config(folder)
        save_file({k: v.contiguous() for k, v in tensors.items()}, os.path.join(folder, "diffusion_pytorch_model.safetensors" if name.startswith("folder") else "model.safetensors"))
    ours = {k: v.half() for k, v in vae.state_dict().items()}
    older = lambda k: k.replace(".to_q.", ".query.").replace(".to_k.", ".key.").replace(".to_v.", ".value.").replace(".to_out.0.", ".proj_attn.")
    matrix = lambda d: {k: v[:, :, 0, 0] if ".attn_1." in k and v.ndim == 4 else v for k, v in d.items()}
    write("original", {**bare, "loss.logvar": torch.zeros(1), "model_ema.decay": torch.tensor(0.5)})
    write("newer", {newer(k): v for k, v in matrix(bare).items()})
    write("older", {older(newer(k)): v for k, v in bare.items()})
    write("prefixed", {"first_stage_model." + k: v for k, v in ours.items()})
    write("folder", ours)
    write("folder-older", {older(k): v for k, v in ours.items()})
    z = torch.randn(1, 4, 16, 16, generator=torch.Generator("cpu").manual_seed(5))
    with torch.no_grad(): save_file({"vae.decoded": vae.decode(z / vae.config.scaling_factor).sample}, os.path.join(out, "decoded.safetensors"))

if __name__ == "__main__":
    crowded(os.path.join(HERE, "crowded")); vaes(os.path.join(HERE, "vae"))
