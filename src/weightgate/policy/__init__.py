"""The policy tree: where it is, what its data files say, and what names it."""
