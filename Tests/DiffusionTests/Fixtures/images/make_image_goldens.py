#!/usr/bin/env python3
"""Writes picture files, what Pillow and diffusers read from them, and what diffusers makes of a picture.

    python3 -m venv v && v/bin/pip install torch diffusers transformers accelerate safetensors pillow
    v/bin/python make_image_goldens.py

Beside this file: the pictures; files.safetensors, each picture as diffusers' load_image gives it, [row, column, 3];
resized.safetensors, photo.png under VaeImageProcessor's resizing; runs.safetensors, latents of img2img runs and maps
of a noised picture with the checkpoints in ../tiny-sd1 and ../tiny-sd2.
"""
import io, os, struct, sys, zlib
import numpy as np, torch
from PIL import Image
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__)); sys.path.insert(0, os.path.dirname(HERE))
import make_tiny_models as tiny
from diffusers import (StableDiffusionImg2ImgPipeline, DDIMScheduler, PNDMScheduler, LMSDiscreteScheduler, EulerDiscreteScheduler,
                       EulerAncestralDiscreteScheduler, DPMSolverMultistepScheduler)
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils import load_image

SCHEDULERS = {"ddim": DDIMScheduler, "pndm": PNDMScheduler, "lms": LMSDiscreteScheduler, "euler": EulerDiscreteScheduler,
              "euler-ancestral": EulerAncestralDiscreteScheduler, "dpmsolver++": DPMSolverMultistepScheduler}
rng = np.random.default_rng(3)

def at(name): return os.path.join(HERE, name)
def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

def png(depth, color, samples, before=b"", interlaced=False):
    """A PNG of integer samples [row, column, channel], unfiltered; `before` stands before the pixels."""
    def rows(block):
        out = b""
        for row in block:
            flat = row.reshape(-1)
            if depth == 16: packed = b"".join(struct.pack(">H", v) for v in flat)
            else:
                bits = "".join(format(v, f"0{depth}b") for v in flat); bits += "0" * (-len(bits) % 8)
                packed = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
            out += b"\0" + packed
        return out
    adam7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    blocks = [samples[r::dr, c::dc] for r, c, dr, dc in adam7] if interlaced else [samples]
    raw = b"".join(rows(b) for b in blocks if b.shape[0] and b.shape[1])
    h, w = samples.shape[:2]
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, interlaced)) + before
            + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))

def exif(orientation, order="<"):
    """TIFF with one directory of two entries, the second of them the orientation."""
    mark = b"II" if order == "<" else b"MM"
    return (mark + struct.pack(order + "HI", 42, 8) + struct.pack(order + "H", 2) + struct.pack(order + "HHII", 0x0100, 4, 1, 9)
            + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(order + "I", 0))

def write_files():
    h, w = 9, 11
    def any_(depth, channels): return rng.integers(0, 1 << depth, (h, w, channels))
    palette = chunk(b"PLTE", bytes(rng.integers(0, 256, 3 * 16, dtype=np.uint8)))
    gamma = chunk(b"gAMA", struct.pack(">I", 100000)); files = {}
    for depth in (1, 2, 4, 8): files[f"grey-{depth}"] = png(depth, 0, any_(depth, 1))
    for depth in (1, 2, 4, 8):
        files[f"palette-{depth}"] = png(depth, 3, any_(depth, 1) % 16, palette)
    files["palette-transparent"] = png(4, 3, any_(4, 1), palette + chunk(b"tRNS", bytes(range(0, 160, 10))))
    files["rgb-8"] = png(8, 2, any_(8, 3)); files["rgb-16"] = png(16, 2, any_(16, 3)); files["rgba-8"] = png(8, 6, any_(8, 4))
    files["rgba-16"] = png(16, 6, any_(16, 4)); files["grey-alpha-8"] = png(8, 4, any_(8, 2)); files["grey-alpha-16"] = png(16, 4, any_(16, 2))
    files["rgb-transparent"] = png(8, 2, any_(2, 3), chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3)))
    files["rgb-linear"] = png(8, 2, any_(8, 3), gamma); files["rgb-16-linear"] = png(16, 2, any_(16, 3), gamma)
    files["rgb-interlaced"] = png(8, 2, any_(8, 3), interlaced=True); files["grey-2-interlaced"] = png(2, 0, any_(2, 1), interlaced=True)
    files["rgb-turned"] = png(8, 2, any_(8, 3), chunk(b"eXIf", exif(6, ">")))
    for name, data in files.items(): open(at(name + ".png"), "wb").write(data)
    # Pillow clips 16-bit grey at 255; what is right is the upper byte, and is written down here.
    grey = any_(16, 1); open(at("grey-16.png"), "wb").write(png(16, 0, grey))
    smooth = Image.fromarray(photo(29, 21)); jpegs = {}
    for name, options in {"444": dict(subsampling=0), "420": dict(subsampling=2), "422": dict(subsampling=1),
                          "progressive": dict(progressive=True, subsampling=2)}.items():
        buffer = io.BytesIO(); smooth.save(buffer, "JPEG", quality=85, **options); jpegs[name] = buffer.getvalue()
    buffer = io.BytesIO(); smooth.convert("L").save(buffer, "JPEG"); jpegs["grey"] = buffer.getvalue()
    for orientation in range(1, 9):
        order = "<" if orientation % 2 else ">"
        buffer = io.BytesIO(); smooth.resize((13, 8)).save(buffer, "JPEG", exif=b"Exif\0\0" + exif(orientation, order)); jpegs[f"turned-{orientation}"] = buffer.getvalue()
    buffer = io.BytesIO(); smooth.convert("CMYK").save(buffer, "JPEG"); open(at("cmyk.jpg"), "wb").write(buffer.getvalue())
    for name, data in jpegs.items(): open(at(name + ".jpg"), "wb").write(data)
    names = [n + ".png" for n in files] + [n + ".jpg" for n in jpegs]
    expected = {n: torch.tensor(np.array(load_image(at(n)))) for n in names}
    expected["grey-16.png"] = torch.tensor((grey >> 8).astype(np.uint8)).repeat(1, 1, 3)
    save_file(expected, at("files.safetensors")); print(len(expected), "files")

def photo(w, h):
    """Something with edges, gradients and grain."""
    y, x = np.mgrid[0:h, 0:w]; out = np.stack([x / w, y / h, 0.5 + 0.5 * np.sin(x * y / 40)], -1)
    out[(x - 0.6 * w) ** 2 + (y - 0.4 * h) ** 2 < (0.25 * h) ** 2] = (0.9, 0.2, 0.1)
    return np.clip(255 * (out + 0.04 * rng.standard_normal(out.shape)), 0, 255).astype(np.uint8)

def write_resized():
    Image.fromarray(photo(120, 90)).save(at("photo.png"), optimize=True)
    image, processor, out = load_image(at("photo.png")), VaeImageProcessor(), {}
    for w, h in ((64, 64), (120, 64), (16, 90), (256, 40), (8, 8), (150, 110), (100, 30), (110, 85), (1, 1), (120, 90)):
        for fit, mode in (("squash", "default"), ("crop", "crop")):
            out[f"{fit}.{w}x{h}"] = torch.tensor(np.array(processor.resize(image, h, w, resize_mode=mode)))
    out["tensor"] = processor.preprocess(image.resize((8, 8)))[0].clone(); out["tensor.pixels"] = torch.tensor(np.array(image.resize((8, 8))))
    save_file({k: v.contiguous() for k, v in out.items()}, at("resized.safetensors")); print(len(out), "sizes")

def write_runs():
    out = {}; image = VaeImageProcessor().resize(load_image(at("photo.png")), 256, 256)
    for kind in ("tiny-sd1", "tiny-sd2"):
        pipe = StableDiffusionImg2ImgPipeline.from_pretrained(os.path.join(HERE, "..", kind), safety_checker=None, feature_extractor=None)
        pipe.set_progress_bar_config(disable=True); config = pipe.scheduler.config
        first = []; original = StableDiffusionImg2ImgPipeline.prepare_latents
        def kept(self, *a, **k): first.append(original(self, *a, **k)); return first[-1]
        StableDiffusionImg2ImgPipeline.prepare_latents = kept
        for name, cls in SCHEDULERS.items():
            for steps, strength in ((8, 0.6),) + (((5, 1.0), (10, 0.35)) if kind == "tiny-sd1" else ()):
                pipe.scheduler = cls.from_config({**config, "clip_sample": False})   # as Stable Diffusion's own configurations say
                latent = pipe(tiny.PROMPTS[1], image=image, strength=strength, num_inference_steps=steps, guidance_scale=7.5,
                              generator=torch.Generator("cpu").manual_seed(7), output_type="latent").images
                key = f"{kind}.{name}.{steps}.{strength}"; out[key] = latent[0].clone(); out[key + ".start"] = first[-1][0, :, :8, :8].clone()
        StableDiffusionImg2ImgPipeline.prepare_latents = original
        excite(kind, pipe, config, image, out); explain(kind, pipe, image, out)
    save_file({k: v.contiguous().float() for k, v in out.items()}, at("runs.safetensors"))
    print(len(out), "tensors,", os.path.getsize(at("runs.safetensors")) >> 10, "KiB")

def excite(kind, pipe, config, image, out):
    """diffusers' Attend-and-Excite over the timesteps that img2img leaves: its `i` counts those that are made."""
    class Late(DDIMScheduler):
        def set_timesteps(self, n, device=None, **k): super().set_timesteps(n, device, **k); self.timesteps = self.timesteps[n - int(n * 0.7):]
    scheduler = Late.from_config({**config, "clip_sample": False}); generator = torch.Generator("cpu").manual_seed(7)
    scheduler.set_timesteps(10); x = pipe.image_processor.preprocess(image)
    with torch.no_grad():
        clean = pipe.vae.config.scaling_factor * pipe.vae.encode(x).latent_dist.sample(generator)
        start = scheduler.add_noise(clean, torch.randn(clean.shape, generator=generator), scheduler.timesteps[:1])
    ae = tiny.AE(vae=pipe.vae, text_encoder=pipe.text_encoder, tokenizer=pipe.tokenizer, unet=pipe.unet, scheduler=scheduler, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    ae.set_progress_bar_config(disable=True)
    out[f"{kind}.excited"] = ae(tiny.PROMPTS[1], token_indices=tiny.INDICES[1], num_inference_steps=10, guidance_scale=7.5, height=256, width=256,
                                latents=start, output_type="latent", max_iter_to_alter=3, thresholds={}, attn_res=(16, 16)).images[0].detach()
    from diffusers.models.attention_processor import AttnProcessor
    pipe.unet.set_attn_processor(AttnProcessor())

def explain(kind, pipe, image, out):
    """The posterior's mean, noised to a training time, and the maps of the pass for the prompt."""
    x = pipe.image_processor.preprocess(image); schedule = DDIMScheduler.from_config(pipe.scheduler.config)
    with torch.no_grad():
        posterior = pipe.vae.encode(x).latent_dist; clean = posterior.mode() * pipe.vae.config.scaling_factor
        ids = pipe.tokenizer(tiny.PROMPTS[0], padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        embedding = pipe.text_encoder(ids)[0]
    noise = torch.randn(clean.shape, generator=torch.Generator("cpu").manual_seed(7)); out[f"{kind}.clean"] = clean[0]
    out[f"{kind}.sample"] = posterior.sample(torch.Generator("cpu").manual_seed(7))[0]
    for t in (799, 261):
        noisy = schedule.add_noise(clean, noise, torch.tensor([t])); out[f"{kind}.noisy.{t}"] = noisy[0]
        probe = tiny.Probe(pipe.unet)
        with torch.no_grad(): pipe.unet(noisy, torch.tensor(t), embedding)
        for n, m in probe.maps.items():
            if m.shape[2] == 256 and "up_blocks" in n: out[f"{kind}.map.{t}.{n}"] = m[0, :, :, :7]
        store = tiny.hook(pipe.unet, (16, 16))
        pipe.unet(noisy.clone().requires_grad_(True), torch.tensor(t), embedding)   # the store keeps what has a gradient
        end = int((ids[0] == pipe.tokenizer.eos_token_id).float().argmax())
        _, maxima, loss = tiny.ae_loss(store, tiny.INDICES[0], 76 if kind == "tiny-sd1" else end, True)
        out[f"{kind}.maxima.{t}"] = maxima; out[f"{kind}.loss.{t}"] = loss.reshape(1)

if __name__ == "__main__": write_files(); write_resized(); write_runs()
