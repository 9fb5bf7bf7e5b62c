"""Fits the polynomial of vector_gelu() in src/llm/kernels_rows.h and prints it as C.

Phi(-s) = exp(-s^2/2) P(t), t = 1 / (1 + slope s). P minimises the largest absolute error of s Phi(-s) over
0 <= s <= 13.2, while Phi(-s) itself keeps a relative error below 1e-3 out to the last float: a linear program
(needs numpy and scipy). P has no constant term, since Phi(-s) exp(s^2/2) ~ 1 / (s sqrt(2 pi)) vanishes with t.
"""
import numpy as np
from scipy.optimize import linprog
from scipy.special import erfcx

LONGEST = 13.2  # exp(-s^2/2) is below the smallest normal float beyond


def fit(slope, degree):
    t_least = 1 / (1 + slope * LONGEST)
    t = t_least + (1 - t_least) * 0.5 * (1 + np.cos(np.pi * np.arange(2000) / 1999))
    s = (1 / t - 1) / slope
    want = erfcx(s / np.sqrt(2)) / 2
    # the unit of error: 1e-7 absolute on s Phi(-s), or 1e-3 relative, whichever is the wider
    unit = np.minimum(1e-7 / np.maximum(s * np.exp(-s * s / 2), 1e-30), 1e-3 * want)
    powers = np.vander(t, degree + 1)[:, :-1] / unit[:, None]
    ones = np.ones((len(t), 1))
    cost = np.zeros(degree + 1)
    cost[-1] = 1
    solved = linprog(cost, A_ub=np.block([[powers, -ones], [-powers, -ones]]),
                     b_ub=np.concatenate([want / unit, -want / unit]),
                     bounds=[(None, None)] * degree + [(0, None)], method="highs")
    return solved.x[-1], solved.x[:-1]


if __name__ == "__main__":
    worst, slope = min((fit(slope, 6)[0], slope) for slope in np.arange(0.20, 0.45, 0.01))
    print(f"/* slope {slope:.2f}, largest error {worst * 1e-7:.2g} */")
    print(", ".join(f"{c:.9g}f" for c in fit(slope, 6)[1]) + ", 0.0f")
