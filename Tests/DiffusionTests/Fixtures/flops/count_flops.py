#!/usr/bin/env python3
"""Writes flops.json beside itself: floating-point operations by torch's own count, on meta tensors.

    python3 -m venv v && v/bin/pip install torch diffusers && v/bin/python count_flops.py

For each checkpoint: one UNet pass at the size it was trained at under 77 tokens, and one decoding.
"""
import json, os
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch.utils.flop_counter import FlopCounterMode

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDERS = {"tiny-sd1": f"{HERE}/../tiny-sd1", "tiny-sd2": f"{HERE}/../tiny-sd2"}


def count(body):
    with FlopCounterMode(display=False) as counter:
        body()
    return counter.get_total_flops()


counts = {}
for name, folder in FOLDERS.items():
    with torch.device("meta"), torch.no_grad():
        unet = UNet2DConditionModel.from_config(json.load(open(f"{folder}/unet/config.json")))
        vae = AutoencoderKL.from_config(json.load(open(f"{folder}/vae/config.json")))
        size = unet.config.sample_size
        latent = torch.empty(1, 4, size, size)
        context = torch.empty(1, 77, unet.config.cross_attention_dim)
        counts[name] = {
            "unet": count(lambda: unet(latent, torch.tensor(500), encoder_hidden_states=context)),
            "decode": count(lambda: vae.decode(latent))}
json.dump(counts, open(f"{HERE}/flops.json", "w"), indent=1)
