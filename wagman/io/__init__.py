"""The wire: from bytes to facts about the board, and from wanted power to relay commands.

- `transport`            the one place that touches serial ports: byte streams that hang up with one kind of error
- `link`                 the task that keeps a transport open, reads it, and carries one request at a time
- `v3`, `v3_payload`     the text dialect: framing and requests; what the lines mean
- `v4`, `v4_requests`    the sensorgram dialect: lines and CRCs; what the ids mean
- `htu21d`               the enclosure's temperature and humidity sensor, common to both boards
- `fake`                 a board made of nothing, faithful to both dialects

The codecs are sans-IO: they eat bytes and yield events, and know no clock, task or port.
"""
