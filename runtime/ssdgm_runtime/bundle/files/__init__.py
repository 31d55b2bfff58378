"""Where a bundle's files lie, and what is refused of files: a folder, or a zip in memory."""
