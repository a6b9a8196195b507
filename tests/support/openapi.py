"""Check requests and answers against an OpenAPI 3.1 document: paths, parameters, bodies, statuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ASSETS = Path(__file__).parent.parent / "assets" / "aims"
_FORMATS = FormatChecker(["uuid"])


@_FORMATS.checks("date-time", raises=ValueError)
def _date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class Operation:
    """One method of one path of a document."""

    pointer: str
    body: Mapping[str, Any]
    values: Mapping[str, str]
    """What stands for the path's parameters."""


class OpenApi:
    """One document, as a checker."""

    def __init__(self, path: Path) -> None:
        self._document = yaml.load(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        resource = Resource(contents=self._document, specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource("urn:api", resource)
        self._paths = {
            re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)): (path, item)
            for path, item in sorted(self._document["paths"].items(), key=lambda pair: pair[0].count("{"))
        }

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the operation that `method` on `path` is, `None` when the document has none."""
        for pattern, (template, item) in self._paths.items():
            match = pattern.fullmatch(path)
            if match and method.lower() in item:
                escaped = template.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
                return Operation(f"/paths/{escaped}/{method.lower()}", item[method.lower()], match.groupdict())
        return None

    def request_problems(
        self, method: str, path: str, query: Sequence[tuple[str, str]], body: bytes, content_type: str
    ) -> list[str]:
        """Return what the document does not allow in a request."""
        operation = self.operation(method, path)
        if operation is None:
            return [f"{method} {path}: no such operation"]
        problems = list(self._parameters(operation, query))
        expected = operation.body.get("requestBody")
        if expected is None:
            return problems + ([f"{method} {path}: takes no body"] if body else [])
        if content_type.split(";")[0] != "application/json":
            return [*problems, f"{method} {path}: content type {content_type}"]
        pointer = f"{operation.pointer}/requestBody/content/application~1json/schema"
        return problems + [f"body{problem}" for problem in self._schema(pointer, json.loads(body))]

    def answer_problems(self, method: str, path: str, status: int, body: bytes) -> list[str]:
        """Return what the document does not allow in an answer."""
        operation = self.operation(method, path)
        if operation is None or str(status) not in operation.body["responses"]:
            return [f"{method} {path}: no such answer: {status}"]
        if "content" not in operation.body["responses"][str(status)]:
            return [f"{method} {path}: {status} has a body"] if body else []
        pointer = f"{operation.pointer}/responses/{status}/content/application~1json/schema"
        return [f"answer{problem}" for problem in self._schema(pointer, json.loads(body))]

    def _parameters(self, operation: Operation, query: Sequence[tuple[str, str]]) -> Iterator[str]:
        given: dict[str, list[str]] = {}
        for key, value in query:
            given.setdefault(key, []).append(value)
        for number, parameter in enumerate(operation.body.get("parameters", [])):
            name, where = parameter["name"], parameter["in"]
            values = [operation.values[name]] if where == "path" else given.pop(name, [])
            if not values:
                if parameter["required"]:
                    yield f"{where} {name}: missing"
                continue
            value = _typed(parameter["schema"], values)
            for problem in self._schema(f"{operation.pointer}/parameters/{number}/schema", value):
                yield f"{where} {name}{problem}"
        for name in given:
            yield f"query {name}: no such parameter"

    def _schema(self, pointer: str, value: Any) -> list[str]:
        validator = Draft202012Validator(
            {"$ref": f"urn:api#{pointer}"}, registry=self._registry, format_checker=_FORMATS
        )
        return [f"{error.json_path[1:]}: {error.message}" for error in validator.iter_errors(value)]


def _typed(schema: Mapping[str, Any], values: list[str]) -> Any:
    """Return a query's text as the type that its schema wants."""
    kinds = {option.get("type") for option in schema.get("anyOf", [schema])}
    if "array" in kinds:
        return values
    if "integer" in kinds and re.fullmatch(r"-?\d+", values[0]):
        return int(values[0])
    if "boolean" in kinds and values[0] in ("true", "false"):
        return values[0] == "true"
    return values[0] if len(values) == 1 else values


@cache
def data_plane() -> OpenApi:
    """The official document of scans and results."""
    return OpenApi(ASSETS / "aims-data-plane.openapi.yml")


@cache
def management_plane() -> OpenApi:
    """The official document of groups, rules and the private index."""
    return OpenApi(ASSETS / "aims-mgmt-plane.openapi.yml")
