"""Dotted keys of more parts than any that means something, found in a text before it is parsed.

The standard library's parser takes seconds for a key of thousands of parts.
"""

import re
from typing import Final

MOST_PARTS: Final = 16
"""How many parts a key may have (chosen: four times those of the longest key that means something)."""

_PART = r"""(?:[A-Za-z0-9_-]++|"(?:\\.|[^"\\\n])*+"|'[^'\n]*+')"""
_PASSED_OVER = (
    r"#[^\n]*+"
    r'|"""(?:\\.|[^\\])*?""""{0,2}'  # two more quotes may stand before the closing three
    r"|'''.*?''''{0,2}"
    rf"|{_PART}"
)


def overlong(text: str, most: int = MOST_PARTS) -> int | None:
    """Return the line (from 1) of the first key of more than so many parts; None if there is none."""
    # Outside strings and comments only keys have more than one dot. What a quote opens and nothing closes is no TOML.
    tokens = re.compile(rf"(?P<key>{_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{most},}})|{_PASSED_OVER}|(?P<torn>[\"'])", re.DOTALL)
    for token in tokens.finditer(text):
        if token.lastgroup == "torn":
            return None
        if token.lastgroup == "key":
            return text.count("\n", 0, token.start()) + 1
    return None
