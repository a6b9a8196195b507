"""The exceptions of environments as a ledger: what each one hides, a new entry, and what ends when."""
