"""The places of data: folders, archives, downloads."""
