"""Digest access authentication (RFC 7616), as a client: a password is proved, and never sent.

Pure: the server's challenge goes in, a header comes out.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping

from attrs import frozen

_DIGESTS: Mapping[str, Callable[[bytes], "hashlib._Hash"]] = {
    "SHA-256": hashlib.sha256,
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
}
"""The algorithms by their names in the header, the preferred one first (specified: a client takes the strongest)."""

_SESSION = "-SESS"
"""The end of an algorithm's name if the nonces are hashed into the secret, too (specified)."""

_SCHEME = re.compile(r"(?:^|,)\s*Digest\s+", re.IGNORECASE)
# A name is tried from its first letter on only: from each, a long word would cost the square of its length.
_PARAMETER = re.compile(r'(?<![\w*-])([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')
_ESCAPED = re.compile(r"\\(.)")


@frozen
class Challenge:
    """What a server asks a client to prove."""

    realm: str
    nonce: str
    algorithm: str = "MD5"  # as the server spells it (specified: MD5 if it names none)
    qop: bool = False  # the client's nonce is hashed, too
    opaque: str | None = None

    def proof(self, user: str, password: str, method: str, target: str, cnonce: str) -> str:
        """The value of the header `Authorization` for the first request with this challenge.

        `target` is the one of the request line; `cnonce` is a fresh random word of the client's own.
        """
        name = self.algorithm.upper()
        secret = self._hash(f"{user}:{self.realm}:{password}")
        if name.endswith(_SESSION):
            secret = self._hash(f"{secret}:{self.nonce}:{cnonce}")
        between = f"{self.nonce}:00000001:{cnonce}:auth" if self.qop else self.nonce
        quoted = {
            "username": user,
            "realm": self.realm,
            "nonce": self.nonce,
            "uri": target,
            "response": self._hash(f"{secret}:{between}:{self._hash(f'{method}:{target}')}"),
            "opaque": self.opaque,
            "cnonce": cnonce,
        }
        fields = [f"{key}={_quoted(value)}" for key, value in quoted.items() if value is not None]
        return "Digest " + ", ".join([*fields, f"algorithm={self.algorithm}", *(["qop=auth", "nc=00000001"] if self.qop else [])])

    def _hash(self, text: str) -> str:
        return _DIGESTS[self.algorithm.upper().removesuffix(_SESSION)](text.encode()).hexdigest()


def strongest(headers: Iterable[str]) -> Challenge | None:
    """The best challenge among the values of `WWW-Authenticate` that this client can meet; None: it can meet none."""
    texts = [text for header in headers for text in _SCHEME.split(header)[1:]]
    challenges = [challenge for text in texts if (challenge := _challenge(text)) is not None]
    return min(challenges, key=lambda each: list(_DIGESTS).index(each.algorithm.upper().removesuffix(_SESSION)), default=None)


def _challenge(text: str) -> Challenge | None:
    fields = {name.lower(): _ESCAPED.sub(r"\1", quoted) or plain for name, quoted, plain in _PARAMETER.findall(text)}
    algorithm = fields.get("algorithm", "MD5")
    # A server that lists `qop` values without `auth` wants the body hashed, too: no known device does.
    ways = {way.strip().lower() for way in fields["qop"].split(",")} if "qop" in fields else None
    known = algorithm.upper().removesuffix(_SESSION) in _DIGESTS
    if not known or "nonce" not in fields or (ways is not None and "auth" not in ways):
        return None
    return Challenge(fields.get("realm", ""), fields["nonce"], algorithm, qop=ways is not None, opaque=fields.get("opaque"))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
