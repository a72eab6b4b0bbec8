"""`wagman doctor`: whether a node would work in an emergency, found beforehand; and all that a report needs, in one file.

- `command`   the command
- `found`     what a check has found, and what all of them come to; no I/O
- `inside`    the checks that depend on who looks, made as the service's user under its sandbox
- `under`     how that is done: by systemd-run, or as that user, or as whoever asks
- `devices`, `files`, `state`, `ways`   those checks: ports, commands and secrets, the saved state, hosts
- `service`, `unit`, `clock`   the checks that do not: who answers on the socket, what systemd does, what time it is
- `database`  the log as a file: a copy of it is looked at; `parts`: what a configuration is made of
- `asking`    a program's output, in time
- `bundle`    the file; `gather` has what is in it
- `strike`    secrets are struck out of all of it; `redacted`: of the configuration; `harmless`: words that are none
"""
