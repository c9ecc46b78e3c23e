#!/usr/bin/env python3
"""Writes schedulers.json, what diffusers' schedulers do under settings that no fixture's checkpoint has, and across.json,
what each of them does under the configuration of every other, and under every key of its own.

    python3 -m venv v && v/bin/pip install torch diffusers scipy
    v/bin/python make_scheduler_goldens.py FOLDER

The model is sin(3x)/2 + 0.1 i at iteration i, x the scaled input. A trace has the starting sample and the sample after each
iteration; a final sample is the last of them. Samples have 3 numbers; those of schedulers that draw noise have 20, and noise is
drawn on from the generator of the starting noise. A configuration is written as it would stand in a file.
"""
import inspect, json, sys, warnings
import scipy.stats, torch
import diffusers
from diffusers import (DDIMScheduler, PNDMScheduler, LMSDiscreteScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler,
                       DPMSolverMultistepScheduler, DPMSolverSinglestepScheduler, HeunDiscreteScheduler, KDPM2DiscreteScheduler,
                       KDPM2AncestralDiscreteScheduler, LCMScheduler, TCDScheduler, UniPCMultistepScheduler)
warnings.filterwarnings("ignore"); diffusers.logging.set_verbosity_error(); torch.set_num_threads(1)

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

def draws(s, eta=0):
    return isinstance(s, (EulerAncestralDiscreteScheduler, KDPM2AncestralDiscreteScheduler, LCMScheduler)) or eta > 0 or "sde" in s.config.get("algorithm_type", "")

def number(v): return float(f"{v:.9g}")

def run(s, steps, eta=0, begin=0):
    """Timesteps, the scale of the starting noise, and the samples."""
    s.set_timesteps(steps); times = s.timesteps[begin * s.order:]
    if begin and hasattr(s, "set_begin_index"): s.set_begin_index(begin * s.order)
    generator = torch.Generator("cpu").manual_seed(7); noise = float(s.init_noise_sigma)
    x = torch.randn((1, DRAWN if draws(s, eta) else 3, 1, 1), generator=generator) * (1 if begin else noise); trace = [x]
    takes = inspect.signature(s.step).parameters; more = {}
    if "generator" in takes: more["generator"] = generator
    if "eta" in takes: more["eta"] = eta
    for i, t in enumerate(times):
        output = torch.sin(3 * s.scale_model_input(x, t)) * .5 + .1 * i
        x = s.step(output, t, x, **more).prev_sample; trace.append(x)
    return [float(t) for t in times], noise, [[number(v) for v in x.flatten().tolist()] for x in trace]

cases = []
for cls, settings, steps in CASES:
    config = {**BASE, **settings}; s = cls(**config)
    times, noise, trace = run(s, steps) if steps <= 50 else (None, None, None)
    if steps > 50: s.set_timesteps(steps); times, noise = [float(t) for t in s.timesteps], float(s.init_noise_sigma)
    cases.append(dict(config={"_class_name": cls.__name__, **{k: s.config[k] for k in s.config if not k.startswith("_") and s.config[k] is not None and k != "lambda_min_clipped"}},
                      steps=steps, timesteps=times, init_noise_sigma=noise, trace=trace))
json.dump(cases, open(sys.argv[1] + "/schedulers.json", "w"), separators=(",", ":"))

# ---- every scheduler under every other's configuration, and under its own keys ---------------------------------------------

CLASSES = [DDIMScheduler, PNDMScheduler, LMSDiscreteScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler, HeunDiscreteScheduler,
           KDPM2DiscreteScheduler, KDPM2AncestralDiscreteScheduler, DPMSolverMultistepScheduler, DPMSolverSinglestepScheduler, UniPCMultistepScheduler,
           LCMScheduler, TCDScheduler]
configs, across = {}, []

def keys(cls): return set(inspect.signature(cls.__init__).parameters) - {"self"}

def add(cls, config, steps=5, eta=0, begin=0):
    """A run of a class under a configuration as it stands in a file."""
    text = json.dumps(config, sort_keys=True); name = configs.setdefault(text, str(len(configs)))
    case = dict(config=name, steps=steps, eta=eta, begin=begin); case["class"] = cls.__name__
    try:
        times, noise, trace = run(cls.from_config(json.loads(text)), steps, eta, begin)
        finite = all(v == v and abs(v) < 1e30 for v in trace[-1])
        case.update(timesteps=[number(t) for t in times], init_noise_sigma=number(noise), final=trace[-1] if finite else None)
    except Exception as error: case.update(timesteps=None, init_noise_sigma=None, final=None)
    across.append(case)

MARKED = {"DDIMScheduler": DDIM, "PNDMScheduler": PNDM, "DPMSolverMultistepScheduler": dict(solver_order=3), "HeunDiscreteScheduler": dict(timestep_spacing="trailing"),
          "EulerDiscreteScheduler": dict(timestep_spacing="trailing", final_sigmas_type="sigma_min"), "UniPCMultistepScheduler": dict(solver_type="bh1", lower_order_final=True),
          "KDPM2DiscreteScheduler": dict(use_karras_sigmas=True), "DPMSolverSinglestepScheduler": dict(solver_type="heun"), "LMSDiscreteScheduler": dict(use_exponential_sigmas=True)}
for other in CLASSES:
    base = {k: v for k, v in {**BASE, **MARKED.get(other.__name__, {})}.items() if k in keys(other)}
    saved = json.loads(other(**base).to_json_string())                                     # as save_pretrained writes it: every key
    sparse = {"_class_name": other.__name__, **base}                                       # as the first files were written: few keys
    live = dict(other(**base).config); live["_use_default_values"] = sorted(live["_use_default_values"])   # as it is within a program
    for cls in CLASSES:
        for config in (saved, sparse, live): add(cls, config)

def own(cls, settings, steps=5, **more): add(cls, {"_class_name": cls.__name__, **{k: v for k, v in {**BASE, **settings}.items() if k in keys(cls)}}, steps, **more)

for cls in CLASSES:
    has = keys(cls)
    for steps in (1, 2, 3, 4, 6, 20): own(cls, {**MARKED.get("DDIMScheduler"), "skip_prk_steps": True}, steps)
    own(cls, dict(skip_prk_steps=True), 5, begin=2); own(cls, dict(skip_prk_steps=True, timestep_spacing="trailing"), 6, begin=3)
    for kind in ("v_prediction", "sample"): own(cls, dict(prediction_type=kind, skip_prk_steps=True))
    for beta in ("linear", "squaredcos_cap_v2", "exp"): own(cls, dict(beta_schedule=beta, skip_prk_steps=True))
    own(cls, dict(trained_betas=[0.001 * (i + 1) for i in range(40)], num_train_timesteps=40, original_inference_steps=20, skip_prk_steps=True))
    for spacing in ("leading", "trailing", "linspace"):
        if "timestep_spacing" in has: own(cls, dict(timestep_spacing=spacing, skip_prk_steps=True), 7)
    for key in ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas"):
        if key not in has: continue
        for steps in (1, 2, 7): own(cls, {key: True}, steps)
        own(cls, {key: True, "beta_schedule": "squaredcos_cap_v2"}, 7)
        own(cls, {key: True, "timestep_spacing": "trailing"}, 7); own(cls, {key: True, "sigma_min": 0.1, "sigma_max": 10.0}, 7)
        if "final_sigmas_type" in has: own(cls, {key: True, "final_sigmas_type": "sigma_min"}, 7)
        own(cls, {key: True}, 6, begin=2)
    if "rescale_betas_zero_snr" in has:
        for kind in ("epsilon", "v_prediction"): own(cls, dict(rescale_betas_zero_snr=True, timestep_spacing="trailing", prediction_type=kind, clip_sample=False), 6)
    if "thresholding" in has:
        for kind in ("epsilon", "v_prediction"): own(cls, dict(thresholding=True, dynamic_thresholding_ratio=0.7, sample_max_value=1.5, prediction_type=kind), 6)
    if "clip_sample" in has: own(cls, dict(clip_sample=True, clip_sample_range=0.7))
    if "solver_order" in has:
        for order in (1, 2, 3):
            for final in ("zero", "sigma_min"):
                for steps in (1, 2, 5, 6, 17): own(cls, dict(solver_order=order, final_sigmas_type=final), steps)
                for lower in (False, True): own(cls, dict(solver_order=order, final_sigmas_type=final, lower_order_final=lower), 6)
            for kind in ("midpoint", "heun", "bh1", "bh2", "logrho"): own(cls, dict(solver_order=order, solver_type=kind), 6)
            own(cls, dict(solver_order=order), 6, begin=2)
    if "algorithm_type" in has:
        for algorithm in ("dpmsolver", "sde-dpmsolver", "sde-dpmsolver++", "deis"):
            for order in (1, 2, 3):
                for final in ("zero", "sigma_min"):
                    for kind in ("midpoint", "heun"): own(cls, dict(algorithm_type=algorithm, solver_order=order, final_sigmas_type=final, solver_type=kind), 6)
            own(cls, dict(algorithm_type=algorithm, final_sigmas_type="sigma_min", prediction_type="v_prediction"), 6); own(cls, dict(algorithm_type=algorithm, final_sigmas_type="sigma_min", prediction_type="sample"), 6)
        for least in (-5.1, -1.0): own(cls, dict(lambda_min_clipped=least), 6); own(cls, dict(lambda_min_clipped=least, timestep_spacing="trailing"), 6); own(cls, dict(lambda_min_clipped=least, timestep_spacing="leading"), 6)
    if cls is DPMSolverMultistepScheduler: own(cls, dict(euler_at_final=True, final_sigmas_type="sigma_min"), 20)
    if cls is UniPCMultistepScheduler:
        own(cls, dict(solver_order=5), 9); own(cls, dict(disable_corrector=[0, 2]), 6)
        for order in (1, 2, 3): own(cls, dict(predict_x0=False, final_sigmas_type="sigma_min", solver_order=order), 6)
        own(cls, dict(predict_x0=False), 6)
    if cls is EulerDiscreteScheduler:
        own(cls, dict(interpolation_type="log_linear"), 6); own(cls, dict(interpolation_type="log_linear", use_karras_sigmas=True), 6)
        for kind in ("epsilon", "v_prediction"): own(cls, dict(timestep_type="continuous", prediction_type=kind), 6)
    if cls in (LCMScheduler, TCDScheduler):
        for original in (50, 100): own(cls, dict(original_inference_steps=original), 8)
        own(cls, dict(timestep_scaling=2.0), 4); own(cls, {}, 60)
    if cls in (DDIMScheduler, TCDScheduler):
        for eta in (0.3, 1.0): own(cls, DDIM, 5, eta=eta)

quantiles = [[p, float(scipy.stats.beta.ppf(p, 0.6, 0.6))] for p in [0, 1e-9, 1e-6, 1e-3] + [i / 64 for i in range(1, 64)] + [1 - 1e-3, 1 - 1e-6, 1 - 1e-9, 1]]
json.dump(dict(configs={name: json.loads(text) for text, name in configs.items()}, cases=across, quantiles=quantiles),
          open(sys.argv[1] + "/across.json", "w"), separators=(",", ":"))
