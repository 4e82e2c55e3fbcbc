"""Three ways to train on seven levels, on the same features and splits: what each is worth.

hard        level 4 and up is risk 1, 2 and down risk 0, 3 is .5: what recipes do by default
soft        the level / 6 as a soft risk target (labels.soft_risk)
cumulative  proportional odds (McCullagh 1980): P(level > k) = sigmoid(score - cut_k), cuts learned

All are linear with the same L2 penalty; .5 and level / 6 enter as weighted positive and negative
copies. Ranking is measured by the average precision of risk, levels by the mean absolute error and
its macro average over levels, with cut-points on the score that are fitted on other ads.

    python experiments/ordinal/compare.py data/prepared/seed       # or: simulated
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from adrisk.dataset.prepared import AdDataset
from adrisk.dataset.split import split_protocol
from adrisk.evaluate.comparators import redacted_texts
from adrisk.metrics import average_precision

LEVELS, STRENGTHS, SEEDS = 7, (0.3, 3.0, 30.0), range(5)


def soft_regression(x, target, strength):
    rows = np.concatenate([np.flatnonzero(target > 0), np.flatnonzero(target < 1)])
    y = np.repeat([1, 0], [(target > 0).sum(), (target < 1).sum()])
    weight = np.concatenate([target[target > 0], 1 - target[target < 1]])
    model = LogisticRegression(C=strength, max_iter=2000).fit(x[rows], y, sample_weight=weight)
    return lambda z: z @ model.coef_[0]


def hard(x, level, strength):
    return soft_regression(x, np.where(level == 3, 0.5, level > 3), strength)


def soft(x, level, strength):
    return soft_regression(x, level / 6, strength)


def cumulative(x, level, strength):
    n_features = x.shape[1]

    def loss(parameters):
        w, first, steps = np.split(parameters, [n_features, n_features + 1])
        cuts = first + np.concatenate([[0.0], np.cumsum(np.exp(steps))])
        z = (x @ w)[:, None] - cuts
        # P(level = k) is a difference of two sigmoids.
        p = np.hstack([np.ones((len(level), 1)), expit(z), np.zeros((len(level), 1))])
        at = np.arange(len(level)), level
        likelihood = np.maximum(p[at] - p[at[0], level + 1], 1e-12)
        slope = expit(z) * expit(-z)
        d_upper = np.hstack([np.zeros((len(level), 1)), slope])[at] / likelihood
        d_lower = np.hstack([slope, np.zeros((len(level), 1))])[at] / likelihood
        g_score = d_upper - d_lower
        g_cut = np.zeros(LEVELS - 1)
        np.add.at(g_cut, np.maximum(level - 1, 0), -d_upper * (level > 0))
        np.add.at(g_cut, np.minimum(level, LEVELS - 2), d_lower * (level < LEVELS - 1))
        g_steps = np.cumsum(g_cut[::-1])[::-1]
        gradient = np.concatenate(
            [
                -strength * (x.T @ g_score) + w,
                [-strength * g_steps[0]],
                -strength * g_steps[1:] * np.exp(steps),
            ]
        )
        return -strength * np.log(likelihood).sum() + w @ w / 2, gradient

    start = np.zeros(n_features + LEVELS - 1)
    w = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x
    return lambda z: z @ w[:n_features]


def cut_points(score, level):
    """Scores at which the share of ads below is that of the lower levels: monotone by build."""
    return np.quantile(score, [(level <= k).mean() for k in range(LEVELS - 1)])


def errors(score, level, cuts):
    off = np.abs(np.searchsorted(cuts, score, side="left") - level)
    return off.mean(), np.mean([off[level == k].mean() for k in np.unique(level)])


def ranking(score, level):
    sure = level != 3
    return average_precision((level[sure] > 3).astype(int), score[sure])


def measure(fit, parts):
    (x, y), (xv, yv), (xc, yc), (xt, yt) = parts
    scores = [fit(x, y, strength) for strength in STRENGTHS]
    best = max(scores, key=lambda score: ranking(score(xv), yv))
    return ranking(best(xt), yt), *errors(best(xt), yt, cut_points(best(xc), yc))


def prepared(folder, seed):
    dataset = AdDataset.load(folder)
    dataset = dataset.take(np.flatnonzero(~np.isnan(dataset.risk_levels)))
    split = split_protocol(dataset, "grouped", seed)
    parts = [split.part(name) for name in ("train", "validation", "calibration", "test")]
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    vectorizer.fit(redacted_texts(parts[0]))
    return [
        (csr_matrix(vectorizer.transform(redacted_texts(p))), p.risk_levels.round().astype(int))
        for p in parts
    ]


def simulated(seed, n=2000, n_features=300, informative=30, noise=1.0):
    """Levels of a linear propensity with logistic noise; few ads stand at the upper end."""
    rng = np.random.default_rng(seed)
    w = np.zeros(n_features)
    w[:informative] = rng.normal(size=informative) / np.sqrt(informative)
    x = rng.normal(size=(n, n_features)) * 2
    propensity = x @ w + noise * rng.logistic(size=n)
    cuts = np.quantile(propensity, [0.2, 0.4, 0.7, 0.8, 0.93, 0.98])
    level = np.searchsorted(cuts, propensity)
    x /= np.sqrt(n_features)
    return [(x[s], level[s]) for s in np.split(np.arange(n), [n // 2, n // 2 + 200, n // 2 + 400])]


def main():
    source = sys.argv[1]
    rows = {"hard": [], "soft": [], "cumulative": []}
    for seed in SEEDS:
        parts = simulated(seed) if source == "simulated" else prepared(source, seed)
        for name, fit in (("hard", hard), ("soft", soft), ("cumulative", cumulative)):
            rows[name].append(measure(fit, parts))
    print("| training target | average precision | MAE | macro-averaged MAE |\n|---|---|---|---|")
    for name, found in rows.items():
        means, spread = np.mean(found, axis=0), np.std(found, axis=0)
        print(f"| {name} |", " | ".join(f"{m:.3f} ± {s:.3f}" for m, s in zip(means, spread, strict=True)), "|")  # fmt: skip


if __name__ == "__main__":
    main()
