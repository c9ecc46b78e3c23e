#!/usr/bin/env python3
"""How long Heed and transformers take to score a picture with evaluators of published shapes.

    python3 -m venv venv && venv/bin/pip install torch transformers pillow safetensors
    make build
    venv/bin/python Tests/Benchmarks/evaluators_against_transformers.py FOLDER [--threads 2] [--rounds 5]
        [--pictures 12] [--batch 1] [--only clip|owlvit]

Makes a CLIP ViT-B/16 and an OWL-ViT B/32 of random weights in FOLDER (1.2 GB) with goldens (`heed verify FOLDER/clip`
compares them), and PNG files of 512 × 512 pixels. Both sides go from the files to the scores in float32 on the same
number of threads: cosines of the prompt and of its halves, or the scores of 13 texts and all boxes; the vectors of the
texts are computed before. Heed scores them as photos of a benchmark (`heed benchmark score --photos`), once with one
picture and once with all: the difference is theirs. transformers is a process that stays, with its models loaded and
warm; --batch gives it several pictures at a time.

In each round one side follows the other. Prints medians over the rounds of seconds a picture, of wall time and of the
processor time of all threads, and of the rounds' ratios. Processor time says more where other programs run beside, but
counts the waiting of threads that do not sleep. Ends with 1 if the ratio of wall times is above the bar.
"""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
VOCABULARY = f"{ROOT}/Sources/PromptText/Resources/CLIPVocabulary"
sys.path.insert(0, f"{ROOT}/Tests/EvaluationTests/Fixtures")
SIDE, BAR = 512, 0.7
SCORERS = {"clip": "clip", "owlvit": "owl"}
PROMPT = {"id": "p", "prompt": "a cat and a red car", "subjects": ["cat", "car"], "attributes": {"car": "red"}}
QUERIES = 13  # both subjects, and one of them in each of 11 colours


def build(folder, pictures):
    """The models and the pictures, where they are not there yet."""
    import torch
    import transformers
    from make_goldens import drawn, make

    torch.manual_seed(3)
    vision = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    kinds = {
        "clip": (transformers.CLIPModel, transformers.CLIPConfig(vision_config=dict(
            vision, image_size=224, patch_size=16)), transformers.CLIPImageProcessor),
        "owlvit": (transformers.OwlViTForObjectDetection, transformers.OwlViTConfig(vision_config=dict(
            vision, image_size=768, patch_size=32)), transformers.OwlViTImageProcessor),
    }
    for name, (model, config, processor) in kinds.items():
        path = f"{folder}/{name}"
        if os.path.exists(path + "/golden.json"):
            continue
        os.makedirs(path, exist_ok=True)
        made = model(config)
        for part, values in made.named_parameters():
            # transformers leaves the detector's heads so large that float32 says little of their boxes.
            if "_head." in part:
                values.data = torch.randn(values.shape) / values.shape[-1] ** 0.5
        made.save_pretrained(path)
        processor().save_pretrained(path)
        for file in ("vocab.json", "merges.txt"):
            shutil.copy(f"{VOCABULARY}/{file}", path)
        make(path, [drawn((SIDE, SIDE), 0), drawn((640, 427), 1)])
    for count in {1, pictures}:
        path = photos(folder, count)
        os.makedirs(f"{path}/p", exist_ok=True)
        for index in range(count):
            drawn((SIDE, SIDE), index).save(f"{path}/p/{index}.png")


def photos(folder, count):
    return f"{folder}/photos-{count}"


def serve(options):
    """transformers: answers each line with the seconds that the pictures took."""
    import numpy as np
    import torch
    import transformers
    from make_goldens import processor
    from PIL import Image

    torch.set_num_threads(options.threads)
    folder, folder_of_photos = f"{options.folder}/{options.serve}", photos(options.folder, options.pictures + 1)
    if options.serve == "clip":
        model = transformers.CLIPModel.from_pretrained(folder).eval()
        process = processor("CLIPImageProcessor", folder)
        texts = torch.nn.functional.normalize(torch.randn(3, 512), dim=-1)

        def score(pixels):
            features = model.get_image_features(pixel_values=pixels)
            vectors = getattr(features, "pooler_output", features)
            return torch.nn.functional.normalize(vectors, dim=-1) @ texts.T
    else:
        model = transformers.OwlViTForObjectDetection.from_pretrained(folder).eval()
        process = processor("OwlViTImageProcessor", folder)
        queries = torch.randn(1, QUERIES, 512)

        def score(pixels):
            features, _ = model.image_embedder(pixels)
            patches = features.reshape(features.shape[0], -1, features.shape[-1])
            logits, _ = model.class_predictor(patches, queries.expand(len(patches), -1, -1))
            return logits.sigmoid(), model.box_predictor(patches, features)

    def pictures(indices):
        for first in range(0, len(indices), options.batch):
            files = [f"{folder_of_photos}/p/{i}.png" for i in indices[first:first + options.batch]]
            pixels = [process(Image.open(file).convert("RGB"))["pixel_values"][0] for file in files]
            score(torch.as_tensor(np.stack(pixels)))

    with torch.inference_mode():
        pictures(range(options.batch))
        print(json.dumps("ready"), flush=True)
        for _ in sys.stdin:
            used, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
            pictures(range(1, options.pictures + 1))
            wall, now = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
            processor_time = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
            print(json.dumps([wall / options.pictures, processor_time / options.pictures]), flush=True)


def heed(options, name, count):
    """Seconds of wall and of processor time that scoring some pictures takes, all else included."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/suite.jsonl", "w") as file:
            file.write(json.dumps(PROMPT) + "\n")
        with open(f"{folder}/benchmark.json", "w") as file:
            json.dump({"format": 1, "suite": "s", "model": "m", "methods": [], "titles": [], "seeds": []}, file)
        scorer, start = SCORERS[name], time.perf_counter()
        process = subprocess.Popen(
            [f"{ROOT}/.build/release/heed", "benchmark", "score", folder, "--partial", "--scorers", scorer,
             f"--{scorer}", f"{options.folder}/{name}", "--photos", photos(options.folder, count)],
            env=dict(os.environ, HEED_THREADS=str(options.threads)), stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        messages = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        if status != 0:
            sys.exit(messages)
        return wall, used.ru_utime + used.ru_stime


def compare(options, name):
    """Prints what both take; gives whether the bar holds."""
    server = subprocess.Popen(
        [sys.executable, __file__, options.folder, "--threads", str(options.threads), "--pictures",
         str(options.pictures), "--batch", str(options.batch), "--serve", name],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def answer():
        line = server.stdout.readline()
        return json.loads(line) if line else sys.exit(f"transformers ended early; --serve {name} shows why")

    answer()
    rounds = []
    for _ in range(options.rounds):
        one, all_ = heed(options, name, 1), heed(options, name, options.pictures + 1)
        ours = [(b - a) / options.pictures for a, b in zip(one, all_)]
        server.stdin.write("\n")
        server.stdin.flush()
        rounds.append((ours, answer()))
    server.stdin.close()
    server.wait()
    for kind, what in enumerate(["wall time", "processor time"]):
        ours, theirs = ([pair[side][kind] for pair in rounds] for side in (0, 1))
        ratio = statistics.median(a / b for a, b in zip(ours, theirs))
        verdict = "" if kind else f"  <= {BAR} " + ("holds" if ratio <= BAR else "MISSED")
        print(f"{name:8}{what:16}{statistics.median(ours):8.3f} s  {statistics.median(theirs):10.3f} s  "
              f"{ratio:7.3f}{verdict}", flush=True)
        if kind == 0:
            holds = ratio <= BAR
    return holds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=12, help="how many are timed")
    parser.add_argument("--batch", type=int, default=1, help="pictures that transformers is given at a time")
    parser.add_argument("--only", choices=sorted(SCORERS))
    parser.add_argument("--serve", choices=sorted(SCORERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(options)
    build(options.folder, options.pictures + 1)
    print(f"seconds a picture, {options.threads} threads, {options.rounds} rounds, float32")
    print(f"{'':24}{'heed':>10}  {'transformers':>12}  {'ratio':>7}")
    names = [options.only] if options.only else list(SCORERS)
    sys.exit(0 if all([compare(options, name) for name in names]) else 1)


if __name__ == "__main__":
    main()
