#!/usr/bin/env python3
"""Makes the pictures of this folder, and `lines.json`: what rapidocr_onnxruntime 1.4.4 reads in them.

    python3 -m venv venv && venv/bin/pip install rapidocr_onnxruntime==1.4.4 pillow
    apt-get install fonts-wqy-microhei fonts-dejavu-core
    venv/bin/python models/goldens/ocr/make.py
"""

import json
from importlib.metadata import version
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rapidocr_onnxruntime import RapidOCR

HERE = Path(__file__).parent
LATIN = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
CHINESE = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"


def page(lines, font, size, width, height, left=40, top=30, leading=1.6, ink=20, paper=245):
    picture = Image.new("L", (width, height), paper)
    draw = ImageDraw.Draw(picture)
    face = ImageFont.truetype(font, size)
    for at, line in enumerate(lines):
        draw.text((left, top + int(at * size * leading)), line, font=face, fill=ink)
    return picture


def columns():
    picture = page(["Item", "Tea", "Bread"], LATIN, 26, 600, 220)
    draw = ImageDraw.Draw(picture)
    face = ImageFont.truetype(LATIN, 26)
    for at, line in enumerate(["Price", "3.20 EUR", "4.75 EUR"]):
        draw.text((360, 30 + int(at * 26 * 1.6)), line, font=face, fill=20)
    return picture


LETTER = [
    "Dear Sir or Madam,",
    "the lamp of 12 March 2024 came with a crack.",
    "Please send me a new one, or 129.50 euros.",
    "Yours, Margarete Lindholm",
]
NOTICE = ["温馨提示", "营业时间：早上九点至晚上八点", "电话 010-6588 1234", "请勿在店内吸烟"]

PICTURES = {
    "letter": page(LETTER, LATIN, 24, 720, 230),
    "notice": page(NOTICE, CHINESE, 34, 640, 270),
    "table": columns(),
    "on_its_side": page(LETTER, LATIN, 24, 720, 230).rotate(90, expand=True),
    "on_its_other_side": page(NOTICE, CHINESE, 34, 640, 270).rotate(-90, expand=True),
    "upside_down": page(LETTER, LATIN, 24, 720, 230).rotate(180),
    "tilted": page(LETTER, LATIN, 24, 760, 420, top=120).rotate(8, fillcolor=245),
    "white_on_black": page(["EXIT", "AUSGANG"], LATIN, 60, 420, 240, ink=250, paper=15),
    "strip": page(["a long line without a pause, " * 4], LATIN, 24, 1800, 60, top=14),
    "empty": page([], LATIN, 20, 320, 200),
}

engine = RapidOCR()
found = {}
for name, picture in PICTURES.items():
    picture.quantize(16).save(HERE / f"{name}.png", optimize=True)
    result, _ = engine(str(HERE / f"{name}.png"))
    found[name] = [
        {"corners": corners, "text": text, "score": round(float(score), 4)} for corners, text, score in result or []
    ]
    print(name, [line["text"] for line in found[name]])
document = {"rapidocr_onnxruntime": version("rapidocr_onnxruntime"), "pictures": found}
(HERE / "lines.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
