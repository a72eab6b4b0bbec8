"""Programs of their own on the control socket. They use `wagman.client` and the words of `wagman.model`; the service knows none.

- `metrics`    the figures of the service for Prometheus
- `notify`     tells people what calls for them
- `fleet`      many nodes at one broker
- `asking`     one question to the service
- `programs`   what they have in common as programs: lines for the journal, and what went wrong
"""
