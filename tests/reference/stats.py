#!/usr/bin/env python3
"""Expected values of tests/unit/stats_*.c, as rows of C. Needs numpy, scipy, mpmath.

Nothing here shares a formula's form with src/stats: tails come from mpmath at 50 digits or scipy.stats, mixtures from
quadrature, e-values and bets from their definitions. Usage: stats.py [section ...]; without one, all sections.
"""
import math
import sys
from fractions import Fraction

import mpmath
import numpy as np
from scipy import optimize, stats

mpmath.mp.dps = 50
mpf = mpmath.mpf
LAMBDAS = [k / 20 for k in range(1, 20)]


def tail_log(a, b, x):
    """log I_x(a, b) by the hypergeometric series of the smaller tail, exact to working precision."""
    a, b, x = mpf(a), mpf(b), mpf(x)
    if x > a / (a + b):
        return mpmath.log1p(-mpmath.exp(_lower_log(b, a, 1 - x)))
    return _lower_log(a, b, x)


def _lower_log(a, b, x):
    """I_x = x^a (1-x)^b / (a B) * sum of (a+b)_n / (a+1)_n x^n: positive terms only."""
    term = total = mpf(1)
    n = 0
    while term > total * mpf(10) ** -30:
        term *= (a + b + n) / (a + 1 + n) * x
        total += term
        n += 1
    log_beta = mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)
    return a * mpmath.log(x) + b * mpmath.log(1 - x) - mpmath.log(a) - log_beta + mpmath.log(total)


def row(*values):
    def text(v):
        if isinstance(v, str):
            return f'"{v}"'
        if isinstance(v, (int, np.integer)):
            return str(int(v))
        return repr(float(v))
    print("\t{ " + ", ".join(text(v) for v in values) + " },")


def special():
    print("/* beta_log: a, b */")
    for a, b in [(.5, .5), (1, 1), (.001, 3), (9.99, 10.01), (3, 1e6), (1e6, 1e6), (1e6, .5), (123.5, 4567.5)]:
        row(a, b, mpmath.loggamma(mpf(a)) + mpmath.loggamma(mpf(b)) - mpmath.loggamma(mpf(a) + mpf(b)))
    print("/* beta_inc_log: a, b, x */")
    for a, b, x in [(.5, .5, .25), (2, 3, .9), (.5, 10.5, .5), (10.5, .5, .5), (300, 200, .5), (200, 300, .5),
                    (1000, 3, .5), (.01, .01, 1e-10), (1e6, 1e6, .5), (1e6, 1e6, .499), (1e6, 1e6, .45),
                    (1e6, 10, .99), (10, 1e6, 1e-7), (1e6, 1e6, .501), (99999.5, 100000.5, .499999),
                    (5e5, 1e6, .3), (.5, 1e6, 1e-9), (1e6, .5, .5)]:
        row(a, b, x, tail_log(a, b, x))
    print("/* normal_quantile: p */")
    for p in [1e-300, 1e-20, 1e-5, .025, .3, .5, .8, .975, .999]:
        row(p, stats.norm.ppf(p))
    print("/* student_t_upper: t, df */")
    for t, df in [(0, 5), (1e-9, 3), (2, 1), (-2, 1), (4.5, 9), (12, 30), (40, 30), (1.96, 1e6), (-.3, 2.5)]:
        x = mpf(df) / (mpf(df) + mpf(t) ** 2)
        p = mpmath.betainc(mpf(df) / 2, mpf(1) / 2, 0, x, regularized=True) / 2
        row(t, df, p if t >= 0 else 1 - p)
    print("/* student_t_quantile: p, df */")
    for p, df in [(.975, 1), (.975, 9), (.95, 499), (.0001, 4), (.5, 3), (.6, 2.5), (1e-12, 30)]:
        row(p, df, stats.t.ppf(p, df))
    print("/* beta_quantile: p, a, b */")
    for p, a, b in [(.025, 1, 10), (.975, 9, 2), (.5, 300, 200), (1e-6, .5, .5), (.05, 85, 16)]:
        row(p, a, b, stats.beta.ppf(p, a, b))
    print("/* binomial: k, n, p, P(X >= k), P(X <= k) */")
    for k, n, p in [(0, 10, .3), (10, 10, .3), (7, 10, .5), (450, 500, .85), (400, 500, .85), (1, 1000, 1e-5),
                    (900, 1000, .5)]:
        row(k, n, p, stats.binom.sf(k - 1, n, p), stats.binom.cdf(k, n, p))


def interval():
    from scipy.stats import binomtest
    print("/* successes, n, confidence, wilson low, high, exact low, high */")
    for s, n, c in [(0, 10, .95), (10, 10, .95), (17, 20, .95), (85, 100, .9), (450, 500, .99), (1, 3000, .95)]:
        w, e = (binomtest(s, n).proportion_ci(c, method=m) for m in ("wilson", "exact"))
        row(s, n, c, w.low, w.high, e.low, e.high)
    print("/* mean, sd, n, confidence */")
    for mean, sd, n, c in [(.7, .2, 10, .95), (0, 1, 2, .9), (-.05, .4, 500, .975)]:
        row(mean, sd, n, c, *stats.t.interval(c, n - 1, loc=mean, scale=sd / math.sqrt(n)))
    print("/* all pass: n, confidence */")
    for n, c in [(1, .95), (59, .95), (300, .99)]:
        row(n, c, 1 - (1 - c) ** (1 / n))
    print("/* cluster: sums {2, -1, 0, 3}, sizes {3, 2, 1, 4}: mean, error, then the 95 % interval */")
    mean, error, groups = cluster_mean([2, -1, 0, 3], [3, 2, 1, 4])
    row(mean, error, *stats.t.interval(.95, groups - 1, loc=mean, scale=error))


def cluster_mean(sums, sizes):
    sums, sizes = np.array(sums, float), np.array(sizes, float)
    mean = sums.sum() / sizes.sum()
    groups = len(sums)
    return mean, math.sqrt(groups / (groups - 1) * ((sums - sizes * mean) ** 2).sum()) / sizes.sum(), groups


def mixture_log_e(s, f, q):
    """The definition: quadrature over (q, 1) of the likelihood ratio against p = q; p = sin^2 t flattens the prior."""
    s, f, q = mpf(s), mpf(f), mpf(q)
    start = mpmath.asin(mpmath.sqrt(q))
    peak = mpmath.asin(mpmath.sqrt((s + mpf(1) / 2) / (s + f + 1)))
    end = mpmath.pi / 2
    near_peak = [peak + k / mpmath.sqrt(s + f + 1) / 2 for k in range(-8, 9)]
    cuts = sorted({start, end, *[t for t in near_peak if start < t < end]})
    ratio = lambda t: mpmath.exp(2 * s * mpmath.log(mpmath.sin(t)) + 2 * f * mpmath.log(mpmath.cos(t)) - base)
    base = s * mpmath.log(q) + f * mpmath.log(1 - q)
    return mpmath.log(mpmath.quad(ratio, cuts[:-1] + [end - mpf(10) ** -40]) / (end - start))


def paired():
    print("/* wins, losses, log e, exact p, mcnemar p */")
    for w, l in [(0, 0), (1, 0), (10, 0), (0, 10), (6, 1), (15, 5), (60, 40), (600, 500), (3, 40), (5000, 4700)]:
        p = stats.binom.sf(w - 1, w + l, .5)
        row(w, l, mixture_log_e(w, l, mpf(1) / 2), p, min(1, 2 * stats.binom.cdf(min(w, l), w + l, .5)))


def target():
    print("/* successes, n, target, log e, log e of the mirror, exact p, exact p of the mirror */")
    for s, n, q in [(0, 0, .85), (1, 1, .85), (20, 20, .85), (10, 20, .85), (460, 500, .85), (425, 500, .85),
                    (380, 500, .85), (60, 100, .5), (995, 1000, .99)]:
        row(s, n, q, mixture_log_e(s, n - s, q), mixture_log_e(n - s, s, 1 - mpf(q)), stats.binom.sf(s - 1, n, q),
            stats.binom.cdf(s, n, q))
    x = graded()
    print("/* graded sample, target, t p, t p of the mirror, log K, log K of the mirror */")
    for q in [.5, .6, .7]:
        above, below = (stats.ttest_1samp(x, q, alternative=a).pvalue for a in ("greater", "less"))
        row(q, above, below, log_k(x, q), log_k(1 - x, 1 - q))
    sums, sizes = cluster_sample()
    mean, error, groups = cluster_mean(sums, sizes)
    print("/* clusters, target, t p, t p of the mirror, log K, log K of the mirror */")
    for q in [.3, .6]:
        y = (sums - q * sizes) / 4
        row(q, stats.t.sf((mean - q) / error, groups - 1), stats.t.cdf((mean - q) / error, groups - 1),
            log_k((y + 1) / 2, .5), log_k((1 - y) / 2, .5))


def graded(n=40):
    """A sample that the C tests make too."""
    return np.array([(7 * i % 11) / 10 * .8 + .2 * (i % 3) / 2 for i in range(n)])


def cluster_sample():
    sizes = np.array([1 + i % 4 for i in range(20)], float)
    return np.array([s * ((3 * i % 5) / 4) for i, s in enumerate(sizes)]), sizes


def log_k(x, m):
    return math.log(np.mean([np.prod(1 + lam / m * (np.asarray(x) - m)) for lam in LAMBDAS]))


def bet():
    x = graded()
    print("/* n of the graded sample, alpha, low, high: root finding on the definition */")
    for n, alpha in [(1, .05), (10, .05), (40, .05), (40, .01)]:
        up = lambda m: log_k(x[:n], m) - math.log(2 / alpha)
        down = lambda m: log_k(1 - x[:n], 1 - m) - math.log(2 / alpha)
        row(n, alpha, root(up, 1), root(down, -1))
    print("/* wins, losses, ties, margin, log K */")
    for w, l, t, eps in [(10, 2, 30, 0), (10, 2, 30, .05), (2, 10, 30, .05), (40, 60, 400, .1)]:
        row(w, l, t, eps, log_k([1.] * w + [0.] * l + [.5] * t, (1 - eps) / 2))
    sums, sizes = cluster_sample()
    d = 1.5 * sums - .5 * sizes
    print("/* clusters: log K at margin 0 and .1, interval at .05 */")
    at = lambda mu: (d - mu * sizes) / 4 / (1 + mu)
    capital = lambda e: math.log(np.mean([np.prod(1 + lam * e) for lam in LAMBDAS]))
    up = lambda mu: capital(at(mu)) - math.log(40)
    down = lambda mu: capital(-(d - mu * sizes) / 4 / (1 - mu)) - math.log(40)
    row(log_k((d / 4 + 1) / 2, .5), capital(at(-.1)), root(up, 1, -1), root(down, -1, -1))


def root(f, side, low=0.):
    tiny = 1e-6
    if f(low + tiny) * f(1 - tiny) > 0:
        return low if side > 0 else 1.
    return optimize.brentq(f, low + tiny, 1 - tiny, xtol=1e-14)


def fixed():
    d = 2 * graded() - 1
    print("/* graded differences, margin, t p */")
    for eps in [0, .05, .2]:
        row(eps, stats.ttest_1samp(d, -eps, alternative="greater").pvalue)
    sums, sizes = cluster_sample()
    mean, error, groups = cluster_mean(1.5 * sums - .5 * sizes, sizes)
    print("/* clusters, margin, t p */")
    for eps in [0, .1]:
        row(eps, stats.t.sf((mean + eps) / error, groups - 1))
    print("/* wins, losses, n, margin, tango z, exact unconditional p */")
    for w, l, n, eps in [(0, 0, 30, .1), (0, 0, 60, .05), (5, 4, 50, .1), (10, 12, 100, .1), (8, 10, 200, .05),
                         (3, 14, 60, .1)]:
        row(w, l, n, eps, tango(w, l, n, eps), noninferior_p(w, l, n, eps))


def tango(w, l, n, eps):
    """Score test: maximise the likelihood along delta = -eps numerically; variance n (2 rate - eps - eps^2)."""
    def loss(rate):
        win, tie = rate - eps, 1 - 2 * rate + eps
        parts = [(w, win), (l, rate), (n - w - l, tie)]
        return -sum(k * math.log(max(p, 1e-300)) for k, p in parts if k)
    rate = optimize.minimize_scalar(loss, bounds=(eps, (1 + eps) / 2), method="bounded", options={"xatol": 1e-13}).x
    if loss(eps) <= loss(rate):
        rate = eps
    return (w - l + n * eps) / math.sqrt(n * (2 * rate - eps - eps * eps))


def tango_closed(w, l, n, eps):
    a, b, c = 2 * n, -w - l - (2 * n - w + l) * eps, l * eps * (1 + eps)
    rate = (np.sqrt(np.maximum(0, b * b - 4 * a * c)) - b) / (2 * a)
    return (w - l + n * eps) / np.sqrt(n * (2 * rate - eps - eps * eps))


def noninferior_p(w, l, n, eps, rates=4001):
    """Every outcome of the trinomial, every null on a fine grid."""
    W, L = np.meshgrid(np.arange(n + 1), np.arange(n + 1))
    keep = W + L <= n
    W, L = W[keep], L[keep]
    extreme = tango_closed(W, L, n, eps) >= tango_closed(w, l, n, eps) - 1e-9
    W, L = W[extreme], L[extreme]
    lg = np.vectorize(math.lgamma)
    choose = lg(n + 1.) - lg(W + 1.) - lg(L + 1.) - lg(n - W - L + 1.)
    best = 0.
    for rate in np.linspace(eps, (1 + eps) / 2, rates):
        win, tie = max(rate - eps, 1e-300), max(1 - 2 * rate + eps, 1e-300)
        best = max(best, np.exp(choose + W * math.log(win) + L * math.log(rate) + (n - W - L) * math.log(tie)).sum())
    return best


def bounded():
    """P(sum a_i E_i <= 0) by partial fractions, exact: a_i are the deviations from the bound and the worst one's."""
    print("/* n, bound, low, p */")
    for n, bound, low in [(3, .2, 0.), (3, .5, 0.), (12, .4, 0.), (30, .5, 0.), (30, .35, -.5), (60, .5, -.25), (60, .4, 0.), (60, .6, 0.)]:
        x = [37 * k % 101 / 101 + 0.001 * k for k in range(n)]
        a = [Fraction(v) - Fraction(bound) for v in x] + [Fraction(low) - Fraction(bound)]
        above = sum(math.prod((p / (p - q) for j, q in enumerate(a) if j != i), start=Fraction(1)) for i, p in enumerate(a) if p > 0)
        row(n, bound, low, float(1 - above))


def power():
    print("/* discordant, gap, alpha, power, n */")
    for p, gap, alpha, b in [(.2, .1, .05, .8), (.21, .05, .05, .8), (.09, .03, .05, .8), (.3, .2, .01, .9)]:
        z, y = stats.norm.ppf(1 - alpha / 2), stats.norm.ppf(b)
        row(p, gap, alpha, b, math.ceil((z * math.sqrt(p) + y * math.sqrt(p - gap * gap)) ** 2 / gap ** 2))


CURVES = [([(14, .52), (28, .41), (56, .33), (112, .24), (224, .2)], 90),
          ([(20, .3), (20, .36), (20, .33), (40, .3), (40, .25), (40, .31), (80, .24), (160, .2)], 148),
          ([(16, .1), (32, .11), (64, .12)], 50), ([(100, .02), (200, .01), (400, 0)], 100)]


def curve():
    """Of each: points, items; a, b, residual; at twice and at 3.5 times the most: error, low, high."""
    for points, items in CURVES:
        x = np.log([n for n, _ in points])
        y = np.log([max(e, .5 / items) for _, e in points])
        fit = stats.linregress(x, y)
        s = math.sqrt(((y - fit.intercept - fit.slope * x) ** 2).sum() / (len(x) - 2))
        values = [math.exp(fit.intercept), -fit.slope, s]
        for factor in (2, 3.5):
            at = math.log(factor * max(n for n, _ in points))
            mean = fit.intercept + fit.slope * at
            error = min(math.exp(mean), 1)
            # The line's own error comes from the covariance of the coefficients.
            design = np.column_stack([np.ones_like(x), x])
            covariance = s * s * np.linalg.inv(design.T @ design)
            line = np.array([1, at]) @ covariance @ np.array([1, at])
            half = stats.t.ppf(.975, len(x) - 2) * math.sqrt(line + (1 - error) / (error * items))
            values += [error, math.exp(mean - half), min(math.exp(mean + half), 1)]
        row(*values)


def grid():
    """One look and any time, from one item to a million."""
    from scipy.stats import binomtest
    print("/* wins, losses, log e, exact p, mcnemar p */")
    for w, l in [(1, 0), (0, 1), (1, 1), (2, 0), (7, 3), (50, 50), (505, 455), (5000, 4800), (50100, 49500), (500900, 499100), (499100, 500900), (1000000, 0)]:
        n = w + l
        row(w, l, mixture_log_e(w, l, mpf(1) / 2), exact_tail(w, n, .5), min(1, 2 * (1 - exact_tail(min(w, l) + 1, n, .5))))
    print("/* successes, n, target, log e, log e of the mirror, exact p, exact p of the mirror */")
    for s, n, q in [(0, 1, .85), (1, 1, .85), (0, 1, .5), (1, 2, .9), (30, 30, .9), (9100, 10000, .9), (850700, 1000000, .85), (849300, 1000000, .85), (1000000, 1000000, .99),
                    (0, 1000000, .01), (500900, 1000000, .5)]:
        row(s, n, q, mixture_log_e(s, n - s, q), mixture_log_e(n - s, s, 1 - mpf(q)), exact_tail(s, n, q), 1 - exact_tail(s + 1, n, q))
    print("/* successes, n, confidence, wilson low, high, exact low, high */")
    for s, n, c in [(0, 1, .95), (1, 1, .95), (1, 2, .9), (5, 1000000, .95), (850000, 1000000, .95), (1000000, 1000000, .99)]:
        w, e = (binomtest(s, n).proportion_ci(c, method=m) for m in ("wilson", "exact"))
        row(s, n, c, w.low, w.high, e.low, e.high)
    print("/* wins, losses, n, margin, tango z */")
    for w, l, n, eps in [(0, 0, 1, .1), (1, 0, 1, .1), (0, 1, 1, .05), (1, 1, 2, .05), (50000, 51000, 1000000, .002), (100000, 99000, 1000000, .05)]:
        row(w, l, n, eps, tango_root(w, l, n, eps))
    print("/* wins, losses, ties, margin, log K; of the interval at .05: low, high */")
    for w, l, t, eps in [(1, 0, 0, 0), (0, 1, 0, .05), (0, 0, 1, .05), (700, 600, 8700, .02), (50500, 50000, 899500, 0), (100000, 103000, 797000, .01)]:
        capital = lambda mu, w=w, l=l, t=t: log_mean([w * mpmath.log1p(lam * (1 - mu) / (1 + mu)) + l * mpmath.log1p(-lam) + t * mpmath.log1p(-lam * mu / (1 + mu))
                                                      for lam in map(mpf, map(str, LAMBDAS))])
        mirror = lambda mu, w=w, l=l, t=t: log_mean([l * mpmath.log1p(lam * (1 + mu) / (1 - mu)) + w * mpmath.log1p(-lam) + t * mpmath.log1p(lam * mu / (1 - mu))
                                                     for lam in map(mpf, map(str, LAMBDAS))])
        row(w, l, t, eps, capital(-mpf(eps)), bisect(lambda mu: capital(mu) - mpmath.log(40), -1, 1), bisect(lambda mu: mpmath.log(40) - mirror(mu), -1, 1))
    print("/* all pass: n, confidence */")
    for n, c in [(1, .95), (1000000, .95)]:
        row(n, c, -mpmath.expm1(mpmath.log1p(-mpf(c)) / n))


def tango_root(w, l, n, eps):
    """The same maximum as tango(), where the slope of the likelihood changes its sign, at 50 digits."""
    eps, low, high = mpf(eps), mpf(eps), (1 + mpf(eps)) / 2
    slope = lambda r: (w / (r - eps) if w else 0) + (l / r if l else 0) - (2 * (n - w - l) / (1 - 2 * r + eps) if n > w + l else 0)
    for _ in range(160):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (w - l + n * eps) / mpmath.sqrt(n * (2 * low - eps - eps * eps))


def log_mean(values):
    top = max(values)
    return top + mpmath.log(sum(mpmath.exp(v - top) for v in values) / len(values))


def bisect(f, low, high):
    """Where f, which falls, changes its sign; an end where it does not."""
    low, high = mpf(low) + mpf(10) ** -30, mpf(high) - mpf(10) ** -30
    if f(low) < 0:
        return mpf(round(low))
    if f(high) > 0:
        return mpf(round(high))
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) > 0 else (low, middle)
    return low


def exact_tail(k, n, p):
    """P(X >= k) at 50 digits: 1 - I_{1-p}(n - k + 1, k), each by its series."""
    if k <= 0:
        return mpf(1)
    if k > n:
        return mpf(0)
    return mpmath.exp(tail_log(k, n - k + 1, p))


def information():
    """Of the definition, E max(0, mean after the items) - max(0, mean), by quadrature over where the mean will be."""
    print("/* mean, sd, noise, items, worth */")
    for mean, sd, noise, items in [(0, 1, 1, 1), (.5, 1, 1, 1), (-.5, 1, 1, 1), (.01, .02, .45, 100), (-.03, .02, .45, 500), (.03, .02, .45, 1e6),
                                   (.05, .01, .4, 50), (1e-4, .02, .45, 1), (.2, .03, .3, 2000), (-3, 1, .1, 4), (5, 1, 1, 1e6), (.02, .05, 0, 1)]:
        m, s = mpf(mean), mpf(sd)
        moves = s * s / mpmath.sqrt(s * s + mpf(noise) ** 2 / mpf(items))
        density = lambda x: mpmath.npdf(x, m, moves)
        # What changes the choice lies on the other side of 0, and falls as fast as a normal tail does there.
        scale = moves / max(1, abs(m) / moves)
        side = -1 if m > 0 else 1
        value = mpmath.quad(lambda x: x * density(side * x), [0, *[k * scale for k in (1, 2, 4, 8, 16, 32, 64, 128)]])
        row(mean, sd, noise, items, value)


if __name__ == "__main__":
    for name in sys.argv[1:] or ["special", "interval", "paired", "target", "bet", "fixed", "bounded", "power", "curve", "grid", "information"]:
        print(f"/* ---- {name} ---- */")
        globals()[name]()
