"""One environment of a policy tree, as its data files describe it."""

from __future__ import annotations

from dataclasses import dataclass

from weightgate import strict
from weightgate.policy.permissions import Grant, PolicyException
from weightgate.policy.settings import Settings
from weightgate.policy.yamlfile import YamlFile


@dataclass(frozen=True, slots=True)
class Environment:
    """The settings, exceptions and break-glass grants of one environment, with the files that they stand in."""

    name: str
    settings: Settings
    exceptions: dict[str, PolicyException]
    grants: dict[str, Grant]
    settings_file: YamlFile
    exceptions_file: YamlFile | None
    grants_file: YamlFile | None

    def permissions(self) -> list[tuple[str, PolicyException | Grant]]:
        """Return the exceptions, then the grants, each by id."""
        return [*sorted(self.exceptions.items()), *sorted(self.grants.items())]

    def place(self, id_: str) -> str:
        """Return the file and line of the exception or grant `id_`."""
        file = self.exceptions_file if id_ in self.exceptions else self.grants_file
        return f"{file.name}:{file.line(f'/{strict.escape(id_)}')}" if file else self.name
