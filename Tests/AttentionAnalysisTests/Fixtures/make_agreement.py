"""Write agreement.json: samples of prompts and of people, and what NumPy, scikit-learn and statsmodels make of them.

    python3 make_agreement.py          needs numpy, scikit-learn and statsmodels

Made with numpy 2.4.6, scikit-learn 1.9.1 and statsmodels 0.15.0.
"""

import json
import pathlib

import numpy as np
from sklearn.metrics import precision_score, recall_score, roc_auc_score, roc_curve
from statsmodels.stats.inter_rater import fleiss_kappa

HERE = pathlib.Path(__file__).parent
random = np.random.default_rng(20261129)
NAN = float("nan")


def ends(results, level):
    if np.isnan(results).any():
        return NAN, NAN
    return tuple(np.percentile(results, [50 - 50 * level, 50 + 50 * level]))


def two_stage(sizes, statistic, resamples, level, seed):
    """Clusters with replacement, then as many samples of each as it has, with replacement."""
    if len(sizes) < 2:
        return NAN, NAN
    state, starts, results = np.random.RandomState(seed), np.cumsum([0] + sizes), []
    for _ in range(resamples):
        clusters = np.floor(state.random_sample(len(sizes)) * len(sizes)).astype(int)
        places = [starts[c] + np.floor(state.random_sample(sizes[c]) * sizes[c]).astype(int) for c in clusters]
        results.append(statistic(np.concatenate(places)))
    return ends(results, level)


def interval(estimate, bounds, count, clusters, left_out):
    return {"estimate": float(estimate), "lower": float(bounds[0]), "upper": float(bounds[1]),
            "count": count, "clusters": clusters, "leftOut": left_out}


def mean_case(samples, resamples, level, seed):
    """Samples are rows of prompt, seed, value."""
    kept = sorted(s for s in samples if not np.isnan(s[2]))
    values = np.array([s[2] for s in kept])
    names = [s[0] for s in kept]
    sizes = [names.count(name) for name in sorted(set(names))]
    bounds = two_stage(sizes, lambda places: values[places].mean(), resamples, level, seed)
    return {"samples": samples, "resamples": resamples, "level": level, "seed": seed, "expected": interval(
        values.mean() if len(values) else NAN, bounds, len(values), len(sizes), len(samples) - len(kept))}


def mean_cases():
    pictures = [(f"p{p}", s) for p in range(12) for s in range(4)]
    shift = random.normal(0, 0.2, 12)
    scores = [[p, s, float(shift[int(p[1:])] + random.normal(0.5, 0.1))] for p, s in pictures]
    random.shuffle(scores)
    proportion = [[p, s, float(random.random() < 0.3)] for p, s in pictures]
    uneven = [[p, 2**64 - 1 - s, NAN if s == 3 else float(random.random())] for p, s in pictures if hash_(p, s) % 3]
    return [
        mean_case(scores, 2000, 0.95, 0), mean_case(scores, 500, 0.9, 7), mean_case(proportion, 1000, 0.95, 1),
        mean_case(uneven, 1000, 0.95, 2), mean_case([["a", 0, 1.0], ["b", 0, 0.0]], 100, 0.95, 3),
        mean_case([["a", 0, 1.0], ["a", 1, 0.0]], 100, 0.95, 3), mean_case([["a", 0, NAN]], 100, 0.95, 0),
        mean_case([], 100, 0.95, 0),
    ]


def hash_(prompt, seed):
    return int(prompt[1:]) * 5 + seed


def crossed_case(rows, resamples, level, seed):
    table = np.array(rows, dtype=float)
    known = ~np.isnan(table)
    filled, state, results = np.where(known, table, 0), np.random.RandomState(seed), []
    for _ in range(resamples):
        weights = [np.bincount(np.floor(state.random_sample(n) * n).astype(int), minlength=n) for n in table.shape]
        weight = np.outer(*weights) * known
        with np.errstate(invalid="ignore"):
            results.append((weight * filled).sum() / weight.sum())
    return {"samples": table.tolist(), "resamples": resamples, "level": level, "seed": seed, "expected": interval(
        table[known].mean(), ends(results, level), int(known.sum()), len(rows), int((~known).sum()))}


def crossed_cases():
    votes = (random.random((9, 6)) < random.random(6)).astype(float)
    holes = np.where(random.random((9, 6)) < 0.1, NAN, votes)
    return [crossed_case(votes, 1000, 0.95, 0), crossed_case(holes, 1000, 0.9, 5)]


def classified_case(samples, resamples, seed):
    """Samples are rows of prompt, score, predicted, true, in the canonical order."""
    samples.sort(key=lambda s: (s[0], s[1], s[3], s[2]))
    score, predicted, true = (np.array([s[k] for s in samples]) for k in (1, 2, 3))
    names = [s[0] for s in samples]
    sizes = [names.count(name) for name in sorted(set(names))]

    def area(places):
        return roc_auc_score(true[places], score[places]) if 0 < true[places].sum() < len(places) else NAN

    def share(metric):
        return lambda places: metric(true[places], predicted[places], zero_division=NAN)

    everything = np.arange(len(samples))
    false_rate, true_rate, thresholds = roc_curve(true, score, drop_intermediate=False)
    return {
        "samples": samples, "resamples": resamples, "seed": seed,
        "curve": [[str(t) if np.isinf(t) else float(t), float(f), float(r)]
                  for t, f, r in zip(thresholds, false_rate, true_rate)],
        **{name: interval(statistic(everything), two_stage(sizes, statistic, resamples, 0.95, seed),
                          len(samples), len(sizes), 0)
           for name, statistic in [("area", area), ("precision", share(precision_score)),
                                   ("recall", share(recall_score))]},
    }


def classified_cases():
    cases = []
    for digits, count in [(6, 40), (1, 40), (1, 6)]:
        samples = []
        for place in range(count):
            true = bool(random.random() < 0.4)
            score = round(float(random.normal(0.6 if true else 0.4, 0.2)), digits)
            samples.append([f"p{place // 4:02}", score, score >= 0.5, true])
        cases.append(classified_case(samples, 300, len(cases)))
    return cases


# Fleiss 1971, table 1: thirty patients, six psychiatrists, five diagnoses.
DIAGNOSES = [[int(digit) for digit in row] for row in (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006").split()]


def kappa_cases():
    cases = [DIAGNOSES, [[3, 0], [0, 3]], [[2, 2], [2, 2]], random.multinomial(7, [0.5, 0.3, 0.2], 12).tolist()]
    return [{"counts": counts, "kappa": float(fleiss_kappa(np.array(counts)))} for counts in cases]


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
    document = {"means": mean_cases(), "crossed": crossed_cases(), "classified": classified_cases(),
                "kappa": kappa_cases()}
    (HERE / "agreement.json").write_text(
        json.dumps(spelled(document), allow_nan=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
