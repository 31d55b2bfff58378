"""Rows in, answers out: a bundle's graphs at work."""
