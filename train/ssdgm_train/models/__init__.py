"""Models that several methods share."""
