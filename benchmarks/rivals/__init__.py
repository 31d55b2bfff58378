"""Scikit-learn's semi-supervised classifiers beside ours, one process a cell."""
