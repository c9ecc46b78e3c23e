"""Scores of pictures by PyTorch and transformers: score_pictures.py TASKS --clip FOLDER --owl FOLDER -o SCORES

Attend-and-Excite's CLIP scores and the detector's, written from their definitions without Heed, so that `heed benchmark
score` can be compared with them on the same pictures. TASKS is a file of JSON lines
  {"id": "p1", "prompt": "a cat and a red car", "subjects": ["cat", "car"], "attributes": {"car": "red"}, "picture": "image.png"}
with pictures beside it; SCORES gets a line each: "clip" {"full", "first", "second", "minimum", and the same with clean
templates as "clean-full" …} and "owl" {"found", "all", …} with "detections". --threshold is the detector's.
"""
import argparse
import json
import os
import re

import numpy as np
import torch
from PIL import Image
from transformers import AutoConfig, CLIPModel, CLIPTokenizer, Owlv2ForObjectDetection, OwlViTForObjectDetection

from make_goldens import processor

COLORS = "red orange yellow green blue purple pink brown gray black white".split()
SWIFT = os.path.dirname(os.path.abspath(__file__)) + "/../../../Sources/Evaluation/Evaluators/PromptTemplates.swift"
TEMPLATES = re.findall(r'^    "(.*\{\}.*)",$', open(SWIFT).read(), re.M)


def sentences(text, clean):
    filled = [template.format(text) for template in TEMPLATES]
    if not clean:
        return [s.replace("a a", "a").replace("the a", "a") for s in filled]
    return [re.sub(r"(?<![^ ])(?:a|the) (?=(?:a|an) )", "", s) for s in filled]


class Clip:
    def __init__(self, folder):
        self.model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer = CLIPTokenizer.from_pretrained(folder)
        self.processor = processor("CLIPImageProcessor", folder)
        self.window = self.model.config.text_config.max_position_embeddings
        self.known = {}

    def text(self, text, clean):
        if (text, clean) not in self.known:
            tokens = self.tokenizer(sentences(text, clean), padding="max_length", max_length=self.window,
                                    truncation=True, return_tensors="pt")
            features = self.model.get_text_features(**tokens).pooler_output
            features = features / features.norm(dim=-1, keepdim=True)
            mean = features.mean(dim=0)
            self.known[text, clean] = mean / mean.norm()
        return self.known[text, clean]

    def score(self, task, picture):
        pixels = torch.as_tensor(np.asarray(self.processor(picture)["pixel_values"][0]))[None].float()
        vector = self.model.get_image_features(pixel_values=pixels).pooler_output[0]
        vector = vector / vector.norm()
        prompt, values = task["prompt"], {}
        for clean in (False, True):
            prefix = "clean-" if clean else ""
            cosine = lambda text: float(vector @ self.text(text, clean))
            values[prefix + "full"] = cosine(prompt)
            joint = next((j for j in (" and ", " with ") if j in prompt), None)
            if joint:
                first, second = (cosine(part) for part in prompt.split(joint)[:2])
                values |= {prefix + "first": first, prefix + "second": second, prefix + "minimum": min(first, second)}
        return values


class Owl:
    def __init__(self, folder, threshold):
        self.is_second = AutoConfig.from_pretrained(folder).model_type == "owlv2"
        kind = Owlv2ForObjectDetection if self.is_second else OwlViTForObjectDetection
        self.model = kind.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer = CLIPTokenizer.from_pretrained(folder)
        self.processor = processor("Owlv2ImageProcessor" if self.is_second else "OwlViTImageProcessor", folder)
        self.window = self.model.config.text_config.max_position_embeddings
        self.threshold = threshold

    def logits(self, picture, queries):
        pixels = torch.as_tensor(np.asarray(self.processor(picture)["pixel_values"][0]))[None].float()
        tokens = self.tokenizer(queries, padding="max_length", max_length=self.window, truncation=True,
                                return_tensors="pt")
        out = self.model(pixel_values=pixels, **tokens)
        return out.logits[0], out.pred_boxes[0]

    def score(self, task, picture):
        subjects = list(dict.fromkeys(task["subjects"]))
        given = {s: c for s, c in task.get("attributes", {}).items() if s in subjects and c in COLORS}
        asked = subjects if given else []
        queries = [f"a photo of a {s}" for s in subjects] + [f"a {c} {s}" for s in asked for c in COLORS]
        logits, boxes = self.logits(picture, queries)
        best, patch = logits.max(dim=0)
        width, height = picture.size
        x, y = (max(width, height) / width, max(width, height) / height) if self.is_second else (1, 1)
        detections, right, wrong = [], [], []
        for index, subject in enumerate(subjects):
            cx, cy, w, h = boxes[patch[index]].tolist()
            entry = dict(subject=subject, score=float(best[index].sigmoid()),
                         box=[(cx - w / 2) * x, (cy - h / 2) * y, (cx + w / 2) * x, (cy + h / 2) * y])
            entry["isFound"] = entry["score"] >= self.threshold
            if asked:
                first = len(subjects) + index * len(COLORS)
                color = COLORS[int(best[first : first + len(COLORS)].argmax())]
                entry["colors"] = [color]
                if entry["isFound"]:
                    others = {c for s, c in given.items() if s != subject} - {given.get(subject)}
                    wrong.append(color in others)
                    if subject in given:
                        right.append(color == given[subject])
            detections.append(entry)
        found = sum(d["isFound"] for d in detections)
        values = {"found": found / len(detections), "all": float(found == len(detections)),
                  "missing": float(found < len(detections))}
        if right:
            values["colours"] = sum(right) / len(right)
        if given and len(subjects) > 1:
            values["wrong-colour"] = float(any(wrong))
        values["right"] = float(found == len(detections) and all(right))
        return values, detections


def main():
    options = argparse.ArgumentParser()
    options.add_argument("tasks")
    options.add_argument("--clip")
    options.add_argument("--owl")
    options.add_argument("--threshold", type=float, default=0.1)
    options.add_argument("-o", "--output", required=True)
    options = options.parse_args()
    torch.set_num_threads(1)
    clip = Clip(options.clip) if options.clip else None
    owl = Owl(options.owl, options.threshold) if options.owl else None
    root = os.path.dirname(os.path.abspath(options.tasks))
    with open(options.tasks) as tasks, open(options.output, "w") as output, torch.no_grad():
        for task in map(json.loads, tasks):
            picture = Image.open(os.path.join(root, task["picture"])).convert("RGB")
            line = dict(id=task["id"], picture=task["picture"])
            if clip:
                line["clip"] = clip.score(task, picture)
            if owl:
                line["owl"], line["detections"] = owl.score(task, picture)
            output.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
