"""The control socket: JSON-RPC 2.0, one message per line, for the commands and for other programs.

- `service`    what the daemon offers to it
- `server`     the tasks: connections, requests, subscriptions
- `methods`    what can be asked, and whose fault it was when it came to nothing
- `method`     what a method is
- `params`     what the methods take, checked
- `shown`      an event as who asks wants it
- `discovery`  all of that described for machines (OpenRPC)
- `wire`       JSON-RPC lines, without I/O
- `access`     who may do what
- `listener`   the Unix socket; `keeper`: its name, which somebody may take away
"""
