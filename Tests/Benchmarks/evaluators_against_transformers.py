#!/usr/bin/env python3
"""How long Heed and transformers take to score a picture with evaluators of published shapes.

    venv/bin/pip install torch transformers pillow safetensors
    swift build -c release --build-tests
    venv/bin/python Tests/Benchmarks/evaluators_against_transformers.py FOLDER [--threads 2] [--rounds 3]

Makes a CLIP ViT-B/16 and an OWL-ViT B/32 of random weights in FOLDER (1.2 GB) with goldens (`heed verify FOLDER/clip`
compares them), and times both programs in turns, each in a process of its own: a picture of 512 × 512 pixels from its
samples to CLIP's vector, or to the scores of 24 texts and all boxes. Vectors of texts are computed before; the best of
each process's pictures counts. Prints seconds and ratios.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
VOCABULARY = f"{ROOT}/Sources/PromptText/Resources/CLIPVocabulary"
sys.path.insert(0, f"{ROOT}/Tests/EvaluationTests/Fixtures")
PICTURES = 5


def build(folder):
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
        make(path, [drawn((512, 512), 0), drawn((640, 427), 1)])


def theirs(folder, name):
    """Seconds for a picture by transformers."""
    import numpy as np
    import torch
    import transformers
    from make_goldens import drawn, processor

    picture = drawn((512, 512), 0)
    if name == "clip":
        model = transformers.CLIPModel.from_pretrained(f"{folder}/clip").eval()
        process = processor("CLIPImageProcessor", f"{folder}/clip")
        run = lambda pixels: model.get_image_features(pixel_values=pixels)
    else:
        model = transformers.OwlViTForObjectDetection.from_pretrained(f"{folder}/owlvit").eval()
        process = processor("OwlViTImageProcessor", f"{folder}/owlvit")
        queries = torch.randn(1, 24, 512)

        def run(pixels):
            features, _ = model.image_embedder(pixels)
            patches = features.reshape(1, -1, features.shape[-1])
            return model.class_predictor(patches, queries), model.box_predictor(patches, features)

    best = float("inf")
    with torch.inference_mode():
        for _ in range(PICTURES):
            start = time.perf_counter()
            run(torch.as_tensor(np.asarray(process(picture)["pixel_values"][0]))[None])
            best = min(best, time.perf_counter() - start)
    return best


def ours(folder, name, threads):
    """Seconds for a picture by Heed, as its tests print them."""
    environment = dict(os.environ, HEED_EVALUATOR=f"{folder}/{name}", HEED_THREADS=str(threads))
    command = ["swift", "test", "-c", "release", "--skip-build", "--filter", "EvaluatorTimings"]
    output = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    found = re.search(r"a picture takes ([0-9.]+) s", output.stdout)
    if not found:
        sys.exit(output.stdout + output.stderr)
    return float(found[1])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", help="what a child process times")
    options = options.parse_args()
    if options.only:
        import torch

        torch.set_num_threads(options.threads)
        print(json.dumps(theirs(options.folder, options.only)))
        return
    child = [sys.executable, __file__, options.folder, "--threads", str(options.threads), "--only"]
    build(options.folder)
    for name in ("clip", "owlvit"):
        times = {"heed": [], "transformers": []}
        for _ in range(options.rounds):
            output = subprocess.run(child + [name], capture_output=True, text=True, check=True).stdout
            times["transformers"].append(json.loads(output.splitlines()[-1]))
            times["heed"].append(ours(options.folder, name, options.threads))
        heed, other = min(times["heed"]), min(times["transformers"])
        print(f"{name}: Heed {heed:.3f} s, transformers {other:.3f} s, ratio {heed / other:.2f}", flush=True)


if __name__ == "__main__":
    main()
