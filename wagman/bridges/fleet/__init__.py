"""Many nodes and one broker. The node's own log is the queue, the broker is a pipe: ids tell what is missing.

On the node, `wagman fleet bridge`:

- `bridge`     what runs on each connection: the composition
- `sending`    events from the log to the broker: what is new, what is old, what is asked for again
- `telling`    the retained status
- `showing`    the node in Home Assistant
- `discovery`  what Home Assistant is told of it; pure
- `obeying`    orders from the broker to the service
- `orders`     which order may be carried out; pure
- `signing`    signatures of orders, by ssh-keygen
- `uplink`     batches and acknowledgements; pure
- `ledger`     what must last: how far all is with the broker, which orders were seen

Where all nodes come together:

- `collect`    the reference receiver
- `archive`    where it keeps what came: SQLite, or lines
- `shelf`      what is here of each log, and what has to be asked for; pure
- `table`      `fleet status`: one row for each node, the worst first
- `tail`       `fleet events`
- `tallying`   `fleet metrics`: what the database says of each node
- `figures`    and that as figures for Prometheus; pure
- `ask`        `fleet do`

Both:

- `payloads`   the messages; pure
- `shorthand`  events told by what differs from the one before; pure
- `broker`     where it is, as whom it is asked
- `link`       a connection to the broker: paho's packets, trio's streams; nothing else knows paho
- `staying`    whoever is connected connects anew
- `config`     what fleet.toml says
- `command`    the command line
"""
