"""What people meet: commands, their texts, and files of answers."""
