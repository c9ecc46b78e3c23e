"""Write detection.json: words with verdicts, maps and boxes, and what NumPy and scikit-learn make of them.

    python3 make_detection.py          needs numpy, scikit-learn and statsmodels (by make_agreement.py)

Made with numpy 2.4.6 and scikit-learn 1.9.1.
"""

import json

import numpy as np
from sklearn.metrics import confusion_matrix, precision_score, recall_score, roc_auc_score

from make_agreement import HERE, NAN, interval, spelled, two_stage

random = np.random.default_rng(20261130)
RESAMPLES = 400
RULES = {"neglected": {"neglected", "lost"}, "weak": {"neglected", "lost", "weak"}}


def attention(values, box):
    """What of a map that is constant within each cell lies in a box: its integral, by the integral from a corner."""
    values = np.asarray(values, dtype=float)
    rows, columns = values.shape
    corner = np.zeros((rows + 1, columns + 1))
    corner[1:, 1:] = values.cumsum(0).cumsum(1)

    def integral(x, y):
        x, y = np.clip(x, 0, 1) * columns, np.clip(y, 0, 1) * rows
        lines = [np.interp(x, np.arange(columns + 1), line) for line in corner]
        return float(np.interp(y, np.arange(rows + 1), lines))

    left, top, right, bottom = box
    inside = integral(right, bottom) - integral(left, bottom) - integral(right, top) + integral(left, top)
    sides = [np.clip(end, 0, 1) - np.clip(start, 0, 1) for start, end in [(left, right), (top, bottom)]]
    total = corner[-1, -1]
    return (inside / total if total > 0 else NAN), float(sides[0] * sides[1])


def some_map(shape):
    """In float32, as maps are."""
    return np.round(random.random(shape) ** 4, 3).astype(np.float32)


def written(values):
    """With the digits that float32 is read back from."""
    return {"rows": values.shape[0], "columns": values.shape[1], "values": [round(float(v), 3) for v in values.ravel()]}


def box():
    center, half = random.random(2), random.uniform(0.03, 0.4, 2)
    return [float(v) for v in (*(center - half), *(center + half))]


def word(prompt, method, seed, subject):
    found = random.random() < (0.55 if method == "plain" else 0.85)
    excitation = float(np.float32(np.clip(random.normal(0.8 if found else 0.45, 0.25), 0, 1)))
    verdict = "high" if excitation >= 0.8 else "weak" if excitation >= 0.5 else str(random.choice(["lost", "neglected"]))
    values = some_map([(4, 4), (6, 8), (5, 3)][int(random.integers(3))])
    if random.random() < 0.05:
        values[:] = 0
    edges = box()
    if random.random() < 0.05:
        excitation, verdict = NAN, "unmeasured"
    has_map = random.random() > 0.1
    inside, area = attention(values, edges)
    return {"prompt": prompt, "method": method, "seed": seed, "subject": subject, "verdict": verdict,
            "excitation": excitation, "isFound": bool(found), "box": edges,
            "map": written(values) if has_map else None,
            "inside": inside, "area": area}


def clustered(words, key, statistic):
    """An interval of a statistic of the places in `words`, which are brought into the order of `key`."""
    words = sorted(words, key=lambda w: (w["prompt"], *key(w)))
    names = [w["prompt"] for w in words]
    sizes = [names.count(name) for name in sorted(set(names))]
    value = statistic(words)
    return interval(value(np.arange(len(words))) if words else NAN, two_stage(sizes, value, RESAMPLES, 0.95, 0),
                    len(words), len(sizes), 0)


def row(words):
    judged = [w for w in words if w["verdict"] != "unmeasured"]
    result = {"words": len(words), "found": sum(w["isFound"] for w in words),
              "pictures": len({(w["prompt"], w["method"], w["seed"]) for w in words}),
              "prompts": len({w["prompt"] for w in words}), "rules": {}}
    for rule, verdicts in RULES.items():
        def answers(words):
            return (np.array([not w["isFound"] for w in words]), np.array([w["verdict"] in verdicts for w in words]))

        def key(w):
            return (-w["excitation"], not w["isFound"], w["verdict"] in verdicts)

        def share(metric):
            def statistic(words):
                true, said = answers(words)
                return lambda places: metric(true[places], said[places], zero_division=NAN)
            return statistic

        (tn, fp), (fn, tp) = confusion_matrix(*answers(judged), labels=[False, True])
        result["rules"][rule] = {"counts": [int(c) for c in (tp, fp, fn, tn)],
                                 "precision": clustered(judged, key, share(precision_score)),
                                 "recall": clustered(judged, key, share(recall_score))}

    def area(words):
        true = np.array([not w["isFound"] for w in words])
        score = np.array([-w["excitation"] for w in words])
        return lambda places: (roc_auc_score(true[places], score[places])
                               if 0 < true[places].sum() < len(places) else NAN)

    result["rocArea"] = clustered(judged, lambda w: (-w["excitation"], not w["isFound"]), area)
    seen = [w for w in words if w["isFound"] and w["map"] and not np.isnan(w["inside"])]
    for name, value in [("inside", lambda w: w["inside"]), ("area", lambda w: w["area"]),
                        ("excess", lambda w: w["inside"] - w["area"])]:
        def mean(words):
            values = np.array([value(w) for w in words])
            return lambda places: values[places].mean()
        result[name] = clustered(seen, lambda w: (w["seed"], value(w)), mean)
    result["verdicts"] = {verdict: [sum(w["verdict"] == verdict for w in words),
                                    sum(w["verdict"] == verdict and not w["isFound"] for w in words)]
                          for verdict in sorted({w["verdict"] for w in words})}
    return result


def boxes():
    """Maps of several shapes, and boxes within them, over their edges, of no size and all around them."""
    cases = []
    for shape in [(1, 1), (3, 5), (16, 16), (12, 7)]:
        values = some_map(shape)
        for edges in [box(), box(), [0.0, 0.0, 1.0, 1.0], [-1.0, -2.0, 4.0, 3.0], [0.5, 0.25, 0.5, 0.75],
                      [0.8, 0.1, 0.2, 0.9], [1.2, 0.1, 1.5, 0.3]]:
            inside, area = attention(values, edges)
            if edges[0] > edges[2]:
                inside, area = 0.0, 0.0
            cases.append({"map": written(values), "box": edges, "inside": inside, "area": area})
    return cases


def main():
    words = [word(f"p{prompt:02}", method, seed, subject)
             for prompt in range(14) for method in ["plain", "guided"] for seed in range(2) for subject in ["cat", "frog"]]
    document = {"resamples": RESAMPLES, "boxes": boxes(), "words": words,
                "rows": [row([w for w in words if w["method"] == method]) for method in ["plain", "guided"]] + [row(words)]}
    (HERE / "detection.json").write_text(json.dumps(spelled(document), allow_nan=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
