"""The loop that trains, and its schedules."""
