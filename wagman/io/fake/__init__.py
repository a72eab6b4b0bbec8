"""The fake board: a Wagman with its firmware and its guests, for tests, the simulation and demonstrations.

A map, from the bottom up. All but the last three rows are sans-I/O: nothing there knows trio, files or the wall clock.

- `clock`         board time, and what a program on the board is: a generator that yields the times it sleeps until
- `faults`        what can be made to go wrong on the wire and in the firmware
- `guests`        the computers on the ports: booting, beating, halting, hanging
- `hardware`      relays, media selectors, sensors, clock chip, EEPROM, heartbeat inputs
- `usb`           the board's end of the serial link: bytes out with the time at which they leave, bytes in
- `v3_text`, `v3_port`, `v3_commands`, `firmware_v3`   the v3 firmware: lines, one port, the commands, the main loop
- `board`         hardware and firmware under one board clock: `feed`, `advance`, `next_at_s`
- `control`       the control commands (`unplug`, `halt gn`, `fault drop 1`, `status`, ...) as text
- `serve`         `FakeBoard`: a board as a trio task, and the port that a host opens in the same process
- `pty`           the same board behind a real pseudo-terminal
- `process`       `wagman fake-board`
"""
