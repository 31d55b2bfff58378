"""Perceptrons and convolutions, and the choice between them."""
