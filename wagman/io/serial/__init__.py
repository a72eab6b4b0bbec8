"""Serial ports.

- `transport`  the one place that touches them: byte streams that report every trouble by one kind of error
- `link`       keeps a connection, reads it without waiting for anybody, carries one request at a time
- `wired`      a board on a serial port: the link, and the driver of its dialect
"""
