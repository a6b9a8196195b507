"""Where Prisma AIRS is and who asks: the environment names of the original pipeline, and a type for secrets."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from weightgate.errors import AuthenticationError, UsageError

API = "https://api.sase.paloaltonetworks.com/aims"
TOKEN = "https://auth.apps.paloaltonetworks.com/oauth2/access_token"  # noqa: S105

NO_TOKEN = "Failed to obtain SCM access token"  # noqa: S105
"""The words that users of the original pipeline search for; every failure to authenticate starts with them."""


class Secret:
    """A text that no `repr`, `str`, format or pickle shows; `reveal` is the only way to it."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """Return the text itself. Call it inside the expression that sends it, never into a variable."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a client needs: both endpoints and the credentials of one tenant."""

    client_id: str
    client_secret: Secret
    tsg_id: str
    api: str = API
    """Base of both planes, without a slash at its end."""
    token_url: str = TOKEN


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that `environ` (default: the process's environment) holds.

    Raises `AuthenticationError` naming the credentials that are missing, `UsageError` for an endpoint that is not
    https (http is accepted for a loopback host, so that a test can run a server) or a tenant id that is none.
    """
    values = os.environ if environ is None else environ
    names = ("MODEL_SECURITY_CLIENT_ID", "MODEL_SECURITY_CLIENT_SECRET", "TSG_ID")
    missing = [name for name in names if not values.get(name, "").strip()]
    if missing:
        raise AuthenticationError(f"{NO_TOKEN}: {', '.join(missing)} not set; export it, in CI from the secret store")
    tsg_id = values["TSG_ID"].strip()
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", tsg_id):
        raise UsageError("TSG_ID: not a tenant service group id; expected its digits alone, as in 1234567890")
    return Settings(
        client_id=values["MODEL_SECURITY_CLIENT_ID"].strip(),
        client_secret=Secret(values["MODEL_SECURITY_CLIENT_SECRET"].strip()),
        tsg_id=tsg_id,
        api=endpoint("MODEL_SECURITY_API_ENDPOINT", values.get("MODEL_SECURITY_API_ENDPOINT", "").strip() or API),
        token_url=endpoint(
            "MODEL_SECURITY_TOKEN_ENDPOINT", values.get("MODEL_SECURITY_TOKEN_ENDPOINT", "").strip() or TOKEN
        ),
    )


def endpoint(name: str, value: str) -> str:
    """Return the endpoint `value` of the environment name `name`, without a slash at its end.

    Raises `UsageError` for anything but a plain https address, or http with a loopback host. The message does not
    repeat the value, which may hold a password.
    """
    expected = "expected an address such as https://api.example.com/aims"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as exc:
        raise UsageError(f"{name}: not an address; {expected}") from exc
    if re.search(r"[^\x21-\x7e]", value) or not host:
        raise UsageError(f"{name}: not an address; {expected}")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UsageError(f"{name}: holds a user, password, query or fragment; {expected}")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts)):
        raise UsageError(f"{name}: {parts.scheme or 'no scheme'} to {host} is refused; only https protects the token")
    return value.rstrip("/")


def is_loopback(parts: SplitResult) -> bool:
    """Whether the host of `parts` is this machine: `localhost`, 127.0.0.0/8 or ::1, spelt out."""
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
