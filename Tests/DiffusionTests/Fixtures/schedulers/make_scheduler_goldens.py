#!/usr/bin/env python3
"""Writes schedulers.json: what diffusers' DDIM and PNDM do under settings that no fixture's checkpoint has.

    python3 -m venv v && v/bin/pip install torch diffusers
    v/bin/python make_scheduler_goldens.py > schedulers.json

The model is sin(3x)/2 + 0.1 i at iteration i. A trace has the starting sample and the sample after each iteration.
"""
import json, sys
import torch
from diffusers import DDIMScheduler, PNDMScheduler

BASE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, steps_offset=1)
DDIM = dict(clip_sample=False, set_alpha_to_one=False)
PNDM = dict(skip_prk_steps=True, set_alpha_to_one=False)
CASES = []
for steps in (1, 2, 3, 4, 5, 7, 50, 999): CASES += [(DDIMScheduler, DDIM, steps), (PNDMScheduler, PNDM, steps)]
for steps in (4, 5, 10): CASES.append((PNDMScheduler, dict(skip_prk_steps=False), steps))
CASES.append((PNDMScheduler, dict(skip_prk_steps=False, prediction_type="v_prediction"), 6))
for offset in (0, 1):
    for one in (False, True):
        CASES += [(DDIMScheduler, dict(clip_sample=False, steps_offset=offset, set_alpha_to_one=one), 6),
                  (PNDMScheduler, dict(skip_prk_steps=True, steps_offset=offset, set_alpha_to_one=one), 6)]
for kind in ("epsilon", "v_prediction", "sample"):
    CASES += [(DDIMScheduler, dict(clip_sample=True, prediction_type=kind), 8), (DDIMScheduler, dict(clip_sample=False, prediction_type=kind), 8)]
CASES.append((DDIMScheduler, dict(clip_sample=True, clip_sample_range=0.5), 8))
for spacing in ("trailing", "linspace"):
    for steps in (1, 2, 6, 7, 30): CASES += [(DDIMScheduler, dict(DDIM, timestep_spacing=spacing), steps), (PNDMScheduler, dict(PNDM, timestep_spacing=spacing), steps)]
for cls in (DDIMScheduler, PNDMScheduler):
    CASES += [(cls, dict(beta_schedule="linear", beta_start=0.0001, beta_end=0.02), 10), (cls, dict(num_train_timesteps=100), 9)]

def sample(scheduler, steps, x):
    scheduler.set_timesteps(steps); trace = [x]
    for i, t in enumerate(scheduler.timesteps):
        x = scheduler.step(torch.sin(3 * x) * .5 + .1 * i, t, x).prev_sample; trace.append(x)
    return [[float(f"{v:.9g}") for v in x.tolist()] for x in trace]

cases = []
for cls, settings, steps in CASES:
    config = {**BASE, **settings}; s = cls(**config); s.set_timesteps(steps)
    x = torch.randn(3, generator=torch.Generator("cpu").manual_seed(7)) * s.init_noise_sigma
    cases.append(dict(config={"_class_name": cls.__name__, **{k: s.config[k] for k in s.config if not k.startswith("_") and s.config[k] is not None}},
                      steps=steps, timesteps=[int(t) for t in s.timesteps], trace=sample(s, steps, x) if steps <= 50 else None))
json.dump(cases, sys.stdout, separators=(",", ":"))
