"""The files of a new policy repository, as `weightgate init` writes them; `@NAME@` stands for what differs."""
