"""Writes tiny BLIP checkpoints of random weights, and what transformers computes with them.

Needs torch, safetensors, Pillow and transformers. Run twice, first with transformers 5, which writes
captioner/ and answerer/ with their goldens, then with 4.26, which writes captioner/captions_by_4.json: both
differ in how they count a text's length.

Each folder has a checkpoint as save_pretrained writes it, and beside it golden.json and golden.safetensors:
  picture.N  uint8 [row, column, channel]       the picture before any processing
  pixels.N   float32 [channel, row, column]     what the processor makes of it with Pillow
captioner:
  logits     float32 [picture, position, id]    of the prompt's tokens
  captions, in golden.json: by what is searched for, the ids and the text that each picture gets
answerer:
  yes.SIDE   float32 [picture, question]        p(yes) / (p(yes) + p(no)) of the first id of the answer, of
                                                pictures of SIDE pixels, for which positions are interpolated
  questions, in golden.json: each with its ids
"""

import json
import os
import sys

import numpy as np
import torch
import transformers
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file

here = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
words = """a picture of cat dog frog red blue car crown and the with is in on ##s ##y yes no ? , . ' s t two
 bear green chair""".split()
special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
vocabulary = special + words + ["[DEC]", "[ENC]"]
settings = {
    "three beams, 10 to 30 tokens": dict(num_beams=3, min_length=10, max_length=30),
    "three beams, 5 to 30 tokens": dict(num_beams=3, min_length=5, max_length=30),
    "two beams, at most 12 tokens": dict(num_beams=2, max_length=12),
    "three beams, at most 8 tokens": dict(num_beams=3, max_length=8),
    "five beams, 6 to 16 tokens, repetition penalty 1.5": dict(
        num_beams=5, min_length=6, max_length=16, repetition_penalty=1.5),
    "four beams, at most 24 tokens, repetition penalty 1.2": dict(
        num_beams=4, max_length=24, repetition_penalty=1.2),
    "greedy, at most 20 tokens": dict(num_beams=1, max_length=20),
    "greedy, 9 to 14 tokens, repetition penalty 1.3": dict(
        num_beams=1, min_length=9, max_length=14, repetition_penalty=1.3),
}


def searches(model, tokenizer, pixels):
    c = model.config.text_config
    start = [c.bos_token_id] + tokenizer("a picture of", add_special_tokens=False).input_ids
    found = {}
    for name, s in settings.items():
        texts = []
        for x in pixels:
            ids = model.generate(
                pixel_values=x[None], input_ids=torch.tensor([start + [c.sep_token_id]]),
                do_sample=False, **s)[0].tolist()
            while ids[-1] == c.pad_token_id:
                ids.pop()
            texts.append({"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=True)})
        found[name] = texts
    return start, found


def save(path, value):
    with open(path, "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


if transformers.__version__.startswith("4."):
    from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration
    folder = os.path.join(here, "captioner")
    model = BlipForConditionalGeneration(BlipConfig.from_pretrained(folder)).eval()
    state = load_file(os.path.join(folder, "model.safetensors"))
    head = "text_decoder.cls.predictions."
    state[head + "decoder.weight"] = state["text_decoder.bert.embeddings.word_embeddings.weight"]
    state[head + "decoder.bias"] = state[head + "bias"]
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("position_ids" in m for m in missing), (missing, unexpected)
    golden = load_file(os.path.join(folder, "golden.safetensors"))
    pixels = [golden[f"pixels.{i}"] for i in range(sum(k.startswith("pixels.") for k in golden))]
    tokenizer = BertTokenizer(
        os.path.join(folder, "vocab.txt"), bos_token="[DEC]", additional_special_tokens=["[ENC]"])
    with torch.no_grad():
        _, found = searches(model, tokenizer, pixels)
    save(os.path.join(folder, "captions_by_4.json"),
         {"prompt": "a picture of", "captions": found,
          "made_with": {"transformers": transformers.__version__}})
    sys.exit()

from transformers import (
    BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipForQuestionAnswering,
    BlipImageProcessorPil)


def drawn(size, seed):
    """A picture of any size: a slope of colour, an ellipse, a box, noise."""
    r = np.random.RandomState(seed)
    w, h = size
    y, x = np.mgrid[:h, :w]
    a = np.stack([x * 255 / w, y * 255 / h, (x + y) * 255 / (w + h)], -1) * 0.6
    a = a + r.randint(0, 60, 3) + r.randint(0, 12, (h, w, 3))
    picture = Image.fromarray(a.clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((w * .1, h * .2, w * .45, h * .7), fill=tuple(int(v) for v in r.randint(0, 255, 3)))
    pen.rectangle((w * .55, h * .3, w * .9, h * .85), fill=tuple(int(v) for v in r.randint(0, 255, 3)))
    return picture


def build(name, kind, seed, text, vision, size, half, end):
    torch.manual_seed(seed)
    marks = {"bos_token_id": vocabulary.index("[DEC]"), "sep_token_id": vocabulary.index("[SEP]"),
             "eos_token_id": vocabulary.index("[SEP]"), "pad_token_id": 0}
    config = BlipConfig(
        text_config={"vocab_size": len(vocabulary), "is_decoder": True, **marks, **text},
        vision_config=vision, projection_dim=8, image_text_hidden_size=8)
    model = kind(config).eval()
    with torch.no_grad():
        for key, p in model.named_parameters():
            # Larger than a fresh model's, so that what it computes depends on what it is shown, and what
            # it writes on where it stands.
            if "embeddings" in key and "patch" not in key and "LayerNorm" not in key:
                p.copy_(torch.randn(p.shape) * (2.5 if "position" in key else 0.8))
            elif key.endswith(".weight") and p.ndim > 1:
                p.copy_(torch.randn(p.shape) * 2 / np.sqrt(p[0].numel()))
            elif key.endswith(".weight"):
                p.copy_(1 + torch.randn(p.shape) * 0.1)
            else:
                p.copy_(torch.randn(p.shape) * 0.1)
            if key.endswith("cls.predictions.bias"):
                p[vocabulary.index("[SEP]")] += end
    model.tie_weights()
    if half:
        model = model.half().float()
    folder = os.path.join(here, name)
    os.makedirs(folder, exist_ok=True)
    (model.half() if half else model).save_pretrained(folder)
    model.float()
    with open(os.path.join(folder, "vocab.txt"), "w") as file:
        file.write("\n".join(vocabulary) + "\n")
    tokenizer = BertTokenizer(
        vocab={w: i for i, w in enumerate(vocabulary)}, bos_token="[DEC]", extra_special_tokens=["[ENC]"])
    tokenizer.save_pretrained(folder)
    processor = BlipImageProcessorPil(size={"height": size, "width": size})
    processor.save_pretrained(folder)
    pictures = [drawn(s, i + seed) for i, s in enumerate([(size, size), (50, 33), (31, 64), (90, 70)])]
    return folder, model, tokenizer, processor, pictures


def processed(processor, pictures, **more):
    return torch.stack([
        torch.as_tensor(np.asarray(processor(p, **more)["pixel_values"][0])) for p in pictures]).float()


def tensors(pictures, pixels, **more):
    named = {f"picture.{i}": torch.from_numpy(np.asarray(p.convert("RGB")).copy())
             for i, p in enumerate(pictures)}
    named |= {f"pixels.{i}": x for i, x in enumerate(pixels)}
    return {k: v.contiguous() for k, v in {**named, **more}.items()}


versions = {"transformers": transformers.__version__, "torch": torch.__version__}
with torch.no_grad():
    folder, model, tokenizer, processor, pictures = build(
        "captioner", BlipForConditionalGeneration, 2,
        dict(hidden_size=24, encoder_hidden_size=20, intermediate_size=40, num_hidden_layers=3,
             num_attention_heads=3, max_position_embeddings=40, layer_norm_eps=1e-7),
        dict(hidden_size=20, intermediate_size=36, num_hidden_layers=2, num_attention_heads=5,
             image_size=28, patch_size=7, layer_norm_eps=1e-6), 28, half=True, end=1)
    pixels = processed(processor, pictures)
    start, found = searches(model, tokenizer, pixels)
    logits = torch.cat([
        model.text_decoder(input_ids=torch.tensor([start]),
                           encoder_hidden_states=model.vision_model(x[None])[0]).logits for x in pixels])
    save_file(tensors(pictures, pixels, logits=logits), os.path.join(folder, "golden.safetensors"))
    save(os.path.join(folder, "golden.json"),
         {"kind": "blip", "task": "captions", "prompt": "a picture of", "start": start,
          "captions": found, "made_with": versions})

    folder, model, tokenizer, processor, pictures = build(
        "answerer", BlipForQuestionAnswering, 12,
        dict(hidden_size=16, encoder_hidden_size=16, intermediate_size=24, num_hidden_layers=2,
             num_attention_heads=4, max_position_embeddings=36),
        dict(hidden_size=16, intermediate_size=28, num_hidden_layers=3, num_attention_heads=2,
             image_size=24, patch_size=6, hidden_act="quick_gelu"), 24, half=False, end=0)
    questions = ["a red car?", "the blue frogs?", "a cat, a dog and two bears?", "an unknown thing?", "A CROWN?"]
    yes, no = vocabulary.index("yes"), vocabulary.index("no")
    c = model.config.text_config
    asked, rows = [], {24: [], 36: []}
    for q in questions:
        ids = tokenizer(q, truncation=True, max_length=35).input_ids
        ids[0] = vocabulary.index("[ENC]")
        asked.append({"question": q, "token_ids": ids})
    for side in rows:
        for x in processed(processor, pictures, size={"height": side, "width": side}):
            seen = model.vision_model(x[None], interpolate_pos_encoding=True)[0]
            row = []
            for q in asked:
                states = model.text_encoder(torch.tensor([q["token_ids"]]), encoder_hidden_states=seen)[0]
                scores = model.text_decoder(
                    torch.tensor([[c.bos_token_id]]), encoder_hidden_states=states).logits[0, 0]
                p = scores.softmax(-1)
                row.append(p[yes] / (p[yes] + p[no]))
            rows[side].append(torch.stack(row))
    save_file(
        tensors(pictures, processed(processor, pictures), **{
            f"yes.{side}": torch.stack(row) for side, row in rows.items()}),
        os.path.join(folder, "golden.safetensors"))
    save(os.path.join(folder, "golden.json"),
         {"kind": "blip", "task": "questions", "questions": asked, "made_with": versions})
