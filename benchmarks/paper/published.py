"""Test errors on MNIST that others published, in percent, by method and number of labels.

`PAPER`: Kingma, Rezende, Mohamed and Welling (2014), table 1, with the bound on the mean that they
print. `OTHERS`: reproductions, with where their figures are from.
"""

PAPER: dict[str, dict[int, tuple[float, float]]] = {
    "m1": {100: (11.82, 0.25), 600: (5.72, 0.049), 1000: (4.24, 0.07), 3000: (3.49, 0.04)},
    "m2": {100: (11.97, 1.71), 600: (4.94, 0.13), 1000: (3.60, 0.56), 3000: (3.92, 0.63)},
    "m1m2": {100: (3.33, 0.14), 600: (2.59, 0.05), 1000: (2.40, 0.02), 3000: (2.18, 0.04)},
}

OTHERS: dict[str, dict[str, dict[int, float]]] = {
    "m1": {
        "TheOnlyError (SVM without unlabelled rows)": {100: 25.8, 600: 10.8, 1000: 8.8, 3000: 5.4}
    },
    "m2": {
        "jonemeth/generative-models, 1 seed": {100: 7.15, 600: 3.53, 1000: 3.28, 3000: 2.92},
        "Pyro's tutorial, 5 draws": {100: 6.81, 600: 5.63, 1000: 5.13, 3000: 4.18},
    },
    "m1m2": {"jonemeth/generative-models, 1 seed": {100: 2.80, 600: 2.35, 1000: 2.45, 3000: 2.44}},
}

NAMES = {"m1": ("M1+TSVM", "M1+S3VM"), "m2": ("M2", "M2"), "m1m2": ("M1+M2", "M1+M2")}
"""What the paper calls its method, and what we call ours."""
LABELS = (100, 600, 1000, 3000)
