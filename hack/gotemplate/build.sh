#!/usr/bin/env bash
# Print the path of the program that renders templates with the real Go; it is built once per version of its inputs, into the user's cache.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
folder="${XDG_CACHE_HOME:-$HOME/.cache}/capelin/gotemplate"
program="$folder/$(cat go.mod go.sum main.go build.sh <(go version) | sha256sum | cut -c 1-16)"
if [[ ! -x "$program" ]]; then
  echo "building the renderer of templates" >&2
  mkdir -p "$folder"
  # Built beside its place and moved there, so that an interrupted build leaves no half program.
  CGO_ENABLED=0 GOFLAGS=-mod=readonly nice go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$program.$$" .
  mv "$program.$$" "$program"
fi
echo "$program"
