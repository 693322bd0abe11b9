#!/usr/bin/env bash
# Checks that the team compiles without each of its agents, and with none: `agents/scripts/check-features.sh`.
set -euo pipefail
cd "$(dirname "$0")/../.."

agents=$(sed -n 's/^default = \[\(.*\)\]$/\1/p' agents/Cargo.toml | tr -d '",')
[ -n "$agents" ] || { echo "expected the agents among the default features of agents/Cargo.toml"; exit 1; }
for agent in '' $agents; do
  echo "with ${agent:-no agent} alone"
  # Other flags of rustc would compile all dependencies anew.
  said=$(cargo check --quiet --package aimass --no-default-features --features "$agent" --locked 2>&1) || { echo "$said"; exit 1; }
  [ -z "$said" ] || { echo "$said"; echo "expected no warning"; exit 1; }
done
