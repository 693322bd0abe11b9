#!/usr/bin/env bash
# Builds with the feature `cuda` by the real compiler, on a machine without CUDA: `models/scripts/build-cuda.sh [toolkit | device-check]`.
#
# The compiler and its libraries come from Python packages (1.2 GB, into a cache folder). The driver's library comes with a driver only, so the
# binary is linked to a stand-in whose functions all say that there is no device: it starts, and says so. The kernels take half an hour of processor
# time for one architecture; CUDA_COMPUTE_CAP chooses it (default: 80). With `toolkit`, only the toolkit is made ready. With `device-check`,
# `examples/device_check` is built instead of the program, stripped, and put beside its launcher: see docs/devices.md.
set -euo pipefail
cd "$(dirname "$0")/../.."

# The largest that the stripped check may be, in MiB: it is carried to machines that nothing can be fetched to.
most=45

cache="${AIMASS_CUDA:-${HOME:-/tmp}/.cache/aimass-cuda}"
version=13.0
mkdir -p "$cache"
if [ ! -x "$cache/venv/bin/python" ]; then
  python3 -m venv "$cache/venv"
fi
"$cache/venv/bin/python" -m pip install --quiet --only-binary=:all: \
  "nvidia-cuda-nvcc==$version.*" "nvidia-nvvm==$version.*" "nvidia-cuda-crt==$version.*" "nvidia-cuda-runtime==$version.*" \
  "nvidia-cuda-cccl==$version.*" "nvidia-cuda-nvrtc==$version.*" "nvidia-cublas==$version.*" nvidia-curand
toolkit=$(echo "$cache"/venv/lib/python3*/site-packages/nvidia/cu13)
[ -x "$toolkit/bin/nvcc" ] || { echo "build-cuda: expected nvcc in $toolkit/bin; delete $cache and run this again" >&2; exit 1; }
for library in cudart:13 cublas:13 cublasLt:13 nvrtc:13 curand:10; do
  ln -sf "lib${library%:*}.so.${library#*:}" "$toolkit/lib/lib${library%:*}.so"
done
ln -sfn lib "$toolkit/lib64"
export CUDA_HOME="$toolkit" CUDA_PATH="$toolkit" PATH="$toolkit/bin:$PATH"
export CUDA_COMPUTE_CAP="${CUDA_COMPUTE_CAP:-80}" CUDAFORGE_THREADS="${CUDAFORGE_THREADS:-2}"
nvcc --version | tail -n 2
[ "${1:-}" = toolkit ] && exit

# Every function of the driver that cudarc names answers 100, CUDA_ERROR_NO_DEVICE.
cargo fetch --quiet --locked
sources=$(cargo metadata --format-version 1 --locked --features cuda |
  python3 -c 'import json, os, sys; print(next(os.path.dirname(p["manifest_path"]) for p in json.load(sys.stdin)["packages"] if p["name"] == "cudarc"))')
stubs="$cache/stubs"
mkdir -p "$stubs"
grep -rhoE '\bcu[A-Z][A-Za-z0-9_]*' "$sources/src/driver/sys" | sort -u |
  sed 's/.*/int &(void) { return 100; }/' > "$stubs/driver.c"
cc -shared -fPIC -w -Wl,-soname,libcuda.so.1 -o "$stubs/libcuda.so.1" "$stubs/driver.c"
ln -sf libcuda.so.1 "$stubs/libcuda.so"

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/cuda"
export LIBRARY_PATH="$stubs:$toolkit/lib${LIBRARY_PATH:+:$LIBRARY_PATH}"
if [ "${1:-}" != device-check ]; then
  cargo build --locked --features cuda
  LD_LIBRARY_PATH="$stubs:$toolkit/lib" "$CARGO_TARGET_DIR/debug/aimass" doctor
  exit
fi

cargo build --workspace --locked --features cuda --example device_check
folder="$CARGO_TARGET_DIR/device-check"
mkdir -p "$folder"
strip -o "$folder/device_check" "$CARGO_TARGET_DIR/debug/examples/device_check"
cp examples/device_check/device_check.sh "$folder/"
bytes=$(stat -c %s "$folder/device_check")
echo "$folder: device_check of $((bytes >> 20)) MiB for compute capability $CUDA_COMPUTE_CAP, and device_check.sh, which starts it"
[ "$bytes" -le $((most << 20)) ] || { echo "build-cuda: expected at most $most MiB, got $bytes bytes" >&2; exit 1; }
# With the stand-in there is no device, and it must say so.
said=$(AIMASS_CUDA_LIBRARIES="$stubs:$toolkit/lib" "$folder/device_check.sh" --device cuda:0 2>&1) &&
  { echo "build-cuda: expected that there is no device here" >&2; exit 1; }
grep -F 'a working cuda device with the number 0' <<< "$said"
