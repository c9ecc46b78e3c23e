"""Tiny random evaluators of odd shapes, with what transformers computes with them: make_tiny_evaluators.py

Writes the folders beside it, each with the tokenizer of the CLIP that comes with Heed:

clip-gelu       other widths, depths, heads and patches than any published one, exact gelu, 24 positions, an end token
clip-sharp      quick gelu, OpenAI's forms of configurations (no end token, sizes as numbers), weights in two shards
open-clip       clip-gelu's weights by OpenCLIP's names and layout, with open_clip_config.json
owlvit-tiny     a patch that does not divide the picture, exact gelu
owlv2-tiny      OWLv2, with its padding and its objectness head
positions       a vision transformer's states of pictures of other sizes, with interpolated positions
preprocessing   what OpenCLIP's processor makes of a picture of an odd size

Needs torch, transformers 5, Pillow, SciPy (OWLv2's resizing).
"""
import json
import os
import shutil

import numpy as np
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file

import make_goldens

HERE = os.path.dirname(os.path.abspath(__file__))
EYES = HERE + "/../../../Sources/Evaluation/Resources/Eyes/clip"
MEAN, DEVIATION = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
SIZES = [(45, 45), (61, 37), (23, 40), (120, 66)]
TEXTS = make_goldens.TEXTS + [
    "a photo of a bear", "an elephant with a bow", "a zebra and a panda",
    "a text that no window of twenty-four positions holds, and that is cut where it ends",
]


def randomize(model, seed):
    """Weights that make every part of the model matter."""
    random = torch.Generator().manual_seed(seed)
    for name, value in model.named_parameters():
        noise = torch.randn(value.shape, generator=random)
        if value.ndim == 0:
            continue
        if "norm" in name and name.endswith("weight"):
            value.data = 1 + 0.2 * noise
        elif value.ndim == 1:
            value.data = 0.2 * noise
        elif "embedding" in name and value.ndim == 2:
            value.data = 0.5 * noise
        else:
            value.data = 1.2 * noise / value[0].numel() ** 0.5
    return model.eval()


def folder(name):
    path = f"{HERE}/{name}"
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def tokenizer(path, window):
    for file in ("vocab.json", "merges.txt"):
        shutil.copy(f"{EYES}/{file}", path)
    write(path + "/tokenizer_config.json", dict(
        tokenizer_class="CLIPTokenizer", model_max_length=window, bos_token="<|startoftext|>",
        eos_token="<|endoftext|>", pad_token="<|endoftext|>", unk_token="<|endoftext|>"))


def write(path, value):
    with open(path, "w") as file:
        json.dump(value, file, indent=1)


def goldens(path):
    make_goldens.make(path, [make_goldens.drawn(s, i) for i, s in enumerate(SIZES)], TEXTS)


def shapes(text, vision):
    text = dict(vocab_size=653, bos_token_id=651, eos_token_id=652, **text)
    return dict(text_config=text, vision_config=vision)


def clip_gelu():
    path = folder("clip-gelu")
    config = transformers.CLIPConfig(projection_dim=20, logit_scale_init_value=1.5, **shapes(
        dict(hidden_size=24, intermediate_size=96, num_hidden_layers=2, num_attention_heads=3,
             max_position_embeddings=24, hidden_act="gelu", projection_dim=20, pad_token_id=652),
        dict(hidden_size=40, intermediate_size=72, num_hidden_layers=3, num_attention_heads=5, image_size=42,
             patch_size=14, hidden_act="gelu", projection_dim=20)))
    randomize(transformers.CLIPModel(config), 1).save_pretrained(path)
    tokenizer(path, 24)
    write(path + "/preprocessor_config.json", dict(
        image_processor_type="CLIPImageProcessor", do_resize=True, size=dict(shortest_edge=46), resample=2,
        do_center_crop=True, crop_size=dict(height=42, width=42), do_rescale=True, rescale_factor=1 / 255,
        do_normalize=True, image_mean=[0.5, 0.4, 0.3], image_std=[0.3, 0.25, 0.2], do_convert_rgb=True))
    goldens(path)


def clip_sharp():
    path = folder("clip-sharp")
    config = transformers.CLIPConfig(projection_dim=16, **shapes(
        dict(hidden_size=16, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
             max_position_embeddings=77, projection_dim=16),
        dict(hidden_size=32, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, image_size=32,
             patch_size=8, projection_dim=16)))
    randomize(transformers.CLIPModel(config), 2).save_pretrained(path, max_shard_size="80KB")
    with open(path + "/config.json") as file:
        saved = json.load(file)
    # As in OpenAI's folders: an end token that is none, and each part twice.
    saved["text_config"]["eos_token_id"] = 2
    saved["text_config_dict"] = saved["text_config"]
    saved["vision_config_dict"] = None
    write(path + "/config.json", saved)
    tokenizer(path, 77)
    write(path + "/preprocessor_config.json", dict(
        feature_extractor_type="CLIPFeatureExtractor", do_resize=True, size=32, resample=3, do_center_crop=True,
        crop_size=32, do_normalize=True, image_mean=MEAN, image_std=DEVIATION))
    goldens(path)


def open_clip():
    source, path = HERE + "/clip-gelu", folder("open-clip")
    theirs = load_file(source + "/model.safetensors")
    weights = {}
    layer = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
             "self_attn.out_proj": "attn.out_proj"}
    once = {
        "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
        "text_model.embeddings.position_embedding.weight": "positional_embedding",
        "vision_model.embeddings.class_embedding": "visual.class_embedding",
        "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
        "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight", "logit_scale": "logit_scale",
    }
    norms = {"text_model.final_layer_norm": "ln_final", "vision_model.pre_layrnorm": "visual.ln_pre",
             "vision_model.post_layernorm": "visual.ln_post"}
    for name, value in theirs.items():
        stem, end = name.rsplit(".", 1) if "." in name else (name, "")
        if name in once:
            weights[once[name]] = value
        elif stem in norms:
            weights[f"{norms[stem]}.{end}"] = value
        elif name == "visual_projection.weight":
            weights["visual.proj"] = value.T.contiguous()
        elif name == "text_projection.weight":
            weights["text_projection"] = value.T.contiguous()
        else:
            tower, rest = name.split(".encoder.layers.")
            number, rest = rest.split(".", 1)
            block = ("visual." if tower == "vision_model" else "") + f"transformer.resblocks.{number}."
            stem, end = rest.rsplit(".", 1)
            if stem in layer:
                weights[block + layer[stem] + "." + end] = value
            elif stem == "self_attn.q_proj":
                parts = [theirs[name.replace("q_proj", p + "_proj")] for p in "qkv"]
                weights[block + "attn.in_proj_" + end] = torch.cat(parts)
            else:
                assert stem in ("self_attn.k_proj", "self_attn.v_proj"), name
    save_file(weights, path + "/open_clip_model.safetensors")
    write(path + "/open_clip_config.json", dict(
        model_cfg=dict(
            embed_dim=20, vision_cfg=dict(image_size=42, layers=3, width=40, head_width=8, mlp_ratio=1.8, patch_size=14),
            text_cfg=dict(context_length=24, vocab_size=653, width=24, heads=3, layers=2)),
        preprocess_cfg=dict(mean=MEAN, std=DEVIATION, interpolation="bicubic", resize_mode="shortest", size=42)))
    tokenizer(path, 24)


def owlvit():
    path = folder("owlvit-tiny")
    config = transformers.OwlViTConfig(projection_dim=24, **shapes(
        dict(hidden_size=24, intermediate_size=56, num_hidden_layers=2, num_attention_heads=3, hidden_act="gelu",
             max_position_embeddings=12),
        dict(hidden_size=40, intermediate_size=72, num_hidden_layers=2, num_attention_heads=5, image_size=44,
             patch_size=12, hidden_act="gelu")))
    randomize(transformers.OwlViTForObjectDetection(config), 3).save_pretrained(path)
    tokenizer(path, 12)
    write(path + "/preprocessor_config.json", dict(
        image_processor_type="OwlViTFeatureExtractor", do_resize=True, size=[44, 44], resample=3, do_center_crop=False,
        crop_size=44, do_normalize=True, image_mean=MEAN, image_std=DEVIATION))
    goldens(path)


def owlv2():
    path = folder("owlv2-tiny")
    config = transformers.Owlv2Config(projection_dim=24, **shapes(
        dict(hidden_size=24, intermediate_size=56, num_hidden_layers=2, num_attention_heads=2,
             max_position_embeddings=16),
        dict(hidden_size=36, intermediate_size=60, num_hidden_layers=2, num_attention_heads=3, image_size=48,
             patch_size=8)))
    randomize(transformers.Owlv2ForObjectDetection(config), 4).save_pretrained(path)
    tokenizer(path, 16)
    write(path + "/preprocessor_config.json", dict(
        image_processor_type="Owlv2ImageProcessor", do_pad=True, do_resize=True, resample=2, do_rescale=True,
        rescale_factor=1 / 255, do_normalize=True, image_mean=MEAN, image_std=DEVIATION, size=dict(height=48, width=48)))
    goldens(path)


def positions():
    """The states that clip-gelu's vision transformer leaves of pictures that are larger, smaller and not square."""
    model = transformers.CLIPModel.from_pretrained(HERE + "/clip-gelu").eval()
    random = torch.Generator().manual_seed(5)
    tensors = {}
    with torch.no_grad():
        for rows, columns in [(70, 70), (28, 28), (70, 98), (45, 30)]:
            pixels = torch.randn(1, 3, rows, columns, generator=random)
            states = model.vision_model(pixels, interpolate_pos_encoding=True).last_hidden_state
            tensors |= {f"pixels.{rows}x{columns}": pixels, f"states.{rows}x{columns}": states}
    save_file({k: v.contiguous() for k, v in tensors.items()}, HERE + "/positions.safetensors")


def preprocessing():
    """OpenCLIP's: torchvision's Resize of a Pillow picture, then CenterCrop, which rounds half to even."""
    tensors = {}
    for index, (width, height) in enumerate([(61, 42), (84, 90), (43, 47), (45, 42)]):
        picture = make_goldens.drawn((width, height), 10 + index)
        short, side = min(width, height), 42
        size = (side, int(side * height / width)) if width <= height else (int(side * width / height), side)
        resized = picture.resize(size, Image.BICUBIC) if short != side else picture
        left, top = (int(round((extent - side) / 2.0)) for extent in size)
        pixels = np.asarray(resized.crop((left, top, left + side, top + side))).astype(np.float32) / 255
        pixels = (pixels - np.float32(MEAN)) / np.float32(DEVIATION)
        tensors[f"picture.{index}"] = torch.from_numpy(np.asarray(picture).copy())
        tensors[f"pixels.{index}"] = torch.from_numpy(pixels.transpose(2, 0, 1).copy())
    save_file(tensors, HERE + "/open-clip/pixels.safetensors")


os.umask(0o022)
for step in (clip_gelu, clip_sharp, open_clip, owlvit, owlv2, positions, preprocessing):
    step()
