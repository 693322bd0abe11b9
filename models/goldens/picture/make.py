#!/usr/bin/env python3
"""Makes what is in this folder: small pictures in every format that is decoded, each with its pixels as Pillow has them (`NAME.rgb`:
upright, 8-bit RGB, on white), and `resized.json`: what Pillow and OpenCV make of one of them in other sizes.

usage: python3 make.py
needs: pip install numpy pillow opencv-python-headless imagecodecs
"""
import io
import json
import pathlib
import struct
import zlib
from importlib import metadata

import cv2
import imagecodecs
import numpy
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent
WIDTH, HEIGHT = 24, 16


def scene():
    """Smooth colours with a few edges, so that coders that lose something lose little."""
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    red, green, blue = 255 * x / (WIDTH - 1), 255 * y / (HEIGHT - 1), 128 + 100 * numpy.sin(x / 4) * numpy.cos(y / 3)
    pixels = numpy.stack([red, green, blue], axis=2)
    pixels[2:7, 3:9] = [230, 40, 30]
    pixels[9:14, 14:21] = [20, 60, 200]
    return pixels.clip(0, 255).astype(numpy.uint8)


RGB = scene()
ALPHA = numpy.tile(numpy.linspace(0, 255, WIDTH).astype(numpy.uint8), (HEIGHT, 1))
IMAGE = Image.fromarray(RGB)
RGBA = Image.fromarray(numpy.dstack([RGB, ALPHA]))


def write(name, content):
    (HERE / name).write_bytes(content)
    image = Image.open(io.BytesIO(content))
    image = ImageOps.exif_transpose(image)
    if image.mode in ("I;16", "I;16B", "I"):
        image = Image.fromarray((numpy.asarray(image).astype(numpy.uint32) >> 8).astype(numpy.uint8))
    if image.mode == "P" and "transparency" not in image.info:
        image = image.convert("RGB")
    if image.mode in ("P", "PA", "LA", "RGBA"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    pixels = numpy.asarray(image.convert("RGB"))
    (HERE / f"{name}.rgb").write_bytes(struct.pack("<II", *image.size) + pixels.tobytes())


def save(name, image, **options):
    file = io.BytesIO()
    image.save(file, format={"jpg": "JPEG", "tif": "TIFF"}.get(name.split(".")[-1], name.split(".")[-1].upper()), **options)
    write(name, file.getvalue())


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(name, bits, colour, rows, interlaced=0):
    """A PNG that Pillow does not write."""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour, 0, 0, interlaced)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    write(name, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


def bmp(name, height, bits, pixels, compression=0, behind=b""):
    """A BMP that Pillow does not write. Masks or a palette lie behind its header."""
    start = 14 + 40 + len(behind)
    header = struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, compression, len(pixels), 0, 0, 0, 0)
    write(name, b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + behind + pixels)


def pngs():
    grey, grey_alpha = IMAGE.convert("L"), RGBA.convert("LA")
    save("rgb.png", IMAGE, optimize=True)
    save("rgba.png", RGBA, optimize=True)
    save("grey.png", grey)
    save("grey_alpha.png", grey_alpha)
    save("bilevel.png", IMAGE.convert("1"))
    save("palette.png", IMAGE.quantize(16))
    save("palette_transparent.png", IMAGE.quantize(16), transparency=3)
    save("grey16.png", Image.fromarray((numpy.asarray(grey).astype(numpy.uint32) * 255).astype(numpy.uint16)))
    wide = (RGB.astype(numpy.uint16) << 8 | 0x5A).astype(">u2")
    png("rgb16.png", 16, 2, [row.tobytes() for row in wide])
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    png("interlaced.png", 8, 2, [row.tobytes() for y, x, down, across in passes for row in RGB[y::down, x::across]], interlaced=1)
    save("turned.png", IMAGE, exif=exif(6))
    frames = [Image.fromarray(numpy.roll(RGB, shift, axis=1)) for shift in (5, 10)]
    save("animated.png", IMAGE, save_all=True, append_images=frames, duration=100)


def jpegs():
    save("plain.jpg", IMAGE, quality=90)
    save("full.jpg", IMAGE, quality=95, subsampling=0)
    save("progressive.jpg", IMAGE, quality=90, progressive=True)
    save("grey.jpg", IMAGE.convert("L"), quality=90)
    save("cmyk.jpg", IMAGE.convert("CMYK"), quality=95)
    inverted = 255 - numpy.asarray(IMAGE.convert("CMYK"))
    write("ycck.jpg", imagecodecs.jpeg8_encode(inverted, level=95, colorspace="CMYK", outcolorspace="YCCK", subsampling="444"))
    for orientation in range(1, 9):
        save(f"orientation{orientation}.jpg", IMAGE, quality=95, subsampling=0, exif=exif(orientation))


def others():
    save("lossy.webp", IMAGE, quality=90)
    save("lossless.webp", IMAGE, lossless=True)
    save("lossy_alpha.webp", RGBA, quality=90)
    save("lossless_alpha.webp", RGBA, lossless=True, exact=True)
    save("turned.webp", IMAGE, lossless=True, exif=exif(8))
    frames = [Image.fromarray(numpy.roll(RGB, shift, axis=1)) for shift in (5, 10)]
    save("animated.webp", IMAGE, save_all=True, append_images=frames, duration=100, lossless=True)

    palette = IMAGE.quantize(32)
    save("plain.gif", palette)
    save("transparent.gif", palette, transparency=3)
    save("animated.gif", palette, save_all=True, append_images=[frame.quantize(32) for frame in frames], duration=100)

    save("rgb.bmp", IMAGE)
    save("palette.bmp", IMAGE.quantize(200))
    save("bilevel.bmp", IMAGE.convert("1"))
    save("grey.bmp", IMAGE.convert("L"))
    reversed_colours = RGB[:, :, ::-1]
    bmp("from_above.bmp", -HEIGHT, 24, reversed_colours.tobytes())
    bmp("rgb32.bmp", HEIGHT, 32, numpy.dstack([reversed_colours, ALPHA * 0])[::-1].tobytes())
    short = RGB.astype(numpy.uint16) >> 3
    bmp("rgb16.bmp", HEIGHT, 16, (short[:, :, 0] << 10 | short[:, :, 1] << 5 | short[:, :, 2])[::-1].astype("<u2").tobytes())

    green = short[:, :, 0] << 11 | (RGB[:, :, 1].astype(numpy.uint16) >> 2) << 5 | short[:, :, 2]
    bmp("masks.bmp", HEIGHT, 16, green[::-1].astype("<u2").tobytes(), 3, struct.pack("<III", 0xF800, 0x07E0, 0x001F))
    few = IMAGE.quantize(16)
    places = numpy.asarray(few)[::-1]
    colours = numpy.asarray(few.getpalette(), numpy.uint8)[:48].reshape(16, 3)
    colours = numpy.dstack([colours[:, 2], colours[:, 1], colours[:, 0], colours[:, 0] * 0]).tobytes()
    bmp("palette4.bmp", HEIGHT, 4, (places[:, 0::2] << 4 | places[:, 1::2]).astype(numpy.uint8).tobytes(), 0, colours)
    # Four runs of one, then the rest as it is.
    runs = [bytes(part for place in row[:4] for part in (1, place)) + bytes([0, 20, *row[4:], 0, 0]) for row in places]
    bmp("runs.bmp", HEIGHT, 8, b"".join(runs) + b"\0\1", 1, colours + bytes(4 * 240))

    save("raw.tif", IMAGE)
    save("lzw.tif", IMAGE, compression="tiff_lzw")
    save("deflate.tif", IMAGE, compression="tiff_adobe_deflate")
    save("packbits.tif", IMAGE, compression="packbits")
    save("rgba.tif", RGBA, compression="tiff_lzw")
    save("grey.tif", IMAGE.convert("L"))
    save("grey16.tif", Image.fromarray(numpy.asarray(IMAGE.convert("L")).astype(numpy.uint16) * 257))
    save("bilevel.tif", IMAGE.convert("1"), compression="group4")
    save("cmyk.tif", IMAGE.convert("CMYK"), compression="tiff_lzw")
    save("turned.tif", IMAGE, compression="tiff_lzw", tiffinfo={0x0112: 6})
    save("pages.tif", IMAGE, compression="tiff_lzw", save_all=True, append_images=frames)


def resized():
    golden = {"made_by": {name: metadata.version(name) for name in ["pillow", "opencv-python-headless", "numpy"]}, "cases": []}
    filters = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR, "area": Image.Resampling.BOX,
               "bicubic": Image.Resampling.BICUBIC}
    for width, height in [(10, 7), (50, 41), (12, 8), (24, 5)]:
        made = {name: numpy.asarray(IMAGE.resize((width, height), kind)) for name, kind in filters.items()}
        made["four_nearest"] = cv2.resize(RGB, (width, height), interpolation=cv2.INTER_LINEAR)
        for name, pixels in made.items():
            golden["cases"].append({"filter": name, "width": width, "height": height, "rgb": pixels.tobytes().hex()})
    (HERE / "resized.json").write_text(json.dumps(golden) + "\n")


pngs()
jpegs()
others()
resized()
