"""Pictures of what a model generates, and how pictures are written.

from ssdgm_runtime.pictures import latent

latent.styles(model.conditionals, 8)  # a latent a line, a class a column
"""
