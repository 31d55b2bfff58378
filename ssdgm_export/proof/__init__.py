"""What a graph has to pass before it ships."""
