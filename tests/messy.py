"""A table as people have it: categories, truth values, gaps, dates, names of rows, few labels."""

import numpy as np
import pandas as pd
from sklearn import datasets

LABEL = "verdict"
SETS = {"breast_cancer": datasets.load_breast_cancer, "wine": datasets.load_wine}
COLUMNS = 5


def table(name: str, rows: int = 120) -> pd.DataFrame:
    """Rows of one of scikit-learn's sets among such columns; nine labels of ten are blank."""
    loaded, rng = SETS[name](as_frame=True), np.random.default_rng(0)
    chosen = rng.permutation(len(loaded.data))[:rows]
    frame = loaded.data.iloc[chosen, :COLUMNS].reset_index(drop=True)
    frame.columns = [column.replace(" ", "_") for column in frame.columns]
    frame.loc[rng.random(rows) < 0.1, frame.columns[1]] = np.nan
    frame["patient_id"] = [f"P{i:04d}" for i in range(rows)]
    frame["visit"] = pd.Timestamp("2024-02-27") + pd.to_timedelta(rng.integers(0, 90, rows), "D")
    frame["clinic"] = rng.choice(["north", "south", "east, upper"], rows)
    frame.loc[rng.random(rows) < 0.1, "clinic"] = None
    frame["smoker"] = rng.random(rows) < 0.3
    labels = loaded.target_names[loaded.target.to_numpy()[chosen]].astype(object)
    labels[rng.random(rows) < 0.9] = None
    for k, label in enumerate(loaded.target_names):  # each class has a few
        labels[3 * k : 3 * k + 3] = label
    frame[LABEL] = labels
    return frame
