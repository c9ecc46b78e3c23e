"""What transformers computes with an evaluator, kept beside it: make_goldens.py FOLDER...

A FOLDER is a CLIP, OWL-ViT, OWLv2 or BLIP captioning checkpoint as transformers 5 saves it (config.json,
model.safetensors, preprocessor_config.json, tokenizer files). Needs torch, transformers, Pillow and, for OWLv2, SciPy.
`heed verify FOLDER` compares Heed with what this writes:

golden.safetensors
  picture.N        uint8 [row, column, channel]      the picture before any processing
  pixels.N         float32 [channel, row, column]    what the processor makes of it (Pillow's resampling; OWLv2: SciPy's)
  token_ids        int32 [text, position]
  CLIP:            image_embeds [picture, width] and text_embeds [text, width], both of length 1; logits [picture, text]
  OWL-ViT, OWLv2:  logits [picture, patch, query]; boxes [picture, patch, 4]: centre x, centre y, width, height, as shares
                   of the squeezed or padded picture; OWLv2's objectness [picture, patch], logits
  BLIP:            logits [picture, position, vocabulary] of the prompt's tokens
golden.json        texts, settings, and what post-processing finds above a threshold (score, query, box in the picture's
                   own pixels) or captions (three beams, greedy search)
"""
import json
import sys

import numpy as np
import torch
import transformers
from PIL import Image, ImageDraw
from safetensors.torch import save_file

SIZES = [(128, 128), (150, 97), (97, 150), (300, 200)]
TEXTS = [
    "a photo of a cat", "a photo of a frog", "a cat and a frog", "a photo of a red car", "a blue car",
    "a purple crown and a blue suitcase",
]


def drawn(size, seed):
    """A picture of any size: a slope of colour, an ellipse, a box, a little noise."""
    random = np.random.RandomState(seed)
    width, height = size
    y, x = np.mgrid[:height, :width]
    slope = np.stack([x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height)], -1)
    pixels = slope * 0.6 + random.randint(0, 60, 3) + random.randint(0, 12, (height, width, 3))
    picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    color = lambda: tuple(int(v) for v in random.randint(0, 255, 3))
    draw.ellipse((width * 0.1, height * 0.2, width * 0.45, height * 0.7), fill=color())
    draw.rectangle((width * 0.55, height * 0.3, width * 0.9, height * 0.85), fill=color())
    return picture


def processor(name, folder):
    """The processor that resamples with Pillow, however the version calls it."""
    for suffix in ("Pil", "Slow", ""):
        if hasattr(transformers, name + suffix):
            return getattr(transformers, name + suffix).from_pretrained(folder)
    raise ImportError(name)


def pixels_of(process, pictures):
    return torch.stack([torch.as_tensor(np.asarray(process(p)["pixel_values"][0])) for p in pictures]).float()


def clip(folder, pictures, texts):
    model = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    window = model.config.text_config.max_position_embeddings
    pixels = pixels_of(processor("CLIPImageProcessor", folder), pictures)
    tokens = tokenizer(texts, padding="max_length", max_length=window, truncation=True, return_tensors="pt")
    out = model(pixel_values=pixels, input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
    tensors = dict(
        image_embeds=out.image_embeds, text_embeds=out.text_embeds, logits=out.logits_per_image,
        token_ids=tokens.input_ids.int())
    return pixels, tensors, {}


def owl(folder, pictures, texts, is_second):
    name = "Owlv2" if is_second else "OwlViT"
    model = getattr(transformers, name + "ForObjectDetection").from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    window = model.config.text_config.max_position_embeddings
    queries = texts[:4]
    pixels = pixels_of(processor(name + "ImageProcessor", folder), pictures)
    tokens = tokenizer(queries, padding="max_length", max_length=window, truncation=True, return_tensors="pt")
    ids = tokens.input_ids.clone()
    ids[tokens.attention_mask == 0] = 0
    parts, detections = {}, []
    for index, picture in enumerate(pictures):
        out = model(pixel_values=pixels[index : index + 1], input_ids=ids, attention_mask=tokens.attention_mask)
        parts.setdefault("logits", []).append(out.logits)
        parts.setdefault("boxes", []).append(out.pred_boxes)
        if is_second:
            parts.setdefault("objectness", []).append(out.objectness_logits)
        threshold = float(out.logits.sigmoid().max()) * 0.6
        # OWLv2's boxes are shares of the padded square.
        width, height = [max(picture.size)] * 2 if is_second else picture.size
        scores, labels = out.logits.sigmoid().max(-1)
        kept = scores[0] > threshold
        center = out.pred_boxes[0][kept]
        corners = torch.cat([center[:, :2] - center[:, 2:] / 2, center[:, :2] + center[:, 2:] / 2], 1)
        corners = corners * torch.tensor([width, height, width, height])
        detections.append(dict(threshold=threshold, found=[
            dict(score=float(s), query=int(q), box=[round(float(v), 3) for v in b])
            for s, q, b in zip(scores[0][kept], labels[0][kept], corners)]))
    tensors = {key: torch.cat(value) for key, value in parts.items()} | dict(token_ids=ids.int())
    return pixels, tensors, dict(queries=queries, detections=detections)


def blip(folder, pictures, texts):
    model = transformers.BlipForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    config = model.config.text_config
    pixels = pixels_of(processor("BlipImageProcessor", folder), pictures)
    ids = tokenizer("a picture of", add_special_tokens=False).input_ids
    start = torch.tensor([[config.bos_token_id] + ids])
    ended = torch.cat([start, torch.tensor([[config.sep_token_id]])], 1)
    logits = torch.cat([
        model.text_decoder(input_ids=start, encoder_hidden_states=model.vision_model(pixels[i : i + 1])[0]).logits
        for i in range(len(pixels))])
    captions = {}
    settings = {
        "three beams, 5 to 30 tokens": dict(num_beams=3, max_length=30, min_length=5),
        "greedy, at most 20 tokens": dict(num_beams=1, max_length=20),
    }
    for name, chosen in settings.items():
        made = [
            model.generate(pixel_values=pixels[i : i + 1], input_ids=ended, do_sample=False, **chosen)[0].tolist()
            for i in range(len(pixels))]
        captions[name] = [dict(ids=m, text=tokenizer.decode(m, skip_special_tokens=True)) for m in made]
    return pixels, dict(logits=logits), dict(prompt="a picture of", start=start[0].tolist(), captions=captions)


def make(folder, pictures=None, texts=None):
    with open(folder + "/config.json") as file:
        kind = json.load(file)["model_type"]
    torch.set_num_threads(1)
    pictures = pictures or [drawn(size, seed) for seed, size in enumerate(SIZES)]
    texts = texts or TEXTS
    with torch.no_grad():
        if kind == "clip":
            pixels, tensors, notes = clip(folder, pictures, texts)
        elif kind in ("owlvit", "owlv2"):
            pixels, tensors, notes = owl(folder, pictures, texts, kind == "owlv2")
        elif kind == "blip":
            pixels, tensors, notes = blip(folder, pictures, texts)
        else:
            sys.exit(f"{folder}: {kind}")
    for index, picture in enumerate(pictures):
        tensors[f"picture.{index}"] = torch.from_numpy(np.asarray(picture.convert("RGB")).copy())
        tensors[f"pixels.{index}"] = pixels[index]
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder + "/golden.safetensors")
    versions = dict(transformers=transformers.__version__, torch=torch.__version__)
    description = dict(
        kind=kind, texts=texts, pictures=[list(p.size) for p in pictures], made_with=versions, **notes)
    with open(folder + "/golden.json", "w") as file:
        json.dump(description, file, indent=1)
    print(folder, kind, {key: list(value.shape) for key, value in tensors.items() if "." not in key}, flush=True)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        make(argument.rstrip("/"))
