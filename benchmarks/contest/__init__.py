"""`train --method auto` beside what users would take instead, one process a cell."""
