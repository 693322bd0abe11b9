#!/usr/bin/env python3
"""SmolLM2 beside llama.cpp: tokens read and written in a second by 1, 4 and 16 conversations at once, on one thread and on two, in turn, with the same file.

    python3 benches/peers/llama.py

It makes a virtual environment below the cache folder (`AIMASS_PEERS` moves it), installs xllamacpp there, which brings llama.cpp's own server, builds ours, fetches
the model, and prints the ratios. Rounds are interleaved, so that whatever else the machine does hits all alike; the median of `ROUNDS` counts. `CONVERSATIONS` and
`THREADS` name others: `CONVERSATIONS=1 THREADS=1,2`.

Ours takes a second thread as an agent does, by a second worker on the same weights: it serves other conversations, and does not speed up a single one.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("AIMASS_PEERS", pathlib.Path.home() / ".cache" / "aimass-peers"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
CONVERSATIONS = [int(count) for count in os.environ.get("CONVERSATIONS", "1,4,16").split(",")]
THREADS = [int(count) for count in os.environ.get("THREADS", "1,2").split(",")]
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

    def run(conversations, threads):
        environment = {**os.environ, "CANDLE_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "WORKERS": str(threads)}
        command = [target / "examples" / "generate_rate", folder, str(conversations)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        return [float(number) for number in re.findall(r"([\d.]+) tokens/s", printed)]

    return pathlib.Path(folder), run


def llama_cpp(folder, conversations, threads):
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(next(folder.glob("*.gguf")))
    parameters.n_ctx, parameters.n_parallel = 1024 * conversations, conversations
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(parameters)

    def ask(written):
        fields = {"prompt": [1000 + place * 37 % 4000 for place in range(READ)], "n_predict": written, "temperature": 0, "samplers": ["top_k"], "top_k": 1,
                  "ignore_eos": True, "cache_prompt": False}
        body = json.dumps(fields).encode()
        request = urllib.request.Request(server.listening_address + "/completion", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            timings = json.load(answer)["timings"]
        assert (timings["prompt_n"], timings["predicted_n"]) == (READ, written), timings

    def seconds(written):
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(conversations) as pool:
            list(pool.map(ask, [written] * conversations))
        return time.monotonic() - began

    def run():
        # A token is known when the prompt is read.
        reading = seconds(1)
        writing = seconds(1 + WRITTEN) - reading
        return [conversations * READ / reading, conversations * WRITTEN / writing]

    return run


def main():
    environment()
    folder, own = ours()
    for threads in THREADS:
        for conversations in CONVERSATIONS:
            peer = llama_cpp(folder, conversations, threads)
            rounds = [(own(conversations, threads), peer()) for _ in range(ROUNDS)]
            own_rates, peer_rates = ([statistics.median(column) for column in zip(*runs)] for runs in zip(*rounds))
            for what, mine, theirs in zip(["reading", "writing"], own_rates, peer_rates):
                print(f"{threads} threads, {conversations} conversations, {what}: ours {mine:.0f} tokens/s, llama.cpp {theirs:.0f} tokens/s, ratio {mine / theirs:.2f}x", flush=True)


if __name__ == "__main__":
    main()
