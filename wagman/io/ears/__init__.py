"""Ears: how guests are heard over a network, a serial line or by a command, instead of on a board's own input.

- `silence` decides what an unanswered question proves, and `hearing` what several sources of one guest prove together.
  Both are pure: times go in as arguments.
- `ear` asks a guest now and then; `passive` waits for a guest that speaks by itself. One task each.
- `network` has the witnesses: they tell a guest that is silent from a network that is down.
- `making` makes ears and networks from the configuration.
- `addresses` looks a guest's name up.
- Each other module is a kind of ear, its table in the configuration and its probe: `ping`, `tcp`, `banner`, `http`, `exec` ask;
  `udp`, `serial`, `mqtt` wait.
"""
