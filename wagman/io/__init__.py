"""The wire: from bytes to facts about the board, and from wanted power to relay commands.

- `board`    what holds for every kind of board: the task, the turns, the beats, what a driver has to do
- `ears`     how a guest is heard other than by its board, and the witnesses of its silence
- `serial`   the one place that touches serial ports, and the task that keeps one open and carries one request at a time
- `v3`       the text dialect, and how to live with that firmware
- `v4`       the sensorgram dialect, and how to live with that firmware
- `auto`     finds out which of the two dialects a board speaks
- `powerman` a board behind the daemon of PowerMan
- `command`  a board that is a program: a fence agent, a script
- `names`    looks up names, so that one which hangs holds up nothing else
- `http`     HTTP as a client, one bounded request on a connection; `digest` proves a password without sending it
- `plug`     what plugs that speak HTTP have in common; `shelly`, `tasmota` are one kind each
- `mqtt`     plugs behind an MQTT broker, and the connection to it that ears share
- `gpio`     relays on lines of this computer
- `gauge`    a number that a command reads, again and again
- `htu21d`   the enclosure's temperature and humidity sensor, common to both versions of the Wagman

The codecs are sans-IO: they eat bytes and yield events, and know no clock, task or port.
"""
