#!/usr/bin/env python3
"""Writes the latents of Composable Diffusion, StructureDiffusion, prompt-to-prompt, TEBOpt, Magnet, FOCUS, JEDI and ToMe on
the tiny checkpoints (ToMe's on tiny-xl too), and those of Attend-and-Excite under Euler.

    python3 -m venv v && v/bin/pip install torch diffusers transformers accelerate safetensors
    v/bin/python make_method_goldens.py

Each method's formulas are written out here in torch, over diffusers' UNet and schedulers, with one attention processor
whose output a function can change. Beside this file: latents.safetensors, the latent
[1, 4, row, column] after 6 steps of each case below, named CHECKPOINT.CASE. CPU, float32, noise of torch's generator,
seed 5.
"""
import copy, math, os
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, PNDMScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

HERE = os.path.dirname(os.path.abspath(__file__)); ROOT = os.path.dirname(HERE)
STEPS, GUIDANCE, SEED = 6, 7.5, 5
torch.set_num_threads(1); torch.set_grad_enabled(False)


class Processor:
    """Attention with its points in plain sight; `change(layer, attn, split, q, p, v)` may give another output.

    p is [batch, head, pixel, key]; q, v and the output are [batch, head, position, channel]."""

    def __init__(self, layer, model): self.layer, self.model = layer, model

    def __call__(self, attn, x, encoder_hidden_states=None, attention_mask=None, **_):
        context = x if encoder_hidden_states is None else encoder_hidden_states
        split = lambda t: t.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        q, k, v = split(attn.to_q(x)), split(attn.to_k(context)), split(attn.to_v(context))
        p = torch.softmax(q @ k.transpose(-1, -2) * attn.scale, -1)
        change = self.model.change or (lambda layer, attn, split, q, p, v: p @ v)
        return attn.to_out[0](change(self.layer, attn, split, q, p, v).transpose(1, 2).flatten(2))


class Model:
    def __init__(self, name):
        folder = os.path.join(ROOT, name)
        self.unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
        self.text = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder")
        self.tokenizer = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer")
        kind = DDIMScheduler if name == "tiny-sd2" else PNDMScheduler
        self.scheduler = kind.from_pretrained(folder, subfolder="scheduler")
        self.change = None
        self.unet.set_attn_processor({n: Processor(n.removesuffix(".processor"), self) for n in self.unet.attn_processors})

    def ids(self, text): return self.tokenizer(text, padding="max_length", max_length=77, truncation=True).input_ids
    def embed(self, text): return self.text(torch.tensor([self.ids(text)]))[0]
    def words(self, text): return [self.tokenizer(w, add_special_tokens=False).input_ids for w in text.split()]

    def place(self, phrase, prompt):
        """Where a phrase's tokens stand in a prompt's, from and to."""
        part, whole = self.tokenizer(phrase, add_special_tokens=False).input_ids, self.ids(prompt)
        start = next(i for i in range(77) if whole[i:i + len(part)] == part)
        return start, start + len(part)

    def run(self, rows, predict, moved=lambda z, t, i: z):
        """Denoises `rows` equal latents; `predict(input, t, iteration)` gives their noises, `moved` the latent before."""
        self.scheduler.set_timesteps(STEPS)
        size = self.unet.config.sample_size
        z = torch.randn(1, 4, size, size, generator=torch.Generator("cpu").manual_seed(SEED))
        z = (z * self.scheduler.init_noise_sigma).expand(rows, -1, -1, -1)
        for i, t in enumerate(self.scheduler.timesteps):
            z = moved(z, t, i)
            z = self.scheduler.step(predict(self.scheduler.scale_model_input(z, t), t, i), t, z).prev_sample
        self.change = None
        return z[-1:]

    def guided(self, prompt):
        """Classifier-free guidance of one prompt; rows of the batch are the empty prompt and the prompt."""
        context = torch.cat([self.embed(""), self.embed(prompt)])
        def predict(z, t, _):
            u, c = self.unet(z.expand(2, -1, -1, -1), t, context).sample.chunk(2)
            return u + GUIDANCE * (c - u)
        return predict


class XLModel(Model):
    """The same of Stable Diffusion XL; an absent text is zeros."""
    def __init__(self, name):
        folder = os.path.join(ROOT, name); load = lambda kind, part: kind.from_pretrained(folder, subfolder=part)
        self.unet, self.scheduler = load(UNet2DConditionModel, "unet"), load(EulerDiscreteScheduler, "scheduler")
        self.tokenizer, self.second, self.change = load(CLIPTokenizer, "tokenizer"), load(CLIPTokenizer, "tokenizer_2"), None
        self.texts = [load(CLIPTextModel, "text_encoder"), load(CLIPTextModelWithProjection, "text_encoder_2")]
        self.unet.set_attn_processor({n: Processor(n.removesuffix(".processor"), self) for n in self.unet.attn_processors})

    def both(self, text):
        ids = [t(text, padding="max_length", max_length=77, truncation=True).input_ids for t in (self.tokenizer, self.second)]
        out = [e(torch.tensor([i]), output_hidden_states=True) for e, i in zip(self.texts, ids)]
        return torch.cat([o.hidden_states[-2] for o in out], -1) * (text != ""), out[1].text_embeds * (text != "")
    def embed(self, text): return self.both(text)[0]
    def pooled(self, text): return self.both(text)[1]


def composable(m, parts):
    """Liu et al. 2022: e = e(none) + sum of w (e(part) - e(none))."""
    empty, contexts = m.embed(""), [(m.embed(text), w) for text, w in parts]
    def predict(z, t, _):
        u = m.unet(z, t, empty).sample
        return u + sum(w * (m.unet(z, t, c).sample - u) for c, w in contexts)
    return m.run(1, predict)


def structure(m, prompt, phrases, form):
    """Feng et al. 2023: several values for one key, or several keys for one value."""
    w0 = m.embed(prompt); aligned = [w0]; over = w0.clone()
    for phrase in phrases:
        a, b = m.place(phrase, prompt); alone = m.embed(phrase); w = w0.clone()
        w[:, a:b] = alone[:, 1:1 + b - a]; over[:, a:b] = alone[:, 1:1 + b - a]; aligned.append(w)
    def change(layer, attn, split, q, p, v):
        if not layer.endswith("attn2"): return p @ v
        if form == "values":
            values = [split(attn.to_v(w)) for w in aligned]; maps = [p[1:]] * len(values)
        else:
            keys = [over if form == "keys-in-place" else w0] + aligned[1:]
            maps = [torch.softmax(q[1:] @ split(attn.to_k(w)).transpose(-1, -2) * attn.scale, -1) for w in keys]
            values = [split(attn.to_v(over))] * len(maps)
        out = sum(a @ b for a, b in zip(maps, values)) / len(maps)
        return torch.cat([(p @ v)[:1], out])
    m.change = change
    return m.run(1, m.guided(prompt))


def factors(m, prompt, weights):
    c = torch.ones(77)
    for word, weight in weights.items():
        a, b = m.place(word, prompt); c[a:b] *= weight
    return c


def reweighted(m, prompt, weights):
    """Hertz et al. 2023, re-weighting: M * c for the prompt, rows not brought back to 1."""
    c = factors(m, prompt, weights)
    def change(layer, attn, split, q, p, v):
        return (torch.cat([p[:1], p[1:] * c]) if layer.endswith("attn2") else p) @ v
    m.change = change
    return m.run(1, m.guided(prompt))


def replacement(m, source, target):
    """[source token, target token], and which target tokens have a source: all of them."""
    mapper = torch.zeros(77, 77); mapper[0, 0] = 1; i = j = 1
    for old, new in zip(m.words(source), m.words(target), strict=True):
        if len(old) == len(new):
            for k in range(len(old)): mapper[i + k, j + k] = 1
        else: mapper[i:i + len(old), j:j + len(new)] = 1 / len(new)
        i += len(old); j += len(new)
    mapper[i, j] = 1
    for k in range(j + 1, 77): mapper[max(k, i + 1), k] = 1
    return mapper, torch.ones(77)


def refinement(m, source, target):
    """The same by Needleman and Wunsch's alignment: match 1, mismatch -1, gap 0."""
    x = [t for w in m.words(source) for t in w]; y = [t for w in m.words(target) for t in w]
    score = [[0] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            score[i][j] = max(score[i - 1][j], score[i][j - 1], score[i - 1][j - 1] + (1 if x[i - 1] == y[j - 1] else -1))
    mapper, own = torch.zeros(77, 77), torch.ones(77); own[1:len(y) + 1] = 0; mapper[0, 0] = 1
    i, j = len(x), len(y)
    while i and j:
        if x[i - 1] == y[j - 1] and score[i][j] == score[i - 1][j - 1] + 1:
            mapper[i, j] = 1; own[j] = 1; i -= 1; j -= 1
        elif score[i][j] == score[i - 1][j]: i -= 1
        else: j -= 1
    mapper[len(x) + 1, len(y) + 1] = 1
    for k in range(len(y) + 2, 77): mapper[max(k, len(x) + 2), k] = 1
    return mapper, own


def published_replacement(m, source, target):
    """The same as google's seq_aligner.py has it: unequal words by their tokens; other tokens in their order before the
    last of these, and by index after it."""
    x, y, i, j, spans = m.words(source), m.words(target), 1, 1, []
    for old, new in zip(x, y, strict=True):
        if old != new: spans.append((i, len(old), j, len(new)))
        i += len(old); j += len(new)
    mapper = torch.zeros(77, 77); i = j = 0
    while i < 77 and j < 77:
        if spans and spans[0][0] == i:
            _, p, _, q = spans.pop(0)
            for k in range(q):
                if p == q: mapper[i + k, j + k] = 1
                else: mapper[i:i + p, j + k] = 1 / q
            i += p; j += q
        else:
            mapper[i if spans else j, j] = 1; i += 1; j += 1
    return mapper, torch.ones(77)


def published_refinement(m, source, target):
    """The same as google's seq_aligner.py has it: padding takes the source's token at its own index."""
    mapper, own = refinement(m, source, target)
    for k in range(sum(map(len, m.words(target))) + 2, 77): mapper[:, k] = 0; mapper[k, k] = 1
    return mapper, own


def edited(m, source, target, align, weights={}, cross=(0, .8), own=(0, .4), pixels=32 ** 2):
    """Hertz et al. 2023: rows of the batch are none, none, source, target; the target's maps come from the source's."""
    mapper, has = align(m, source, target); c = factors(m, target, weights)
    context = torch.cat([m.embed(""), m.embed(""), m.embed(source), m.embed(target)]); now = [0, 1]
    def inside(window, count): return int(window[0] * count) <= now[0] < int(window[1] * count)
    def change(layer, attn, split, q, p, v):
        if layer.endswith("attn2"):
            if inside(cross, now[1] + 1): p = torch.cat([p[:3], ((p[2:3] @ mapper) * has + p[3:] * (1 - has)) * c])
        elif inside(own, now[1]) and p.shape[2] <= pixels: p = torch.cat([p[:3], p[2:3]])
        return p @ v
    m.change = change
    def predict(z, t, i):
        now[:] = [i, len(m.scheduler.timesteps)]
        u, g = m.unet(torch.cat([z, z]), t, context).sample.chunk(2)
        return u + GUIDANCE * (g - u)
    return m.run(2, predict)


def excited(m, prompt, tokens, scaled):
    """Chefer et al. 2023 without refinement, every iteration altered, under Euler; the pass for the loss takes the latent
    as the scheduler scales it, or as it is."""
    own, m.scheduler = m.scheduler, EulerDiscreteScheduler.from_config(m.scheduler.config)
    text, ids = m.embed(prompt), m.tokenizer(prompt).input_ids
    last = 76 if m.unet.config.cross_attention_dim == 32 else len(ids) - 1
    line = torch.exp(-torch.tensor([-1., 0, 1]) ** 2); kernel = torch.outer(line, line); kernel = kernel / kernel.sum()
    def moved(z, t, i):
        maps = []
        def change(layer, attn, split, q, p, v):
            if layer.endswith("attn2") and p.shape[2] == 16 ** 2: maps.append(p[0])
            return p @ v
        with torch.enable_grad():
            z = z.detach().requires_grad_(); m.change = change
            m.unet(m.scheduler.scale_model_input(z, t) if scaled else z, t, text)
            shared = torch.softmax(100 * torch.cat(maps).mean(0)[:, 1:last], -1)
            def largest(s):
                plane = torch.nn.functional.pad(shared[:, s - 1].reshape(1, 1, 16, 16), (1, 1, 1, 1), "reflect")
                return torch.nn.functional.conv2d(plane, kernel[None, None]).max()
            loss = torch.stack([1 - largest(s) for s in tokens]).max()
            slope, = torch.autograd.grad(loss, z)
        m.change = None
        # diffusers' Euler knows by this call at which noise level it is.
        m.scheduler.scale_model_input(z.detach(), t)
        return (z - 20 * (1 - 0.5 * i / (STEPS - 1)) ** 0.5 * slope).detach()
    z = m.run(1, m.guided(prompt), moved)
    m.scheduler = own
    return z


TWO, THREE = "a mouse and a red car", "a big dog with a white mouse and a red car"
CASES = {
    "plain": lambda m: m.run(1, m.guided(TWO)),
    "composable.and": lambda m: composable(m, [("a mouse", 7.5), ("a red car", 7.5)]),
    "composable.not": lambda m: composable(m, [("a mouse", 7.5), ("a red car", 4.0), ("a frog", -2.0)]),
    "structure.values": lambda m: structure(m, THREE, ["a big dog", "a white mouse", "a red car"], "values"),
    "structure.keys": lambda m: structure(m, THREE, ["a big dog", "a white mouse", "a red car"], "keys"),
    "structure.keys-in-place": lambda m: structure(m, THREE, ["a big dog", "a white mouse", "a red car"], "keys-in-place"),
    "reweighted": lambda m: reweighted(m, "a cat and a frog", {"frog": 2.0, "cat": 0.5}),
    "replacement": lambda m: edited(m, "a cat and a frog", "a dog and a frog", replacement),
    "replacement.pieces": lambda m: edited(m, "a cat and a frog", "a hippogryph and a frog", replacement, cross=(0, .5), own=(.2, .6)),
    "refinement": lambda m: edited(m, "a cat and a frog", "a fluffy cat and a frog with a hat", refinement),
    "reweighted.source": lambda m: edited(m, "a cat and a frog", "a cat and a frog", replacement, {"frog": 2.0, "cat": 0.5}),
    "replacement.pieces.code": lambda m: edited(m, "a cat and a frog", "a hippogryph and a frog", published_replacement),
    "replacement.fewer.code": lambda m: edited(m, "a hippogryph and a frog", "a cat and a frog", published_replacement),
    "refinement.shorter.code": lambda m: edited(m, "a big fluffy cat and a frog", "a cat and a frog", published_refinement, {"frog": 3.0}),
    "refinement.longer.code": lambda m: edited(m, "a cat and a frog", "a fluffy cat and a frog with a hat", published_refinement),
    "replacement.few-pixels": lambda m: edited(m, "a cat and a frog", "a dog and a frog", replacement, pixels=16 ** 2),
    "excited.scaled": lambda m: excited(m, "a cat and a frog", [2, 5], True),
    "excited.unscaled": lambda m: excited(m, "a cat and a frog", [2, 5], False),
    "refinement.shorter": lambda m: edited(m, "a big fluffy cat and a frog", "a cat and a frog", refinement, {"frog": 3.0}),
}

def cosine(a, b): return (a * b).sum() / (a.norm() * b.norm())


def encoded(m, prompt, embedding):
    """Classifier-free guidance of one prompt whose embedding is another."""
    context = torch.cat([m.embed(""), embedding])
    def predict(z, t, _):
        u, c = m.unet(z.expand(2, -1, -1, -1), t, context).sample.chunk(2)
        return u + GUIDANCE * (c - u)
    return m.run(1, predict)


def tebopt(m, prompt, words):
    """Chen et al. 2024, equations 4 to 6; a word of several pieces is its last."""
    e = m.embed(prompt); count = len(m.tokenizer(prompt).input_ids); content = range(1, count - 1)
    objects = [m.place(w, prompt)[1] - 1 for w in words]; pure = []
    for w in words:
        text = f"A photo of a {w}"; pure.append(m.embed(text)[0, len(m.tokenizer(text).input_ids) - 2])
    for _ in range(20):
        with torch.enable_grad():
            v = e.clone().requires_grad_(True)
            near = [cosine(v[0, i], v[0, j]) for i in objects for j in content if j != i]
            loss = -torch.stack([cosine(v[0, i], p) for i, p in zip(objects, pure)]).min() + sum(near) / len(near)
            if loss <= -0.7: break
            g, = torch.autograd.grad(loss, [v])
        e = e - 20 * g
    return encoded(m, prompt, e)


BANK = open(os.path.join(HERE, "bank.txt")).read().split()


def magnet(m, prompt, concepts):
    """Zhuang et al. 2024; concepts are pairs of attributes and subject."""
    last = lambda text: m.embed(text)[0, len(m.tokenizer(text).input_ids) - 2]
    join = lambda attributes, subject: (attributes + " " + subject).strip()
    e = m.embed(prompt)
    for k, (attributes, subject) in enumerate(concepts):
        own = last(subject); words = BANK + ([] if subject in BANK else [subject])
        near = sorted(words, key=lambda w: -float(cosine(own, last(w))))[:5]
        pull = lambda a: sum(last(join(a, b)) - last(b) for b in near) / len(near)
        alone = m.embed(join(attributes, subject))[0]; end = len(m.tokenizer(join(attributes, subject)).input_ids) - 1
        omega = cosine(alone[end], alone[76])
        change = (0.6 - omega).exp() * pull(attributes)
        for j, (other, _) in enumerate(concepts):
            if j != k and other: change = change - (1 - omega ** 2) * pull(other)
        e[0, m.place(subject, prompt)[1] - 1] += change
    return encoded(m, prompt, e)


def looked(m, z, t, context, loss, side=8):
    """The gradient of a loss of the cross-attentions of side x side pixels, and their logits, `[head, pixel, key]`."""
    seen = []
    def change(layer, attn, split, q, p, v):
        if layer.endswith("attn2") and p.shape[2] == side * side: seen.append((p[0], (q @ seen_keys(attn, split, context) * attn.scale)[0]))
        return p @ v
    def seen_keys(attn, split, context): return split(attn.to_k(context)).transpose(-1, -2)
    m.change = change
    with torch.enable_grad():
        x = z.detach().requires_grad_(True); m.unet(m.scheduler.scale_model_input(x, t), t, context)
        g, = torch.autograd.grad(loss(seen), [x])
    m.change = None
    return g


def jensen_shannon(maps):
    q = torch.stack(maps); mean = q.mean(0)
    return (q * ((q + 1e-10).log() - (mean + 1e-10).log())).sum() / len(maps) / math.log(len(maps))


def parted(groups, mixtures, join):
    within = [jensen_shannon(g) for g in groups if len(g) > 1]
    return join * ((sum(within) / len(within) if within else 0) + 1 - jensen_shannon(mixtures))


def focus(m, prompt, groups, strength, side=8):
    """Bill et al. 2025 on a model of noise or velocity; groups are of token indices."""
    context = m.embed(prompt); guided = m.guided(prompt)
    line = torch.tensor([math.exp(-0.5), 1, math.exp(-0.5)]); kernel = torch.outer(line, line); kernel = kernel / kernel.sum()
    def blur(v): return torch.nn.functional.conv2d(torch.nn.functional.pad(v.reshape(1, 1, side, side), (1,) * 4, "reflect"), kernel[None, None]).flatten()
    cube = lambda v: v ** 3 / (v ** 3).sum().clamp(min=1e-10)
    def loss(seen):
        a = torch.cat([p for p, _ in seen]).mean(0); maps = [[blur(a[:, i]) for i in g] for g in groups]
        return parted([[cube(v) for v in g] for g in maps], [cube(sum(g) / len(g)) for g in maps], 0.5)
    def predict(z, t, i):
        bar = m.scheduler.alphas_cumprod[int(t)]; a, s = bar.sqrt(), (1 - bar).sqrt()
        g = looked(m, z, t, context, loss, side)
        factor = 2 * strength * s ** 2 / (a + s)
        return guided(z, t, i) + (factor / a if m.scheduler.config.prediction_type == "v_prediction" else factor) * g
    return m.run(1, predict)


def jedi(m, prompt, groups, step, side=8):
    """Bill et al. 2025, each layer by itself."""
    context = m.embed(prompt)
    over = lambda v: torch.softmax(v, 0)
    def loss(seen):
        total = 0
        for _, logits in seen:
            mean = logits.mean(0); mixtures = [over(mean[:, list(g)].mean(1)) for g in groups]
            spread = sum(1 + (p * (p + 1e-10).log()).sum() / math.log(side * side) for p in mixtures) / len(mixtures)
            total = total + parted([[over(mean[:, i]) for i in g] for g in groups], mixtures, 1) + 0.01 * spread
        return total / len(seen)
    def moved(z, t, i):
        if i >= int(len(m.scheduler.timesteps) * 18 / 28 + 0.5): return z
        return z - step * looked(m, z, t, context, loss, side).sign()
    return m.run(1, m.guided(prompt), moved)


def tome(m, prompt, pairs, ending=None, apart=False, code=False, scheduler=None, steps=3, tries=2, side=8, bind=30, sharpen=0.05):
    """Hu et al. 2024; each pair is a noun, its modifiers, and the phrase of both."""
    own = m.scheduler; m.scheduler = scheduler.from_config(own.config) if scheduler else own
    m.scheduler.set_timesteps(STEPS); size = m.unet.config.sample_size; xl = isinstance(m, XLModel)
    start = torch.randn(1, 4, size, size, generator=torch.Generator("cpu").manual_seed(SEED)) * m.scheduler.init_noise_sigma
    places = [(m.place(noun, prompt), [i for w in words for i in range(*m.place(w, prompt))]) for noun, words, _ in pairs]
    e = m.embed(prompt); rows = e[0].clone(); end = len(m.tokenizer(prompt).input_ids) - 1; firsts = [a for (a, _), _ in places]
    for (a, b), words in places: e[0, [*range(a, b), *words]] = 0
    for (a, b), words in places: e[0, a] = 1.1 * rows[a:b].sum(0) + 1.2 * rows[words].sum(0)
    null = m.embed(""); phrases = [m.embed(text) for _, _, text in pairs]
    runs = [[start.clone(), copy.deepcopy(m.scheduler)] for _ in pairs]; now = [e]

    def unet(x, t, context, pooled=False):
        if not xl: return m.unet(x, t, context).sample
        zero = 0 * m.pooled(prompt); text = torch.cat(([0 * zero, m.pooled(prompt)] if len(x) == 2 else [m.pooled(prompt)]) if pooled else [zero] * len(x))
        sizes = torch.tensor([[8. * size, 8 * size, 0, 0, 8 * size, 8 * size]]).expand(len(x), -1)
        return m.unet(x, t, context, added_cond_kwargs=dict(text_embeds=text, time_ids=sizes)).sample

    def loss(seen):
        a = torch.cat(seen).mean(0)[:, 1:end]; shared = torch.softmax(a / 0.5, -1); total = 0
        for k, first in enumerate(firsts):
            v = shared[:, first - 1]; v = (v - v.min()) / (v.max() - v.min()); p = v / v.sum()
            total = total - 2 * (p * (p + 1e-5).log()).sum()
            if apart:
                line = torch.linspace(0, 1, side); square = p.reshape(side, side)
                centre = 32 * torch.stack([(square.sum(0) * line).sum(), (square.sum(1) * line).sum()])
                total = total + 0.2 * ((centre - torch.tensor([[10., 16], [25, 16]][k])) ** 2).mean()
        return total

    def predict(x, t, i):
        e = now[0]
        if ending and i == 0: e = torch.cat([e[:, :end], m.embed(ending)[:, end:]], 1)
        for k, run in enumerate(runs if i < steps else []):
            z = run[1].scale_model_input(run[0], t)
            if code: run[0] = z
            u, target = unet(torch.cat([z, z]), t, torch.cat([null, phrases[k]])).chunk(2)
            s = e[:, firsts[k]:firsts[k] + 1].clone()
            for _ in range(3):
                with torch.enable_grad():
                    v = s.detach().requires_grad_(True); g, = torch.autograd.grad(((unet(z, t, v) - target) ** 2).mean(), [v])
                s = s - bind * g
            e = e.clone(); e[:, firsts[k]:firsts[k] + 1] = s
            run[0] = run[1].step(u + (-1 if code else 1) * GUIDANCE * (target - u), t, run[0]).prev_sample
        rate = sharpen * (1 - i / (len(m.scheduler.timesteps) - 1))
        for _ in range(tries if i < steps else 0):
            seen = []
            def change(layer, attn, split, q, p, v):
                if layer.endswith("attn2") and p.shape[2] == side * side: seen.append(p[0])
                return p @ v
            m.change = change
            with torch.enable_grad():
                a, b = x.detach().requires_grad_(True), e.detach().requires_grad_(True); unet(a, t, b, True)
                value = loss(seen); ga, gb = torch.autograd.grad(value, [a, b])
            m.change = None; x, e = x - 0.5 * rate * ga, e - rate * gb
            if value < [26, 25, 24, 23, 22.5, 22][i] * len(pairs) / 2 - 2: break
        now[0] = e
        u, c = unet(torch.cat([x, x]), t, torch.cat([null, e]), True).chunk(2)
        return u + GUIDANCE * (c - u)
    z = m.run(1, predict); m.scheduler = own
    return z


COLOURS = [("mouse", ["white"], "a white mouse"), ("car", ["red"], "a red car")]
THINGS = [("dog", ["hat"], "a dog with a hat"), ("mouse", ["car"], "a mouse with a car")]
WHITE, HATS = "a white mouse and a red car", "a dog with a hat and a mouse with a car"
TOME = {
    "tome": lambda m, side: tome(m, WHITE, COLOURS, side=side),
    "tome.merged": lambda m, side: tome(m, WHITE, COLOURS, side=side, bind=0, sharpen=0),
    "tome.bound": lambda m, side: tome(m, WHITE, COLOURS, side=side, sharpen=0),
    "tome.sharpened": lambda m, side: tome(m, WHITE, COLOURS, side=side, bind=0),
    "tome.objects": lambda m, side: tome(m, HATS, THINGS, "a dog and a mouse", True, side=side, sharpen=0.0001, bind=3),
    "tome.code": lambda m, side: tome(m, WHITE, COLOURS, None, False, True, EulerDiscreteScheduler, side=side),
}
CASES.update({name: lambda m, make=make: make(m, 8) for name, make in TOME.items()})
CASES.update({
    "tebopt": lambda m: tebopt(m, "a mouse and a red car", ["mouse", "car"]),
    "magnet": lambda m: magnet(m, THREE, [("big", "dog"), ("white", "mouse"), ("red", "car")]),
    "focus": lambda m: focus(m, "a mouse and a red car", [token_groups(m, g) for g in (["mouse"], ["red", "car"])], 50),
    "jedi": lambda m: jedi(m, "a mouse and a red car", [token_groups(m, g) for g in (["mouse"], ["red", "car"])], 0.003),
})


def token_groups(m, words, prompt="a mouse and a red car"):
    return [i for w in words for i in range(*m.place(w, prompt))]


if __name__ == "__main__":
    latents = {}
    for name in ("tiny-sd1", "tiny-sd2"):
        model = Model(name); plain = None
        for case, make in CASES.items():
            z = latents[f"{name}.{case}"] = make(model).contiguous()
            plain = z if plain is None else plain
            print(name, case, "range", float(z.abs().max()), "from plain", float((z - plain).abs().max()))
    for case, make in TOME.items():
        z = latents[f"tiny-xl.{case}"] = make(XLModel("tiny-xl"), 4).contiguous(); print("tiny-xl", case, "range", float(z.abs().max()))
    assert len(Model("tiny-sd1").words("hippogryph")[0]) > 1
    save_file(latents, os.path.join(HERE, "latents.safetensors"))
