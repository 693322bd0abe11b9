#!/usr/bin/env python3
"""EfficientNet-Lite0 and MTCNN beside PyTorch on the same weights: time for the same pictures, one thread each, in turn.

    python3 benches/peers/pictures.py

It makes a virtual environment below the cache folder, installs torch, efficientnet-lite-pytorch, facenet-pytorch and scikit-image (for its photograph of an
astronaut) there, builds ours, and prints the ratios. Rounds are interleaved, so that whatever else the machine does hits all alike; the median of the
rounds counts. `AIMASS_LOOK_RATE` names a program that was built before, `AIMASS_MODELS` the folder with the folders of the models.
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
THREADS = {"RAYON_NUM_THREADS": "1", "CANDLE_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
ROUNDS = int(os.environ.get("ROUNDS", "9"))
CASES = [("efficientnet-lite0", 1), ("mtcnn", 1), ("efficientnet-lite0", 8)]


def environment():
    """Runs this script again inside the virtual environment."""
    python = CACHE / "pictures" / "bin" / "python"
    if sys.prefix == str(python.parents[1]):
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run(pip + ["torch", "torchvision", "numpy", "pillow", "scikit-image", "requests", "tqdm"], check=True)
    subprocess.run(pip + ["--no-deps", "efficientnet-lite-pytorch==0.1.0", "facenet-pytorch==2.6.0"], check=True)
    os.execve(str(python), [str(python), __file__], {**os.environ, **THREADS})


def ours():
    program, models = os.environ.get("AIMASS_LOOK_RATE"), os.environ.get("AIMASS_MODELS")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    if not program:
        cargo = ["cargo", "build", "--release", "--quiet", "--workspace", "--bin", "aimass", "--example", "look_rate"]
        subprocess.run(cargo, cwd=ROOT, check=True)
        program = target / "examples" / "look_rate"
    folders = {}
    for name in dict(CASES):
        if models:
            folders[name] = str(pathlib.Path(models) / name)
            continue
        subprocess.run([target / "aimass", "models", "pull", name], check=True, stdout=subprocess.DEVNULL)
        path = subprocess.run([target / "aimass", "models", "path", name], check=True, capture_output=True, text=True)
        folders[name] = path.stdout.strip()
    return program, folders


class Ours:
    def __init__(self, program, folders):
        self.folders = folders
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **THREADS})

    def run(self, name, count, path):
        question = {"network": name, "folder": self.folders[name], "path": str(path), "pictures": count}
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["seconds"], answer["found"]


class Torch:
    def __init__(self, folders):
        import torch
        from efficientnet_lite_pytorch import EfficientNet
        from facenet_pytorch import MTCNN
        torch.set_num_threads(1)
        self.torch = torch
        weights = str(pathlib.Path(folders["efficientnet-lite0"]) / "efficientnet-lite0-57934424.pth")
        self.classes = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
        self.classes.eval()
        self.faces = MTCNN(keep_all=True)

    def run(self, name, count, path):
        import numpy
        from PIL import Image
        picture = Image.open(path).convert("RGB")
        began = time.perf_counter()
        with self.torch.no_grad():
            if name == "mtcnn":
                boxes, _ = self.faces.detect(picture)
                found = boxes.flatten().tolist()
            else:
                side = int(224 / 256 * min(picture.size))
                left, top = (picture.width - side + 1) // 2, (picture.height - side + 1) // 2
                view = picture.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BICUBIC)
                values = (numpy.asarray(view).astype(numpy.float32) - 127) / 128
                batch = self.torch.tensor(values).permute(2, 0, 1)[None].repeat(count, 1, 1, 1)
                found = self.classes(batch)[0].tolist()
        return time.perf_counter() - began, found


def main():
    environment()
    import skimage
    photograph = pathlib.Path(skimage.__file__).parent / "data" / "astronaut.png"
    program, folders = ours()
    peers = {"ours": Ours(program, folders), "PyTorch": Torch(folders)}
    for name, count in CASES:
        seconds, found = {peer: [] for peer in peers}, {}
        for _ in range(ROUNDS + 1):
            for peer, runner in peers.items():
                took, found[peer] = runner.run(name, count, photograph)
                seconds[peer].append(took)
        # The first round warms up.
        medians = {peer: statistics.median(all[1:]) for peer, all in seconds.items()}
        apart = max(abs(one - other) for one, other in zip(found["ours"], found["PyTorch"], strict=True))
        times = ", ".join(f"{peer} {median * 1000:.1f} ms" for peer, median in medians.items())
        print(f"{name}, {count} at once: {times}, {medians['PyTorch'] / medians['ours']:.2f}x as fast; results {apart:.2g} apart")


if __name__ == "__main__":
    main()
