#!/usr/bin/env bash
# Print a folder that holds etcd, kube-apiserver, kube-controller-manager and kubectl.
# $KUBEBUILDER_ASSETS is taken when it is complete; else they are built, once per version, into the user's cache (about five minutes on two cores).
set -euo pipefail

programs=(etcd kube-apiserver kube-controller-manager kubectl)

complete() {
  local program
  for program in "${programs[@]}"; do [[ -x "$1/$program" ]] || return 1; done
}

if [[ -n "${KUBEBUILDER_ASSETS:-}" ]] && complete "$KUBEBUILDER_ASSETS"; then
  echo "$KUBEBUILDER_ASSETS"
  exit
fi

cd "$(dirname "${BASH_SOURCE[0]}")"
version=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' go.mod)
assets="${XDG_CACHE_HOME:-$HOME/.cache}/capelin/envtest/$version"
inputs=$(cat go.mod go.sum build.sh | sha256sum)
if complete "$assets" && [[ "$(cat "$assets/inputs" 2>/dev/null)" == "$inputs" ]]; then
  echo "$assets"
  exit
fi

IFS=. read -r major minor _ <<<"${version#v}"
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
done

mkdir -p "$assets"
build() {
  echo "building $1" >&2
  # Built beside its place and moved there, so that an interrupted build leaves no half program.
  CGO_ENABLED=0 GOFLAGS=-mod=readonly nice go build -trimpath -buildvcs=false -ldflags "$flags" -o "$assets/.$1" "$2"
  mv "$assets/.$1" "$assets/$1"
}
build etcd go.etcd.io/etcd/server/v3
for program in "${programs[@]:1}"; do build "$program" "k8s.io/kubernetes/cmd/$program"; done
echo "$inputs" >"$assets/inputs"
echo "$assets"
