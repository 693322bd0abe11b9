#!/usr/bin/env bash
# Runs each fuzz target for a while: `fuzz/run.sh SECONDS [TARGET...]`.
#
# libFuzzer is driven without cargo-fuzz and without nightly: coverage is an LLVM pass that stable rustc can be asked for. There is no address
# sanitizer, which would need nightly; the code under test is safe Rust, so what is looked for is panics, hangs and memory.
#
# A unit may take 90 s: the filter for a rate that shares nothing with 16 kHz takes seconds to make with counters in it, and more on a busy machine.
# What is found is kept in fuzz/found/TARGET (not committed); a fixed finding belongs into fuzz/seeds/TARGET.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET...]}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(sed -n '/^\[\[bin\]\]/,/^$/s/^name = "\(.*\)"/\1/p' Cargo.toml)

host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/fuzz"
export CARGO_INCREMENTAL=0
# With --target, the flags hold for the targets and what they link, and not for build scripts.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=16 --cfg fuzzing"
cargo build --locked --profile fuzz --target "$host"

for target in "${targets[@]}"; do
  corpus=$(mktemp -d)
  mkdir -p "found/$target" "seeds/$target"
  seeds=("seeds/$target")
  longest=65536
  case $target in
    audio_file) seeds+=(../models/goldens/audio) ;;
    ctranslate2 | safetensors) seeds+=(../models/goldens/whisper/ctranslate2) ;;
    whisper_folder) seeds+=(../models/goldens/whisper/shapes/turbo) ;;
    silero)
      # Its tensors have sizes that cannot be made smaller.
      longest=2097152
      python3 onnx_seed.py "$corpus"
      ;;
    graph_onnx) seeds+=(../models/goldens/graph/onnx) ;;
    graph_tensorflow) seeds+=(../models/goldens/graph/tensorflow) ;;
    torch) python3 torch_seed.py "$corpus" ;;
    picture) seeds+=(../models/goldens/picture) ;;
  esac
  printf -- '-- fuzz %s for %s s\n' "$target" "$seconds"
  "$CARGO_TARGET_DIR/$host/fuzz/$target" -max_total_time="$seconds" -timeout=90 -rss_limit_mb=1024 -max_len="$longest" -verbosity=0 \
    -print_final_stats=1 -artifact_prefix="found/$target/" "$corpus" "${seeds[@]}"
  rm -r "$corpus"
done
