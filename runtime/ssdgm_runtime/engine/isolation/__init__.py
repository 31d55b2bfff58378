"""Graphs in processes of their own; `engine.child` is what runs there."""
