"""What a release is made of, beside the wheel and the source.

- `debs`       `python -m release.debs`: the Debian packages, from the wheelhouse and the locks
- `contents`   which file of them is where
- `stage`      the Python packages that come with them, laid out
- `papers`     changelog and copyright, as Debian has them
- `deb`        what their maintainer scripts do, and what lintian is told
"""
