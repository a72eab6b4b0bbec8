"""The fake board: a Wagman with its firmware and its guests, for tests, the simulation and demonstrations.

A map, from the bottom up. Down to `control` everything is sans-I/O: it knows neither trio nor files nor the wall clock.

- `clock`         board time, and what a program on the board is: a generator that yields the times it sleeps until
- `faults`        what can be made to go wrong between the board and its host
- `guests`        the computers on the ports: booting, beating, halting, hanging
- `eeprom`        what the board remembers without power, and its clock chip
- `hardware`      relays, media selectors, sensors, heartbeat inputs
- `usb`           the board's end of the serial link: bytes out with the time at which they leave, bytes in
- `v3_text`, `v3_sensors`, `v3_port`, `v3_report`, `v3_commands`, `firmware_v3`
                  the v3 firmware: lines, readings, one port, the minute report, the commands, set-up and main loop
- `v4_lines`, `v4_port`, `v4_commands`, `firmware_v4`   the same of v4
- `main_loop`, `passes`   what both firmwares have in common, and how passes without effect are skipped
- `board`         hardware, guests and a firmware under one clock: `feed`, `advance`, `next_at_s`
- `control`       the control commands (`unplug`, `halt gn`, `fault drop 1`, `status`, ...) as text
- `serve`         `FakeBoard`: a board as a trio task, and the port that a host opens in the same process
- `pty`           the same board behind a real pseudo-terminal
- `standalone`    the same again as a process of its own: control socket, EEPROM file, signals
- `process`       `wagman fake-board`, and its light client
- `plain`         plugs on the same guests, as a back end of the service, and what is wrong with those that people can buy
- `mast`          a rail whose guests are real processes, and the network that they answer over
- `plugs`         rails of outlets with guests, behind the HTTP of Shelly and Tasmota
"""
