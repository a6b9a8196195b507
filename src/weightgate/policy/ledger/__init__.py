"""Exceptions and break-glass grants as a ledger: what each one hides, a new entry, and what ends when."""
