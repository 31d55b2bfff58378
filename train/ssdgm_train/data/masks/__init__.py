"""Masks: a class for every place of a picture, from arrays and from folders."""
