"""The wire: from bytes to facts about the board, and from wanted power to relay commands.

- `board`                the io task: greets the board, polls it, and switches what is to be switched
- `power`                the reconciler: wanted power against what is known of it; says what to switch next
- `sightings`            when each guest was last heard, out of all that tells of it
- `driver`               what a dialect has to do for the task; `driver_v3`, `driver_v4`: how each does it
- `auto`                 finds out which dialect a board speaks
- `transport`            the one place that touches serial ports: byte streams that hang up with one kind of error
- `link`                 the task that keeps a transport open, reads it, and carries one request at a time
- `v3`, `v3_payload`     the text dialect: framing and requests; what the lines mean
- `v4`, `v4_requests`    the sensorgram dialect: lines and CRCs; what the ids mean; `v4_asking`: several of them in one line
- `htu21d`               the enclosure's temperature and humidity sensor, common to both boards

The codecs are sans-IO: they eat bytes and yield events, and know no clock, task or port.
"""
