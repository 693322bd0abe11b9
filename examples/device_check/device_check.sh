#!/usr/bin/env bash
# Starts `device_check`, which lies beside it, on a machine with CUDA: `./device_check.sh [--device cuda:0]`.
#
# The program is linked to CUDA's libraries and does not start without them. They are looked for in AIMASS_CUDA_LIBRARIES, in toolkits, in the
# packages of Python that PyTorch brings, and where drivers put their own.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

folders="${AIMASS_CUDA_LIBRARIES:-}"
add() { [ -d "$1" ] && folders="${folders:+$folders:}$1" || true; }
for folder in "${CUDA_HOME:-}"/lib64 /usr/local/cuda/lib64 /usr/local/cuda-*/lib64 /usr/local/nvidia/lib64 /usr/lib/x86_64-linux-gnu; do
  add "$folder"
done
# Where the packages of each Python that is found lie; PyTorch itself need not load.
for python in "${PYTHON:-}" python3 /opt/*/bin/python3 /opt/*/.venv/bin/python3; do
  command -v "$python" >/dev/null 2>&1 || continue
  while read -r packages; do
    for folder in "$packages"/nvidia/*/lib; do
      add "$folder"
    done
  done < <("$python" -c 'import site, sys; print(*{*site.getsitepackages(), *(p for p in sys.path if p.endswith("-packages"))}, sep="\n")' 2>/dev/null)
done
export LD_LIBRARY_PATH="$folders${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# As the program itself has it: workers compute side by side, each in its own thread.
export RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1

if missing=$(ldd "$here/device_check" | grep 'not found'); then
  echo "device_check: expected CUDA's libraries, these are missing:" >&2
  echo "$missing" >&2
  echo "install the driver, and a toolkit or PyTorch of the version that the program was built with; or name their folders in AIMASS_CUDA_LIBRARIES" >&2
  exit 1
fi
[ $# -gt 0 ] || set -- --device cuda:0
exec "$here/device_check" "$@"
