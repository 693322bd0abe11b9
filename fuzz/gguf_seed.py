#!/usr/bin/env python3
"""Makes seeds/gguf/whisper.gguf: a random Whisper of the dimensions in targets/gguf.rs, small enough that a fuzzer gets through it.

usage: python3 gguf_seed.py
needs: nothing from pip.

The format is that of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3. Matrices are in blocks of 8 bits (Q8_0), biases in F32 and
the rest in F16, so that each way of reading values is taken.
"""
import random
import struct
from pathlib import Path

WIDTH, MEL, POSITIONS, VOCABULARY = 32, 8, 8, 407
F32, F16, Q8_0 = 0, 1, 8
ALIGNMENT = 32


def linear(name, bias=True):
    yield f"{name}.weight", [WIDTH, WIDTH]
    if bias:
        yield f"{name}.bias", [WIDTH]


def norm(name):
    yield f"{name}.weight", [WIDTH]
    yield f"{name}.bias", [WIDTH]


def attention(name):
    for part in ("q", "k", "v", "out"):
        yield from linear(f"{name}.{part}_proj", part != "k")
    yield from norm(f"{name}_layer_norm")


def parameters():
    for number, inputs in ((1, MEL), (2, WIDTH)):
        yield f"model.encoder.conv{number}.weight", [WIDTH, inputs, 3]
        yield f"model.encoder.conv{number}.bias", [WIDTH]
    yield "model.decoder.embed_tokens.weight", [VOCABULARY, WIDTH]
    for half, kinds in (("encoder", ["self_attn"]), ("decoder", ["self_attn", "encoder_attn"])):
        yield f"model.{half}.embed_positions.weight", [POSITIONS, WIDTH]
        for kind in kinds:
            yield from attention(f"model.{half}.layers.0.{kind}")
        for feed in ("fc1", "fc2"):
            yield from linear(f"model.{half}.layers.0.{feed}")
        yield from norm(f"model.{half}.layers.0.final_layer_norm")
        yield from norm(f"model.{half}.layer_norm")


def string(text):
    return struct.pack("<Q", len(text)) + text.encode()


def padded(data):
    return data + bytes(-len(data) % ALIGNMENT)


def values(dice, kind, count):
    if kind == Q8_0:
        return b"".join(struct.pack("<e32b", 0.01, *(dice.randint(-127, 127) for _ in range(32))) for _ in range(count // 32))
    numbers = [dice.gauss(0, 0.3) for _ in range(count)]
    return struct.pack(f"<{count}{'f' if kind == F32 else 'e'}", *numbers)


def main():
    dice = random.Random(5)
    infos, data = b"", b""
    shapes = list(parameters())
    for name, shape in shapes:
        kind = Q8_0 if len(shape) == 2 else F32 if name.endswith("bias") else F16
        count = 1
        for side in shape:
            count *= side
        sides = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        infos += string(name) + sides + struct.pack("<IQ", kind, len(data))
        data += padded(values(dice, kind, count))
    metadata = string("general.architecture") + struct.pack("<I", 8) + string("whisper")
    metadata += string("general.alignment") + struct.pack("<II", 4, ALIGNMENT)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), 2) + metadata + infos
    seed = Path(__file__).parent / "seeds/gguf/whisper.gguf"
    seed.write_bytes(padded(head) + data)
    print(len(padded(head) + data), "bytes,", len(shapes), "tensors")


main()
