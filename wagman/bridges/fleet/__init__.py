"""Many nodes and one broker. The node's own log is the queue, the broker is a pipe: ids tell what is missing.

On the node, `wagman fleet bridge`:

- `bridge`     the composition: what runs on each connection
- `sending`    events from the log to the broker: new ones, old ones, and those asked for again
- `telling`    the retained status
- `showing`    the node in Home Assistant
- `discovery`  the messages to Home Assistant; pure
- `obeying`    orders from the broker to the service
- `orders`     the rules for orders; pure
- `signing`    signatures of orders, by ssh-keygen
- `uplink`     batches and acknowledgements; pure
- `ledger`     what must last: the place in the log, the orders that were seen

Where all nodes come together:

- `collect`    the reference receiver
- `archive`    where it keeps what came: SQLite, or lines
- `shelf`      which events of each log have arrived, and which have to be asked for; pure
- `table`      `fleet status`: one row for each node, the worst first
- `tail`       `fleet events`
- `tallying`   `fleet metrics`: what the database has of each node
- `figures`    the same as figures for Prometheus; pure
- `ask`        `fleet do`

Both:

- `payloads`   the messages; pure
- `shorthand`  short events, each the difference to the one before; pure
- `broker`     the address of the broker, and the credentials for it
- `link`       a connection to the broker: paho's packets, trio's streams; nothing else knows paho
- `staying`    connects anew whenever the connection is lost
- `config`     the keys of fleet.toml; `kinds`: what a single value may be
- `command`    the command line
"""
