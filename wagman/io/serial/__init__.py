"""Serial ports: byte streams that hang up with one kind of error, one request at a time on them, and the boards there."""
