"""What a bundle is: its files, its manifest, its golden rows."""
