#!/usr/bin/env python3
"""Makes what the tests of face-api's networks compare with: vectors and expressions of the faces in `../mtcnn/faces.webp`, by face-api
itself with the CPU backend of TensorFlow.js.

usage: python3 make.py NODE_MODULES
needs: pip install numpy pillow; npm install --ignore-scripts @vladmandic/face-api@1.7.15 @tensorflow/tfjs@4.22.0; NODE_MODULES is the folder that this made.
"""
import json
import pathlib
import subprocess
import sys

import numpy
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
# Squares around the three faces, one that is wider than high, and one that is higher.
REGIONS = [[62, 58, 106, 118], [250, 40, 53, 58], [342, 158, 34, 37], [60, 60, 120, 80], [80, 30, 71, 130]]


def main(modules):
    picture = Image.open(HERE.parent / "mtcnn" / "faces.webp").convert("RGB")
    faces = [picture.crop((left, top, left + width, top + height)) for left, top, width, height in REGIONS]
    faces = [{"width": face.width, "height": face.height, "rgb": numpy.asarray(face).flatten().tolist()} for face in faces]
    answer = subprocess.run(["node", str(HERE / "ask.cjs"), modules], input=json.dumps(faces), capture_output=True, text=True, check=True)
    golden = json.loads(answer.stdout.strip().splitlines()[-1])
    for region, face in zip(REGIONS, golden["faces"]):
        face["region"] = region
        face["embedding"] = [round(value, 5) for value in face["embedding"]]
        face["expressions"] = [round(value, 5) for value in face["expressions"]]
    (HERE / "goldens.json").write_text(json.dumps(golden) + "\n")


main(*sys.argv[1:])
