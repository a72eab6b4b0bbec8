"""At home under systemd: what the service tells it, and what has to be in place for it.

- `home`      what systemd has given the process: a socket for its news, a runtime and a state directory
- `notify`    the protocol of sd_notify(3)
- `report`    the task that says READY, how things are (STATUS), and that the service is alive (WATCHDOG)
- `sentence`  how things are, in one line for `systemctl status`
- `directory` what passes between the units and the service: files in its runtime directory
- `backoff`   a service that keeps failing waits longer before it tries again
- `lastgood`  the last configuration that was right, for a start with one that is not
- `install`   `wagman install-service`: units, rules, user, example configuration, completion
- `packaged`  whether it came as a Debian package, which owns its files then
- `steps`     what an installation is made of: each step can be done, undone, and described
- `bridges`   the units of programs of their own on the control socket
- `cockpit`   the page on the node, a package of Cockpit
- `account`   the user that the service runs as, and what becomes of it
- `data`      the files that are put in place
"""
