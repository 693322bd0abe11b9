#!/usr/bin/env python3
"""The networks that come as graphs, beside onnxruntime and TensorFlow with the same files: time for one run, one thread each, in turn.

    python3 benches/peers/graph.py

It makes a virtual environment below the cache folder, installs onnxruntime, tensorflow-cpu and numpy there, builds the bench `graph`, and prints the ratios: above 1, ours is faster.
Rounds are interleaved, so that whatever else the machine does hits all alike; the median of the rounds counts. ROUNDS says how many there are.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("AIMASS_PEERS", pathlib.Path.home() / ".cache" / "aimass-peers"))
THREADS = {"RAYON_NUM_THREADS": "1", "CANDLE_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
ROUNDS = int(os.environ.get("ROUNDS", "7"))
RUNS = 5
NETWORKS = {
    "pp-ocr-detector": ("pp-ocr-v4", "ch_PP-OCRv4_det_infer.onnx", (1, 3, 736, 736)),
    "pp-ocr-recognizer": ("pp-ocr-v4", "ch_PP-OCRv4_rec_infer.onnx", (1, 3, 48, 320)),
    "pp-ocr-orientation": ("pp-ocr-v4", "ch_ppocr_mobile_v2.0_cls_infer.onnx", (1, 3, 48, 192)),
    "ssd-mobilenet-v2": ("ssd-mobilenet-v2", "frozen_inference_graph.pb", (1, 300, 300, 3)),
}


def environment():
    """Runs this script again inside the virtual environment."""
    python = CACHE / "graph" / "bin" / "python"
    if sys.prefix == str(python.parents[1]):
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "numpy", "onnxruntime", "tensorflow-cpu"], check=True)
    os.execve(str(python), [str(python), __file__, *sys.argv[1:]], {**os.environ, **THREADS})


def built():
    """The bench, which fetches the networks."""
    cargo = ["cargo", "bench", "--quiet", "--package", "aimass-models", "--bench", "graph", "--no-run", "--message-format", "json"]
    lines = subprocess.run(cargo, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    programs = [line["executable"] for line in map(json.loads, lines) if line.get("executable")]
    return programs[-1]


def folder(artefact):
    cache = pathlib.Path(os.environ.get("AIMASS_CACHE", pathlib.Path.home() / ".cache" / "aimass"))
    return cache / "models" / artefact


def peer(file, sides):
    import numpy
    numbers = ((numpy.arange(numpy.prod(sides), dtype=numpy.int64) * 7919 % 256) / 127.5 - 1).astype(numpy.float32).reshape(sides)
    if file.suffix == ".onnx":
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        return "onnxruntime", lambda: session.run(None, {"x": numbers})
    import tensorflow
    tf = tensorflow.compat.v1
    graph = tf.GraphDef()
    graph.ParseFromString(file.read_bytes())
    with tensorflow.Graph().as_default() as made:
        tf.import_graph_def(graph, name="")
    session = tf.Session(graph=made, config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1))
    return "TensorFlow", lambda: session.run(["concat:0", "concat_1:0"], {"Preprocessor/sub:0": numbers})


def timed(run):
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def main():
    environment()
    bench = built()
    for name, (artefact, file, sides) in NETWORKS.items():
        subprocess.run([bench, name, "1"], check=True, stdout=subprocess.DEVNULL)
        which, run = peer(folder(artefact) / file, sides)
        run()
        ours, theirs = [], []
        for _ in range(ROUNDS):
            said = subprocess.run([bench, name, str(RUNS)], check=True, capture_output=True, text=True).stdout
            ours.append(float(re.search(r" ([\d.]+) ms", said)[1]))
            theirs.append(timed(run))
        ours, theirs = statistics.median(ours), statistics.median(theirs)
        print(f"{name}: ours {ours:.1f} ms, {which} {theirs:.1f} ms, {theirs / ours:.2f} times as fast")


main()
