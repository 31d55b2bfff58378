"""Measured claims: one script a claim, each writes JSON; README.md has the table."""
