"""Write quartiles.json: samples, and what numpy.nanpercentile makes of them.

    python3 make_quartiles.py          needs numpy

Made with numpy 2.4.6.
"""

import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
random = np.random.default_rng(20261126)
samples = [random.uniform(-1, 3, count) for count in (1, 2, 3, 4, 5, 7, 8, 64)]
samples += [np.full(6, 0.25), np.array([0.5, np.nan, 0.1, np.nan, 0.9, 0.2]), np.array([2.0, 1.0])]
cases = []
for values in samples:
    lower, median, upper = np.nanpercentile(values, [25, 50, 75])
    cases.append({
        "samples": [None if np.isnan(v) else float(v) for v in values],
        "lower": float(lower), "median": float(median), "upper": float(upper),
        "count": int(np.sum(~np.isnan(values))),
    })
text = ",\n".join(json.dumps(case) for case in cases)
(HERE / "quartiles.json").write_text("[\n" + text + "\n]\n")
