#!/usr/bin/env bash
# Type-checks the Rust code under the feature `metal` for Apple's machines, on any machine: `models/scripts/check-metal.sh`.
#
# Rust's own library for the target comes with rustup. A stand-in for the C compiler writes empty objects, so that the build scripts of C libraries pass:
# nothing is linked. This proves that our code and candle's agree on types, also where they differ between processors. It proves nothing about
# kernels or running: that is what a machine of Apple's is for.
set -euo pipefail
cd "$(dirname "$0")/../.."

platform=aarch64-apple-darwin
rustup target list --installed | grep -qx "$platform" || rustup target add "$platform"

tools="${CARGO_TARGET_DIR:-target}/metal-check"
mkdir -p "$tools"
tools="$(cd "$tools" && pwd)"
cat > "$tools/cc" <<'CC'
#!/usr/bin/env bash
# Stands in for a C compiler and an archiver in a type check: writes empty outputs.
while [ $# -gt 0 ]; do
  case "$1" in
    -o) : > "$2"; shift ;;
    *.a) : > "$1" ;;
  esac
  shift
done
CC
chmod +x "$tools/cc"

export CC_aarch64_apple_darwin="$tools/cc" CXX_aarch64_apple_darwin="$tools/cc" AR_aarch64_apple_darwin="$tools/cc"
export SDKROOT=/
cargo check --workspace --lib --bins --locked --features metal --target "$platform" "$@"
echo "the Rust code under the feature \`metal\` type-checks for $platform (nothing was linked)"
