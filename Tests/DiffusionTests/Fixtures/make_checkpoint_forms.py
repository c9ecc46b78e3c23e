#!/usr/bin/env python3
"""Writes small checkpoints in the forms in which checkpoints are shipped, with what diffusers makes of each.

    python3 -m venv v && v/bin/pip install torch diffusers transformers accelerate safetensors peft pyyaml
    v/bin/python make_checkpoint_forms.py TOKENIZER_FOLDER OUT_FOLDER

The original layout's names are written down here as its authors' code builds them (CompVis/latent-diffusion
ldm/modules/diffusionmodules, mlfoundations/open_clip) and are turned into diffusers' names by diffusers' own converters:
nothing here comes from Heed's key map. CPU, float32, fixed seeds: running this again gives the same numbers.
"""
import copy, json, os, shutil, sys
import torch, yaml
from diffusers import AutoencoderKL, DDIMScheduler, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.loaders import single_file_utils as F
from diffusers.pipelines.deprecated.stable_diffusion_attend_and_excite.pipeline_stable_diffusion_attend_and_excite import (
    StableDiffusionAttendAndExcitePipeline as AE)
from peft import LoraConfig
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

torch.set_num_threads(1)
PROMPTS = ["a cat and a frog", "a mouse and a red car"]
INDICES = [[2, 5], [2, 6]]
BETAS = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, set_alpha_to_one=False)

# ---- names of the original layout ----------------------------------------------------------------------------------------

def both(name): return [name + ".weight", name + ".bias"]

def original_unet(widths, blocks, attends, depth, linear):
    """Names as openaimodel.UNetModel registers them; widths, attends and, if it is a list, depth by level, from the finest."""
    def resnet(p, i, o):
        n = both(p + ".in_layers.0") + both(p + ".in_layers.2") + both(p + ".emb_layers.1") + both(p + ".out_layers.0") + both(p + ".out_layers.3")
        return n + (both(p + ".skip_connection") if i != o else [])
    depths = [depth] * len(widths) if isinstance(depth, int) else depth
    def transformer(p, l):
        n = both(p + ".norm") + both(p + ".proj_in") + both(p + ".proj_out")
        for d in range(depths[l]):
            t = f"{p}.transformer_blocks.{d}"
            for a in ("attn1", "attn2"):
                n += [f"{t}.{a}.to_{x}.weight" for x in "qkv"] + both(f"{t}.{a}.to_out.0")
            n += both(t + ".ff.net.0.proj") + both(t + ".ff.net.2") + both(t + ".norm1") + both(t + ".norm2") + both(t + ".norm3")
        return n
    names = both("time_embed.0") + both("time_embed.2") + both("input_blocks.0.0"); skips, width, k = [widths[0]], widths[0], 1
    for l, w in enumerate(widths):
        for _ in range(blocks):
            names += resnet(f"input_blocks.{k}.0", width, w) + (transformer(f"input_blocks.{k}.1", l) if attends[l] else []); width = w; skips.append(w); k += 1
        if l < len(widths) - 1: names += both(f"input_blocks.{k}.0.op"); skips.append(w); k += 1
    names += resnet("middle_block.0", width, width) + transformer("middle_block.1", -1) + resnet("middle_block.2", width, width); k = 0
    for l, w in reversed(list(enumerate(widths))):
        for b in range(blocks + 1):
            names += resnet(f"output_blocks.{k}.0", width + skips.pop(), w) + (transformer(f"output_blocks.{k}.1", l) if attends[l] else []); width = w
            if b == blocks and l > 0: names += both(f"output_blocks.{k}.{2 if attends[l] else 1}.conv")
            k += 1
    return ["model.diffusion_model." + n for n in names + both("out.0") + both("out.2")]

def original_vae(widths, blocks):
    """Names as model.Encoder and model.Decoder register them."""
    def resnet(p, i, o): return sum((both(f"{p}.{x}") for x in ("norm1", "conv1", "norm2", "conv2")), []) + (both(p + ".nin_shortcut") if i != o else [])
    def middle(p): return resnet(p + ".block_1", 1, 1) + sum((both(f"{p}.attn_1.{x}") for x in ("norm", "q", "k", "v", "proj_out")), []) + resnet(p + ".block_2", 1, 1)
    names, width = both("encoder.conv_in"), widths[0]
    for l, w in enumerate(widths):
        for b in range(blocks): names += resnet(f"encoder.down.{l}.block.{b}", width, w); width = w
        if l < len(widths) - 1: names += both(f"encoder.down.{l}.downsample.conv")
    names += middle("encoder.mid") + both("encoder.norm_out") + both("encoder.conv_out") + both("decoder.conv_in") + middle("decoder.mid")
    for l, w in reversed(list(enumerate(widths))):
        for b in range(blocks + 1): names += resnet(f"decoder.up.{l}.block.{b}", width, w); width = w
        if l > 0: names += both(f"decoder.up.{l}.upsample.conv")
    return ["first_stage_model." + n for n in names + both("decoder.norm_out") + both("decoder.conv_out") + both("quant_conv") + both("post_quant_conv")]

def original_clip(layers):
    names = ["embeddings.token_embedding.weight", "embeddings.position_embedding.weight"] + both("final_layer_norm")
    for i in range(layers):
        p = f"encoder.layers.{i}."
        for x in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "layer_norm1", "layer_norm2", "mlp.fc1", "mlp.fc2"): names += both(p + x)
    return ["cond_stage_model.transformer.text_model." + n for n in names]

def original_openclip(layers):
    names = ["positional_embedding", "token_embedding.weight"] + both("ln_final")
    for i in range(layers):
        p = f"transformer.resblocks.{i}."
        names += [p + "attn.in_proj_weight", p + "attn.in_proj_bias"] + sum((both(p + x) for x in ("attn.out_proj", "ln_1", "ln_2", "mlp.c_fc", "mlp.c_proj")), [])
    return ["cond_stage_model.model." + n for n in names]

# ---- the two layouts' names side by side, by diffusers' converters ---------------------------------------------------------

def table(unet, vae, text, extra_blocks):
    """[original name, diffusers' part and name, which third] for every parameter; no diffusers name for what is left out."""
    c = unet.config; family2 = c.use_linear_projection; rows = []
    attends = ["CrossAttn" in t for t in c.down_block_types]
    depth = c.transformer_layers_per_block if isinstance(c.transformer_layers_per_block, int) else c.transformer_layers_per_block[0]
    def run(names, convert, part, state):
        label = {n: torch.full((3, 1) if n.endswith("in_proj_weight") else (3,) if n.endswith("in_proj_bias") else (1, 1, 1, 1), float(i)) for i, n in enumerate(names)}
        out = {k: v for k, v in convert(label).items() if v is not None}; strip = lambda k: k.removeprefix("text_model.")
        got, want = {strip(k) for k in out}, {strip(k) for k in state if "position_ids" not in k}
        assert got == want, (part, sorted(got ^ want)[:9])
        for k, v in out.items():
            n = names[int(v.flatten()[0])]; third = next((i for i, x in enumerate("qkv") if f".{x}_proj." in k), None) if "in_proj" in n else None
            rows.append([n, part, strip(k), "" if third is None else str(third)])
        used = {r[0] for r in rows}; rows.extend([n, "", "", ""] for n in names if n not in used)
    run(original_unet(c.block_out_channels, c.layers_per_block, attends, depth, family2), lambda d: F.convert_ldm_unet_checkpoint(d, dict(c)), "unet", unet.state_dict())
    run(original_vae(vae.config.block_out_channels, vae.config.layers_per_block), lambda d: F.convert_ldm_vae_checkpoint(d, dict(vae.config)), "vae", vae.state_dict())
    n = text.config.num_hidden_layers; names = original_openclip(n + extra_blocks) if family2 else original_clip(n)
    def text_names(d):
        if not family2: return F.convert_ldm_clip_checkpoint(d)
        d = {**d, "cond_stage_model.model.text_projection": torch.zeros(1, 1)}
        out = F.convert_open_clip_checkpoint(text, d); out.pop("text_projection.weight", None)
        return {k: v for k, v in out.items() if f"encoder.layers.{n}." not in k}
    run(names, text_names, "text_encoder", text.state_dict())
    return rows

def original_state(rows, states):
    """The tensors of a checkpoint under their original names: queries, keys and values joined, 1x1 convolutions as kernels."""
    out, joined = {}, {}
    for name, part, ours, third in rows:
        if not part: continue
        t = states[part][ours]
        if third: joined.setdefault(name, {})[int(third)] = t; continue
        if ".attn_1." in name and name.endswith("weight") and ".norm." not in name: t = t[:, :, None, None]
        out[name] = t.clone()
    for name, thirds in joined.items(): out[name] = torch.cat([thirds[i] for i in range(3)])
    return out

def states(unet, vae, text):
    return dict(unet=unet.state_dict(), vae=vae.state_dict(), text_encoder={k.removeprefix("text_model."): v for k, v in text.state_dict().items()})

# ---- small models --------------------------------------------------------------------------------------------------------

def build(seed, tok, family, widths=(8, 16), groups=4, heads=2, width=24, layers=2, vae_widths=(8, 8)):
    torch.manual_seed(seed); n = len(widths); two = family == 2
    unet = UNet2DConditionModel(sample_size=16, layers_per_block=1, block_out_channels=widths, norm_num_groups=groups, cross_attention_dim=width,
        down_block_types=("CrossAttnDownBlock2D",) * n, up_block_types=("CrossAttnUpBlock2D",) * n, attention_head_dim=heads, use_linear_projection=two)
    vae = AutoencoderKL(block_out_channels=vae_widths, layers_per_block=1, latent_channels=4, norm_num_groups=4, sample_size=32,
        down_block_types=("DownEncoderBlock2D",) * len(vae_widths), up_block_types=("UpDecoderBlock2D",) * len(vae_widths))
    text = CLIPTextModel(CLIPTextConfig(vocab_size=len(tok), hidden_size=width, intermediate_size=32, num_hidden_layers=layers, num_attention_heads=4,
        hidden_act="gelu" if two else "quick_gelu", bos_token_id=tok.bos_token_id, eos_token_id=tok.eos_token_id, pad_token_id=tok.pad_token_id))
    with torch.no_grad():   # torch's default init is timid: widen what attention depends on, and give every bias and norm a value of its own
        for m in (unet, vae, text):
            for name, p in m.named_parameters():
                if ".to_q." in name or ".to_k." in name: p.mul_(2.0)
                if p.ndim == 1: p.add_(torch.randn_like(p) * 0.05)
    return unet.eval(), vae.eval(), text.eval()

def rounded(models, dtype):
    with torch.no_grad():
        for m in models:
            for p in m.parameters(): p.copy_(p.to(dtype).float())

def golden(out, unet, vae, text, sched, tok, grid, note):
    G, D = {}, {}; h = w = 16
    def put(k, t, d): G[k] = t.detach().contiguous().float() if not k.endswith("ids") else t.to(torch.int32).contiguous(); D[k] = d
    ids = tok(PROMPTS + [""], padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    with torch.no_grad(): emb = text(ids)[0]
    put("text.ids", ids, "token ids of the prompts and of the empty prompt, padded to 77"); put("text.embeddings", emb, "last hidden state after the final layer norm")
    z = torch.randn(1, 4, h, w, generator=torch.Generator("cpu").manual_seed(5)); put("unet.latent", z, "torch CPU generator, seed 5")
    with torch.no_grad():
        put("unet.noise.t500", unet(z.expand(2, -1, -1, -1), torch.tensor(500), torch.stack([emb[-1], emb[0]])).sample, "UNet output at t=500, rows: empty prompt, prompt 0")
        put("vae.decoded", vae.decode(z / vae.config.scaling_factor).sample, "decode(latent / scaling_factor)")
    parts = dict(vae=vae, text_encoder=text, tokenizer=tok, unet=unet, scheduler=sched, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    run = dict(num_inference_steps=6, guidance_scale=7.5, height=h * 2 ** (len(vae.config.block_out_channels) - 1), width=w * 2 ** (len(vae.config.block_out_channels) - 1), output_type="latent")
    pipe = StableDiffusionPipeline(**parts); pipe.set_progress_bar_config(disable=True)
    put("e2e.sd.latent", pipe(PROMPTS[1], latents=z.clone(), **run).images, "Stable Diffusion, prompt 1, 6 steps, guidance 7.5, starting at unet.latent")
    ae = AE(**parts); ae.set_progress_bar_config(disable=True)
    put("e2e.ae.latent", ae(PROMPTS[1], token_indices=INDICES[1], latents=z.clone(), max_iter_to_alter=4, thresholds={0: 0.05, 2: 0.55}, attn_res=grid, **run).images,
        "Attend-and-Excite: tokens [2, 6], updates while i < 4, thresholds {0: 0.05, 2: 0.55}")
    from diffusers.models.attention_processor import AttnProcessor
    unet.set_attn_processor(AttnProcessor())
    os.makedirs(out, exist_ok=True); save_file(G, os.path.join(out, "golden.safetensors"))
    json.dump(dict(model=note, latent=[h, w], attention_grid=list(grid), prompts=PROMPTS, token_indices=INDICES, tensors=D), open(os.path.join(out, "golden.json"), "w"), indent=1)
    return G

def tokenizer(source, out, padding=None):
    os.makedirs(os.path.join(out, "tokenizer"), exist_ok=True)
    for f in ("vocab.json", "merges.txt"): shutil.copy(os.path.join(source, f), os.path.join(out, "tokenizer", f))
    json.dump(dict(model_max_length=77, **({"pad_token": padding} if padding else {})), open(os.path.join(out, "tokenizer", "tokenizer_config.json"), "w"))
    return CLIPTokenizer.from_pretrained(os.path.join(out, "tokenizer"))

def configs(out, unet, vae, text, sched):
    for part, m in (("unet", unet), ("vae", vae), ("text_encoder", text)): m.config.save_pretrained(os.path.join(out, part)) if part == "text_encoder" else m.save_config(os.path.join(out, part))
    sched.save_config(os.path.join(out, "scheduler"))

# ---- the forms -----------------------------------------------------------------------------------------------------------

def single_sd2(out, source):
    """One bfloat16 file of SD 2's layout: joined projections, a block too many, velocity, an EMA, diffusers' configurations beside."""
    shutil.rmtree(out, ignore_errors=True); tok = tokenizer(source, out, "!"); models = build(21, tok, 2, heads=(2, 4)); rounded(models, torch.bfloat16)
    sched = DDIMScheduler(**BETAS, prediction_type="v_prediction", clip_sample=True, clip_sample_range=1.5)
    configs(out, *models, sched); rows = table(*models, 1); d = original_state(rows, states(*models))
    last = [n for n, part, _, _ in rows if not part]; g = torch.Generator().manual_seed(3)
    for n in last: d[n] = torch.randn(d[n.replace("resblocks.2", "resblocks.1")].shape, generator=g)
    d["cond_stage_model.model.text_projection"] = torch.randn(24, 24, generator=g); d["cond_stage_model.model.logit_scale"] = torch.tensor(4.6)
    d["model_ema.diffusion_modelout0bias"] = torch.ones(8); d["model_ema.decay"] = torch.tensor(0.9999); d["betas"] = torch.linspace(0.00085, 0.012, 10)
    d = {k: v.to(torch.bfloat16).contiguous() for k, v in d.items()}; d["global_step"] = torch.tensor(140000)
    file = os.path.join(out, "velocity.safetensors"); save_file(d, file)
    back = (F.convert_open_clip_checkpoint(models[2], {k: v.float() for k, v in d.items()}))   # what diffusers reads from the file is what was written
    for k, v in states(*models)["text_encoder"].items():
        if "position_ids" not in k: assert torch.equal(v, back["text_model." + k]), k
    golden(out, *models, sched, tok, (8, 8), "single file, SD 2.x layout, bfloat16")

def single_sd1(out, source):
    """One float16 file of SD 1's layout whose UNet and schedule a YAML file of its name describes."""
    shutil.rmtree(out, ignore_errors=True); tok = tokenizer(source, out); models = build(22, tok, 1, widths=(32,), groups=32, heads=8, vae_widths=(8,)); rounded(models, torch.float16)
    sched = PNDMScheduler(**{**BETAS, "beta_start": 0.0009, "beta_end": 0.013}, skip_prk_steps=True)
    models[1].save_config(os.path.join(out, "vae")); models[2].config.save_pretrained(os.path.join(out, "text_encoder"))
    d = original_state(table(*models, 0), states(*models)); d["cond_stage_model.transformer.text_model.embeddings.position_ids"] = torch.arange(77)[None]
    d = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in d.items()}; d["alphas_cumprod"] = torch.linspace(1, 0, 8)
    save_file(d, os.path.join(out, "described.safetensors"))
    yaml.safe_dump({"model": {"base_learning_rate": 1e-4, "target": "ldm.models.diffusion.ddpm.LatentDiffusion", "params": {
        "linear_start": 0.0009, "linear_end": 0.013, "timesteps": 1000, "image_size": 16, "channels": 4, "scale_factor": 0.18215,
        "unet_config": {"target": "ldm.modules.diffusionmodules.openaimodel.UNetModel", "params": {"in_channels": 4, "out_channels": 4, "model_channels": 32,
            "attention_resolutions": [1], "num_res_blocks": 1, "channel_mult": [1], "num_heads": 8, "transformer_depth": 1, "context_dim": 24, "legacy": False}},
        "cond_stage_config": {"target": "ldm.modules.encoders.modules.FrozenCLIPEmbedder"}}}}, open(os.path.join(out, "described.yaml"), "w"))
    golden(out, *models, sched, tok, (16, 16), "single file, SD 1.x layout, float16, described by YAML")

def sharded(out, source):
    """diffusers' folder, bfloat16, each part in shards with an index, as a variant; and three LoRAs with what they make of it."""
    shutil.rmtree(out, ignore_errors=True); tok = tokenizer(source, out); models = build(23, tok, 1); rounded(models, torch.bfloat16); sched = PNDMScheduler(**BETAS, skip_prk_steps=True)
    golden(out, *models, sched, tok, (8, 8), "shards of a bfloat16 variant")
    base = [copy.deepcopy(m) for m in models]
    for m, part in zip(base, ("unet", "vae", "text_encoder")): m.to(torch.bfloat16).save_pretrained(os.path.join(out, part), safe_serialization=True, variant="bf16", max_shard_size="100KB")
    sched.save_config(os.path.join(out, "scheduler"))
    json.dump({"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"], "scheduler": ["diffusers", "PNDMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"]}, open(os.path.join(out, "model_index.json"), "w"), indent=1)
    return tok, models, sched

def lora(out, tok, models, sched):
    """LoRAs of each layout, trained by nobody: random factors."""
    shutil.rmtree(out, ignore_errors=True); os.makedirs(out); g = torch.Generator().manual_seed(7); r = lambda *s: torch.randn(*s, generator=g) * 0.2
    linear = lambda m: {n: x for n, x in m.named_modules() if isinstance(x, (torch.nn.Linear, torch.nn.Conv2d))}
    unet, _, text = models; A, T = linear(unet), {n.removeprefix("text_model."): x for n, x in linear(text).items()}
    def factors(x, rank):
        o, i = x.weight.shape[:2]; k = x.weight.shape[2:]
        return r(rank, i, *k), r(o, rank, *([1] * len(k)))
    attention = [n for n in A if ".attn" in n and ".to_" in n]; proj = [n for n in A if n.endswith(("proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"))]
    te = [n for n in T if "self_attn" in n or "mlp" in n]
    # peft's names, the scale in the file's notes
    d = {}
    for n in attention + proj: d[f"unet.{n}.lora_A.weight"], d[f"unet.{n}.lora_B.weight"] = factors(A[n], 2)
    for n in te: d[f"text_encoder.text_model.{n}.lora_A.weight"], d[f"text_encoder.text_model.{n}.lora_B.weight"] = factors(T[n], 2)
    names = lambda l: sorted({n.split(".")[-1] if not n.endswith((".0", ".2")) else ".".join(n.split(".")[-2:]) for n in l})
    meta = {"unet.r": 2, "unet.lora_alpha": 3, "unet.target_modules": sorted(attention + proj), "text_encoder.r": 2, "text_encoder.lora_alpha": 2, "text_encoder.target_modules": names(te)}
    save_file(d, os.path.join(out, "peft.safetensors"), metadata={"format": "pt", "lora_adapter_metadata": json.dumps(meta, sort_keys=True)})
    # diffusers' first names: attention processors of the UNet alone
    d = {}
    for n in attention:
        a = n.removesuffix(".0").rsplit(".", 1); d[f"unet.{a[0]}.processor.{a[1]}_lora.down.weight"], d[f"unet.{a[0]}.processor.{a[1]}_lora.up.weight"] = factors(A[n], 3)
    save_file(d, os.path.join(out, "processors.safetensors"))
    # kohya's names, an alpha each, convolutions with another one; not mixed further, since diffusers 0.42 then takes the commonest for attention
    d = {}
    for prefix, modules, chosen in (("lora_unet_", A, attention + proj + [n for n in A if ".resnets." in n or n.endswith("samplers.0.conv")]), ("lora_te_text_model_", T, te)):
        for n in chosen:
            p = prefix + n.replace(".", "_"); d[p + ".lora_down.weight"], d[p + ".lora_up.weight"] = factors(modules[n], 2); d[p + ".alpha"] = torch.tensor(1.0 if modules[n].weight.ndim == 4 and ".resnets." in n else 4.0)
    save_file({k: v.half() for k, v in d.items()}, os.path.join(out, "kohya.safetensors"))
    # kohya's form of the original layout's names
    d, rows = {}, table(*models, 0)
    for name, part, ours, _ in rows:
        n = ours.removesuffix(".weight")
        if part == "unet" and n in attention + proj:
            p = "lora_unet_" + name.removeprefix("model.diffusion_model.").removesuffix(".weight").replace(".", "_")
            d[p + ".lora_down.weight"], d[p + ".lora_up.weight"] = factors(A[n], 2); d[p + ".alpha"] = torch.tensor(2.0)
    save_file(d, os.path.join(out, "original.safetensors"))
    for name, scale in (("peft", 0.8), ("processors", 1.0), ("kohya", 0.6), ("original", -0.5)):
        pipe = StableDiffusionPipeline(vae=copy.deepcopy(models[1]), text_encoder=copy.deepcopy(text), tokenizer=tok, unet=copy.deepcopy(unet), scheduler=sched, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
        pipe.load_lora_weights(os.path.join(out, name + ".safetensors"), unet_config=pipe.unet.config); pipe.fuse_lora(lora_scale=scale); pipe.unload_lora_weights()
        golden(os.path.join(out, name), pipe.unet, pipe.vae, pipe.text_encoder, sched, tok, (8, 8), f"{name}.safetensors:{scale}")
    # a convolution through a middle factor, which diffusers does not read: the weight by the formula of LyCORIS
    x = A["down_blocks.0.resnets.0.conv1"]; o, i, k, _ = x.weight.shape; down, mid, up = r(2, i, 1, 1), r(3, 2, k, k), r(o, 3, 1, 1); p = "lora_unet_down_blocks_0_resnets_0_conv1"
    save_file({p + ".lora_down.weight": down, p + ".lora_mid.weight": mid, p + ".lora_up.weight": up, p + ".alpha": torch.tensor(1.0)}, os.path.join(out, "middle.safetensors"))
    save_file({"merged": x.weight + 0.7 * (1.0 / 2) * torch.einsum("abkl,oa,bi->oikl", mid, up[:, :, 0, 0], down[:, :, 0, 0])}, os.path.join(out, "middle-golden.safetensors"))

def names(out):
    """The two layouts' names for the tiny checkpoints beside this script and for the published shapes."""
    os.makedirs(out, exist_ok=True); here = os.path.dirname(os.path.abspath(__file__))
    def write(name, unet, vae, text, extra):
        with open(os.path.join(out, name + ".tsv"), "w") as f:
            for row in table(unet, vae, text, extra): f.write("\t".join(row) + "\n")
    for name, extra in (("tiny-sd1", 0), ("tiny-sd2", 1)):
        p = os.path.join(here, name); write(name, UNet2DConditionModel.from_pretrained(p, subfolder="unet"), AutoencoderKL.from_pretrained(p, subfolder="vae"), CLIPTextModel.from_pretrained(p, subfolder="text_encoder"), extra)
    with torch.device("meta"):   # shapes alone
        vae = AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
        one = UNet2DConditionModel(cross_attention_dim=768), CLIPTextModel(CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12))
        two = UNet2DConditionModel(cross_attention_dim=1024, attention_head_dim=(5, 10, 20, 20), use_linear_projection=True), CLIPTextModel(
            CLIPTextConfig(hidden_size=1024, intermediate_size=4096, num_hidden_layers=23, num_attention_heads=16, hidden_act="gelu"))
    write("sd1", one[0], vae, one[1], 0); write("sd2", two[0], vae, two[1], 1)

if __name__ == "__main__":
    source, out = sys.argv[1:]
    single_sd2(os.path.join(out, "single-sd2"), source); single_sd1(os.path.join(out, "single-sd1"), source)
    lora(os.path.join(out, "lora"), *sharded(os.path.join(out, "sharded"), source)); names(os.path.join(out, "original-names"))
