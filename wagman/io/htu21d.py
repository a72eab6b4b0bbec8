"""The enclosure's temperature and humidity sensor, an HTU21D on every Wagman: raw counts to units.

The formulas and the range are the data sheet's; the low two bits of a count are status and mean nothing here. Outside
the bounds lie a data line that is stuck low or high, and 998 and 999, which v3 firmware reports for no answer and for a wrong
checksum.
"""

from wagman.model.errors import BoardProtocolError

_FULL_SCALE = 65_536
_STATUS_BITS = 0b11
_TEMPERATURE_RANGE_C = (-40.0, 125.0)  # the sensor's working range
_HUMIDITY_RANGE_PCT = (-3.0, 110.0)  # 0 to 100 and its possible error; fog reads above 100
_DECIMALS = 2  # the sensor's resolution


def temperature_c(raw: int) -> float | None:
    """Degrees Celsius, or None if no working sensor would give this count.

    Raises:
        BoardProtocolError: no count of a 16-bit sensor.
    """
    return _converted(raw, -46.85, 175.72, _TEMPERATURE_RANGE_C)


def humidity_pct(raw: int) -> float | None:
    """Percent of relative humidity, or None if no working sensor would give this count.

    Raises:
        BoardProtocolError: no count of a 16-bit sensor.
    """
    return _converted(raw, -6.0, 125.0, _HUMIDITY_RANGE_PCT)


def _converted(raw: int, offset: float, span: float, bounds: tuple[float, float]) -> float | None:
    if not 0 <= raw < _FULL_SCALE:
        raise BoardProtocolError(f"{raw} is no count of a 16-bit sensor")
    value = round(offset + span * (raw & ~_STATUS_BITS) / _FULL_SCALE, _DECIMALS)
    return value if bounds[0] <= value <= bounds[1] else None
