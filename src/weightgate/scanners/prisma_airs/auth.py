"""OAuth2 client credentials: a token that lives in memory only and is renewed before it ends."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from weightgate.scanners.prisma_airs.answers import AccessError, ServiceError
from weightgate.scanners.prisma_airs.http import Call, Wire
from weightgate.scanners.prisma_airs.settings import NO_TOKEN, Secret, Settings

LIFETIME = 900.0
"""Seconds that a token lives at most, whatever the service says."""
_USED = 0.8
"""Share of its life during which a token is used, so that none ends on its way."""
_CAUSES = (
    "check MODEL_SECURITY_CLIENT_ID, MODEL_SECURITY_CLIENT_SECRET (expired or rotated?), TSG_ID (the tenant that the "
    "service account belongs to) and MODEL_SECURITY_TOKEN_ENDPOINT"
)


@dataclass(frozen=True, slots=True)
class _Grant:
    token: Secret
    seconds: float


class TokenSource:
    """Gives the access token of `settings`; asks for a new one when there is none or its life nears its end.

    Only the monotonic clock counts: neither side's time of day can make a token look young.
    """

    def __init__(self, settings: Settings, wire: Wire) -> None:
        self._settings = settings
        self._wire = wire
        self._grant: _Grant | None = None
        self._renew_at = 0.0
        pair = f"{settings.client_id}:{settings.client_secret.reveal()}"
        for secret in (settings.client_secret, Secret(base64.b64encode(pair.encode()).decode())):
            wire.protect(secret)

    def token(self) -> Secret:
        """Return a token that is still good; raises `AuthenticationError` or `ServiceError`."""
        asked_at = self._wire.clock.monotonic()
        if self._grant is None or asked_at >= self._renew_at:
            self._grant = None
            self._grant = self._request()
            self._renew_at = asked_at + _USED * self._grant.seconds
            self._wire.protect(self._grant.token)
        return self._grant.token

    def discard(self) -> None:
        """Forget the token: the service says that it is not valid."""
        self._grant = None

    def _request(self) -> _Grant:
        settings = self._settings
        call = Call(
            "POST",
            settings.token_url,
            NO_TOKEN,
            form={"grant_type": "client_credentials", "scope": f"tsg_id:{settings.tsg_id}"},
            auth=(settings.client_id, settings.client_secret),
        )
        problem = ""
        try:
            grant: _Grant = self._wire.send(call, _read)
            return grant
        except ServiceError as exc:
            if exc.status not in (400, 401, 403):
                raise
            problem, status = str(exc), exc.status
        raise AccessError(f"{problem}; {_CAUSES}", status=status)


def _read(value: Any) -> _Grant:
    token = value.get("access_token") if isinstance(value, dict) else None
    # NOTE: what is no header value must not get as far as the HTTP library, whose error would show it.
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ValueError("no access_token; expected a JSON object that holds one")
    seconds = value.get("expires_in")
    known = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < LIFETIME
    return _Grant(Secret(token), float(seconds) if known else LIFETIME)
