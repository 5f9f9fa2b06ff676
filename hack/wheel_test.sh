#!/bin/bash
# Build the wheel, install it into an empty environment, and bring a cluster up and down with it: what the wheel lacks shows here.
# Usage: hack/wheel_test.sh [path of uv]
set -euo pipefail
cd "$(dirname "$0")/.."
uv="${1:-uv}"
folder="$(mktemp -d)"
trap 'CAPELIN_DATA="$folder/data" "$folder/venv/bin/capelin" down --purge >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT
"$uv" build --quiet --wheel --out-dir "$folder/dist"
"$uv" export --quiet --frozen --no-dev --no-emit-project --output-file "$folder/requirements.txt"
"$uv" venv --quiet "$folder/venv"
"$uv" pip install --quiet --python "$folder/venv/bin/python" --require-hashes --requirement "$folder/requirements.txt"
"$uv" pip install --quiet --python "$folder/venv/bin/python" --no-deps "$folder"/dist/*.whl
cd "$folder" # so that nothing of the checkout is found by accident
export CAPELIN_DATA="$folder/data"
venv/bin/capelin version
venv/bin/capelin crds | grep -c "^kind: CustomResourceDefinition"
venv/bin/capelin quickstart --port "${CAPELIN_PORT:-6441}"
