"""Create, leave idle and delete fleets of simulated clusters; print what that cost as JSON lines.

    python -m hack.bench [--server embedded|real] [--clusters 10,25,50,200] [--idle-seconds 60] [--no-webhooks]
    python -m hack.bench rotate --help
    python -m hack.bench admission --help

The API server, the core controllers and the simulated provider are processes of their own, so that each can be charged with what it used.
Calls and writes come from the server's own counters; those of this program are subtracted.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path

from hack.bench import admission, rotate
from hack.bench.run import Figures, Plan, run


def growth_exponent(results: list[Figures], field: str) -> float | None:
    """Return the slope of log(field) over log(clusters) between the smallest and the largest fleet: 1 is linear."""
    if len(results) < 2:
        return None
    small, large = results[0], results[-1]
    if not small[field] or not large[field]:
        return None
    return round(math.log(large[field] / small[field]) / math.log(large["clusters"] / small["clusters"]), 2)


def main() -> int:
    """Run the benchmark and print one line a fleet, then the growth."""
    if sys.argv[1:2] == ["rotate"]:
        return rotate.main(sys.argv[2:])
    if sys.argv[1:2] == ["admission"]:
        return admission.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="hack.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--server", choices=["embedded", "real"], default="embedded", help="which API server carries the management cluster"
    )
    parser.add_argument("--no-webhooks", action="store_true", help="measure without admission webhooks")
    parser.add_argument("--clusters", default="10,25,50,200", help="fleet sizes, separated by commas")
    parser.add_argument("--idle-seconds", type=int, default=60, help="how long the finished fleet is watched doing nothing")
    parser.add_argument("--timeout-seconds", type=int, default=900, help="give up on a step after so long")
    options = parser.parse_args()
    results = []
    for clusters in [int(word) for word in options.clusters.split(",")]:
        with tempfile.TemporaryDirectory(prefix="capelin-bench-") as folder:
            plan = Plan(options.server, clusters, options.idle_seconds, options.timeout_seconds, Path(folder), not options.no_webhooks)
            figures = run(plan)
        results.append(figures)
        print(json.dumps(figures), flush=True)
    growth = {
        field: growth_exponent(results, field) for field in ("ready_seconds", "controllers_cpu_seconds", "server_cpu_seconds", "calls")
    }
    print(json.dumps({"growth_exponents": growth}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
