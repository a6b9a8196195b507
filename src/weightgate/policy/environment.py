"""One environment of a policy tree, as its data files describe it."""

from __future__ import annotations

from dataclasses import dataclass

from weightgate.policy.settings import PolicyException, Settings
from weightgate.policy.yamlfile import YamlFile


@dataclass(frozen=True, slots=True)
class Environment:
    """The settings and exceptions of one environment, with the files that they stand in."""

    name: str
    settings: Settings
    exceptions: dict[str, PolicyException]
    settings_file: YamlFile
    exceptions_file: YamlFile | None
