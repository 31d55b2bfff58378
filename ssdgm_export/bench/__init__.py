"""Benchmarks beside torch, and their charts."""
