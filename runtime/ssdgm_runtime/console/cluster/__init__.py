"""Rows beyond one machine: cut into pieces that workers of a cluster answer into Parquet."""
