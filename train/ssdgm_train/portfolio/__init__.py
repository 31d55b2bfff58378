"""A few recipes for the rows and labels at hand, compared by cross-validation on the labels."""
