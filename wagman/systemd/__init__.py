"""The service under systemd: what it tells systemd, and what has to be installed for it.

- `home`      what systemd has given the process: a socket for its news, a runtime and a state directory
- `notify`    the protocol of sd_notify(3)
- `report`    the task that sends READY, the state in words (STATUS), and signs of life (WATCHDOG)
- `sentence`  the state in one line for `systemctl status`
- `directory` what units and service exchange: files in the runtime directory
- `backoff`   growing pauses before a service that keeps failing starts again
- `lastgood`  the last right configuration, for a start with a wrong one
- `install`   `wagman install-service`: units, rules, user, example configuration, completion
- `packaged`  whether wagman came as a Debian package, which then owns its files
- `steps`     the steps of an installation: each can be done, undone, and described
- `bridges`   the units of the programs beside the service
- `cockpit`   the page on the node, a package of Cockpit
- `account`   the user of the service, made and removed
- `data`      the files to be installed
"""
