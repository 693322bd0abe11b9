#!/usr/bin/env bash
# Builds a program with `panic = "abort"`, and holds that its runtime refuses to start: `runtime/scripts/check-abort.sh`. No test can do this, since tests
# are always built so that panics unwind.
set -euo pipefail
cd "$(dirname "$0")/../.."

# A folder of its own, quickly built: nothing of it has to be fast.
build=(--locked -p aimass-runtime --example call_rate --target-dir "${CARGO_TARGET_DIR:-target}/abort-check"
  --config 'profile.dev.panic="abort"' --config 'profile.dev.opt-level=0' --config 'profile.dev.package."*".opt-level=0')
cargo build "${build[@]}"
said="$(cargo run --quiet "${build[@]}" 2>&1)" && { echo "a runtime whose panics end the process has started"; exit 1; }
grep -q PanicAborts <<< "$said" || { echo "expected that the runtime refuses to start, got: $said"; exit 1; }
echo "a runtime whose panics would end the process does not start"
