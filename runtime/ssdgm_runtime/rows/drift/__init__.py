"""How rows differ from the training's, and the warning about it."""


class DriftWarning(UserWarning):
    """Rows are unlike the training's: unknown categories, or numbers far beyond its own.

    `Model` warns once a call or stream, of arrays of one row never; of a file's categories when it
    is read.
    """
