"""What a row is: its tensors, its columns, how it is checked."""
