#!/usr/bin/env bash
# Type-checks the Rust code under the feature `cuda` on a machine without CUDA: `models/scripts/check-cuda.sh`.
#
# A stand-in for nvcc writes empty outputs, so that the build scripts of the CUDA crates pass. This proves that our code and candle's agree
# on types. It proves nothing about kernels, linking or running: that is what build-cuda.sh and a machine with a device are for.
set -euo pipefail
cd "$(dirname "$0")/../.."

toolkit="${CARGO_TARGET_DIR:-target}/cuda-check/toolkit"
mkdir -p "$toolkit/bin" "$toolkit/include" "$toolkit/lib64/stubs"
toolkit="$(cd "$toolkit" && pwd)"
echo '#define CUDA_VERSION 13000' > "$toolkit/include/cuda.h"
cat > "$toolkit/bin/nvcc" <<'NVCC'
#!/usr/bin/env bash
# Stands in for nvcc in a type check: writes empty outputs.
output= folder= sources=() objects=() version=
while [ $# -gt 0 ]; do
  case "$1" in
    --version) version=yes ;;
    -o) output=$2; shift ;;
    --output-directory | -odir) folder=$2; shift ;;
    --output-directory=*) folder=${1#*=} ;;
    *.cu) sources+=("$1") ;;
    *.o) objects+=("$1") ;;
  esac
  shift
done
if [ -n "$version" ]; then
  printf '%s\n' 'nvcc: NVIDIA (R) Cuda compiler driver' 'a stand-in for type checks' 'without kernels' \
    'Cuda compilation tools, release 13.0, V13.0.88' 'Build cuda_13.0.r13.0/compiler.36424714_0'
  exit
fi
case "$output" in
  '') for source in "${sources[@]}"; do : > "${folder:-.}/$(basename "$source" .cu).ptx"; done ;;
  *.o) cc -c -x c /dev/null -o "$output" ;;
  *.a) ar rcs "$output" "${objects[@]}" ;;
  *) : > "$output" ;;
esac
NVCC
chmod +x "$toolkit/bin/nvcc"

export CUDA_HOME="$toolkit" CUDA_PATH="$toolkit" CUDA_COMPUTE_CAP=80 PATH="$toolkit/bin:$PATH"
# The whole workspace with its examples: then the dependencies have the features that clippy has checked them with, and only candle is checked again.
cargo check --workspace --lib --bins --examples --locked --features cuda "$@"
echo "the Rust code under the feature \`cuda\` type-checks (no kernel was compiled)"
