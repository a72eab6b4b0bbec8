"""MQTT: boards and ears behind a broker.

- `client`  one connection to a broker: paho's packets, trio's streams
- `topics`  where known firmware is asked and answers, and how its messages are read; pure
- `visit`   one connection on which plugs are asked
- `keys`    the keys that tables of boards and ears have in common
- `board`   the kind of board
"""

from wagman.io.mqtt.board import Mqtt, MqttBoard

__all__ = ["Mqtt", "MqttBoard"]
