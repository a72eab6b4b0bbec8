"""`python -m wagman.doctor FILE`: the checks that depend on who looks, as JSON. systemd-run runs this under the sandbox."""

import json
import sys

from attrs import asdict

from wagman.doctor.inside import look

if __name__ == "__main__":
    sys.stdout.write(json.dumps([asdict(each) for each in look(sys.argv[1])]))
