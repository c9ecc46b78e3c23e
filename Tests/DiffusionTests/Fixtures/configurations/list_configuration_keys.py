#!/usr/bin/env python3
"""Writes keys.json: every key of the configurations of diffusers' and transformers' classes, with its default.

    python3 -m venv v && v/bin/pip install torch diffusers transformers scipy
    v/bin/python list_configuration_keys.py > keys.json

The keys are those of the classes' own signatures: a key that a later version adds makes a test fail until it is looked at.
"""
import dataclasses, inspect, json, sys
import diffusers, transformers

def signature(cls):
    return {n: p.default for n, p in inspect.signature(cls.__init__).parameters.items() if n not in ("self", "kwargs")}

def fields(cls):
    return {f.name: (f.default if f.default is not dataclasses.MISSING else None) for f in dataclasses.fields(cls)}

NAMES = """UNet2DConditionModel AutoencoderKL DDIMScheduler PNDMScheduler LMSDiscreteScheduler EulerDiscreteScheduler EulerAncestralDiscreteScheduler
HeunDiscreteScheduler KDPM2DiscreteScheduler KDPM2AncestralDiscreteScheduler DPMSolverMultistepScheduler DPMSolverSinglestepScheduler
UniPCMultistepScheduler LCMScheduler TCDScheduler""".split()
keys = {name: signature(getattr(diffusers, name)) for name in NAMES}
keys["CLIPTextConfig"] = fields(transformers.CLIPTextConfig)
json.dump(dict(sorted(keys.items())), sys.stdout, indent=1, sort_keys=True, default=str); print()
