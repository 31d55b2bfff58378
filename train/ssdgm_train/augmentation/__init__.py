"""Changes to rows that leave their labels as they are: what consistency is trained with."""
