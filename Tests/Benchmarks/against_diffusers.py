#!/usr/bin/env python3
"""Times `heed compare` against diffusers doing the same work, in pairs, start-up included.

    python3 -m venv venv && venv/bin/pip install torch diffusers transformers accelerate safetensors
    make build
    venv/bin/python Tests/Benchmarks/against_diffusers.py [--model FOLDER] [--pairs 3] [--threads 2]

Each pair runs, as whole processes one after the other: Heed (both methods for one seed, recording,
sheet) and a Python process with StableDiffusionPipeline and StableDiffusionAttendAndExcitePipeline
(float32, 50 steps, the same seed, no recording, no sheet). Prints each pair's seconds and ratio, the
median ratio, and how far the two final pictures differ.
"""
import argparse, os, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROMPT, TOKENS = "a cat and a frog", [2, 5]


def peer(model, threads, out):
    import torch
    from diffusers import StableDiffusionPipeline
    from diffusers.pipelines.deprecated.stable_diffusion_attend_and_excite.\
pipeline_stable_diffusion_attend_and_excite import StableDiffusionAttendAndExcitePipeline

    torch.set_num_threads(threads)
    none = dict(safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    plain = StableDiffusionPipeline.from_pretrained(model, torch_dtype=torch.float32, **none)
    excited = StableDiffusionAttendAndExcitePipeline(
        vae=plain.vae, text_encoder=plain.text_encoder, tokenizer=plain.tokenizer,
        unet=plain.unet, scheduler=plain.scheduler, **none)
    for pipe in (plain, excited):
        pipe.set_progress_bar_config(disable=True)
    seed = lambda: torch.Generator("cpu").manual_seed(0)
    plain(PROMPT, generator=seed()).images[0].save(os.path.join(out, "plain.png"))
    excited(PROMPT, token_indices=TOKENS, generator=seed(), attn_res=(16, 16)
            ).images[0].save(os.path.join(out, "excited.png"))


def timed(command, **options):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   **options)
    return time.perf_counter() - start


def difference(ours, theirs):
    import numpy as np
    from PIL import Image
    a, b = (np.asarray(Image.open(p).convert("RGB")).astype(int) for p in (ours, theirs))
    return int(abs(a - b).max())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default=f"{ROOT}/Sources/Diffusion/Resources/Menagerie")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer", metavar="OUT", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        return peer(arguments.model, arguments.threads, arguments.peer)
    ratios = []
    for pair in range(arguments.pairs):
        with tempfile.TemporaryDirectory() as out:
            ours = timed([f"{ROOT}/.build/release/heed", "compare", PROMPT, "--seeds", "0",
                          "--model", arguments.model, "--output", out],
                         env=dict(os.environ, HEED_THREADS=str(arguments.threads)))
            theirs = timed([sys.executable, __file__, "--peer", out, "--model", arguments.model,
                            "--threads", str(arguments.threads)])
            ratios.append(ours / theirs)
            runs = f"{out}/a-cat-and-a-frog"
            levels = [difference(f"{runs}/{method}/seed-0/image.png", f"{out}/{name}.png")
                      for method, name in (("stable-diffusion", "plain"),
                                           ("attend-and-excite", "excited"))]
            print(f"pair {pair + 1}: heed {ours:.1f} s, diffusers {theirs:.1f} s, ratio "
                  f"{ours / theirs:.3f}; pictures differ by at most {max(levels)} of 255")
    print(f"median ratio {statistics.median(ratios):.3f} over {len(ratios)} pairs, "
          f"{arguments.threads} threads")


if __name__ == "__main__":
    main()
