"""Cold starts: `child` is what a fresh process runs, `coldstart` starts it and compares."""
