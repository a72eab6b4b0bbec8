"""The parts of a release besides the wheel and the source.

- `debs`       `python -m release.debs`: the Debian packages, from the wheelhouse and the locks
- `contents`   the files of the packages, and their places
- `stage`      the Python packages that come along, laid out
- `papers`     changelog and copyright, as Debian has them
- `deb`        (a folder) maintainer scripts, and overrides for lintian
"""
