"""The commands in a configuration: everything that is run on this computer, for guests, boards, ears and witnesses."""

from collections.abc import Iterator, Sequence

from wagman.config.setting import settings


def commands_of(section: object) -> Iterator[tuple[str, Sequence[str]]]:
    """The keys of a table whose values are commands, and the commands; empty ones, which run nothing, are left out."""
    for key, attribute in settings(type(section)).items():
        command = getattr(section, attribute.name)
        if attribute.metadata["setting"].kind.is_command and command:
            yield key, command
