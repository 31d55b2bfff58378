"""What a label is, and what a classifier says of it."""
