"""Write what diffusers computes with tiny-sd1 at a size that is not square, and for a batch of seeds.

    python3 make_size_goldens.py          needs torch, diffusers, transformers and safetensors

The latent has 10 rows and 22 columns (a picture of 176x80), so that the UNet meets odd grids: 5x11, then 3x6, which is
1/32 of the picture, then 2x3. Beside this file stand golden.safetensors and golden.json, named as make_tiny_models.py
names them, and batch.safetensors. Made with torch 2.15.0 and diffusers 0.42.1 on one thread.
"""

import json
import pathlib
import sys

import torch
from diffusers import StableDiffusionPipeline
from diffusers.models.attention_processor import AttnProcessor
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from make_tiny_models import AE, INDICES, PROMPTS, ae_loss, hook  # noqa: E402

torch.set_num_threads(1)
ROWS, COLUMNS = 10, 22
GRID = (3, 6)
SEEDS = [7, 8, 2**32 - 1]


def losses_of(run):
    """The result of `run` and every loss that Attend-and-Excite evaluates in it."""
    losses, published = [], AE._compute_loss

    def watched(max_attention_per_index):
        loss = published(max_attention_per_index)
        losses.append(float(loss))
        return loss

    AE._compute_loss = staticmethod(watched)
    try:
        return run(), losses
    finally:
        AE._compute_loss = staticmethod(published)


def main():
    folder = str(HERE.parent / "tiny-sd1")
    parts = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, feature_extractor=None)
    unet, vae, text, tok = parts.unet, parts.vae, parts.text_encoder, parts.tokenizer
    parts.set_progress_bar_config(disable=True)
    excited = AE(
        vae=vae, text_encoder=text, tokenizer=tok, unet=unet, scheduler=parts.scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    excited.set_progress_bar_config(disable=True)
    tensors, notes = {}, {}

    def put(name, tensor, note):
        tensors[name], notes[name] = tensor.detach().contiguous().float(), note

    ids = tok(PROMPTS + [""], padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    with torch.no_grad():
        embeddings = text(ids)[0]
    z = torch.randn(1, 4, ROWS, COLUMNS, generator=torch.Generator("cpu").manual_seed(5))
    put("unet.latent", z, "[1, 4, row, column] torch CPU generator, seed 5")
    with torch.no_grad():
        noise = unet(z.expand(2, -1, -1, -1), torch.tensor(500), torch.stack([embeddings[3], embeddings[0]])).sample
        put("unet.noise.t500", noise, "[2, 4, row, column] rows: empty prompt, prompt 0")
        put("vae.decoded", vae.decode(z / vae.config.scaling_factor).sample, "[1, 3, 8 row, 8 column]")
    store = hook(unet, GRID)
    x = z.clone().requires_grad_(True)
    unet(x, torch.tensor(500), embeddings[:1])
    average, maxima, loss = ae_loss(store, INDICES[0], 76, True)
    (gradient,) = torch.autograd.grad(loss, [x])
    unet.set_attn_processor(AttnProcessor())
    put("ae.p0.aggregate", average, "[row, column, token] mean over heads and layers at the grid, t=500")
    put("ae.p0.sd1.smooth.maxima", maxima, "largest values of the smoothed maps")
    put("ae.p0.sd1.smooth.loss", loss.reshape(1), "the loss")
    put("ae.p0.sd1.smooth.gradient", gradient, "[1, 4, row, column] its gradient")

    common = dict(
        num_inference_steps=6, guidance_scale=7.5, height=8 * ROWS, width=8 * COLUMNS, output_type="latent")
    # diffusers' own default for attn_res is (columns, rows), which scrambles maps that are not square.
    # A threshold that is reached at once: refinement turns a disturbance of the noise by 1e-6 into
    # another picture here, and nothing could be compared.
    knobs = dict(token_indices=INDICES[1], max_iter_to_alter=4, thresholds={0: 0.09}, attn_res=GRID)
    put("e2e.sd.latent", parts(PROMPTS[1], latents=z.clone(), **common).images, "prompt 1, 6 steps, guidance 7.5")
    result, losses = losses_of(lambda: excited(PROMPTS[1], latents=z.clone(), **common, **knobs).images)
    put("e2e.ae.latent", result, "as e2e.sd.latent, tokens [2, 6], 4 altered steps, thresholds {0: 0.09}")
    save_file(tensors, HERE / "golden.safetensors")
    description = dict(
        model="tiny-sd1", latent=[ROWS, COLUMNS], attention_grid=GRID, prompts=PROMPTS, token_indices=INDICES,
        tensors=notes, e2e=dict(steps=6, max_iter_to_alter=4, thresholds={"0": 0.09}), ae_loss_evaluations=losses)
    (HERE / "golden.json").write_text(json.dumps(description, indent=1))

    def generators():
        return [torch.Generator("cpu").manual_seed(seed) for seed in SEEDS]

    unet.set_attn_processor(AttnProcessor())
    batch = parts([PROMPTS[1]] * len(SEEDS), generator=generators(), **common).images
    knobs["thresholds"] = {}
    singles = [
        excited(PROMPTS[1], generator=generator, **common, **knobs).images for generator in generators()]
    save_file(
        {"seeds": torch.tensor(SEEDS), "sd": batch.contiguous(), "ae": torch.cat(singles).contiguous()},
        HERE / "batch.safetensors")
    print([round(loss, 4) for loss in losses])


if __name__ == "__main__":
    main()
