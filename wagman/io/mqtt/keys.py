"""The keys that tables of boards and of ears have in common if they are reached through a broker."""

import re

from attrs import field, frozen

from wagman.config.kinds import BOOLEAN, FILE, TEXT, Kind
from wagman.config.secrets import SECRET_FILE
from wagman.config.setting import setting
from wagman.io.mqtt.client import Broker

MOST_TOPIC_BYTES = 512
"""The longest topic, in bytes (chosen; specified: 65535)."""


def _read_topic(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value.encode()) <= MOST_TOPIC_BYTES:
        raise ValueError(TOPIC.wants)
    if re.search("[+#]", value) or value.startswith("$"):
        raise ValueError(TOPIC.wants)
    return value


def _read_filter(value: object) -> str:
    if not isinstance(value, str) or value.startswith("$"):
        raise ValueError(FILTER.wants)
    levels = value.split("/")
    if any(level == "#" for level in levels[:-1]):
        raise ValueError(FILTER.wants)
    _read_topic("/".join("x" if level in {"+", "#"} else level for level in levels))
    return value


def _read_payload(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > MOST_TOPIC_BYTES:
        raise ValueError(PAYLOAD.wants)
    return value


def _read_port(value: object) -> str:
    text = str(value) if isinstance(value, str) or (type(value) is int and value >= 0) else ""
    if not re.fullmatch(r"[^\s+#%$](?:[^+#%]{0,62}[^\s+#%])?", text) or not text.isprintable():
        raise ValueError(PORT.wants)
    return text


TOPIC = Kind("an MQTT topic, without + and #", _read_topic)
FILTER = Kind("an MQTT topic, in which + stands for one part, and # for the rest", _read_filter)
PAYLOAD = Kind(f"a string of up to {MOST_TOPIC_BYTES} printable characters", _read_payload)
PORT = Kind("a number, or a name of up to 64 printable characters without +, # and %", _read_port)


@frozen(kw_only=True, slots=False)
class BrokerKeys:
    """Keys of a table about something that is reached through a broker."""

    user: str | None = field(default=None, metadata=setting(TEXT, "The user name, if the broker asks for one."))
    password_file: str | None = field(default=None, metadata=setting(SECRET_FILE, "The file that holds the password of `user`."))
    tls: bool = field(
        default=False,
        metadata=setting(
            BOOLEAN,
            "Whether the connection is encrypted, and the broker has to prove who it is, by a certificate that the "
            "system's authorities vouch for.",
        ),
    )
    tls_ca: str | None = field(
        default=None,
        metadata=setting(
            FILE,
            "The file with the certificate of the authority that vouches for the broker, in place of the system's. It "
            "implies `tls`.",
        ),
    )

    def broker(self, place: str) -> "Broker":
        """The broker at `HOST[:PORT]`, with the login of this table."""
        return Broker(place, self.user, self.password_file, is_tls=self.tls or self.tls_ca is not None, tls_ca=self.tls_ca)
