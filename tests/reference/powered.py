#!/usr/bin/env python3
"""Expected values of tests/unit/stats_powered.c out of ppi_py (package ppi-python), and the coverage of its interval. Needs numpy,
scipy, ppi-python.

    powered.py rows       the cases as rows of C: mean and lambda from ppi_py, the error from numpy's variances
    powered.py groups     mean and cluster-robust error of items in groups, the derivatives taken numerically
    powered.py coverage   share of 20,000 samples whose .95 interval holds the true mean
"""
import sys

import numpy as np
from ppi_py.ppi import _calc_lam_glm, ppi_mean_pointestimate
from scipy import stats


def estimate(y, f, g):
    one = np.eye(1)
    lam = float(_calc_lam_glm(y[:, None], f[:, None], g[:, None], one, clip=True))
    mean = float(np.squeeze(ppi_mean_pointestimate(y, f, g, lam=lam)))
    error = np.sqrt(np.var(y - lam * f, ddof=1) / len(y) + lam**2 * np.var(g, ddof=1) / len(g))
    return mean, lam, error


def sample(rng, n, total, truth, agree, grades):
    y = (rng.random(n + total) < truth).astype(float) if grades == 2 else rng.integers(0, grades, n + total) / (grades - 1)
    other = (rng.random(n + total) < .7).astype(float)
    f = np.where(rng.random(n + total) < agree, y, other)
    return y[:n], f[:n], f[n:]


def rows():
    cases = [(2, 3, .5, .9, 2), (10, 40, .8, .9, 2), (25, 200, .7, .5, 2), (25, 200, .7, 0, 2), (40, 100, .5, .8, 5)]
    for seed, (n, total, truth, agree, grades) in enumerate(cases):
        y, f, g = sample(np.random.default_rng(seed), n, total, truth, agree, grades)
        mean, lam, error = estimate(y, f, g)
        half = stats.t.ppf(.975, n - 1) * error
        texts = ['"' + "".join(f"{round(x * (grades - 1))}" for x in a) + '"' for a in (y, f, g)]
        print(f"\t{{ {grades - 1}, {', '.join(texts)},\n\t  {mean!r}, {lam!r}, {float(error)!r}, {float(mean - half)!r} }},")


def groups():
    """The estimate as a function of weights, one an item: what an item moves it by is its derivative. numpy alone."""
    y, f = np.array([1, 0, 1, 1, 0, 1.]), np.array([1, 0, 1, 0, 0, 1.])
    g, k = np.array([1, 1, 0, 1, 0, 0, 1, 1.]), np.array([0, 0, 1.])
    of = [np.array([0, 0, 1, 1, 2, 2]), np.array([2, 3, 3, 3, 4, 4, 5, 5]), np.array([0, 3, 5])]
    n, total = len(y), len(g)
    lam = np.mean((y - y.mean()) * (f - f.mean())) / ((1 + n / total) * np.var(np.concatenate([f, g]), ddof=1))

    def theta(a, b, c):
        graded = lam * np.average(g, weights=b) + np.average(y - lam * f, weights=a)
        return ((a.sum() + b.sum()) * graded + (c * k).sum()) / (a.sum() + b.sum() + c.sum())

    ones, sums = [np.ones(n), np.ones(total), np.ones(len(k))], np.zeros(6)
    graded = lam * g.mean() + (y - lam * f).mean()
    mean = theta(*ones)
    for part in range(3):
        many = len(set(of[part]))
        step = ((graded if part < 2 else k.mean()) - mean) / (n + total + len(k))
        for i in range(len(ones[part])):
            near = [w.copy() for w in ones], [w.copy() for w in ones]
            near[0][part][i] += 1e-5
            near[1][part][i] -= 1e-5
            move = (theta(*near[0]) - theta(*near[1])) / 2e-5
            sums[of[part][i]] += step + (move - step) * np.sqrt(many / (many - 1))
    print(repr(float(mean)), repr(float(np.sqrt((sums**2).sum()))))


def coverage():
    for truth in (.5, .8):
        for agree in (0, .5, .9):
            for n, total in ((10, 100), (20, 200), (50, 500), (100, 1000)):
                rng = np.random.default_rng(1)
                hits = 0
                for _ in range(20000):
                    y, f, g = sample(rng, n, total, truth, agree, 2)
                    with np.errstate(all="ignore"):
                        v = np.var(np.concatenate([f, g]), ddof=1)
                        c = np.mean((y - y.mean()) * (f - f.mean()))
                    lam = min(max(c / ((1 + n / total) * v), 0), 1) if v > 0 else 0
                    mean = lam * g.mean() + (y - lam * f).mean()
                    error = np.sqrt(np.var(y - lam * f, ddof=1) / n + lam**2 * np.var(g, ddof=1) / total)
                    half = stats.t.ppf(.975, n - 1) * error
                    hits += abs(mean - truth) <= half
                print(f"accuracy {truth} judge agrees {agree} n {n} N {total}: coverage {hits / 20000:.4f}", flush=True)


if __name__ == "__main__":
    {"rows": rows, "groups": groups, "coverage": coverage}[sys.argv[1]]()
