"""Striking secrets out of everything that leaves this computer.

Of a configuration only harmless parts are kept: values of the kinds that its keys want, names, addresses, paths, and common words
of commands. All other values are struck, and the same words wherever else they occur. Comments are left out. In any text,
whatever looks like a password is struck, too.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from attrs import define, field

from wagman.doctor.harmless import SSH_OPTIONS, USUAL, is_address, is_harmless, is_host, is_program, looks_secret, takes_secret

MARK = "[struck out]"

LEAST_CHARS = 4
"""Shorter words are struck in the configuration only: they occur everywhere (chosen)."""

LONG_CHARS = 24
"""Longer words are looked for by their beginning of this length, since messages cut what is long (chosen)."""

_PIECE = re.compile(r"""[^\s"'{}<>:,=;&?()\[\]]+""")

_SECRET_KEY = re.compile(r"(?i)(?:pass(?:word|wd|phrase)?|secret|token|api-?_?key|credential|cookie|authorization)$")

_TOLD = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?<=://)[^/\s@\"']+(?=@)"),
    re.compile(
        r"(?i)(?<![a-z])((?:[\w-]*(?:pass(?:word|wd|phrase)?|secret|token|api-?_?key|credential|cookie|authorization))"
        r"[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic|digest)\s+)?)(?!\[struck)[^\s\"',;&]+"
    ),
)
"""Secrets in any text: private keys, the user in an address, and what follows the name of a secret."""


@define
class Struck:
    """The words struck so far, to be struck in all other texts."""

    words: set[str] = field(factory=set)
    _pattern: re.Pattern[str] | None = field(default=None, init=False)

    def add(self, secret: str) -> str:
        """Have a secret struck everywhere; return the mark that replaces it."""
        for word in (secret, secret.partition(":")[2], secret.partition("=")[2], *_PIECE.findall(secret)):
            if len(word) >= LEAST_CHARS and word.casefold() not in USUAL:
                # Messages show a word as JSON or Python writes it.
                self.words |= {word, json.dumps(word)[1:-1], repr(word)[1:-1]}
        self._pattern = None
        return MARK

    def text(self, text: str) -> str:
        """Return a text without struck words, and without anything that looks like a secret."""
        if self._pattern is None:
            longest_first = sorted(self.words, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_pattern_of, longest_first)) or r"(?!)")
        text = self._pattern.sub(MARK, text)
        for pattern in _TOLD:
            text = pattern.sub(lambda found: (found[1] if found.re.groups else "") + MARK, text)
        return text

    def document(self, plain: Any) -> Any:
        """Return plain data without secrets; the keys of tables are ours, and kept."""
        match plain:
            case str():
                return self.text(plain)
            case dict():
                return {key: self._valued(key, value) for key, value in plain.items()}
            case list() | tuple():
                return [self.document(each) for each in plain]
        return plain

    def _valued(self, key: str, value: Any) -> Any:
        return MARK if isinstance(value, str) and _SECRET_KEY.search(key) else self.document(value)


def _pattern_of(word: str) -> str:
    return re.escape(word) if len(word) <= LONG_CHARS else re.escape(word[:LONG_CHARS]) + r"[^\s\"']*"


# --- Words of commands -------------------------------------------------------------------------------------------------


def command(words: Iterable[object], struck: Struck, hosts: Collection[str]) -> list[str]:
    """Return a command without what may be a secret; the program is kept."""
    kept, program, before = list[str](), "", ""
    for word in words:
        text = word if isinstance(word, str) else str(word)
        if not kept and is_program(text):
            program = text
            kept.append(text)
        else:
            kept.append(struck.add(text) if takes_secret(before, program) else " ".join(_spoken(text, struck, hosts)))
        before = text
    return kept


def _spoken(text: str, struck: Struck, hosts: Collection[str]) -> Iterator[str]:
    """Yield the words of an argument, which may be a command line itself."""
    words = text.split() or [text]
    for before, word in zip(["", *words], words, strict=False):
        yield struck.add(word) if takes_secret(before, words[0]) else _word(word, struck, hosts)


def _word(word: str, struck: Struck, hosts: Collection[str]) -> str:
    if is_harmless(word, hosts):
        return word
    for known in (_address, _named, _assigned):
        if (kept := known(word, struck, hosts)) is not None:
            return kept
    return struck.add(word)


def _address(word: str, struck: Struck, hosts: Collection[str]) -> str | None:
    return url(word, struck, hosts) if "://" in word else None


def _named(word: str, struck: Struck, hosts: Collection[str]) -> str | None:
    """Return a word such as `root@gn`, or None if it is none."""
    user, at, host = word.rpartition("@")
    if not at or not (host in hosts or is_address(host)):
        return None
    return f"{user if user == 'root' else struck.add(user)}@{host}"


def _assigned(word: str, struck: Struck, hosts: Collection[str]) -> str | None:
    """Return a word such as `--option=value` or ssh's `BatchMode=yes`, or None if it is none."""
    key, is_set, value = word.partition("=")
    is_ssh = key.removeprefix("-o").casefold() in SSH_OPTIONS
    if not is_set or not (is_ssh or (is_harmless(key, ()) and key.startswith("--"))):
        return None
    if is_ssh and (value in {"yes", "no", "ask", "accept-new", "auto"} or is_harmless(value, hosts)):
        return word
    struck.add(word)
    return f"{key}={struck.add(value)}"


def url(text: str, struck: Struck, hosts: Collection[str]) -> str:
    """Return an address: the host is kept; the user, the query, and parts of the path that may be keys are struck."""
    scheme, _, rest = text.partition("://")
    place, slash, path = rest.partition("/")
    path, asks, query = path.partition("?")
    user, at, host = place.rpartition("@")
    if at:
        struck.add(user)
    name, colon, port = host.partition(":")
    is_place = name in hosts or is_address(name) or is_host(name)
    known = host in hosts or is_address(host) or (is_place and (port.isdecimal() or not colon))
    levels = "/".join(struck.add(level) if looks_secret(level) or not is_tame(level) else level for level in path.split("/"))
    if asks:
        struck.add(query)
    where = host if known else struck.add(host)
    return f"{scheme}://{MARK + '@' if at else ''}{where}{slash}{levels}{'?' + MARK if asks else ''}"


def is_tame(level: str) -> bool:
    """Whether a part of a path is an ordinary word."""
    return level == "" or bool(re.fullmatch(r"[a-z]{1,12}(?:[._-][a-z0-9]{1,4})?|\d{1,3}|%p", level))


# --- Texts that are not TOML, and units --------------------------------------------------------------------------------

_VALUE = re.compile(r'"((?:\\.|[^"\\\n])*)"|\'([^\'\n]*)\'|=\s*([^\n]*)|#\s*([^\n]*)')


def add_all(text: str, struck: Struck) -> None:
    """Have everything struck that may be a value in a text that is no TOML."""
    for found in _VALUE.finditer(text):
        struck.add(next(filter(None, found.groups()), ""))


_OWN_SETTING = re.compile(r"^(\s*(?:Environment|SetCredential\w*)=)(.*)$", re.MULTILINE)
_OURS = "PYTHONFAULTHANDLER=1"


def unit(text: str, struck: Struck) -> str:
    """Return the text of a unit without the values of its environment and credentials."""
    return _OWN_SETTING.sub(lambda found: found[0] if found[2] == _OURS else found[1] + struck.add(found[2]), text)
