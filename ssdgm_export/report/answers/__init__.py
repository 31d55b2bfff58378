"""Figures of what a model answers, one module for each kind of labels."""
