#!/usr/bin/env python3
"""Makes what is in this folder: a recording, its probabilities and its speech by silero-vad and onnxruntime, to hold our own against.

usage: python3 make.py RECORDINGS
needs: pip install numpy onnxruntime packaging; pip install --no-deps silero-vad==6.2.3; RECORDINGS is a folder that holds `cards/` and `librivox/`:
/usr/share/pocketsphinx/test/data of Debian's package pocketsphinx-testdata, or where `dpkg -x` put it.

silero-vad imports torch, which nothing that is called here needs: an empty stand-in does.
"""
import json
import pathlib
import sys
import unittest.mock
import wave
from importlib import metadata, resources

sys.modules["torch"] = unittest.mock.MagicMock()

import numpy
import onnxruntime
from silero_vad import get_speech_timestamps_from_probs

RATE, FRAME, CONTEXT = 16000, 512, 64
HERE = pathlib.Path(__file__).resolve().parent
CASES = [
    {"threshold": 0.5, "neg_threshold": None, "min_speech_ms": 250, "min_silence_ms": 100, "padding_ms": 30},
    {"threshold": 0.3, "neg_threshold": None, "min_speech_ms": 250, "min_silence_ms": 100, "padding_ms": 30},
    {"threshold": 0.8, "neg_threshold": 0.75, "min_speech_ms": 100, "min_silence_ms": 40, "padding_ms": 0},
    {"threshold": 0.9, "neg_threshold": 0.05, "min_speech_ms": 0, "min_silence_ms": 0, "padding_ms": 0},
    {"threshold": 0.5, "neg_threshold": None, "min_speech_ms": 600, "min_silence_ms": 400, "padding_ms": 200},
    {"threshold": 0.5, "neg_threshold": 0.2, "min_speech_ms": 250, "min_silence_ms": 2000, "padding_ms": 400},
]


def read(path):
    with wave.open(str(path)) as recording:
        assert (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (RATE, 1, 2)
        return numpy.frombuffer(recording.readframes(recording.getnframes()), numpy.int16)


def probabilities(samples):
    """One frame after the other, as silero-vad's own OnnxWrapper does."""
    session = onnxruntime.InferenceSession(str(resources.files("silero_vad.data") / "silero_vad.onnx"))
    audio = numpy.pad(samples, (0, -len(samples) % FRAME)).astype(numpy.float32)[None] / 32768
    context = numpy.zeros((1, CONTEXT), numpy.float32)
    state = numpy.zeros((2, 1, 128), numpy.float32)
    found = []
    for start in range(0, audio.shape[1], FRAME):
        heard = numpy.concatenate([context, audio[:, start:start + FRAME]], axis=1)
        probability, state = session.run(None, {"input": heard, "state": state, "sr": numpy.array(RATE, numpy.int64)})
        context = heard[:, -CONTEXT:]
        found.append(float(probability[0, 0]))
    return found


def spans(probabilities, length, case):
    found = get_speech_timestamps_from_probs(
        probabilities, threshold=case["threshold"], neg_threshold=case["neg_threshold"],
        min_speech_duration_ms=case["min_speech_ms"], min_silence_duration_ms=case["min_silence_ms"],
        speech_pad_ms=case["padding_ms"], audio_length_samples=length)
    return [[span["start"], span["end"]] for span in found]


def main():
    recordings = pathlib.Path(sys.argv[1])
    pieces = [read(path) for path in sorted(recordings.glob("*/*.wav"))]
    assert len(pieces) == 10
    noise = numpy.random.default_rng(7)
    pause = lambda seconds: noise.normal(0, 8, int(RATE * seconds)).astype(numpy.int16)
    cards, books = pieces[:5], pieces[5:]

    speech = numpy.concatenate([books[1], pause(0.8), cards[3], pause(0.4)])
    with wave.open(str(HERE / "speech.wav"), "wb") as file:
        file.setparams((1, 2, RATE, len(speech), "NONE", ""))
        file.writeframes(speech.tobytes())
    made_by = {name: metadata.version(name) for name in ["silero-vad", "onnxruntime", "numpy"]}
    golden = {"made_by": made_by, "probabilities": [round(value, 6) for value in probabilities(speech)]}
    (HERE / "probabilities.json").write_text(json.dumps(golden) + "\n")

    mixed = [part for number, piece in enumerate(pieces) for part in (piece, pause(0.1 * 1.5 ** number))]
    tracks = []
    for samples in [speech, books[0], books[3], cards[4], numpy.concatenate(mixed)]:
        track = [round(value, 4) for value in probabilities(samples)]
        cases = [{**case, "spans": spans(track, len(samples), case)} for case in CASES]
        tracks.append({"samples": len(samples), "probabilities": track, "cases": cases})
    (HERE / "spans.json").write_text(json.dumps(tracks) + "\n")


main()
