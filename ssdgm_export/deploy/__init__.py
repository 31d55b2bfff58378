"""A bundle on another platform: one module a platform."""
