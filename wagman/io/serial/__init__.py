"""Serial ports: byte streams that hang up with one kind of error, and one request at a time on them."""
