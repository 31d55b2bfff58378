"""Recipes: what they are, how they are read, and those that ship."""
