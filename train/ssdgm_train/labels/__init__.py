"""Label spaces: what a label is while a model is trained."""
