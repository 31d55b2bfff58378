"""Rows that are not one array of numbers: several views, and series of unequal length."""
