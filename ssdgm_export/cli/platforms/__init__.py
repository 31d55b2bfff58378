"""`deploy` and `hub`: bundles and runs in other places."""
