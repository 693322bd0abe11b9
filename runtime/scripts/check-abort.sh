#!/usr/bin/env bash
# Builds a program whose panics end the process, and holds that its runtime refuses to start: `runtime/scripts/check-abort.sh`. No test can do this, since
# tests are always built so that panics unwind.
#
# Only our own crates are compiled with `panic = "abort"`, by a wrapper around rustc; what they depend on is taken as the tests have built it.
set -euo pipefail
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
mkdir -p "$target/abort"
# Always the same path: cargo tells wrapped crates apart by it.
wrapper="$(cd "$target" && pwd)/abort/rustc"
printf '#!/usr/bin/env bash\nexec "$@" -C panic=abort\n' > "$wrapper"
chmod +x "$wrapper"
RUSTC_WORKSPACE_WRAPPER="$wrapper" cargo build --workspace --locked --example call_rate
said=$("$target/debug/examples/call_rate" 2>&1) && { echo "a runtime whose panics end the process has started"; exit 1; }
grep -q PanicAborts <<< "$said" || { echo "expected that the runtime refuses to start, got: $said"; exit 1; }
echo "a runtime whose panics would end the process does not start"
