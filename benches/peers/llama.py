#!/usr/bin/env python3
"""SmolLM2 beside llama.cpp: tokens read and written in a second by one conversation, one thread each, in turn, with the same file.

    python3 benches/peers/llama.py

It makes a virtual environment below the cache folder (`AIMASS_PEERS` moves it), installs xllamacpp there, which brings llama.cpp's own server, builds ours, fetches
the model, and prints the ratios. Rounds are interleaved, so that whatever else the machine does hits all alike; the median of `ROUNDS` counts.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("AIMASS_PEERS", pathlib.Path.home() / ".cache" / "aimass-peers"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
READ, WRITTEN = 512, 128


def environment():
    """Runs this script again inside the virtual environment."""
    python = CACHE / "llama" / "bin" / "python"
    if sys.prefix == str(python.parents[1]):
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--only-binary=:all:", "xllamacpp==2026.10.11549"], check=True)
    os.execv(str(python), [str(python), __file__, *sys.argv[1:]])


def ours():
    cargo = ["cargo", "build", "--release", "--quiet", "--workspace", "--bin", "aimass", "--example", "generate_rate"]
    subprocess.run(cargo, cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    subprocess.run([target / "aimass", "models", "pull", "smollm2"], check=True, stdout=subprocess.DEVNULL)
    folder = subprocess.run([target / "aimass", "models", "path", "smollm2"], check=True, capture_output=True, text=True).stdout.strip()

    def run():
        environment = {**os.environ, "CANDLE_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
        command = [target / "examples" / "generate_rate", folder, "1"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        return [float(number) for number in re.findall(r"([\d.]+) tokens/s", printed)]

    return pathlib.Path(folder), run


def llama_cpp(folder):
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(next(folder.glob("*.gguf")))
    parameters.n_ctx, parameters.n_parallel = 2048, 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(parameters)

    def run():
        fields = {"prompt": [1000 + place * 37 % 4000 for place in range(READ)], "n_predict": WRITTEN, "temperature": 0, "samplers": ["top_k"], "top_k": 1,
                  "ignore_eos": True, "cache_prompt": False}
        body = json.dumps(fields).encode()
        request = urllib.request.Request(server.listening_address + "/completion", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            timings = json.load(answer)["timings"]
        assert (timings["prompt_n"], timings["predicted_n"]) == (READ, WRITTEN), timings
        return [timings["prompt_per_second"], timings["predicted_per_second"]]

    return run


def main():
    environment()
    folder, own = ours()
    systems = {"ours": own, "llama.cpp": llama_cpp(folder)}
    rates = {name: [] for name in systems}
    for _ in range(ROUNDS):
        for name, run in systems.items():
            rates[name].append(run())
    medians = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in rates.items()}
    for name, (read, written) in medians.items():
        own_read, own_written = medians["ours"]
        print(f"{name}: reads {read:.0f} tokens/s, writes {written:.1f} tokens/s; ours beside it {own_read / read:.2f}x and {own_written / written:.2f}x")


if __name__ == "__main__":
    main()
