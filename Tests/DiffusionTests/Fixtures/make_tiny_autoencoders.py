#!/usr/bin/env python3
"""Writes tiny autoencoders (TAESD) with random weights, the pictures that diffusers decodes with them, and the clean samples
that its schedulers predict.

    python3 -m venv v && v/bin/pip install torch diffusers safetensors scipy
    v/bin/python make_tiny_autoencoders.py FOLDER

FOLDER/eightfold and FOLDER/fourfold are diffusers folders; FOLDER/taesd_decoder.safetensors is eightfold's decoder in the
original layout, whose layer 0 is the clamp. golden.safetensors has a latent and what each decodes it to. clean.json has for each
scheduler and prediction what it says of each iteration's clean sample: pred_original_sample where the scheduler gives one, or
else the formula of its own step. The model is sin(3x)/2 + 0.1 i at iteration i, x the scaled input. CPU, one seed.
"""
import json, os, sys, warnings
import torch
from diffusers import (AutoencoderTiny, DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler, HeunDiscreteScheduler,
                       LCMScheduler, LMSDiscreteScheduler, PNDMScheduler, UniPCMultistepScheduler)
from safetensors.torch import save_file
import diffusers
warnings.filterwarnings("ignore"); diffusers.logging.set_verbosity_error(); torch.set_num_threads(1)
out = sys.argv[1]; golden = {}

KINDS = {"eightfold": (dict(blocks=(1, 2, 1, 1), width=8, enlargement=2, scale=1.0), torch.float32),
         "fourfold": (dict(blocks=(2, 1), width=12, enlargement=4, scale=0.5), torch.float16)}
latent = torch.randn(1, 4, 6, 5, generator=torch.Generator("cpu").manual_seed(3)) * 2; golden["latent"] = latent
for name, (k, dtype) in KINDS.items():
    torch.manual_seed(len(name)); widths = (k["width"],) * len(k["blocks"])
    model = AutoencoderTiny(encoder_block_out_channels=widths, decoder_block_out_channels=widths, num_encoder_blocks=tuple(reversed(k["blocks"])),
                            num_decoder_blocks=k["blocks"], upsampling_scaling_factor=k["enlargement"], scaling_factor=k["scale"]).to(dtype)
    model.save_pretrained(os.path.join(out, name)); model = model.float().eval()
    with torch.no_grad(): golden[name] = model.decode(latent / model.config.scaling_factor).sample
    if name == "eightfold":
        decoder = {k: v for k, v in model.state_dict().items() if k.startswith("decoder.layers.")}
        def original(key): number, rest = key.removeprefix("decoder.layers.").split(".", 1); return f"{int(number) + 1}.{rest}"
        save_file({original(k): v.contiguous() for k, v in decoder.items()}, os.path.join(out, "taesd_decoder.safetensors"))
save_file(golden, os.path.join(out, "golden.safetensors"))

BASE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, steps_offset=1)
EXTRA = {DDIMScheduler: dict(clip_sample=False, set_alpha_to_one=False), PNDMScheduler: dict(skip_prk_steps=True, set_alpha_to_one=False),
         LCMScheduler: dict(original_inference_steps=50)}
cases = []

def formula(s, output, x, t, i):
    """The clean sample of a scheduler that keeps samples as signal x0 + sigma e, and gives none itself."""
    level = s.sigmas[i] if hasattr(s, "sigmas") else ((1 - s.alphas_cumprod[int(t)]) / s.alphas_cumprod[int(t)]) ** 0.5
    signal = 1 / (level ** 2 + 1) ** 0.5; sigma = level * signal
    return (x - sigma * output) / signal if s.config.prediction_type == "epsilon" else signal * x - sigma * output

for cls in (DDIMScheduler, PNDMScheduler, LMSDiscreteScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler, HeunDiscreteScheduler,
            DPMSolverMultistepScheduler, UniPCMultistepScheduler, LCMScheduler):
    for kind in ("epsilon", "v_prediction"):
        config = {**BASE, **EXTRA.get(cls, {}), "prediction_type": kind}
        s = cls.from_config(config); s.set_timesteps(6)
        generator = torch.Generator("cpu").manual_seed(7); x = torch.randn((1, 20, 1, 1), generator=generator) * s.init_noise_sigma
        samples, cleans = [], []
        for i, t in enumerate(s.timesteps):
            output = torch.sin(3 * s.scale_model_input(x, t)) * .5 + .1 * i
            before = x
            more = dict(generator=generator) if cls in (EulerAncestralDiscreteScheduler, LCMScheduler) else {}
            step = s.step(output, t, x, **more); x = step.prev_sample
            own = getattr(step, "pred_original_sample", None); own = getattr(step, "denoised", None) if own is None else own
            predicted = formula(s, output, before, t, i) if own is None else own
            samples.append(before.flatten().tolist()); cleans.append(predicted.flatten().tolist())
        print(cls.__name__, kind, "by the formula" if own is None else "of diffusers")
        cases.append(dict(config={"_class_name": cls.__name__, **config}, steps=6, samples=samples, clean=cleans))
json.dump(json.loads(json.dumps(cases), parse_float=lambda v: float(f"{float(v):.9g}")), open(os.path.join(out, "clean.json"), "w"), separators=(",", ":"))
