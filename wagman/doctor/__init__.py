"""`wagman doctor`: whether a node would work in an emergency, found beforehand; and everything that a report needs, in one file.

- `command`   the command
- `found`     the result of a check, and the verdict on all of them; no I/O
- `inside`    the checks that depend on who looks, made as the service's user under its sandbox
- `under`     how they are made: by systemd-run, or as that user, or as whoever asks
- `devices`, `files`, `state`, `ways`   those checks: ports, commands and secrets, the saved state, hosts
- `service`, `unit`, `clock`   the other checks: the service on the socket, its unit, the clock
- `database`  the log as a file, of which a copy is checked; `parts`: the boards and ears of a configuration
- `asking`    the output of a program, in time
- `bundle`    the file for a report; `gather`: its content
- `strike`    strikes secrets out of all of it; `redacted`: the configuration without secrets; `harmless`: words that are none
"""
