#!/usr/bin/env python3
"""Writes tiny random Stable Diffusion XL checkpoints and what diffusers computes with them.

    python3 -m venv v && v/bin/pip install torch diffusers transformers accelerate safetensors peft
    v/bin/python make_xl_models.py TOKENIZER_FOLDER OUT_FOLDER

OUT_FOLDER gets checkpoints in diffusers' layout with golden.safetensors and golden.json as make_tiny_models.py describes
them, and xl/prompts.safetensors with prompts.json: final latents of runs of tiny-xl whose prompts, sizes, LoRA or embeddings are
others. xl/few-steps.safetensors has runs of tiny-xl as Turbo and Lightning are run. xl/single.safetensors is tiny-xl-v in the
original layout. CPU, float32, fixed seeds: running this again gives the same files.
"""
import json, os, shutil, sys
import torch
from diffusers import (AutoencoderKL, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler,
                       StableDiffusionXLPipeline, UNet2DConditionModel)
from diffusers.loaders import single_file_utils as F
from peft import LoraConfig, inject_adapter_in_model
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
from make_checkpoint_forms import original_clip, original_openclip, original_unet, original_vae
from make_tiny_models import INDICES, PROMPTS, Probe, ae_loss, hook
from xl_attend_and_excite import attend_and_excite

torch.set_num_threads(1)
BETAS = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1)

# Widths and heads by level, transformers by level and which levels have any, the text encoders' widths, the projection, the size
# embedding's width, the latent's height and width, and the grid that Attend-and-Excite reads.
KINDS = {
    "tiny-xl": dict(seed=21, channels=(16, 16, 32), heads=(2, 2, 4), depth=(1, 2, 3), attends=(False, True, True), text=(24, 40), projection=40,
                    sizes=8, latent=(16, 16), grid=(4, 4), scheduler=(EulerDiscreteScheduler, dict(timestep_spacing="leading")), zeros=True,
                    linear=True, per_block=2, end=2),
    "tiny-xl-v": dict(seed=22, channels=(16, 32), heads=(2, 4), depth=(1, 2), attends=(False, True), text=(16, 32), projection=24, sizes=16,
                      latent=(16, 16), grid=(8, 8), scheduler=(EulerDiscreteScheduler, dict(timestep_spacing="trailing",
                      prediction_type="v_prediction", rescale_betas_zero_snr=True)), zeros=False, linear=True, per_block=1, end=None),
    "tiny-xl-uneven": dict(seed=23, channels=(8, 16, 24), heads=(2, 1, 4), depth=(1, 3, 2), attends=(True, True, False), text=(16, 64), projection=48,
                           sizes=12, latent=(24, 16), grid=(12, 8), scheduler=(DPMSolverMultistepScheduler, dict(use_karras_sigmas=True)),
                           zeros=False, linear=False, per_block=(1, 2, 1), end=2),
}


def build(kind, tok):
    k = KINDS[kind]; torch.manual_seed(k["seed"]); eos = tok.eos_token_id
    unet = UNet2DConditionModel(sample_size=k["latent"] if len(set(k["latent"])) > 1 else k["latent"][0], layers_per_block=k["per_block"], block_out_channels=k["channels"], norm_num_groups=8,
        down_block_types=["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in k["attends"]],
        up_block_types=["CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(k["attends"])],
        cross_attention_dim=sum(k["text"]), attention_head_dim=k["heads"], transformer_layers_per_block=k["depth"], use_linear_projection=k["linear"],
        addition_embed_type="text_time", addition_time_embed_dim=k["sizes"], projection_class_embeddings_input_dim=k["projection"] + 6 * k["sizes"])
    vae = AutoencoderKL(block_out_channels=(8, 8, 8, 8), layers_per_block=1, latent_channels=4, norm_num_groups=4, sample_size=128, scaling_factor=0.13025,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
    common = dict(vocab_size=len(tok), num_attention_heads=4, max_position_embeddings=77, bos_token_id=tok.bos_token_id, pad_token_id=tok.pad_token_id)
    text = CLIPTextModel(CLIPTextConfig(hidden_size=k["text"][0], intermediate_size=48, num_hidden_layers=3, hidden_act="quick_gelu", eos_token_id=eos, **common))
    text2 = CLIPTextModelWithProjection(CLIPTextConfig(hidden_size=k["text"][1], intermediate_size=64, num_hidden_layers=4, hidden_act="gelu",
        projection_dim=k["projection"], eos_token_id=k["end"] or eos, **common))
    with torch.no_grad():   # torch's default init is timid: widen what attention depends on, and give every bias and norm a value of its own
        for m in (unet, vae, text, text2):
            for name, p in m.named_parameters():
                if ".to_q." in name or ".to_k." in name: p.mul_(3.0)
                if p.ndim == 1: p.add_(torch.randn_like(p) * 0.05)
    return unet.eval(), vae.eval(), text.eval(), text2.eval(), k["scheduler"][0](**BETAS, **k["scheduler"][1])


def pipeline(parts, tok, tok2, zeros):
    unet, vae, text, text2, sched = parts
    pipe = StableDiffusionXLPipeline(vae=vae, text_encoder=text, text_encoder_2=text2, tokenizer=tok, tokenizer_2=tok2, unet=unet, scheduler=sched,
                                     force_zeros_for_empty_prompt=zeros, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def golden(kind, parts, pipe, tok, out):
    unet, vae, text, text2, sched = parts; grid, (h, w) = KINDS[kind]["grid"], KINDS[kind]["latent"]; G, D = {}, {}
    def put(k, t, d): G[k] = t.detach().contiguous().float() if not k.endswith("ids") else t.to(torch.int32).contiguous(); D[k] = d
    put("text.ids", tok(PROMPTS + [""], padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids, "token ids of the prompts and of the empty prompt")
    with torch.no_grad():
        rows = [pipe.encode_prompt(p, device="cpu") for p in PROMPTS]
        emb, pooled = torch.cat([r[0] for r in rows] + [rows[0][1]]), torch.cat([r[2] for r in rows] + [rows[0][3]])
    put("text.embeddings", emb, "[4, 77, width] both encoders' last hidden state but one; the last row is that of no negative prompt")
    put("text.pooled", pooled, "[4, width] the second encoder's projection")
    z = torch.randn(1, 4, h, w, generator=torch.Generator("cpu").manual_seed(5)); put("unet.latent", z, "[1, 4, h, w]: torch CPU generator, seed 5")
    ids = torch.tensor([[8. * h, 8. * w, 0, 0, 8. * h, 8. * w]])
    def added(*i): return dict(text_embeds=pooled[list(i)], time_ids=ids.repeat(len(i), 1))
    with torch.no_grad():
        for t in (981, 500, 1):
            put(f"unet.noise.t{t}", unet(z.expand(2, -1, -1, -1), torch.tensor(t), emb[[3, 0]], added_cond_kwargs=added(3, 0)).sample, f"[2, 4, h, w] UNet output at t={t}, rows: no prompt, prompt 0")
        p = Probe(unet); unet(z, torch.tensor(500), emb[:1], added_cond_kwargs=added(0))
    for n, (m,) in p.maps.items():
        full = m.shape[1] <= 256
        put(f"cross.{n}", m if full else m.mean(0), "[head, pixel, token] probabilities at t=500, prompt 0" if full else "[pixel, token] mean over heads at t=500, prompt 0")
    for j, (idx, pr) in enumerate(zip(INDICES, PROMPTS)):
        for smooth in (True, False):
            store = hook(unet, grid); x = z.clone().requires_grad_(True)
            unet(x, torch.tensor(500), emb[j:j + 1], added_cond_kwargs=added(j)); A, m, L = ae_loss(store, idx, 76, smooth); g, = torch.autograd.grad(L, [x])
            tag = f"ae.p{j}.sd1.{'smooth' if smooth else 'raw'}"
            put(tag + ".maxima", m, f"largest value of the renormalised map of tokens {idx}"); put(tag + ".loss", L.reshape(1), "the loss"); put(tag + ".gradient", g, "its gradient")
    from diffusers.models.attention_processor import AttnProcessor
    unet.set_attn_processor(AttnProcessor())
    with torch.no_grad(): put("vae.decoded", vae.decode(z / vae.config.scaling_factor).sample, "[1, 3, 8h, 8w] decode(latent / scaling_factor)")
    pipe.save_pretrained(out, safe_serialization=True)
    r = pipe(PROMPTS[1], num_inference_steps=6, guidance_scale=7.5, height=8 * h, width=8 * w, latents=z.clone(), output_type="latent").images
    put("e2e.sd.latent", r, "[1, 4, h, w] final latent of Stable Diffusion XL, prompt 1, 6 steps, guidance 7.5, starting at unet.latent")
    r, losses = attend_and_excite(unet, sched, pipe.encode_prompt(PROMPTS[1], device="cpu"), INDICES[1], z, grid, 6, 4, {0: 0.05, 2: 0.55})
    put("e2e.ae.latent", r, "[1, 4, h, w] final latent of Attend-and-Excite: tokens [2, 6], updates while i < 4, thresholds {0: 0.05, 2: 0.55}")
    save_file(G, os.path.join(out, "golden.safetensors"))
    json.dump(dict(model=kind, latent=[h, w], attention_grid=grid, prompts=PROMPTS, token_indices=INDICES, tensors=D, ae_loss_evaluations=losses), open(os.path.join(out, "golden.json"), "w"), indent=1)
    print(kind, len(G), "tensors", sum(t.numel() for t in G.values()) * 4 >> 10, "KiB; AE losses", [round(l, 4) for l in losses])


def load(folder):
    pipe = StableDiffusionXLPipeline.from_pretrained(folder, add_watermarker=False); pipe.set_progress_bar_config(disable=True)
    return pipe


def few_steps(folder, out):
    """Runs without guidance from seed 7: Turbo's scheduler, which draws noise in every step, and Lightning's, with another UNet."""
    G = {}
    def put(name, pipe, steps):
        G[name] = pipe("a cat and a frog", num_inference_steps=steps, guidance_scale=0.0, height=128, width=128,
                       generator=torch.Generator("cpu").manual_seed(7), output_type="latent").images.detach().float().contiguous()
    pipe = load(folder)
    pipe.scheduler = EulerAncestralDiscreteScheduler.from_config(pipe.scheduler.config, timestep_spacing="trailing")
    for steps in (1, 2, 3, 4): put(f"turbo-{steps}", pipe, steps)
    pipe = load(folder)
    with torch.no_grad():   # the other UNet: every vector is half of what it was, which the test can do too
        for p in pipe.unet.parameters():
            if p.ndim == 1: p.mul_(0.5)
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config, timestep_spacing="trailing")
    for steps in (1, 2, 4, 8): put(f"lightning-{steps}", pipe, steps)
    save_file(G, os.path.join(out, "few-steps.safetensors"))


def prompts(folder, out):
    """Runs of four steps from seed 7 whose texts, sizes, words or weights are others."""
    G, D = {}, {}; p = "a cat and a frog"
    def put(name, pipe, prompt, **more):
        z = torch.randn(1, 4, 16, 16, generator=torch.Generator("cpu").manual_seed(7))
        G[name] = pipe(prompt, num_inference_steps=4, guidance_scale=7.5, height=128, width=128, latents=z, output_type="latent", **more).images.detach().float().contiguous()
        D[name] = dict(prompt=prompt, **more)
    pipe = load(folder)
    put("plain", pipe, p); put("negative", pipe, p, negative_prompt="a red dog"); put("second", pipe, p, prompt_2="a mouse in the snow")
    put("second-negative", pipe, p, negative_prompt="a red dog", negative_prompt_2="a blue car"); put("skip", pipe, p, clip_skip=1)
    put("sizes", pipe, p, original_size=(64, 96), crops_coords_top_left=(16, 24))
    g = torch.Generator("cpu").manual_seed(31)
    vectors = dict(clip_l=torch.randn(2, 24, generator=g) * 0.4, clip_g=torch.randn(2, 40, generator=g) * 0.4)
    save_file(vectors, os.path.join(out, "toy.safetensors"))
    pipe = load(folder)
    pipe.load_textual_inversion(vectors["clip_l"], token="toy-word", text_encoder=pipe.text_encoder, tokenizer=pipe.tokenizer)
    pipe.load_textual_inversion(vectors["clip_g"], token="toy-word", text_encoder=pipe.text_encoder_2, tokenizer=pipe.tokenizer_2)
    put("embedding", pipe, "a toy-word and a frog")
    torch.manual_seed(41); pipe = load(folder); state = {}
    for part, targets in (("unet", ["to_q", "to_k", "to_v", "to_out.0", "proj_in"]), ("text_encoder", ["q_proj", "v_proj", "fc1"]), ("text_encoder_2", ["q_proj", "out_proj", "fc2"])):
        model = getattr(pipe, part); inject_adapter_in_model(LoraConfig(r=2, lora_alpha=2, target_modules=targets, init_lora_weights="gaussian"), model)
        with torch.no_grad():
            for name, w in model.named_parameters():
                if "lora_B" in name: w.copy_(torch.randn_like(w) * 0.2)
        state.update({f"{part}.{k}": v.detach().contiguous() for k, v in get_peft_model_state_dict(model).items()})
    save_file(state, os.path.join(out, "peft.safetensors")); put("lora", pipe, p)
    kohya = {}
    for key, w in state.items():
        part, rest = key.split(".", 1); module, factor = rest.rsplit(".lora_", 1)
        start = dict(unet="lora_unet_", text_encoder="lora_te1_", text_encoder_2="lora_te2_")[part]
        name = start + module.replace(".", "_")
        kohya[f"{name}.lora_{'down' if factor.startswith('A') else 'up'}.weight"] = w; kohya[name + ".alpha"] = torch.tensor(2.0)
    save_file(kohya, os.path.join(out, "kohya.safetensors"))
    save_file(G, os.path.join(out, "prompts.safetensors")); json.dump(D, open(os.path.join(out, "prompts.json"), "w"), indent=1)


def single(parts, kind, path):
    """The checkpoint in the original layout: names as its authors' code builds them, turned into diffusers' by diffusers' converters."""
    unet, vae, text, text2, _ = parts; k = KINDS[kind]; state = {}
    def run(names, convert, model):
        label = {n: torch.full((3, 1) if n.endswith("in_proj_weight") else (3,) if n.endswith("in_proj_bias") else (1, 1, 1, 1), float(i)) for i, n in enumerate(names)}
        ours = {n.removeprefix("text_model."): t for n, t in model.state_dict().items()}; joined = {}
        for name, v in convert(label).items():
            name = name.removeprefix("text_model.")
            if name not in ours: continue
            stored, t = names[int(v.flatten()[0])], ours[name]
            if "in_proj" in stored: joined.setdefault(stored, {})[next(i for i, x in enumerate("qkv") if f".{x}_proj." in name)] = t
            elif stored.endswith("text_projection"): state[stored] = t.T.contiguous()
            elif ".attn_1." in stored and stored.endswith("weight") and ".norm." not in stored: state[stored] = t[:, :, None, None].clone()
            else: state[stored] = t.clone()
        for stored, thirds in joined.items(): state[stored] = torch.cat([thirds[i] for i in range(3)])
    embed = [f"model.diffusion_model.label_emb.0.{i}.{x}" for i in (0, 2) for x in ("weight", "bias")]
    config = dict(unet.config); config["class_embed_type"], config["num_class_embeds"] = None, None
    run(original_unet(k["channels"], k["per_block"], k["attends"], k["depth"], True) + embed, lambda d: F.convert_ldm_unet_checkpoint(d, config), unet)
    run(original_vae((8, 8, 8, 8), 1), lambda d: F.convert_ldm_vae_checkpoint(d, dict(vae.config)), vae)
    names = [n.replace("cond_stage_model.", "conditioner.embedders.0.") for n in original_clip(3)]
    run(names, lambda d: F.convert_ldm_clip_checkpoint(d), text)
    names = [n.replace("cond_stage_model.", "conditioner.embedders.1.") for n in original_openclip(4)] + ["conditioner.embedders.1.model.text_projection"]
    run(names, lambda d: F.convert_open_clip_checkpoint(text2, d, prefix="conditioner.embedders.1.model."), text2)
    thirds = 4 * sum(m.config.num_hidden_layers for m in (text2,))
    assert len(state) == sum(len(m.state_dict()) for m in (unet, vae, text, text2)) - thirds
    save_file(state, path)


if __name__ == "__main__":
    tok = CLIPTokenizer.from_pretrained(sys.argv[1]); tok2 = CLIPTokenizer.from_pretrained(sys.argv[1], pad_token="!")
    for kind, k in KINDS.items():
        out = os.path.join(sys.argv[2], kind); parts = build(kind, tok); pipe = pipeline(parts, tok, tok2, k["zeros"])
        golden(kind, parts, pipe, tok, out)
        for folder in ("tokenizer", "tokenizer_2"):
            for f in ("vocab.json", "merges.txt"): shutil.copy(os.path.join(sys.argv[1], f), os.path.join(out, folder, f))
    out = os.path.join(sys.argv[2], "xl"); os.makedirs(out, exist_ok=True)
    single(build("tiny-xl-v", tok), "tiny-xl-v", os.path.join(out, "single.safetensors"))
    prompts(os.path.join(sys.argv[2], "tiny-xl"), out)
    few_steps(os.path.join(sys.argv[2], "tiny-xl"), out)
