"""Weights that authors published with a paper, read into the models of this package."""
