"""`wagman metrics`: the figures of the service, as Prometheus reads them.

Pure, a function of what the service tells and of the moment:

- `family`      what a metric is made of: its name, its unit, its samples
- `catalogue`   all metrics
- `left_out`    what of the status is none, and why
- `exposition`  the text that Prometheus reads

Around it, under trio:

- `reading`     asks the service, and counts its events
- `textfile`    the file that node_exporter reads
- `serving`     HTTP, on this computer only
- `showing`     both, or printed once; `wagman fleet metrics` shows its figures by it, too
- `command`     the program
"""
