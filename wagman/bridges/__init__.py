"""Programs beside the service, which use it over the control socket. The service does not know of them.

- `metrics`    the figures of the service for Prometheus
- `notify`     tells people what calls for them
- `fleet`      many nodes at one broker
- `asking`     one question to the service
- `programs`   what these programs share: lines for the journal, groups of errors
"""
