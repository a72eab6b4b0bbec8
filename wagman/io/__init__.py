"""The wire: from bytes to facts about the board, and from wanted power to relay commands.

- `board`    what holds for boards of any dialect: the task, the turns, the beats, what a driver has to do
- `ears`     guests that are heard otherwise than by their board, and the witnesses of their silence
- `serial`   the one place that touches serial ports, and the task that keeps one open and carries one request at a time
- `v3`       the text dialect, and how to live with that firmware
- `v4`       the sensorgram dialect, and how to live with that firmware
- `auto`     finds out which of the two a board speaks
- `powerman` a board behind the daemon of PowerMan
- `command`  a board that is a program: a fence agent, a script
- `http`     HTTP as a client, one bounded request on a connection; `digest` proves a password to whoever asks for it
- `plug`     what plugs that speak HTTP have in common; `shelly`, `tasmota` are one kind each
- `mqtt`     plugs behind an MQTT broker, and the connection to it that ears share
- `gpio`     relays on lines of this computer
- `gauge`    a number that a command reads, again and again
- `htu21d`   the enclosure's temperature and humidity sensor, common to both boards

The codecs are sans-IO: they eat bytes and yield events, and know no clock, task or port.
"""
