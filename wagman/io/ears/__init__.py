"""Ears: how guests are heard that beat over a network, a serial line or by a command, instead of on a board's own input.

- `silence` decides what a question proves that was not answered, and `hearing` what several sources of a guest prove
  together. Both are pure: times go in as arguments.
- `ear` asks a guest now and then; `passive` waits for one that speaks by itself. One task each.
- `network` has the witnesses: they tell a guest that is silent from a network that is down.
- `making` makes them from what the file says.
- `addresses` looks a guest's name up.
- Each other module is a kind of ear, its table in the file and its probe: `ping`, `tcp`, `banner`, `http`, `exec` ask;
  `udp`, `serial`, `mqtt` wait.
"""
