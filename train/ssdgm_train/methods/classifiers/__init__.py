"""Methods whose q(y | x) is all that learns from labels, or all there is."""
