#!/usr/bin/env python3
"""Compares Heed's methods with the authors' own code, step by step from the same latents.

    python3 -m venv venv && venv/bin/pip install torch diffusers transformers accelerate safetensors opencv-python-headless \
        pytorch-metric-learning einops matplotlib
    git clone https://github.com/yuval-alaluf/Attend-and-Excite FOLDER/Attend-and-Excite   (and others of the list below)
    HEED=path/to/heed venv/bin/python Tests/Benchmarks/against_official.py FOLDER [--only initno,p2p] [--prompts 4] [--seeds 2]

FOLDER holds checkouts of the official repositories, under any names; each is known by a file of its own. What is not
there is named and left out. On the embedded model each prompt and seed is made by Heed, whose latent after every step is
taken from the state that a run keeps, and by the official `__call__`: once on its own from the same noise, and once with
each of its steps begun from Heed's latent, so that every step stands by itself. float32, CPU, 50 steps.

The repositories were written for other versions of diffusers: imports that moved are led to where they are now, `.cuda()`
does nothing, and spaCy's parse is replaced by the tokens of the words. Divide & Bind's finer grids follow the smaller
picture, and BoxDiff's update may have no gradient. google's notebooks and StructureDiffusion's sampler do not fit
diffusers' UNet: their aligners and attention are called from an attention processor of this file.

Prints a line for each row of the table of forms in Documentation/methods.md: the largest difference of a step, and of the
final latent of a whole run, over the prompts and seeds. Latents reach ±4 to 7, so 1e-5 is float32's rounding.
"""
import argparse, ast, functools, importlib, json, os, re, subprocess, sys, tempfile, threading, time, types

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
STEPS = 50

# Name: a file that no other repository has, where it is from, and the commit that this was written for.
REPOSITORIES = {
    "attend-and-excite": ("pipeline_attend_and_excite.py", "yuval-alaluf/Attend-and-Excite", "163efdf"),
    "syngen": ("syngen_diffusion_pipeline.py", "RoyiRa/Linguistic-Binding-in-Diffusion-Models", "50b8eab"),
    "ebama": ("diffusion_pipeline.py", "YasminZhang/EBAMA", "1cbf722"),
    "divide-and-bind": ("divide_and_bind/pipeline_divide_and_bind_latest.py", "boschresearch/Divide-and-Bind", "644dfda"),
    "conform": ("pipeline_conform.py", "gemlab-vt/CONFORM", "4ad0e37"),
    "box-diff": ("pipeline/sd_pipeline_boxdiff.py", "showlab/BoxDiff", "b0d5d3b"),
    "initno": ("initno/pipelines/pipeline_sd_initno.py", "xiefan-guo/initno", "fa021c4"),
    "prompt-to-prompt": ("seq_aligner.py", "google/prompt-to-prompt", "9c472e4"),
    "structure": ("structured_stable_diffusion/modules/attention.py", "weixi-feng/Structured-Diffusion-Guidance", "773b2ba"),
    "composable": (
        "composable_diffusion/composable_stable_diffusion/pipeline_composable_stable_diffusion.py",
        "energy-based-model/Compositional-Visual-Generation-with-Composable-Diffusion-Models-PyTorch", "77af82b"),
}

# Prompts with their subjects, and where a prompt has colours each subject's.
PLAIN = [("a cat and a frog", "cat frog"), ("a mouse and a horse", "mouse horse"),
         ("a dog and a rabbit", "dog rabbit"), ("a bear and a turtle", "bear turtle")]
COLOURED = [("a red car and a white mouse", "red car; white mouse"), ("a blue crown and a red balloon", "blue crown; red balloon"),
            ("a black backpack and a pink balloon", "black backpack; pink balloon"), ("a green bow and a purple bench", "green bow; purple bench")]
LONGER = [("a cat and a frog", "a cat and a blue frog"), ("a mouse and a horse", "a brown mouse and a horse"),
          ("a dog and a rabbit", "a dog and a red rabbit"), ("a bear and a turtle", "a bear and a green turtle")]


def at(prompt, word):
    """The token of a word of one token; the start token is 0."""
    return prompt.split().index(word) + 1


def subjects(case):
    prompt, words = case
    return dict(prompt=prompt, tokens=[at(prompt, w) for w in words.split()])


def groups(case):
    prompt, words = case
    return dict(prompt=prompt, groups=[[at(prompt, w) for w in g.split()] for g in words.split(";")])


def swapped(case):
    """A prompt, and the same with its second subject exchanged."""
    prompt, words = case
    return dict(prompt=prompt.replace(words.split()[1], "lion"), source=prompt)


def boxes(case):
    return dict(subjects(case), boxes=[[0, 0.1, 0.5, 0.9], [0.5, 0.1, 1, 0.9]])


def box_options(case):
    sides = ["0,0.1,0.5,0.9", "0.5,0.1,1,0.9"]
    return [o for w, b in zip(case[1].split(), sides) for o in ("--box", f"{w}={b}")]


def tokens_option(case): return ["--tokens", ",".join(case[1].split())]
def groups_option(case): return ["--groups", case[1]]


# Row: its name, the repository, its prompts, what the official code is given of one, Heed's options, and whether these are
# the published behaviour, so that nothing but rounding may differ.
ROWS = [
    ("Attend-and-Excite", "attend-and-excite", PLAIN, subjects, lambda c: ["--method", "attend-and-excite", *tokens_option(c)], True),
    ("Attend-and-Excite under Euler", "attend-and-excite", PLAIN, lambda c: dict(subjects(c), scheduler="euler"),
     lambda c: ["--method", "attend-and-excite", "--scheduler", "euler", *tokens_option(c)], False),
    ("the same, --loss-input unscaled", "attend-and-excite", PLAIN, lambda c: dict(subjects(c), scheduler="euler"),
     lambda c: ["--method", "attend-and-excite", "--scheduler", "euler", "--loss-input", "unscaled", *tokens_option(c)], True),
    ("SynGen", "syngen", COLOURED, groups, lambda c: ["--method", "syngen", *groups_option(c)], False),
    ("SynGen, --objective-form code", "syngen", COLOURED, groups,
     lambda c: ["--method", "syngen", "--objective-form", "code", *groups_option(c)], True),
    ("EBAMA", "ebama", COLOURED, groups, lambda c: ["--method", "ebama", *groups_option(c)], True),
    ("Divide & Bind, --objective-form code", "divide-and-bind", COLOURED, lambda c: dict(groups(c), size=256, grid=8),
     lambda c: ["--method", "divide-and-bind", "--objective-form", "code", "--size", "256x256", "--attention-resolution", "8x8",
                *groups_option(c)], True),
    ("CONFORM", "conform", COLOURED, groups, lambda c: ["--method", "conform", *groups_option(c)], False),
    ("CONFORM, --objective-form code", "conform", COLOURED, groups,
     lambda c: ["--method", "conform", "--objective-form", "code", *groups_option(c)], True),
    ("CONFORM, 30 iterations, code", "conform", COLOURED, lambda c: dict(groups(c), altered=30),
     lambda c: ["--method", "conform", "--objective-form", "code", "--max-iter-to-alter", "30", *groups_option(c)], True),
    ("CONFORM, groups of one word", "conform", PLAIN, lambda c: dict(prompt=c[0], groups=[[t] for t in subjects(c)["tokens"]]),
     lambda c: ["--method", "conform", "--groups", c[1].replace(" ", "; ")], False),
    ("the same, --objective-form code", "conform", PLAIN, lambda c: dict(prompt=c[0], groups=[[t] for t in subjects(c)["tokens"]]),
     lambda c: ["--method", "conform", "--objective-form", "code", "--groups", c[1].replace(" ", "; ")], True),
    ("BoxDiff", "box-diff", PLAIN, boxes, lambda c: ["--method", "box-diff", *box_options(c), *tokens_option(c)], False),
    ("BoxDiff, --objective-form code", "box-diff", PLAIN, boxes,
     lambda c: ["--method", "box-diff", "--objective-form", "code", *box_options(c), *tokens_option(c)], True),
    ("InitNO", "initno", PLAIN, subjects, lambda c: ["--method", "initno", *tokens_option(c)], False),
    ("InitNO, --objective-form code", "initno", PLAIN, subjects,
     lambda c: ["--method", "initno", "--objective-form", "code", *tokens_option(c)], True),
    ("prompt-to-prompt, replacement", "prompt-to-prompt", PLAIN, lambda c: dict(swapped(c), edit="replacement"),
     lambda c: ["--method", "prompt-to-prompt", "--source", c[0]], True),
    ("prompt-to-prompt, refinement", "prompt-to-prompt", LONGER, lambda c: dict(prompt=c[1], source=c[0], edit="refinement"),
     lambda c: ["--method", "prompt-to-prompt", "--source", c[0]], True),
    ("prompt-to-prompt, shorter target", "prompt-to-prompt", LONGER, lambda c: dict(prompt=c[0], source=c[1], edit="refinement"),
     lambda c: ["--method", "prompt-to-prompt", "--source", c[1]], False),
    ("the same, --alignment-form code", "prompt-to-prompt", LONGER, lambda c: dict(prompt=c[0], source=c[1], edit="refinement"),
     lambda c: ["--method", "prompt-to-prompt", "--source", c[1], "--alignment-form", "code"], True),
    ("prompt-to-prompt, a word of other tokens", "prompt-to-prompt", PLAIN,
     lambda c: dict(prompt=c[0].replace(c[1].split()[0], "hippogryph"), source=c[0], edit="replacement"),
     lambda c: ["--method", "prompt-to-prompt", "--source", c[0]], False),
    ("the same, --alignment-form code", "prompt-to-prompt", PLAIN,
     lambda c: dict(prompt=c[0].replace(c[1].split()[0], "hippogryph"), source=c[0], edit="replacement"),
     lambda c: ["--method", "prompt-to-prompt", "--source", c[0], "--alignment-form", "code"], True),
    ("prompt-to-prompt, --reweight", "prompt-to-prompt", PLAIN,
     lambda c: dict(prompt=c[0], source=c[0], edit="replacement", weights={c[1].split()[1]: 2}),
     lambda c: ["--method", "prompt-to-prompt", "--reweight", c[1].split()[1] + "=2"], False),
    ("the same, --reweight-form source", "prompt-to-prompt", PLAIN,
     lambda c: dict(prompt=c[0], source=c[0], edit="replacement", weights={c[1].split()[1]: 2}),
     lambda c: ["--method", "prompt-to-prompt", "--reweight", c[1].split()[1] + "=2", "--reweight-form", "source"], True),
    ("prompt-to-prompt, 256 pixels, at 256x256", "prompt-to-prompt", PLAIN,
     lambda c: dict(swapped(c), edit="replacement", size=256, pixels=256),
     lambda c: ["--method", "prompt-to-prompt", "--source", c[0], "--size", "256x256"], False),
    ("the same, --self-pixels 256", "prompt-to-prompt", PLAIN,
     lambda c: dict(swapped(c), edit="replacement", size=256, pixels=256),
     lambda c: ["--method", "prompt-to-prompt", "--source", c[0], "--size", "256x256", "--self-pixels", "256"], True),
    ("StructureDiffusion, values", "structure", COLOURED,
     lambda c: dict(prompt=c[0], phrases=["a " + p.strip() for p in c[1].split(";")]), lambda c: ["--method", "structure"], True),
    ("Composable Diffusion", "composable", PLAIN, lambda c: dict(prompt=c[0].replace(" and ", " | "), weights="7.5 | 7.5"),
     lambda c: ["--method", "composable"], True),
]


# Heed

def heed_latents(heed, prompt, seed, options, model):
    """The latent after every step of a run of Heed's, [step, 4, row, column]."""
    from safetensors.numpy import load
    with tempfile.TemporaryDirectory() as out:
        for _ in range(5):
            states, stop = {}, threading.Event()
            def watch():
                while not stop.is_set():
                    for folder, _, files in os.walk(out):
                        if "state.safetensors" in files:
                            path = os.path.join(folder, "state.safetensors")
                            try: state = load(open(path, "rb").read())
                            except Exception: continue  # gone, or half written
                            states[int(state["index"].item())] = state["latent"][0]
                    time.sleep(0.0005)
            watcher = threading.Thread(target=watch)
            watcher.start()
            command = [heed, "generate", prompt, "--model", model, "--seeds", str(seed), "--steps", str(STEPS), "--no-record",
                       "-o", out, *options]
            ran = subprocess.run(command, capture_output=True, text=True)
            stop.set(); watcher.join()
            if ran.returncode: raise RuntimeError("heed: " + ran.stderr.strip())
            folder = next(f for f, _, files in os.walk(out) if "latent.npy" in files)
            states[STEPS] = np.load(os.path.join(folder, "latent.npy")).reshape(states[min(states)].shape)
            missing = [i for i in range(1, STEPS + 1) if i not in states]
            if not missing: return np.stack([states[i] for i in range(1, STEPS + 1)])
            subprocess.run(["rm", "-r", os.path.join(out, os.listdir(out)[0])])
        raise RuntimeError(f"heed is too fast to be watched: the states after steps {missing} were missed five times")


# The official code

def shim():
    """Leads imports to where diffusers and transformers have them now."""
    import torch, diffusers, diffusers.utils, diffusers.utils.torch_utils, transformers
    from diffusers import DiffusionPipeline
    from diffusers.models.attention_processor import Attention
    from diffusers.pipelines.deprecated.stable_diffusion_attend_and_excite import pipeline_stable_diffusion_attend_and_excite as excite

    def module(name, **members):
        made = types.ModuleType(name)
        made.__dict__.update(members)
        sys.modules[name] = made

    module("IPython"); module("IPython.display", display=lambda *_: None)
    module("spacy", load=lambda *_: (lambda prompt: None))
    module("diffusers.models.cross_attention", CrossAttention=Attention)
    module("diffusers.pipeline_utils", DiffusionPipeline=DiffusionPipeline)
    sys.modules["diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_attend_and_excite"] = excite
    import diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion as plain
    if not hasattr(plain, "EXAMPLE_DOC_STRING"): plain.EXAMPLE_DOC_STRING = ""
    diffusers.utils.randn_tensor = diffusers.utils.torch_utils.randn_tensor
    diffusers.utils.replace_example_docstring = lambda _: (lambda function: function)
    import diffusers.loaders as loaders, diffusers.pipelines.stable_diffusion as stable
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    stable.StableDiffusionSafetyChecker = StableDiffusionSafetyChecker
    if not hasattr(loaders, "LoraLoaderMixin"): loaders.LoraLoaderMixin = loaders.StableDiffusionLoraLoaderMixin
    # A parameter came in between: the last of eight by place was whether a safety checker is required.
    pipeline = diffusers.StableDiffusionPipeline
    initialise = pipeline.__init__

    @functools.wraps(initialise)
    def by_name(self, *parts, **options):
        if len(parts) == 8: parts, options = parts[:7], dict(options, requires_safety_checker=parts[7])
        initialise(self, *parts, **options)

    pipeline.__init__ = by_name
    # Their own initialisers do not name the parts that came in since.
    DiffusionPipeline.components = property(
        lambda self: {k: getattr(self, k) for k in self.config if not k.startswith("_") and hasattr(self, k)})
    extractor = transformers.CLIPImageProcessor
    sys.modules["transformers"].CLIPFeatureExtractor = extractor  # the module may have been made anew by then
    mask = Attention.prepare_attention_mask
    Attention.prepare_attention_mask = lambda self, mask_, length, batch_size=1, **options: mask(self, mask_, length, batch_size, **options)
    torch.nn.Module.cuda = lambda self, *_: self
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


class Official:
    """An official repository on a model, whose schedulers' steps are written down."""

    def __init__(self, name, folder, model):
        import torch
        from diffusers import StableDiffusionPipeline
        self.torch, self.name, self.folder = torch, name, folder
        self.plain = StableDiffusionPipeline.from_pretrained(model, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
        names = ("vae", "text_encoder", "tokenizer", "unet", "safety_checker", "feature_extractor")
        self.parts = {name: getattr(self.plain, name) for name in names}
        self.processors = self.plain.unet.attn_processors

    def scheduler(self, job, latents, follows):
        """The model's scheduler, which notes how far each step is from Heed's and, if it `follows`, goes on from Heed's."""
        from diffusers import DDIMScheduler, EulerDiscreteScheduler
        kind = EulerDiscreteScheduler if job.get("scheduler") == "euler" else DDIMScheduler
        scheduler, differences, final = kind.from_config(self.plain.scheduler.config), [], []
        own = scheduler.step

        @functools.wraps(own)
        def step(*arguments, **options):
            result = own(*arguments, **dict(options, return_dict=True))
            latent = self.torch.from_numpy(latents[len(differences)])[None]
            differences.append((result.prev_sample[-1:] - latent).abs().max().item())
            if follows: result.prev_sample = latent.expand_as(result.prev_sample).clone()
            return result

        scheduler.step = step
        return scheduler, differences

    def compare(self, job, latents):
        results = []
        if "tokens" in job or "groups" in job:
            pieces = len(self.plain.tokenizer(job["prompt"]).input_ids) - 2
            assert pieces == len(job["prompt"].split()), "a word of several tokens"
        for follows in (True, False):
            self.plain.unet.set_attn_processor(dict(self.processors))
            scheduler, differences = self.scheduler(job, latents, follows)
            generator = self.torch.Generator("cpu").manual_seed(job["seed"])
            size = job.get("size", 128)
            options = dict(generator=generator, num_inference_steps=STEPS, height=size, width=size)
            getattr(self, self.name.replace("-", "_"))(job, scheduler, options)
            assert len(differences) == STEPS, f"{len(differences)} steps"
            results.append(max(differences) if follows else differences[-1])
        return results

    def attend_and_excite(self, job, scheduler, options):
        from pipeline_attend_and_excite import AttendAndExcitePipeline
        from utils.ptp_utils import AttentionStore, register_attention_control
        pipe = AttendAndExcitePipeline(**self.parts, scheduler=scheduler, requires_safety_checker=False)
        store = AttentionStore(); register_attention_control(pipe, store)
        pipe(job["prompt"], attention_store=store, indices_to_alter=job["tokens"], **options)

    def syngen(self, job, scheduler, options):
        from syngen_diffusion_pipeline import SynGenDiffusionPipeline
        pipe = SynGenDiffusionPipeline(**self.parts, scheduler=scheduler, requires_safety_checker=False)
        pipe.subtrees_indices = job["groups"]
        pipe(job["prompt"], parsed_prompt="given", attn_res=(16, 16), **options)

    def ebama(self, job, scheduler, options):
        from diffusion_pipeline import EbamaDiffusionPipeline
        pipe = EbamaDiffusionPipeline(**self.parts, scheduler=scheduler, requires_safety_checker=False)
        pipe.dist, pipe.lambda_ours, pipe._extract_attribution_indices_ours = "cos", 0.5, lambda prompt: job["groups"]
        pipe(job["prompt"], parsed_prompt="given", attn_res=(16, 16), **options)

    def divide_and_bind(self, job, scheduler, options):
        from divide_and_bind import pipeline_divide_and_bind_latest as official
        finer = official.AttentionStore.aggregate_attention_intermediate
        if not hasattr(finer, "__wrapped__"):
            @functools.wraps(finer)
            def smaller(self, res, from_where, from_res): return finer(self, res, from_where, (4 * res, 2 * res))
            official.AttentionStore.aggregate_attention_intermediate = smaller
        pipe = official.StableDiffusionDivideAndBindPipeline(**self.parts, scheduler=scheduler, requires_safety_checker=False)
        pipe(job["prompt"], token_indices=[g[-1] for g in job["groups"]], color_indices=[g[0] for g in job["groups"]],
             loss_mode="tv_bind", attn_res=job["grid"], **options)

    def conform(self, job, scheduler, options):
        from pipeline_conform import ConformPipeline
        pipe = ConformPipeline(**self.parts, scheduler=scheduler, requires_safety_checker=False)
        pipe(job["prompt"], token_groups=job["groups"], max_iter_to_alter=job.get("altered", 25), softmax_normalize=False, **options)

    def box_diff(self, job, scheduler, options):
        from pipeline.sd_pipeline_boxdiff import BoxDiffPipeline
        from utils.ptp_utils import AttentionStore, register_attention_control
        pipe = BoxDiffPipeline(**self.parts, scheduler=scheduler, requires_safety_checker=False)
        store = AttentionStore(); register_attention_control(pipe, store)
        torch, gradient = self.torch, self.torch.autograd.grad

        def possibly_unused(loss, inputs, **settings):
            found = gradient(loss, inputs, allow_unused=True, **settings)
            return [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs)]

        torch.autograd.grad = possibly_unused
        try:
            pipe(job["prompt"], attention_store=store, indices_to_alter=job["tokens"],
                 bbox=[[512 * side for side in box] for box in job["boxes"]], config=types.SimpleNamespace(P=0.2, L=1, refine=True), **options)
        finally:
            torch.autograd.grad = gradient

    def initno(self, job, scheduler, options):
        from initno.pipelines.pipeline_sd_initno import StableDiffusionInitNOPipeline
        pipe = StableDiffusionInitNOPipeline(**self.parts, scheduler=scheduler, requires_safety_checker=False)
        pipe(job["prompt"], token_indices=job["tokens"], run_sd=False, result_root=None, **options)

    def composable(self, job, scheduler, options):
        from composable_diffusion.composable_stable_diffusion.pipeline_composable_stable_diffusion import ComposableStableDiffusionPipeline
        pipe = ComposableStableDiffusionPipeline(**self.parts, scheduler=scheduler, requires_safety_checker=False)
        pipe(job["prompt"], weights=job["weights"], **options)

    def denoised(self, prompts, scheduler, options, change):
        """Guided denoising of the same noise for each prompt; `change(layer, attn, x, context, p, v)` gives an attention's output."""
        torch, plain = self.torch, self.plain

        class Processor:
            def __init__(self, layer): self.layer = layer

            def __call__(self, attn, x, encoder_hidden_states=None, attention_mask=None, **_):
                context = x if encoder_hidden_states is None else encoder_hidden_states
                q, k, v = (attn.head_to_batch_dim(t) for t in (attn.to_q(x), attn.to_k(context), attn.to_v(context)))
                p = attn.get_attention_scores(q, k)
                return change(self.layer, attn, x, context, p, v)

        plain.unet.set_attn_processor({n: Processor(n) for n in plain.unet.attn_processors})
        ids = lambda texts: plain.tokenizer(texts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        with torch.no_grad():
            context = torch.cat([plain.text_encoder(ids([""] * len(prompts)))[0], plain.text_encoder(ids(prompts))[0]])
            scheduler.set_timesteps(STEPS)
            side = options["height"] // 8
            z = torch.randn(1, 4, side, side, generator=options["generator"]).expand(len(prompts), -1, -1, -1)
            for t in scheduler.timesteps:
                empty, own = plain.unet(torch.cat([z, z]), t, context).sample.chunk(2)
                z = scheduler.step(empty + 7.5 * (own - empty), t, z).prev_sample
        return z

    def prompt_to_prompt(self, job, scheduler, options):
        import ptp_utils, seq_aligner
        torch, tokenizer = self.torch, self.plain.tokenizer
        prompts = [job["source"], job["prompt"]]
        alpha = ptp_utils.get_time_words_attention_alpha(prompts, STEPS, 0.8, tokenizer)[:, 0, 0]
        equalizer = torch.ones(77)
        for word, weight in job.get("weights", {}).items():
            equalizer[ptp_utils.get_word_inds(job["prompt"], word, tokenizer)] = weight
        if job["edit"] == "replacement":
            mapper = seq_aligner.get_replacement_mapper(prompts, tokenizer)[0]
            edited = lambda source, own: torch.einsum("hpw,wn->hpn", source, mapper)
        else:
            index, kept = (t[0] for t in seq_aligner.get_refinement_mapper(prompts, tokenizer))
            edited = lambda source, own: source[:, :, index] * kept + own * (1 - kept)
        pixels, calls = job.get("pixels", 1024), []
        layers = len(self.processors)

        def change(layer, attn, x, context, p, v):
            step = len(calls) // layers
            calls.append(layer)
            heads = attn.heads
            source, own = p[2 * heads:3 * heads], p[3 * heads:]
            if layer.endswith("attn2.processor"):
                own = edited(source, own) * equalizer * alpha[step] + own * (1 - alpha[step])
            elif p.shape[1] <= pixels and step < int(0.4 * STEPS):
                own = source
            out = attn.batch_to_head_dim(torch.bmm(torch.cat([p[:3 * heads], own]), v))
            return attn.to_out[0](out)

        # The source's latents must not be Heed's, which are the target's: it goes on by itself.
        step = scheduler.step

        def apart(noise, t, z):
            source = scheduler_of_source.step(noise[:1], t, z[:1]).prev_sample
            result = step(noise[1:], t, z[1:])
            return types.SimpleNamespace(prev_sample=torch.cat([source, result.prev_sample]))

        scheduler_of_source = type(scheduler).from_config(scheduler.config)
        scheduler_of_source.set_timesteps(STEPS)
        scheduler.step = apart
        self.denoised(prompts, scheduler, options, change)

    def structure(self, job, scheduler, options):
        from structured_stable_diffusion.modules.attention import CrossAttention
        torch, plain = self.torch, self.plain
        source = ast.parse(open(os.path.join(self.folder, "scripts/txt2img_demo.py")).read())
        names = ("single_align", "multi_align", "align_sequence")
        official = dict(torch=torch)
        exec(compile(ast.Module([n for n in source.body if getattr(n, "name", "") in names], []), "txt2img_demo.py", "exec"), official)
        texts = [job["prompt"]] + job["phrases"]
        ids = plain.tokenizer(texts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        with torch.no_grad(): encoded = [e[None] for e in plain.text_encoder(ids)[0]]
        words = job["prompt"].split()
        spans = []
        for phrase in job["phrases"]:
            own = phrase.split()
            start = next(i for i in range(len(words)) if words[i:i + len(own)] == own)
            spans.append((start, start + len(own)))
        aligned = [encoded[0]] + official["align_sequence"](encoded[0], encoded[1:], spans)

        def change(layer, attn, x, context, p, v):
            if not layer.endswith("attn2.processor"):
                return attn.to_out[0](attn.batch_to_head_dim(torch.bmm(p, v)))
            official = CrossAttention(x.shape[-1], context.shape[-1], attn.heads, x.shape[-1] // attn.heads, struct_attn=True)
            official.to_q, official.to_k, official.to_v, official.to_out[0] = attn.to_q, attn.to_k, attn.to_v, attn.to_out[0]
            return official(x, [context[:1], dict(k=aligned[:1], v=aligned)])

        self.denoised([job["prompt"]], scheduler, options, change)


def work(name, folder, model, jobs):
    """Compares the jobs of one repository, in a process of its own, since their modules have the same names."""
    sys.path.insert(0, folder)
    shim()
    official = Official(name, folder, model)
    for job in json.load(open(jobs)):
        noise = open(os.devnull, "w")
        out, sys.stdout = sys.stdout, noise
        try: result = dict(differences=official.compare(job, np.load(job["latents"])))
        except Exception as error: result = dict(failure=f"{type(error).__name__}: {error}")
        finally: sys.stdout = out
        print(json.dumps(result), flush=True)


# The table

def found(folder):
    """Where each repository lies, and its commit if it is known."""
    places = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(os.path.abspath(folder), name)
        for repository, (marker, _, _) in REPOSITORIES.items():
            if os.path.isfile(os.path.join(path, marker)) and repository not in places:
                git = subprocess.run(["git", "-C", path, "rev-parse", "--show-toplevel", "HEAD"], capture_output=True, text=True)
                lines = git.stdout.split()
                places[repository] = (path, lines[1] if git.returncode == 0 and lines[0] == os.path.realpath(path) else None)
    return places


def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--model", default=f"{ROOT}/Sources/Diffusion/Resources/Menagerie", help="a folder in diffusers' layout")
    parser.add_argument("--only", help="repositories, with commas between them")
    parser.add_argument("--prompts", type=int, default=4, choices=range(1, 5))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--work", nargs=2, metavar=("REPOSITORY", "JOBS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work: return work(arguments.work[0], arguments.folder, arguments.model, arguments.work[1])
    heed = os.environ.get("HEED", f"{ROOT}/.build/release/heed")
    if not os.access(heed, os.X_OK): sys.exit(f"{heed} is no command; set HEED to Heed's")
    places = found(arguments.folder)
    for name, (_, source, commit) in REPOSITORIES.items():
        path, own = places.get(name, (None, None))
        state = "not found" if path is None else f"commit {own[:7]}" if own else "commit unknown"
        if own and not own.startswith(commit): state += ", another"
        print(f"{name}: {state}; written for github.com/{source} at {commit}")
    wanted = set(arguments.only.split(",")) if arguments.only else set(REPOSITORIES)
    if wanted - set(REPOSITORIES): sys.exit(f"--only names {', '.join(sorted(wanted - set(REPOSITORIES)))}; expected of {', '.join(REPOSITORIES)}")
    print(f"\n{'row':44} {'runs':>4} {'worst step':>10} {'final':>8}  {'verdict'}")
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        for row, repository, cases, job, options, is_published in ROWS:
            if repository not in wanted or repository not in places: continue
            jobs = []
            try:
                for number, case in enumerate(cases[:arguments.prompts]):
                    for seed in range(arguments.seeds):
                        own = dict(job(case), seed=seed, latents=os.path.join(scratch, f"{number}-{seed}.npy"))
                        prompt = own["prompt"] if repository != "composable" else case[0]
                        np.save(own["latents"], heed_latents(heed, prompt, seed, options(case), arguments.model))
                        jobs.append(own)
            except RuntimeError as error:
                failed = True
                print(f"{row:44} {error}", flush=True)
                continue
            path = os.path.join(scratch, "jobs.json")
            json.dump(jobs, open(path, "w"))
            ran = subprocess.run([sys.executable, os.path.abspath(__file__), places[repository][0], "--model", arguments.model,
                                  "--work", repository, path], capture_output=True, text=True)
            results = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
            failures = [r["failure"] for r in results if "failure" in r]
            if failures or len(results) < len(jobs):
                failed = True
                print(f"{row:44} {(failures or [ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else 'no result'])[0][:200]}", flush=True)
                continue
            step, final = (max(r["differences"][i] for r in results) for i in (0, 1))
            verdict = ("equal" if step < 1e-3 else "AMPLIFIED OR DIFFERENT") if is_published else "another form"
            print(f"{row:44} {len(results):4} {step:10.1e} {final:8.1e}  {verdict}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
