"""Words that are no secrets: those of a command that are kept, and those that are never struck elsewhere."""

import ipaddress
import os
import re
from collections.abc import Collection

_POWER = """halt poweroff reboot shutdown restart start stop status on off cycle now systemctl sudo doas echo ssh scp sh bash
dash python python3 perl curl wget env timeout logger wall true false sync init telinit busybox snmpset snmpget ipmitool uhubctl
usbrelay powerman pm chassis power soft mosquitto_pub mosquitto_sub ping nc socat test exit root --"""

WORDS = frozenset(_POWER.split())
"""Words of commands that switch or ask (chosen)."""

_USUAL = """http https password passwd passphrase bearer basic digest authorization token secret user username header json
application content-type cookie apikey api-key null none true false wagman board device guest service state status event power
struck relay socket config default defaults network witness heartbeat environment error warning critical started stopped starting
stopping restarting active inactive enabled disabled normal unknown running python systemd root admin localhost command shutdown
name port kind host type time text fields cause reason"""

USUAL = WORDS | frozenset(_USUAL.split())
"""Words that occur in every bundle: they are struck only where they stand for a secret."""

_SSH = """batchmode connecttimeout stricthostkeychecking userknownhostsfile identityfile identitiesonly serveraliveinterval
serveralivecountmax controlmaster controlpath controlpersist port user loglevel proxyjump hostkeyalgorithms addressfamily
passwordauthentication preferredauthentications certificatefile"""

SSH_OPTIONS = frozenset(_SSH.split())
"""Options of ssh whose names are kept."""

_SECRETIVE = re.compile(r"pass|pwd|secret|token|key|auth|cred|cookie|bearer|community|psk|private|pin|login|user|header|data")
_SHORT = re.compile(r"-[pPuUkKHacCAXbdEw]")
"""Options of curl, ipmitool, sshpass, snmpset and mosquitto_pub that take passwords, names, keys, headers or data."""

_OPTION = re.compile(r"-[A-Za-z]|-([a-z])\1+|--[a-z]+(?:-[a-z]+)*")
_SMALL = re.compile(r"\d{1,3}")
_PROGRAM = re.compile(r"[a-z][a-z0-9_.+-]{0,24}")
_ONE_PATH = re.compile(r"/[^\s=?&@:]*")
_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}|[0-9]{1,3}")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")
_LONG = re.compile(r"(?=.*\d)[^\s/]{16,}|[^\s/]{25,}")
"""A part of an address or a topic that may be a key (chosen: long, or rather long and with digits)."""


def takes_secret(option: str, program: str) -> bool:
    """Whether the word after an option may be a secret although it looks harmless."""
    if "=" in option or os.path.basename(program) in {"ssh", "scp", "sh", "bash", "dash"}:  # noqa: PTH119 - a word, and no path of ours
        return False
    return bool(_SHORT.fullmatch(option) or (option.startswith("--") and _SECRETIVE.search(option)))


def is_harmless(word: str, hosts: Collection[str]) -> bool:
    """Whether a word of a command is of no use to an attacker; `hosts` are names that the configuration has anyway."""
    if word in WORDS or word == "%p" or word in hosts or is_address(word):
        return True
    if _OPTION.fullmatch(word) or _SMALL.fullmatch(word):
        return True
    return bool(_ONE_PATH.fullmatch(word)) and os.path.lexists(word)


def is_program(word: str) -> bool:
    """Whether a word can be the name of a program."""
    return bool(_PROGRAM.fullmatch(word) or _ONE_PATH.fullmatch(word))


def is_address(word: str) -> bool:
    """Whether a word is the address of a host."""
    try:
        ipaddress.ip_address(word.strip("[]"))
    except ValueError:
        return False
    return True


def is_name(text: str) -> bool:
    """Whether a text is the name of a user, a group, a board or a network, and does not look like a secret."""
    return bool(_NAME.fullmatch(text)) and not looks_secret(text)


def is_host(text: str) -> bool:
    """Whether a text is the name of a host."""
    return bool(_HOST.fullmatch(text)) and not any(looks_secret(part) for part in text.split("."))


def is_path(text: str) -> bool:
    """Whether a text is a path."""
    return bool(_ONE_PATH.fullmatch(text))


def looks_secret(level: str) -> bool:
    """Whether a part of an address or a topic may be a key."""
    return bool(_LONG.fullmatch(level))
