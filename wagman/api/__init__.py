"""The control socket: JSON-RPC 2.0, one message per line, for the commands and for other programs.

- `service`    what the socket needs of the service
- `server`     the tasks: connections, requests, subscriptions
- `methods`    all methods, and the error codes of what may go wrong in them
- `method`     the description of a method
- `params`     the parameters of the methods, checked
- `shown`      an event as JSON, with its sentence if asked for
- `discovery`  the OpenRPC document, which describes all of that to machines
- `wire`       JSON-RPC lines, without I/O
- `access`     who may do what
- `listener`   the Unix socket; `keeper`: binds its name anew if somebody has removed it
"""
