"""Perceptrons and convolutions, and which of them rows of a kind get."""
