"""What bounds the time and memory of graphs, where a caller asks for it."""
