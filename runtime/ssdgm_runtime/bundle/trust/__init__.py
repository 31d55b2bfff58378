"""Who vouches for a bundle: signatures over its sums, and what a caller asks of them."""
