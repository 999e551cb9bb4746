"""Who may ask: checks of host names, of origins and of the token, and the security headers of every answer."""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import SplitResult, urlsplit

from starlette.requests import Request

from striate.serve.refusals import RefusedError

SECURITY = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
COOKIE = "striate-token"
"""The cookie in which the page keeps the token; scripts cannot read it, and other sites' pages cannot send it."""
REMEDY = "Open the address that `striate serve` printed."


@dataclass(frozen=True)
class Guard:
    """`hosts` are the names of this server, empty for any; `token` is what requests must show, empty for nothing.

    Without the checks a page of another site could use a server on this machine, by a host name that resolves to
    127.0.0.1.
    """

    hosts: tuple[str, ...] = LOOPBACK
    token: str = ""

    def check_place(self, request: Request) -> None:
        """Raise RefusedError for another host's name, and for a request from another site's page."""
        heads = request.headers
        if (count := len(heads.getlist("host"))) != 1:
            raise RefusedError(400, f"the request has {count or 'no'} Host headers.", "It must have one.", "Send one.")
        host = heads["host"]
        asked = _place(f"//{host}")
        if asked is None:
            expected = "It must be a name or an address, with a port after a colon."
            raise RefusedError(400, f"the Host header is {host[:80]!r}.", expected, REMEDY)
        if self.hosts and asked.hostname not in self.hosts:
            names = f"Its names are {', '.join(self.hosts)}."
            raise RefusedError(403, f"this server is not {host[:80]!r}.", names, REMEDY)
        origin = heads.get("origin")
        asker = None if origin is None else _place(origin)
        if origin is not None and (asker is None or asker.netloc != asked.netloc):
            raise RefusedError(
                403,
                "the request comes from a page of another site.",
                "Only this server's own page may send requests.",
            )

    def check_token(self, request: Request) -> None:
        """Raise RefusedError for a request without the token: as Authorization: Bearer TOKEN, or in the cookie."""
        if self.token and not (self._is(_bearer(request)) or self._is(_cookie(request))):
            raise RefusedError(
                401,
                "the request has no token, or another one.",
                "This server was started with a token.",
                "Send it as Authorization: Bearer TOKEN, or open the page once at /?token=TOKEN.",
            )

    def cookie(self, request: Request) -> str | None:
        """The cookie to set where a request has the token in its query, as the page's address has it."""
        shown = request.query_params.get("token", "")
        return f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/" if self.token and self._is(shown) else None

    def _is(self, shown: str) -> bool:
        """Compared in a time that does not depend on how much of the token is right."""
        return compare_digest(shown.encode("utf-8", "replace"), self.token.encode("utf-8"))


def _bearer(request: Request) -> str:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else ""


def _cookie(request: Request) -> str:
    return request.cookies.get(COOKIE, "")


def _place(address: str) -> SplitResult | None:
    """The parts of an address; None for other text."""
    try:
        found = urlsplit(address)
        _ = found.port  # raises ValueError where the port is no number
    except ValueError:
        return None
    return found
