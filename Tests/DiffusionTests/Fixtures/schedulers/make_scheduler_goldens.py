#!/usr/bin/env python3
"""Writes schedulers.json: what diffusers' schedulers do under settings that no fixture's checkpoint has.

    python3 -m venv v && v/bin/pip install torch diffusers scipy
    v/bin/python make_scheduler_goldens.py > schedulers.json

The model is sin(3x)/2 + 0.1 i at iteration i, x the scaled input. A trace has the starting sample and the sample after each
iteration. Samples have 3 numbers; Euler ancestral's have 20, and draw on from the generator of the
starting noise.
"""
import json, sys
import torch
from diffusers import (DDIMScheduler, PNDMScheduler, LMSDiscreteScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler,
                       DPMSolverMultistepScheduler)

BASE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, steps_offset=1)
DDIM = dict(clip_sample=False, set_alpha_to_one=False)
PNDM = dict(skip_prk_steps=True, set_alpha_to_one=False)
CASES, DRAWN = [], 20
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
for cls in (LMSDiscreteScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler, DPMSolverMultistepScheduler):
    for steps in (2, 5, 20, 50): CASES.append((cls, {}, steps))
    for spacing in ("leading", "trailing"):
        for kind in ("epsilon", "v_prediction"): CASES.append((cls, dict(timestep_spacing=spacing, prediction_type=kind), 7))

def sample(scheduler, steps, x, generator):
    scheduler.set_timesteps(steps); trace = [x]
    draws = dict(generator=generator) if isinstance(scheduler, EulerAncestralDiscreteScheduler) else {}
    for i, t in enumerate(scheduler.timesteps):
        output = torch.sin(3 * scheduler.scale_model_input(x, t)) * .5 + .1 * i
        x = scheduler.step(output, t, x, **draws).prev_sample; trace.append(x)
    return [[float(f"{v:.9g}") for v in x.tolist()] for x in trace]

cases = []
for cls, settings, steps in CASES:
    config = {**BASE, **settings}; s = cls(**config); s.set_timesteps(steps)
    generator = torch.Generator("cpu").manual_seed(7)
    x = torch.randn(DRAWN if cls is EulerAncestralDiscreteScheduler else 3, generator=generator) * s.init_noise_sigma
    cases.append(dict(config={"_class_name": cls.__name__, **{k: s.config[k] for k in s.config if not k.startswith("_") and s.config[k] is not None and k != "lambda_min_clipped"}},
                      steps=steps, timesteps=[float(t) for t in s.timesteps], init_noise_sigma=float(s.init_noise_sigma), trace=sample(s, steps, x, generator) if steps <= 50 else None))
json.dump(cases, sys.stdout, separators=(",", ":"))
