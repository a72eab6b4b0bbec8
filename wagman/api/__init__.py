"""The control socket: JSON-RPC 2.0, one message per line, for the commands and for other programs.

- `service`    what the daemon offers to it
"""
