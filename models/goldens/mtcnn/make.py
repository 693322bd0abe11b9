#!/usr/bin/env python3
"""Makes what the tests of MTCNN compare with: the faces that facenet-pytorch finds in a photograph that is in the picture three times.

usage: python3 make.py PHOTOGRAPHS
needs: pip install numpy pillow torch torchvision; pip install --no-deps facenet-pytorch==2.6.0; PHOTOGRAPHS is a folder with
astronaut.png, as `skimage/data` of the package scikit-image 0.26.0 (Eileen Collins, by NASA: public domain).

`faces.webp` has no loss, so that both sides see the same bytes.
"""
import json
import pathlib
import sys
from importlib import metadata

import torch
from facenet_pytorch import MTCNN
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent


def montage(photograph):
    """The face as it is, mirrored and smaller, and turned a little and smaller still."""
    canvas = Image.new("RGB", (400, 230), (90, 110, 90))
    face = photograph.crop((110, 0, 330, 230))
    canvas.paste(face, (0, 0))
    canvas.paste(ImageOps.mirror(face).resize((110, 115), Image.Resampling.BICUBIC), (225, 10))
    canvas.paste(face.rotate(12, Image.Resampling.BICUBIC).resize((66, 69), Image.Resampling.BICUBIC), (325, 140))
    return canvas


def main(photographs):
    torch.set_num_threads(1)
    picture = montage(Image.open(pathlib.Path(photographs) / "astronaut.png").convert("RGB"))
    picture.save(HERE / "faces.webp", lossless=True, method=6)
    boxes, scores, points = MTCNN(keep_all=True).detect(picture, landmarks=True)
    made_by = {name: metadata.version(name) for name in ["facenet-pytorch", "torch", "pillow"]}
    numbers = lambda array: [round(float(value), 3) for value in array]
    faces = [{"bounds": numbers(box), "score": round(float(score), 5), "landmarks": [numbers(point) for point in five]}
             for box, score, five in zip(boxes, scores, points)]
    (HERE / "goldens.json").write_text(json.dumps({"made_by": made_by, "faces": faces}, indent=1) + "\n")
    print(len(faces), [(face["bounds"], face["score"]) for face in faces])


main(*sys.argv[1:])
