"""Write statistics.json: maps, masks and matrices, and what NumPy, SciPy and scikit-learn make of them.

    python3 make_statistics.py          needs numpy, scipy, scikit-learn and torch

Made with numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1 and torch 2.15.0.
"""

import json
import pathlib
import warnings

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cosine, jensenshannon
from scipy.stats import entropy
from sklearn.metrics import average_precision_score, jaccard_score, precision_score

HERE = pathlib.Path(__file__).parent
random = np.random.default_rng(20240817)
NAN = float("nan")
# At 1, the largest value itself must count.
THRESHOLDS = [0.05, 0.15, 0.3, 0.4, 0.5, 0.75, 0.9, 1.0]


def blob(rows, columns, row, column, width):
    y, x = np.mgrid[:rows, :columns]
    return np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2)) + 0.01


def attention(rows, columns):
    """A few bumps under noise, as float32."""
    values = 0.02 * random.random((rows, columns))
    for _ in range(3):
        place = random.random(2) * (rows, columns)
        values += random.random() * blob(rows, columns, *place, 0.5 + 2 * random.random())
    return (values / 10).astype(np.float32)


def one_cell(rows, columns, row, column):
    values = np.zeros((rows, columns), np.float32)
    values[row, column] = 0.25
    return values


def with_value(values, value):
    changed = values.copy()
    changed[1, 2] = value
    return changed


def as_json(map_):
    """Rows, columns and values, as few digits as tell a float32."""
    values = [float(str(value)) for value in map_.ravel()]
    return {"rows": map_.shape[0], "columns": map_.shape[1], "values": values}


# Statistics of one map


def distribution(map_):
    """The map divided by its sum, or None."""
    values = map_.astype(np.float64)
    if not np.isfinite(values).all() or (values < 0).any() or values.sum() == 0:
        return None
    return values / values.sum()


def gini(values):
    """Half of the relative mean absolute difference, by its definition."""
    values = values.ravel()
    return np.abs(values[:, None] - values[None, :]).sum() / (2 * values.size**2 * values.mean())


def center(p):
    y, x = np.mgrid[: p.shape[0], : p.shape[1]]
    return float((p * y).sum()), float((p * x).sum())


def spectrum(map_):
    values = map_.astype(np.float64)
    rows, columns = values.shape
    power = np.abs(np.fft.fft2(values - values.mean()) / values.size) ** 2
    radius = np.hypot(
        (np.fft.fftfreq(rows) * rows)[:, None], (np.fft.fftfreq(columns) * columns)[None, :])
    bins = np.rint(radius).astype(int)
    return (np.bincount(bins.ravel(), power.ravel()) / np.bincount(bins.ravel())).tolist()


def statistics(map_):
    place = int(np.argmax(map_))
    result = {
        "mass": float(map_.astype(np.float64).sum()),
        "largest": float(map_.ravel()[place]), "peak": divmod(place, map_.shape[1]),
        "spectrum": spectrum(map_),
    }
    p = distribution(map_)
    if p is None:
        names = ["entropy", "relativeEntropy", "concentration", "topShare", "gini", "spread",
                 "relativeSpread"]
        return result | dict.fromkeys(names, NAN) | {
            "center": (NAN, NAN), "centerShare": (NAN, NAN)}
    nats = float(entropy(p.ravel()))
    relative = nats / np.log(p.size) if p.size > 1 else NAN
    row, column = center(p)
    y, x = np.mgrid[: p.shape[0], : p.shape[1]]
    spread = float(np.sqrt((p * ((y - row) ** 2 + (x - column) ** 2)).sum()))
    top = int(np.ceil(p.size / 10))
    return result | {
        "entropy": nats, "relativeEntropy": relative, "concentration": 1 - relative,
        "topShare": float(np.sort(p.ravel())[-top:].sum()), "gini": float(gini(p)),
        "center": (row, column),
        "centerShare": ((row + 0.5) / p.shape[0], (column + 0.5) / p.shape[1]),
        "spread": spread, "relativeSpread": spread / float(np.hypot(*p.shape)),
    }


def statistics_cases():
    base = attention(5, 7)
    maps = {
        "a 16x16 map": attention(16, 16), "a 6x9 map": attention(6, 9),
        "a 9x4 map": attention(9, 4), "a 1x12 map": attention(1, 12),
        "a 7x1 map": attention(7, 1), "a 2x2 map": attention(2, 2), "a 3x3 map": attention(3, 3),
        "a constant map": np.full((8, 8), 0.125, np.float32),
        "a map of ties": np.array([[0, 2, 1], [2, 0, 2]], np.float32),
        "one full cell": one_cell(4, 6, 2, 5), "all zero": np.zeros((4, 4), np.float32),
        "1x1": np.full((1, 1), 0.5, np.float32), "1x1 of zero": np.zeros((1, 1), np.float32),
        "a NaN": with_value(base, np.nan), "an infinity": with_value(base, np.inf),
        "a negative value": with_value(base, -0.25),
    }
    with np.errstate(all="ignore"):
        return [{"name": n, "map": as_json(m), "expected": statistics(m)} for n, m in maps.items()]


# Two maps


def symmetric_kl(p, q):
    return float(0.5 * entropy(p.ravel(), q.ravel()) + 0.5 * entropy(q.ravel(), p.ravel()))


def overlap(a, b):
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    p, q = distribution(a), distribution(b)
    amounts = np.isfinite(x).all() and np.isfinite(y).all() and min(x.min(), y.min()) >= 0
    shared = np.minimum(x, y).sum() if amounts else NAN
    peaks = [np.array(divmod(int(np.argmax(m)), m.shape[1])) for m in (a, b)]
    both = p is not None and q is not None
    distance = float(jensenshannon(p.ravel(), q.ravel())) if both else NAN
    return {
        "segregation": float(shared / (x + y).sum()),
        "softJaccard": float(shared / np.maximum(x, y).sum()),
        "symmetricKL": symmetric_kl(p, q) if both else NAN,
        "jensenShannon": distance**2, "jensenShannonDistance": distance,
        "cosine": float(1 - cosine(x, y)) if x.any() and y.any() else NAN,
        "peakDistance": NAN if np.isnan([x, y]).any() else float(np.hypot(*(peaks[0] - peaks[1]))),
        "centerDistance": float(np.hypot(*np.subtract(center(p), center(q)))) if both else NAN,
    }


def pair_cases():
    a, b = attention(6, 8), attention(6, 8)
    zero = np.zeros((6, 8), np.float32)
    pairs = {
        "two maps": (a, b), "two large maps": (attention(16, 16), attention(16, 16)),
        "a map and itself": (a, a), "a map and its double": (a, 2 * a),
        "cells apart": (one_cell(6, 8, 0, 0), one_cell(6, 8, 4, 3)),
        "a cell and a map": (one_cell(6, 8, 1, 1), b), "a map and zero": (a, zero),
        "zero and zero": (zero, zero), "a NaN": (a, with_value(b, np.nan)),
        "a negative value": (a, with_value(b, -0.5)), "1x1": (a[:1, :1], b[:1, :1]),
    }
    cases = []
    for name, (first, second) in pairs.items():
        with np.errstate(all="ignore"):
            cases.append({"name": name, "first": as_json(first), "second": as_json(second),
                          "expected": overlap(first, second)})
    return cases


def convergence_case():
    maps = [attention(5, 6) for _ in range(4)]
    maps += [np.zeros_like(maps[0])] * 2 + [with_value(maps[0], np.nan)]
    steps = [(a.astype(np.float64), b.astype(np.float64)) for a, b in zip(maps, maps[1:])]
    changes = [float(np.linalg.norm(b - a)) for a, b in steps]
    with np.errstate(all="ignore"):
        relative = [float(np.float64(c) / np.linalg.norm(b)) for c, (_, b) in zip(changes, steps)]
    return {"maps": [as_json(m) for m in maps], "changes": changes, "relative": relative}


# Bootstrap


def bootstrap(samples, statistic, resamples, level, seed):
    kept = np.array([s for s in samples if not np.isnan(s)])
    if len(kept) < 2:
        lower = upper = NAN
    else:
        draws = np.random.RandomState(seed).random_sample((resamples, len(kept)))
        results = statistic(kept[np.floor(draws * len(kept)).astype(int)], axis=1)
        lower, upper = np.percentile(results, [50 - 50 * level, 50 + 50 * level])
    return {"estimate": float(statistic(kept, axis=0)) if len(kept) else NAN,
            "lower": float(lower), "upper": float(upper), "count": len(kept),
            "leftOut": len(samples) - len(kept)}


def bootstrap_cases():
    normal = random.normal(0.4, 0.1, 20).tolist()
    settings = [
        (normal, "mean", 10_000, 0.95, 0), (normal, "mean", 999, 0.9, 7),
        (normal, "median", 1000, 0.95, 2**32 - 1), ([0.25, NAN, 0.5, NAN, 1.0], "mean", 2000, 0.8, 3),
        ([1.0, 2.0], "mean", 1, 0.95, 1), ([2.0, 2.0, 2.0], "mean", 50, 0.95, 1),
        ([0.75], "mean", 100, 0.95, 0), ([NAN], "mean", 100, 0.95, 0), ([], "mean", 100, 0.95, 0),
    ]
    return [{"samples": s, "statistic": name, "resamples": n, "level": level, "seed": seed,
             "expected": bootstrap(s, getattr(np, name), n, level, seed)}
            for s, name, n, level, seed in settings]


# Segmentation


def resized(map_, size, mode):
    mode = "nearest-exact" if mode == "nearest" else mode
    tensor = torch.from_numpy(map_)[None, None]
    return torch.nn.functional.interpolate(tensor, size=size, mode=mode)[0, 0].numpy()


def reduced(mask, size):
    """Each cell by the share of its area that is covered, in integers."""
    fine = np.repeat(np.repeat(mask, size[0], 0), size[1], 1)
    blocks = fine.reshape(size[0], mask.shape[0], size[1], mask.shape[1])
    return 2 * blocks.sum((1, 3)) >= mask.size


def scores(map_, mask):
    x, truth = map_.astype(np.float64).ravel(), mask.ravel()
    result = {"iou": [], "ioa": []}
    for limit in [t * x.max() for t in THRESHOLDS] + [t / 10 for t in THRESHOLDS]:
        predicted = x >= limit
        result["iou"].append(float(jaccard_score(truth, predicted, zero_division=0)))
        result["ioa"].append(float(precision_score(truth, predicted, zero_division=0)))
    result["averagePrecision"] = float(average_precision_score(truth, x))
    return result


def cells(mask):
    return "".join(".#"[cell] for cell in mask.ravel().astype(int))


def ring(rows, columns):
    y, x = np.mgrid[:rows, :columns]
    way = np.hypot(y - 0.4 * rows, x - 0.55 * columns)
    return (way < 0.3 * rows) & (way > 0.1 * rows)


def segmentation_cases():
    # Values on a coarse scale, so that many cells tie.
    tied = (np.round(attention(12, 12) * 60) / 60).astype(np.float32)
    settings = [
        (attention(12, 12), ring(12, 12), "nearest"), (tied, ring(12, 12), "nearest"),
        (attention(8, 8), ring(20, 20), "bicubic"), (attention(8, 8), ring(20, 20), "bilinear"),
        (attention(6, 9), ring(24, 36), "nearest"), (attention(6, 9), ring(24, 36), "bicubic"),
        (attention(9, 8), ring(33, 30), "bicubic"),
        (attention(4, 4), np.zeros((4, 4), bool), "nearest"),
        (attention(4, 4), np.ones((4, 4), bool), "nearest"),
        (np.full((4, 4), 0.5, np.float32), ring(4, 4), "nearest"),
    ]
    cases = []
    for map_, mask, mode in settings:
        small = reduced(mask, map_.shape)
        cases.append({
            "map": as_json(map_), "mask": cells(mask), "maskRows": mask.shape[0],
            "mode": mode,
            "reducedMask": cells(small),
            "resized": scores(resized(map_, mask.shape, mode), mask),
            "reduced": scores(map_, small)})
    return cases


def assignment_cases():
    cases = []
    shapes = [tuple(random.integers(1, 10, 2)) for _ in range(120)]
    for number, shape in enumerate(shapes):
        costs = random.normal(size=shape)
        if number % 3 == 1:  # many equal sums
            costs = random.integers(0, 4, shape).astype(float)
        if number % 3 == 2:
            costs = costs * 10.0 ** random.integers(-6, 7, shape)
        costs = costs.round(6)
        rows, columns = linear_sum_assignment(costs)
        best = costs[linear_sum_assignment(costs, maximize=True)].sum()
        cases.append({"costs": costs.tolist(), "smallest": float(costs[rows, columns].sum()),
                      "largest": float(best),
                      "columns": columns.tolist() if number % 3 == 0 else None})
    for shape in [(25, 40), (40, 25), (40, 40)]:
        costs = random.integers(0, 100, shape)
        sums = [costs[linear_sum_assignment(costs, maximize=m)].sum() for m in (False, True)]
        cases.append({"costs": costs.tolist(), "smallest": int(sums[0]), "largest": int(sums[1])})
    return cases


def matching_case():
    """DAAM's unsupervised score: sums of IoU, assigned, over how many there are."""
    entries = [(int(random.integers(0, 6)), int(random.integers(0, 4)), float(random.random()))
               for _ in range(60)]
    sums, counts = np.zeros((6, 4)), np.zeros((6, 4))
    for segment, label, iou in entries:
        sums[segment, label] += iou
        counts[segment, label] += 1
    rows, columns = linear_sum_assignment(sums, maximize=True)
    return {"entries": entries, "assignment": np.stack([rows, columns], 1).tolist(),
            "mean": float(sums[rows, columns].sum() / counts[rows, columns].sum())}


# Relations


def covered(map_, share):
    return map_.astype(np.float64) >= share * float(map_.max())


def relation_case():
    names = ["cat", "red", "frog", "blue", "sat"]
    maps = {name: attention(6, 7) for name in names}
    relations = [("amod", "cat", "red"), ("amod", "frog", "blue"), ("nsubj", "sat", "cat"),
                 ("amod", "cat", "blue"), ("conj", "cat", "frog")]
    found = []
    for relation, head, dependent in relations:
        h, d = covered(maps[head], 0.4), covered(maps[dependent], 0.4)
        both = float((h & d).sum())
        found.append((relation, both / (h | d).sum(), both / d.sum(), both / h.sum()))
    rows = []
    for relation in ["amod", "conj", "nsubj"]:
        columns = zip(*[f[1:] for f in found if f[0] == relation])
        rows.append({"relation": relation, "intervals": [
            bootstrap(list(map(float, c)), np.mean, 500, 0.95, 11) for c in columns]})
    return {"maps": {name: as_json(m) for name, m in maps.items()}, "relations": relations,
            "share": 0.4, "overlaps": [list(map(float, f[1:])) for f in found], "rows": rows}


def spelled(value):
    """JSON has no NaN and no infinity."""
    if isinstance(value, dict):
        return {key: spelled(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [spelled(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def main():
    warnings.simplefilter("ignore")
    document = {
        "statistics": statistics_cases(), "pairs": pair_cases(), "convergence": convergence_case(),
        "bootstrap": bootstrap_cases(), "thresholds": THRESHOLDS,
        "segmentation": segmentation_cases(), "assignments": assignment_cases(),
        "matching": matching_case(), "relations": relation_case(),
    }
    (HERE / "statistics.json").write_text(
        json.dumps(spelled(document), allow_nan=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
