"""A run: its directory, its records, from data to weights and back."""
