"""Holds the dashboard against Grafana's own schema: what the schema does not know would be lost on the way through it.

    pip install grafana-foundation-sdk
    python3 docs/compose/grafana/check_dashboard.py
"""

import json
import pathlib
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard


def lost(ours, theirs, path=""):
    """The paths of what is in `ours` and not in `theirs`."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from lost(value, theirs[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs)):
            yield from lost(one, other, f"{path}[{number}]")
    elif ours != theirs:
        yield path


ours = json.loads((pathlib.Path(__file__).parent / "aimass.json").read_text())
theirs = json.loads(JSONEncoder().encode(Dashboard.from_json(ours)))
unknown = list(lost(ours, theirs))
if unknown:
    sys.exit("not in Grafana's schema: " + ", ".join(unknown))
print(f"{len(ours['panels'])} panels are as Grafana's schema has them")
