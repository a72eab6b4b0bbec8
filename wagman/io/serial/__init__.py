"""Serial ports.

- `transport`  the one place that touches them: byte streams that hang up with one kind of error
- `link`       keeps a connection, reads it without waiting for anybody, carries one request at a time
- `wired`      a board there: the link, and the driver of what is spoken
"""
