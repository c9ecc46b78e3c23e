#!/usr/bin/env python3
"""Writes a LoRA file of each kind for the UNet of ../sharded, and the weights that each of them makes.

    python3 -m venv v && v/bin/pip install torch diffusers transformers peft safetensors
    v/bin/python make_lora_kinds.py

Beside this file, in kinds/: the files, and goldens.safetensors, the weights by KIND/PARAMETER with the file added at a
scale of 0.7. peft makes and merges what it has (LoRA with biases and any adapter's name, DoRA, LoHa, LoKr); the rest is
computed here by the formulas of LyCORIS (lycoris/modules/norms.py, full.py, locon.py). CPU, float32, fixed seeds.
"""
import copy, os
import torch
from diffusers import UNet2DConditionModel
from peft import LoHaConfig, LoKrConfig, LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__)); OUT = os.path.join(HERE, "kinds"); os.makedirs(OUT, exist_ok=True)
SCALE = 0.7
unet = UNet2DConditionModel.from_pretrained(os.path.join(HERE, "..", "sharded"), subfolder="unet", variant="bf16", torch_dtype=torch.float32)
block = "down_blocks.0.attentions.0"
LINEAR = [block + ".transformer_blocks.0.attn1.to_q", block + ".transformer_blocks.0.attn2.to_k", block + ".transformer_blocks.0.ff.net.0.proj"]
KERNELS = [block + ".proj_in", "down_blocks.0.resnets.0.conv1"]
NORMS = [block + ".norm", block + ".transformer_blocks.0.norm1"]
goldens = {}
g = torch.Generator().manual_seed(11)
def r(*shape): return torch.randn(*shape, generator=g) * 0.3
def of(name): return unet.get_submodule(name)
def kohya(name): return "lora_unet_" + name.replace(".", "_")
def save(kind, tensors, metadata=None): save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, os.path.join(OUT, kind + ".safetensors"), metadata=metadata)

def by_peft(kind, config, targets, names, adapter="default", alpha=None, flat=False):
    """A change that peft makes and merges; `names` turns its state into the file's tensors."""
    torch.manual_seed(len(kind)); model = get_peft_model(copy.deepcopy(unet), config, adapter_name=adapter)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.requires_grad: p.mul_(1 + 0.2 * torch.rand_like(p)) if "magnitude" in name else p.copy_(torch.randn_like(p) * 0.3)
    state = names(model, adapter)
    if flat:
        state = {kohya(k.removeprefix("base_model.model.").rsplit(".", 1)[0]) + "." + k.rsplit(".", 1)[1]: v for k, v in state.items()}
        for t in targets: state[kohya(t) + ".alpha"] = torch.tensor(float(alpha))
    save(kind, state, None if flat or alpha is None else {"lora_adapter_metadata": '{"unet.lora_alpha": %d}' % alpha})
    for m in model.modules():
        if hasattr(m, "scale_layer"): m.scale_layer(SCALE)
    merged = model.merge_and_unload()
    for t in targets:
        for p, v in merged.get_submodule(t).named_parameters(): goldens[f"{kind}/{t}.{p}"] = v.detach().clone()
        assert not torch.equal(merged.get_submodule(t).weight, of(t).weight), (kind, t)

def plain(model, adapter): return get_peft_model_state_dict(model, adapter_name=adapter)
def named(model, adapter):
    """Every tensor under its name in the model, the adapter's included."""
    return {k: v for k, v in model.state_dict().items() if f".{adapter}" in k}

both = LINEAR + KERNELS
by_peft("adapter", LoraConfig(r=2, lora_alpha=3, target_modules=both, init_lora_weights=False), both, named, adapter="my_style", alpha=3)
by_peft("biased", LoraConfig(r=2, lora_alpha=3, target_modules=[LINEAR[2]], lora_bias=True, init_lora_weights=False), [LINEAR[2]], plain, alpha=3)
by_peft("dora", LoraConfig(r=2, lora_alpha=3, target_modules=both, use_dora=True, init_lora_weights=False), both, plain, alpha=3)
by_peft("dora-adapter", LoraConfig(r=2, lora_alpha=3, target_modules=both, use_dora=True, init_lora_weights=False), both, named, adapter="other", alpha=3)
by_peft("loha", LoHaConfig(r=2, alpha=3, target_modules=both, use_effective_conv2d=False), both, plain, alpha=3, flat=True)
by_peft("loha-tucker", LoHaConfig(r=2, alpha=3, target_modules=both, use_effective_conv2d=True), both, plain, alpha=3, flat=True)
by_peft("lokr", LoKrConfig(r=2, alpha=2, target_modules=both, decompose_factor=2), both, plain, alpha=2, flat=True)   # whole factors have no rank: LyCORIS, unlike peft, then passes over alpha
by_peft("lokr-both", LoKrConfig(r=1, alpha=3, target_modules=both, decompose_both=True), both, plain, alpha=3, flat=True)
by_peft("lokr-tucker", LoKrConfig(r=1, alpha=3, target_modules=[KERNELS[1]], decompose_factor=2, use_effective_conv2d=True), [KERNELS[1]], plain, alpha=3, flat=True)

# Norms, biases and full differences; some tensors of no known use between them.
d = {}
for n in NORMS:
    w, b = r(*of(n).weight.shape), r(*of(n).bias.shape); d[kohya(n) + ".w_norm"], d[kohya(n) + ".b_norm"] = w, b
    goldens[f"full/{n}.weight"], goldens[f"full/{n}.bias"] = of(n).weight + SCALE * w, of(n).bias + SCALE * b
for n in KERNELS + [LINEAR[2]]:
    w, b = r(*of(n).weight.shape), r(*of(n).bias.shape); d[kohya(n) + ".diff"], d[kohya(n) + ".diff_b"] = w, b
    goldens[f"full/{n}.weight"], goldens[f"full/{n}.bias"] = of(n).weight + SCALE * w, of(n).bias + SCALE * b
d["colour"] = torch.ones(3); save("full", d)

# A number that the change is multiplied with.
d, (n, k) = {}, (LINEAR[0], KERNELS[1])
for n in (LINEAR[0], KERNELS[1]):
    o, i, *kernel = of(n).weight.shape; down, up = r(2, i, *kernel), r(o, 2, *[1] * len(kernel)); scalar = r(1)[0]
    d.update({kohya(n) + ".lora_down.weight": down, kohya(n) + ".lora_up.weight": up, kohya(n) + ".alpha": torch.tensor(1.0), kohya(n) + ".scalar": scalar})
    goldens[f"scalar/{n}.weight"] = of(n).weight + SCALE * scalar * 0.5 * (up.reshape(o, 2) @ down.reshape(2, -1)).reshape(of(n).weight.shape)
save("scalar", d)

# DoRA as LyCORIS has it: norms of rows [out, 1, …], or of columns [1, in, …]; the scale within the norm, as in peft.
for kind, rows in (("dora-rows", True), ("dora-columns", False)):
    d = {}
    for n in both:
        w = of(n).weight.detach(); o, i, *kernel = w.shape; down, up = r(2, i, *kernel), r(o, 2, *[1] * len(kernel))
        axes = [a for a in range(w.ndim) if a != (0 if rows else 1)]
        def norm(x): return (x * x).sum(dim=axes, keepdim=True).sqrt()
        m = norm(w) * (1 + 0.2 * torch.rand(1, generator=g))
        d.update({kohya(n) + ".lora_down.weight": down, kohya(n) + ".lora_up.weight": up, kohya(n) + ".alpha": torch.tensor(1.0), kohya(n) + ".dora_scale": m})
        v = w + SCALE * 0.5 * (up.reshape(o, 2) @ down.reshape(2, -1)).reshape(w.shape)
        goldens[f"{kind}/{n}.weight"] = m * v / norm(v)
    save(kind, d)

save_file({k: v.detach().contiguous().float() for k, v in goldens.items()}, os.path.join(OUT, "goldens.safetensors"))
