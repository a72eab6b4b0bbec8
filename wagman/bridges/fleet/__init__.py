"""Many nodes and one broker. The node's own log is the queue, the broker is a pipe: ids tell what is missing, and it is sent again.

On the node, `wagman fleet bridge`:

- `bridge`     what of it runs when: the composition
- `sending`    events from the log to the broker: batches, the window, the rate of the past, what is asked for again
- `obeying`    orders from the broker to the service
- `uplink`     batches and acknowledgements; pure
- `orders`     which order may be carried out; pure
- `ledger`     what must last: how far all is there, which orders were seen

Where all nodes come together:

- `collect`    the reference receiver, into SQLite or as lines
- `shelf`      what is here of each log, and what has to be asked for; pure
- `table`, `tail`, `ask`   `fleet status`, `fleet events`, `fleet do`

Both:

- `payloads`   the messages; pure
- `link`       a connection to the broker: paho's packets, trio's streams; nothing else knows paho
- `config`     what fleet.toml says
- `home_assistant`   how Home Assistant is told of the guests; pure
- `command`    the command line
"""
