"""`wagman metrics`: the figures of the service, as Prometheus reads them.

Pure functions of what the service tells, and of the time:

- `family`      a metric: its name, its unit, its samples
- `subject`     what metrics are about: the answers of the service, the kinds of things in them
- `catalogue`   all metrics
- `left_out`    the parts of the status that are no metrics, and why
- `exposition`  the text that Prometheus reads

Around them, under trio:

- `reading`     asks the service, and counts its events
- `textfile`    the file that node_exporter reads
- `serving`     HTTP, on this computer only
- `showing`     printing, file and HTTP; `wagman fleet metrics` uses it, too
- `command`     the program
"""
