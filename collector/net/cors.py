"""Cross-origin requests: which web pages may send (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from collections.abc import Mapping

from collector.net.server_config import CorsConfig

_SAFE_HEADERS = ("accept", "accept-language", "content-language", "content-type", "x-requested-with")
_METHODS = ("GET", "HEAD", "POST")


class Cors:
    """The headers that tell a browser what a `cors` block allows."""

    def __init__(self, config: CorsConfig) -> None:
        self._origins = [origin.lower() for origin in config.allowed_origins]
        self._headers = frozenset((*_SAFE_HEADERS, *(name.lower() for name in config.allowed_headers)))
        self._exposed = ", ".join(config.exposed_headers)
        self._max_age = config.max_age

    def preflight(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of the answer to an OPTIONS request that asks before it sends."""
        wanted = headers.get("Access-Control-Request-Headers", "")
        answer = {"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
        if (
            not self._allows_origin(headers.get("Origin", ""))
            or headers.get("Access-Control-Request-Method", "") not in _METHODS
            or not self._allows_headers(wanted)
        ):
            return answer
        answer |= self._allowed(headers["Origin"])
        answer["Access-Control-Allow-Methods"] = headers["Access-Control-Request-Method"]
        if wanted:
            answer["Access-Control-Allow-Headers"] = wanted
        if self._max_age:
            answer["Access-Control-Max-Age"] = str(self._max_age)
        return answer

    def actual(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers to add to the answer of any other request."""
        answer = {"Vary": "Origin"}
        if self._allows_origin(headers.get("Origin", "")):
            answer |= self._allowed(headers["Origin"])
            if self._exposed:
                answer["Access-Control-Expose-Headers"] = self._exposed
        return answer

    def _allowed(self, origin: str) -> dict[str, str]:
        if "*" in self._origins:
            # Anybody may send, but a browser is not to show who it is to everybody.
            return {"Access-Control-Allow-Origin": "*"}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}

    def _allows_origin(self, origin: str) -> bool:
        return bool(origin) and any(_matches(pattern, origin.lower()) for pattern in self._origins)

    def _allows_headers(self, wanted: str) -> bool:
        names = {name.strip().lower() for name in wanted.split(",") if name.strip()}
        return "*" in self._headers or names <= self._headers


def _matches(pattern: str, origin: str) -> bool:
    before, wildcard, after = pattern.partition("*")
    if not wildcard:
        return pattern == origin
    return len(origin) >= len(before) + len(after) and origin.startswith(before) and origin.endswith(after)
