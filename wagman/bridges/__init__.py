"""Programs of their own on the control socket: each runs beside the service, and the service knows none of them.

- `fleet`    many nodes and one broker: what happened on each goes up, orders come down
"""
