#!/usr/bin/env python3
"""MiniLM beside its Python peers: sentences a second, one thread each, the same texts, in turn.

    python3 benches/peers/minilm.py [FOLDER]

takes the model from FOLDER, or has ours fetch it. It makes a virtual environment below the cache folder, installs sentence-transformers and onnxruntime there, builds ours, and prints the
ratios. Rounds are interleaved, so that whatever else the machine does hits all alike; the median of the rounds counts.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("AIMASS_PEERS", pathlib.Path.home() / ".cache" / "aimass-peers"))
# On Linux, torch brings its CUDA libraries along and does not start without them: some gigabytes.
NEEDED = ["torch", "sentence-transformers", "onnxruntime", "onnx", "onnxscript"]
THREADS = {"RAYON_NUM_THREADS": "1", "CANDLE_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
SHORT = ["A cup of tea.", "The train was late again.", "Where is the invoice?", "She plays the violin.", "It rains.",
         "Our parcel never came.", "Bread needs time.", "The meeting starts at nine."]
LONG = [("The orchestra played the slow movement with great tenderness, and for a while nobody in the hall dared to cough. " * 4).strip()]
CASES = [("short texts, one by one", SHORT * 4, 1), ("short texts, batches of 8", SHORT * 8, 8),
         ("short texts, batches of 32", SHORT * 16, 32), ("long texts, one by one", LONG * 8, 1),
         ("long texts, batches of 8", LONG * 16, 8), ("mixed lengths, batches of 8", (SHORT[:7] + LONG) * 4, 8)]
ROUNDS = int(os.environ.get("ROUNDS", "9"))


def environment():
    """Runs this script again inside the virtual environment."""
    python = CACHE / "minilm" / "bin" / "python"
    if sys.prefix == str(python.parents[1]):
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    probe = subprocess.run([str(python), "-c", "import torch, transformers, onnxruntime, onnx"], capture_output=True)
    if probe.returncode != 0:
        subprocess.run([str(python), "-m", "pip", "install", "--quiet"] + NEEDED, check=True)
    os.execve(str(python), [str(python), __file__, *sys.argv[1:]], {**os.environ, **THREADS})


def weights():
    if len(sys.argv) > 1:
        return pathlib.Path(sys.argv[1])
    cargo = ["cargo", "run", "--release", "--quiet", "--", "models"]
    subprocess.run(cargo + ["pull", "minilm"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    path = subprocess.run(cargo + ["path", "minilm"], cwd=ROOT, check=True, capture_output=True, text=True)
    return pathlib.Path(path.stdout.strip())


class Ours:
    name = "ours"

    def __init__(self, folder):
        build = ["cargo", "build", "--release", "--quiet", "-p", "aimass-models", "--example", "embed_rate"]
        subprocess.run(build, cwd=ROOT, check=True)
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        program = target / "release" / "examples" / "embed_rate"
        self.process = subprocess.Popen([str(program), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, texts, batch):
        self.process.stdin.write(json.dumps({"batch": batch, "texts": texts}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["seconds"], answer["first"]


class Torch:
    name = "sentence-transformers"

    def __init__(self, folder):
        import torch
        from sentence_transformers import SentenceTransformer, models
        torch.set_num_threads(1)
        transformer = models.Transformer(str(folder), max_seq_length=256)
        pooling = models.Pooling(transformer.get_embedding_dimension() if hasattr(transformer, "get_embedding_dimension")
                                 else transformer.get_word_embedding_dimension())
        self.model = SentenceTransformer(modules=[transformer, pooling, models.Normalize()], device="cpu")

    def run(self, texts, batch):
        began = time.perf_counter()
        vectors = self.model.encode(texts, batch_size=batch, show_progress_bar=False)
        return time.perf_counter() - began, vectors[0].tolist()


class Onnx:
    name = "onnxruntime"

    def __init__(self, folder):
        import onnxruntime
        import torch
        from tokenizers import Tokenizer
        from transformers import AutoModel
        file = CACHE / "minilm.onnx"
        if not file.exists():
            network = AutoModel.from_pretrained(str(folder), attn_implementation="eager").eval()

            class Hidden(torch.nn.Module):
                def __init__(self):
                    super().__init__()
                    self.network = network

                def forward(self, ids, mask):
                    return self.network(input_ids=ids, attention_mask=mask).last_hidden_state

            sample = torch.ones((2, 8), dtype=torch.int64)
            axes = {0: "batch", 1: "tokens"}
            torch.onnx.export(Hidden().eval(), (sample, sample), str(file), input_names=["input_ids", "attention_mask"],
                              output_names=["hidden"], dynamo=False, opset_version=17,
                              dynamic_axes={"input_ids": axes, "attention_mask": axes, "hidden": axes})
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()

    def run(self, texts, batch):
        import numpy
        began, first = time.perf_counter(), None
        for start in range(0, len(texts), batch):
            tokens = self.tokenizer.encode_batch(texts[start:start + batch])
            ids = numpy.array([token.ids for token in tokens], dtype=numpy.int64)
            mask = numpy.array([token.attention_mask for token in tokens], dtype=numpy.int64)
            hidden = self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
            weight = mask[:, :, None].astype(numpy.float32)
            vectors = (hidden * weight).sum(1) / weight.sum(1)
            vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
            first = vectors[0] if first is None else first
        return time.perf_counter() - began, first.tolist()


def main():
    environment()
    folder = weights()
    peers = [Ours(folder), Torch(folder), Onnx(folder)]
    for peer in peers:
        peer.run(SHORT, 8)
    print(f"sentences a second, one thread each, median of {ROUNDS} interleaved rounds (ours / peer in brackets)")
    for title, texts, batch in CASES:
        seconds = {peer.name: [] for peer in peers}
        first = {}
        for _ in range(ROUNDS):
            for peer in peers:
                took, first[peer.name] = peer.run(texts, batch)
                seconds[peer.name].append(took)
        rates = {name: len(texts) / statistics.median(took) for name, took in seconds.items()}
        for name, vector in first.items():
            cosine = sum(one * other for one, other in zip(vector, first["ours"]))
            assert cosine > 0.999, f"{name} disagrees: cosine {cosine}"
        others = ", ".join(f"{name} {rate:.0f} ({rates['ours'] / rate:.2f}x)" for name, rate in rates.items() if name != "ours")
        print(f"  {title}: ours {rates['ours']:.0f}, {others}", flush=True)


if __name__ == "__main__":
    main()
