#!/usr/bin/env python3
"""Makes goldens.json: values and gradients of every objective over attention, in float64 by torch; otsu.json:
blobs by OpenCV's threshold of Otsu; search.safetensors: what InitNO's published search for noise finds.

    python3 -m venv v && v/bin/pip install torch numpy opencv-python-headless safetensors
    v/bin/python make_objective_goldens.py

The maps are made by formulas that the tests repeat: cross-attention in which token n has a bump of
its own, at 16x16 and at the two finer grids, the same moved by one column for the step before, and
self-attention that falls with distance. For each case the file holds the loss, and of the gradient with
respect to each input the sum of magnitudes, the sum weighted by cos(index), and its largest numbers.
The formulas are those of the papers, and for the cases with "code" those of the published code, as the doc comments
of Sources/Diffusion/Methods cite them.
"""
import json, math, os
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
TOKENS, END = 77, 76


def cross(side, height=3):
    """[pixel, token]; a bump of token n at row 5n mod 16 and column (7n + 3) mod 16 of 16."""
    scale = side // 16
    rows = []
    for y in range(side):
        for x in range(side):
            row = []
            for n in range(TOKENS):
                cy, cx = scale * (5 * n % 16), scale * ((7 * n + 3) % 16)
                d = ((y - cy) ** 2 + (x - cx) ** 2) / scale**2
                row.append(height * math.exp(-d / 18) + (4.0 if n == 0 else 0))
            rows.append(row)
    return torch.softmax(torch.tensor(rows), dim=1)


def own(side):
    """[pixel, pixel]; falls with distance, the width differs from row to row."""
    rows = []
    for i in range(side * side):
        rows.append([
            -((i // side - j // side) ** 2 + (i % side - j % side) ** 2) / (4.0 + i // side)
            for j in range(side * side)
        ])
    return torch.softmax(torch.tensor(rows), dim=1)


A = cross(16)
# Two tokens' bumps are equal along a line between them, where the slope of a minimum is anyone's choice.
UNEVEN = A * (1 + 0.01 * torch.cos(torch.arange(A.numel())).reshape(A.shape))
# Maps with numbers below float32's epsilon times their sum.
SHARP = cross(16, 16)
BEFORE = A.reshape(16, 16, TOKENS).roll(1, 1).reshape(256, TOKENS)
FINE = [cross(32), cross(64)]
SELF = own(16)
LINE = torch.tensor([math.exp(-1), 1, math.exp(-1)])
KERNEL = torch.outer(LINE, LINE) / torch.outer(LINE, LINE).sum()


def renormalised(a):
    return torch.softmax(100 * a[:, 1:END], dim=1)


def smooth(m):
    return F.conv2d(F.pad(m.reshape(1, 1, 16, 16), (1, 1, 1, 1), "reflect"), KERNEL[None, None])[0, 0]


def read(a, s):
    """The renormalised, smoothed map of token s, [16, 16]."""
    return smooth(renormalised(a)[:, s - 1])


def P(a, s):
    return a[:, s] / a[:, s].sum()


def kl(p, q):
    return (p * (p / q).log()).sum()


def floored(p, q):
    """Both divergences by torch's Categorical in float32, whose logarithms are of probabilities clamped to its epsilon."""
    eps = torch.finfo(torch.float32).eps
    log = lambda x: x.clamp(min=eps, max=1 - eps).log()
    return ((p * (log(p) - log(q))).sum() + (q * (log(q) - log(p))).sum()) / 2


def symmetric(p, q):
    return (kl(p, q) + kl(q, p)) / 2


def cosine(p, q):
    return 1 - (p * q).sum() / (p.norm() * q.norm())


def attributes(a, distance, both):
    """Sets {2, 3} and {6, 7} of modifier and noun, and the bare noun 5; content tokens 1 to 7."""
    total = 0
    for group in ([2, 3], [6, 7], [5]):
        outside = [u for u in range(1, 8) if u not in group]
        noun = group[-1]
        away = lambda w: sum(distance(P(a, w), P(a, u)) for u in outside) / len(outside)
        for m in group[:-1]:
            total = total + distance(P(a, m), P(a, noun))
            total = total - ((away(noun) + away(m)) / 2 if both else away(noun))
        if len(group) == 1:
            total = total - away(noun)
    return total


def syngen_pair(a, distance=symmetric):
    total = 0
    for group in ([2, 3], [6, 7]):
        outside = [u for u in range(1, 8) if u not in group]
        m, n = group
        away = lambda w: sum(distance(P(a, w), P(a, u)) for u in outside) / len(outside)
        total = total + distance(P(a, m), P(a, n)) - (away(n) + away(m)) / 2
    return total


def ebama(a):
    return attributes(a, cosine, False) - 0.5 * sum(read(a, n).max() for n in (3, 7, 5))


def variation(m):
    return (m[1:] - m[:-1]).abs().sum() + (m[:, 1:] - m[:, :-1]).abs().sum()


def coded_variation(m):
    return (m[:, :-1] - m[:, 1:]).abs().mean() + (m[15:] - m[1:]).abs().mean()


def jensen(p, q):
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2


def divide_paper(a):
    attend = -torch.stack([variation(read(a, s)) for s in (3, 7)]).min()
    unit = lambda m: m.flatten() / m.sum()
    return attend + sum(jensen(unit(read(a, n)), unit(read(a, m))) for m, n in ((2, 3), (6, 7)))


def divide_code(a, fine32, fine64, weight):
    down = [f.reshape(k * 16, k * 16, TOKENS)[::k, ::k].reshape(256, TOKENS)
            for f, k in ((fine32, 2), (fine64, 4))]
    colours = renormalised((down[0] + down[1]) / 2)
    values = []
    for m, n in ((2, 3), (6, 7)):
        noun, colour = read(a, n), smooth(colours[:, m - 1])
        tv = coded_variation(noun)
        colour = colour * (noun.max() / colour.max())
        p, q = torch.softmax(noun.flatten(), 0), torch.softmax(colour.flatten(), 0)
        level = (0.3 if tv < 0.1 else 0.2) * p.max()
        p, q = F.relu(p - level) + 1e-5, F.relu(q - level) + 1e-5
        values.append(tv - weight * jensen(p, q))
    return (-torch.stack(values)).max()


def conform(embeddings, classes, tau=0.5):
    n = len(classes)
    unit = [e.flatten() / e.norm() for e in embeddings]
    s = [[(unit[i] * unit[j]).sum() / tau for j in range(n)] for i in range(n)]
    terms = []
    for i in range(n):
        others = sum(s[i][k].exp() for k in range(n) if classes[k] != classes[i])
        for j in range(n):
            if j != i and classes[j] == classes[i]:
                terms.append(-(s[i][j].exp() / (s[i][j].exp() + others)).log())
    return sum(terms) / len(terms)


def contrast(embeddings, classes):
    n = len(classes)
    unit = [e.flatten() / e.norm() for e in embeddings]
    s = lambda i, j: (unit[i] * unit[j]).sum()
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    same = [F.relu(1 - s(i, j)) for i, j in pairs if classes[i] == classes[j]]
    other = [F.relu(s(i, j)) for i, j in pairs if classes[i] != classes[j]]
    return (sum(same) / len(same) if same else 0) + sum(other) / len(other)


RAW = lambda a: [smooth(a[:, s]) for s in (2, 3, 6, 7)]
SOFT = lambda a: [read(a, s) for s in (2, 3, 6, 7)]
SINGLE = lambda a: [smooth(a[:, s]) for s in (2, 5)]


def segregation(a):
    m, n = a[:, 2], a[:, 5]
    return torch.minimum(m, n).sum() / (m + n).sum()


def retention(a):
    total = 0
    for s in (2, 5):
        before = BEFORE[:, s]
        mask = (before >= 0.5 * before.max()).double()
        total = total + 1 - torch.minimum(a[:, s], mask).sum() / (a[:, s] + mask).sum()
    return total


BOXES = {2: (0, 8, 4, 14), 5: (4, 6, 10, 12)}  # x1, y1, x2, y2 in cells of 16


def box_terms(a, s):
    m = read(a, s)
    x1, y1, x2, y2 = BOXES[s]
    mask = torch.zeros(16, 16)
    mask[y1:y2, x1:x2] = 1
    top = lambda v, n: v.flatten().topk(n).values.mean()
    inside = int(0.2 * mask.sum())
    outside = int(0.2 * (1 - mask).sum())
    fg, bg = top(m * mask, inside), top(m * (1 - mask), outside)
    near = lambda lo, hi: torch.tensor(
        [1.0 if min(abs(i - lo), abs(i - hi)) <= 1 else 0.0 for i in range(16)])
    dx = ((m.max(0).values - mask.max(0).values).abs() * near(x1, x2)).mean()
    dy = ((m.max(1).values - mask.max(1).values).abs() * near(y1, y2)).mean()
    return fg, bg, dx, dy


def box_diff(a):
    total = 0
    for s in BOXES:
        fg, bg, dx, dy = box_terms(a, s)
        total = total + F.relu(1 - fg) + F.relu(bg) + dx + dy
    return total


def exists(a, s):
    return -(1 - (1 - renormalised(a)[:, s - 1]).prod()).log()


def exists_mean(a, s):
    return -(1 - (1 - renormalised(a)[:, s - 1] + 1e-4).log().mean().exp()).log()


def unit_range(a, s):
    m = a[:, s]
    return (m - m.min()) / (m.max() - m.min())


def both_ways(a, p, q):
    p, q = unit_range(a, p), unit_range(a, q)
    return -(1 - p * (1 - q)).clamp(min=1e-20).log(), -(1 - q * (1 - p)).clamp(min=1e-20).log()


def leak(a, p, q):
    return -(1 - unit_range(a, p) * unit_range(a, q)).clamp(min=1e-20).log()


# "a(1) red(2) car(3) and(4) a(5) white(6) sheep(7)": red <-> car, white <-> sheep, red -> not sheep, ...
def predicated_paper(a):
    total = exists(a, 3) + exists(a, 7)
    for p, q in ((2, 3), (6, 7)):
        total = total + sum(t.sum() for t in both_ways(a, p, q))
    return total + 0.3 * (leak(a, 2, 7).sum() + leak(a, 6, 3).sum())


def predicated_code(a):
    total = 0.1 / 2 * (exists_mean(a, 3) + exists_mean(a, 7))
    for p, q in ((2, 3), (6, 7)):
        total = total + sum(t.mean() for t in both_ways(a, p, q)) / 2
    return total + 0.3 / 2 * (leak(a, 2, 7).mean() + leak(a, 6, 3).mean())


def read_six(a, s):
    """The renormalised, smoothed map of token s where only tokens 1 to 5 share."""
    return smooth(torch.softmax(100 * a[:, 1:6], dim=1)[:, s - 1])


def self_overlap(a, own_attention):
    maps = [smooth(own_attention[read_six(a, s).argmax()]) for s in (2, 5)]
    return torch.minimum(*maps).sum() / ((maps[0] + maps[1]).sum() + 1e-6)


def otsu_mask(m):
    """What is not below Otsu's threshold of the levels 255 x, without fractions."""
    v = m.detach().numpy()
    levels = np.floor(v * 255).astype(int)
    counts = np.bincount(levels.flatten(), minlength=256).astype(float)
    grey = np.arange(256)
    best, threshold = -1.0, 0
    for t in range(255):
        low, high = counts[: t + 1], counts[t + 1:]
        if low.sum() == 0 or high.sum() == 0:
            continue
        between = low.sum() * high.sum() * (
            (low * grey[: t + 1]).sum() / low.sum() - (high * grey[t + 1:]).sum() / high.sum()) ** 2
        if between > best:
            best, threshold = between, t
    return v >= threshold / 255


def otsu_blob(m):
    """The 4-connected part around the peak of that."""
    v, mask = m.detach().numpy(), otsu_mask(m)
    peak = np.unravel_index(v.argmax(), v.shape)
    blob, todo = np.zeros_like(mask), [peak]
    while todo:
        y, x = todo.pop()
        if 0 <= y < 16 and 0 <= x < 16 and mask[y, x] and not blob[y, x]:
            blob[y, x] = True
            todo += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return torch.tensor(blob)


def strays(a, tokens):
    total = 0
    for s in tokens:
        m = read_six(a, s)
        blob = otsu_blob(m)
        outside = m[~blob].max()
        if outside > m[blob].min():
            total = total + outside
    return total


def excitation(a, tokens):
    return torch.stack([1 - read_six(a, s).max() for s in tokens]).max()


def noise_search(a, own_attention):
    return excitation(a, (2, 5)) + self_overlap(a, own_attention) + strays(a, (2, 5))


def noise_refinement(a, own_attention, with_itself=False):
    """`with_itself`: the running mean holds a tenth of the maps that are compared with it, as constants."""
    def drift(s):
        now, before = read_six(a, s), read_six(BEFORE, s)
        if with_itself: before = 0.9 * before + 0.1 * now.detach()
        return (now - before).abs().mean()
    drift = drift(2) + drift(5)
    return (excitation(a, (2, 5)) + 0.1 * strays(a, (2, 5)) + 0.1 * drift
            + self_overlap(a, own_attention))


def self_cross_conflict(a, own_attention, code=False):
    maps = [read_six(a, s) for s in (2, 5)]
    regions = []
    for m in maps:
        w = (m * torch.tensor(otsu_mask(m))).flatten()
        region = smooth(w @ own_attention)
        regions.append(region / (region.sum() + 1e-4) if code else region / w.sum())
    others = maps if code else [m / (m.sum() + 1e-4) for m in maps]
    pairs = [torch.minimum(regions[j], others[i]).sum() for i, j in ((0, 1), (1, 0))]
    return sum(pairs) / 2 if code else sum(pairs)


def self_cross(a, own_attention, code=False, refines=False):
    maps = [read_six(a, s) for s in (2, 5)]
    response = torch.stack([F.relu(1 - m.flatten().topk(16).values.mean()) for m in maps]).max()
    loss = response + 0.1 * strays(a, (2, 5))
    if response <= 0.5:
        loss = loss + self_cross_conflict(a, own_attention, code)
    if refines:
        for s, m in zip((2, 5), maps):
            six = lambda t: torch.softmax(100 * t[:, 1:6], dim=1)[:, s - 1]
            before = six(BEFORE)
            if code: before = 0.9 * before + 0.1 * six(a).detach()
            loss = loss + 0.1 * (m - smooth(before)).abs().mean()
    return loss


def jensen_shannon(maps):
    q = torch.stack(maps)
    m = q.mean(0)
    return (q * ((q + 1e-10).log() - (m + 1e-10).log())).sum() / len(maps) / math.log(len(maps))


GROUPS = ((2, 3), (6, 7))


def focus(a):
    line = torch.tensor([math.exp(-0.5), 1, math.exp(-0.5)])
    kernel = torch.outer(line, line) / torch.outer(line, line).sum()
    blur = lambda m: F.conv2d(F.pad(m.reshape(1, 1, 16, 16), (1, 1, 1, 1), "reflect"), kernel[None, None]).flatten()
    cube = lambda m: m**3 / (m**3).sum()
    maps = [[blur(a[:, t]) for t in g] for g in GROUPS]
    within = sum(jensen_shannon([cube(m) for m in g]) for g in maps) / 2
    return (within + 1 - jensen_shannon([cube(sum(g) / len(g)) for g in maps])) / 2


def jedi(a):
    logits = 100 * a
    over = lambda v: torch.softmax(v, 0)
    within = sum(jensen_shannon([over(logits[:, t]) for t in g]) for g in GROUPS) / 2
    mixtures = [over(logits[:, list(g)].mean(1)) for g in GROUPS]
    entropy = lambda p: -(p * (p + 1e-10).log()).sum() / math.log(256)
    return within + 1 - jensen_shannon(mixtures) + 0.01 * sum(1 - entropy(p) for p in mixtures) / 2


def directional(direction, step):
    """Of tokens 2 and 5: the first left of, right of, above or below the second."""
    w = 1 + 99 * (1 - math.exp(-0.4 * step))
    place = (torch.arange(256) // 16 if direction in ("above", "below") else torch.arange(256) % 16).double()
    def f(c, before):
        d = c - place if before else place - c
        good = place < c if before else place > c
        return torch.where(good, 1 / (w * (torch.where(good, d, 1.0) + 1e-8)), w * (-d + 1e-8))
    def loss(a):
        s, o = (read(a, t).flatten() for t in (2, 5))
        s, o = s / (s.sum() + 1e-8), o / (o.sum() + 1e-8)
        first = direction in ("left", "above")
        return (s * o * f((o * place).sum(), first)).sum() + (o * s * f((s * place).sum(), not first)).sum()
    return loss


def transport(source, target, cost):
    k = torch.exp(-cost / 0.1)
    u, v = torch.ones(256), torch.ones(256)
    for _ in range(100):
        u = source / (k @ v + 1e-8)
        v = target / (k.T @ u + 1e-8)
    return (u[:, None] * k * v[None] * cost).sum()


def storm(sinkhorn, step):
    """Tokens 2, of modifier 3, left of 5, of modifier 6."""
    y, x = torch.arange(256) // 16, torch.arange(256) % 16
    flat = (torch.arange(256)[:, None] - torch.arange(256)[None]).abs().double()
    plane = ((y[:, None] - y[None]).double() ** 2 + (x[:, None] - x[None]).double() ** 2).sqrt()
    w = 1 + 99 * (1 - math.exp(-0.4 * step))
    def f(c, before):
        good = x < c if before else x > c
        d = torch.where(good, (c - x if before else x - c), 1.0)
        return torch.where(good, 1 / (w * (d + 1e-8)), w * ((x - c if before else c - x) + 1e-8))
    def loss(a):
        s, o = (read(a, t).flatten() for t in (2, 5))
        s, o = s / (s.sum() + 1e-8), o / (o.sum() + 1e-8)
        costs = (s, o, o * f((o * x).sum(), True)), (o, s, s * f((s * x).sum(), False))
        total = sum(transport(p, q.detach(), c[:, None].expand(256, 256)) if sinkhorn else (p * c).sum() for p, q, c in costs)
        if step >= 7:
            parts = []
            for n, t in ((s, 3), (o, 6)):
                m = renormalised(a)[:, t - 1]; m = m / (m.sum() + 1e-8)
                c = 0.5 * (flat if sinkhorn else plane) + 0.5 * (n[:, None] - m[None]).abs()
                parts.append(transport(n, m, c / c.max()))
            total = total + sum(parts) / 2
        return total
    return loss


PAIR = lambda a: (P(a, 2), P(a, 5))


def iou(a):
    p, q = PAIR(a)
    low = torch.minimum(p, q).sum()
    return low / (p.sum() + q.sum() - low)


def centres(a):
    y = torch.arange(256) // 16
    x = torch.arange(256) % 16
    p, q = PAIR(a)
    d = torch.sqrt(((p - q) * y).sum() ** 2 + ((p - q) * x).sum() ** 2)
    return 1 - d / math.sqrt(15**2 + 15**2)


def compactness(a):
    p, q = a[:, 2], a[:, 5]
    return 1 - torch.maximum(p, q).sum() / (p + q).sum()


CASES = {
    "syngen": lambda a: syngen_pair(a),
    "syngen, sharp": syngen_pair,
    "syngen, sharp, code": lambda a: syngen_pair(a, floored),
    "syngen with a bare noun": lambda a: attributes(a, symmetric, True),
    "ebama": ebama,
    "divide-and-bind, paper": divide_paper,
    "conform, raw": lambda a: conform(RAW(a), [0, 0, 1, 1]),
    "conform, renormalised": lambda a: conform(SOFT(a), [0, 0, 1, 1]),
    "conform, raw, second step": lambda a: conform(RAW(a) + RAW(BEFORE), [0, 0, 1, 1] * 2),
    "conform, single words": lambda a: contrast(SINGLE(a), [0, 1]),
    "conform, single words, second step":
        lambda a: contrast(SINGLE(a) + SINGLE(BEFORE), [0, 1] * 2),
    "conform, single words, code, second step": lambda a: conform(SINGLE(a) + SINGLE(BEFORE), [0, 1] * 2),
    "a-star, first step": segregation,
    "a-star, second step": lambda a: segregation(a) + retention(a),
    "box-diff": box_diff,
    "box-diff, refinement": lambda a: torch.stack([1 - box_terms(a, s)[0] for s in BOXES]).max(),
    "box-diff, after refinement, code": lambda a: sum(F.relu(1 - box_terms(a, s)[0]) for s in BOXES),
    "predicated, paper": predicated_paper,
    "predicated, code": predicated_code,
    "overlap": iou,
    "centre-distance": centres,
    "divergence": lambda a: -symmetric(*PAIR(a)),
    "compactness": compactness,
    "focus": focus,
    "jedi": jedi,
    "storm, step 8": storm(False, 8),
    "storm, sinkhorn, step 1": storm(True, 1),
    "storm, sinkhorn, step 8": storm(True, 8),
    **{f"{d}, step {i}": directional(d, i) for d, i in (("left", 0), ("right", 3), ("above", 3), ("below", 10))},
}
ON_UNEVEN = {"a-star, first step", "a-star, second step", "overlap", "compactness"}
WITH_FINE = {
    f"divide-and-bind, code, step {step}": (lambda w: lambda a, b, c: divide_code(a, b, c, w))(w)
    for step, w in ((0, 1), (10, 5), (20, 10))
}
WITH_SELF = {
    "initno, search": noise_search,
    "initno, refinement, second step": noise_refinement,
    "initno, refinement, second step, code": lambda a, b: noise_refinement(a, b, with_itself=True),
    "self-cross": self_cross,
    "self-cross, code": lambda a, b: self_cross(a, b, code=True),
    "self-cross, conflict": self_cross_conflict,
    "self-cross, conflict, code": lambda a, b: self_cross_conflict(a, b, code=True),
    "self-cross, refinement, second step": lambda a, b: self_cross(a, b, refines=True),
    "self-cross, refinement, second step, code": lambda a, b: self_cross(a, b, code=True, refines=True),
}
ON_SHARP = {"syngen, sharp", "syngen, sharp, code"}


def otsu_case(k):
    """A map of two bumps and a ripple, its peak, and the cells of the blob by OpenCV's threshold."""
    y, x = np.mgrid[:16, :16].astype(float)
    bump = lambda cy, cx, w: np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / w)
    m = (0.05 + 0.02 * k) * bump(k % 16, 3 * k % 16, 4 + k) + 0.01 * (k % 7) * bump(7 * k % 16, 5 * k % 16, 9)
    m = (m + 0.01 * (1 + np.cos(y + 2 * x + k))).astype(np.float32)
    threshold, _ = cv2.threshold((m * 255).astype(np.uint16), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = m >= np.float32(threshold / 255)
    peak = np.unravel_index(m.argmax(), m.shape)
    blob, todo = np.zeros_like(mask), [peak]
    while todo:
        i, j = todo.pop()
        if 0 <= i < 16 and 0 <= j < 16 and mask[i, j] and not blob[i, j]:
            blob[i, j] = True
            todo += [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)]
    return {"threshold": int(threshold), "blob": np.flatnonzero(blob).tolist()}


def search(scale, bound):
    """InitNO's published search where the loss is the mean square of the distance from a target: five rounds of ten
    steps, then fifty from the noise that the best round drew. float32; returns the latent and the number of looks."""
    def normal(seed):
        return torch.randn(1, 4, 4, 4, dtype=torch.float32, generator=torch.Generator("cpu").manual_seed(seed))
    target, looks = 0.5 * normal(2) + 0.5 * normal(1003) * scale, 0
    def rounds(start, steps):
        nonlocal looks
        variance, mean = torch.zeros_like(start, requires_grad=True), torch.zeros_like(start, requires_grad=True)
        adam = torch.optim.Adam([variance, mean], lr=1e-2, eps=1e-3)
        sample = lambda: start * (0.5 * variance).exp() + mean
        good = False
        for _ in range(steps):
            looks += 1
            loss = ((sample() - target) ** 2).mean()
            good = loss.item() <= bound
            if good: break
            adam.zero_grad(); loss.backward(); adam.step()
            divergence = lambda: (-0.5 * (1 + variance - mean ** 2 - variance.exp())).mean()
            while divergence() > 0.001:
                adam.zero_grad(); divergence().backward(); adam.step()
        return loss.item(), start, sample().detach(), good
    pool, drawn = [], normal(1) * scale
    for index in range(5):
        pool.append(rounds(drawn, 10))
        if pool[-1][3]: break
        drawn = normal(1000 + index + 1) * scale
    best = min(pool, key=lambda r: r[0])
    return (best[2] if best[3] else rounds(best[1], 50)[2]), looks


def gradient(g):
    g = g.flatten()
    order = g.abs().argsort(descending=True)[:6].tolist()
    return {
        "magnitude": g.abs().sum().item(),
        "weighted": (g * torch.cos(torch.arange(g.numel()).double())).sum().item(),
        "largest": [[i, g[i].item()] for i in order],
    }


def case(function, *inputs):
    inputs = [x.clone().requires_grad_() for x in inputs]
    loss = function(*inputs)
    grads = torch.autograd.grad(loss, inputs, allow_unused=True)
    grads = [torch.zeros_like(x) if g is None else g for g, x in zip(grads, inputs)]
    return {"loss": loss.item(), "gradients": [gradient(g) for g in grads]}


if __name__ == "__main__":
    inputs = lambda name: UNEVEN if name in ON_UNEVEN else SHARP if name in ON_SHARP else A
    goldens = {name: case(f, inputs(name)) for name, f in CASES.items()}
    goldens |= {name: case(f, A, *FINE) for name, f in WITH_FINE.items()}
    goldens |= {name: case(f, A, SELF) for name, f in WITH_SELF.items()}
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "otsu.json"), "w") as file:
        json.dump([otsu_case(k) for k in range(40)], file)
        file.write("\n")
    torch.set_default_dtype(torch.float32)
    found = {}
    for name, scale, bound in (("none", 1, -1), ("scaled", 14.6, -1), ("good", 1, 0.9)):
        found[name], looks = search(scale, bound)
        found[name] = found[name].contiguous()
        print("search", name, "looks", looks)
    save_file(found, os.path.join(here, "search.safetensors"))
    with open(os.path.join(here, "goldens.json"), "w") as file:
        json.dump(goldens, file, indent=1)
        file.write("\n")
    for name, golden in goldens.items():
        print(f"{name:40} {golden['loss']:.8f}")
