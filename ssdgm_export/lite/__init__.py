"""Graphs as files of LiteRT: made from torch, reduced to int8, run by its interpreter."""
