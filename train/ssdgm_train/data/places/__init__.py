"""Where data lies: folders, archives, downloads."""
