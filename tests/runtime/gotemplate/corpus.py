"""Templates that Go and this project render alike, with what Go made of them.

`recorded.jsonl` has a template a line. To add one, add its line and run `python -m hack.gotemplate.record`, which asks Go for the rest.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

RECORDED: Final = Path(__file__).with_name("recorded.jsonl")

DATA: Final[dict[str, Any]] = {
    "builtin": {
        "cluster": {"name": "blue", "namespace": "default", "network": {"pods": ["192.168.0.0/16", "fd00::/48"], "ipFamily": "DualStack"}},
        "controlPlane": {"version": "v1.31.2", "replicas": 3, "machineTemplate": {"infrastructureRef": {"name": "cp-x7"}}},
    },
    "text": "The quick brown fox",
    "lines": "a: 1\nb: 2\n",
    "unicode": "Grüße, 世界 😀",
    "markup": '<a href="x">Tom\'s & Co</a>',
    "empty": "",
    "zero": 0,
    "one": 1,
    "three": 3,
    "half": 2.5,
    "tiny": 0.000001234,
    "million": 1000000,
    "huge": 1.5e300,
    "negative": -7,
    "yes": True,
    "no": False,
    "nothing": None,
    "list": ["c", "a", "b", "a"],
    "numbers": [3, 1, 2.5],
    "mixed": [1, "a", None, True, [2, "b"], {"k": "v"}],
    "none": [],
    "dict": {"b": 2, "a": 1, "c": {"d": [1, {"e": "deep"}]}},
    "hollow": {},
    "number": "42",
    "version": "v1.30.4-rc.1+build",
    "path": "/etc//kubernetes/../pki/ca.crt",
    "url": "https://user:pw@example.com:8443/a%20b/c?x=1&y=2#frag",
}
"""What every template reads."""


def recorded() -> list[dict[str, str]]:
    """Return the examples: `template`, and `output` or `error`."""
    return [json.loads(line) for line in RECORDED.read_text().splitlines()]
