"""Captions and answers by PyTorch and transformers: score_captions.py TASKS --captioner F --clip F --answerer F -o SCORES

BLIP's captions, their likeness to the prompt by CLIP, and T2I-CompBench's score of noun phrases, written from
their definitions without Heed. TASKS is a file of JSON lines as score_pictures.py in the folder above reads, with
"phrases" for the answerer; SCORES gets a line each: "caption", "similarity", and "answers" by phrase. With
transformers below 4.36 captions are those of LAVIS's rules. --minimum is the fewest tokens of a caption with its
prompt.
"""

import argparse
import json
import os
import re
import sys

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from transformers import BertTokenizer, BlipForConditionalGeneration, BlipForQuestionAnswering


def pixels(picture, side):
    mean = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
    deviation = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
    samples = np.asarray(picture.resize((side, side), Image.BICUBIC)).astype(np.float32) / 255
    return torch.from_numpy(((samples - mean) / deviation).transpose(2, 0, 1))[None].float()


class Captioner:
    prompt = "a picture of "

    def __init__(self, folder, minimum):
        self.model = BlipForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer = BertTokenizer.from_pretrained(folder)
        self.minimum = minimum

    def caption(self, picture):
        config = self.model.config
        ids = self.tokenizer(self.prompt, add_special_tokens=False).input_ids
        ids = [config.text_config.bos_token_id] + ids + [config.text_config.sep_token_id]
        made = self.model.generate(
            pixel_values=pixels(picture, config.vision_config.image_size), input_ids=torch.tensor([ids]),
            do_sample=False, num_beams=3, min_length=self.minimum, max_length=30)
        return self.tokenizer.decode(made[0], skip_special_tokens=True)[len(self.prompt):]


class Answerer:
    def __init__(self, folder):
        self.model = BlipForQuestionAnswering.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer = BertTokenizer.from_pretrained(folder)
        side = self.model.config.vision_config.image_size
        self.side = 480 if side == 384 else side

    def answer(self, picture, phrase):
        question = re.sub(r"([.!\"()*#:;~])", "", (phrase + "?").lower()).rstrip(" ")
        ids = self.tokenizer(" ".join(question.split(" ")[:50]), truncation=True, max_length=35).input_ids
        ids[0] = self.tokenizer.convert_tokens_to_ids("[ENC]")
        seen = self.model.vision_model(pixels(picture, self.side), interpolate_pos_encoding=True)[0]
        states = self.model.text_encoder(torch.tensor([ids]), encoder_hidden_states=seen)[0]
        start = torch.tensor([[self.model.config.text_config.bos_token_id]])
        scores = self.model.text_decoder(start, encoder_hidden_states=states).logits[0, 0].softmax(-1)
        yes, no = (scores[self.tokenizer.convert_tokens_to_ids(word)] for word in ("yes", "no"))
        return float(yes / (yes + no))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("tasks")
    options.add_argument("--captioner")
    options.add_argument("--clip")
    options.add_argument("--answerer")
    options.add_argument("--minimum", type=int, default=10)
    options.add_argument("-o", "--output", required=True)
    options = options.parse_args()
    torch.set_num_threads(1)
    captioner = Captioner(options.captioner, options.minimum) if options.captioner else None
    answerer = Answerer(options.answerer) if options.answerer else None
    clip = None
    if options.clip:
        from score_pictures import Clip
        clip = Clip(options.clip)
    root = os.path.dirname(os.path.abspath(options.tasks))
    with open(options.tasks) as tasks, open(options.output, "w") as output, torch.no_grad():
        for task in map(json.loads, tasks):
            picture = Image.open(os.path.join(root, task["picture"])).convert("RGB")
            line = dict(id=task["id"], picture=task["picture"])
            if captioner:
                line["caption"] = captioner.caption(picture)
                if clip:
                    tokens = clip.tokenizer([line["caption"]], padding="max_length", max_length=clip.window,
                                            truncation=True, return_tensors="pt")
                    own = clip.model.get_text_features(**tokens).pooler_output[0]
                    line["similarity"] = float(own / own.norm() @ clip.text(task["prompt"], False))
            if answerer:
                line["answers"] = {p: answerer.answer(picture, p) for p in task["phrases"]}
            output.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
