"""Commands with the arguments of tools that weightgate takes the place of."""
