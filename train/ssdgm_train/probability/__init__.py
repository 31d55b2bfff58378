"""Densities, divergences, bounds and penalties: functions of tensors, in nats."""
