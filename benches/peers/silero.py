#!/usr/bin/env python3
"""Silero VAD beside silero-vad with onnxruntime: time for the same ten minutes, one thread each, in turn; and the speech that both find.

    python3 benches/peers/silero.py RECORDINGS

RECORDINGS is a folder with wav files of 16 kHz, 16 bits, mono, below it, such as /usr/share/pocketsphinx/test/data of Debian's package pocketsphinx-testdata.
Where espeak-ng is installed, synthesised speech is added. It makes a virtual environment below the cache folder, installs silero-vad and onnxruntime there, builds
ours, and prints the ratios. Rounds are interleaved, so that whatever else the machine does hits all alike; the median of the rounds counts.
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import unittest.mock
import wave

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("AIMASS_PEERS", pathlib.Path.home() / ".cache" / "aimass-peers"))
THREADS = {"RAYON_NUM_THREADS": "1", "CANDLE_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
ROUNDS = int(os.environ.get("ROUNDS", "7"))
RATE, FRAME, CONTEXT = 16000, 512, 64
SECONDS = 660
TEXTS = {"en-us": "The train was late again. Nobody in the hall dared to cough, and for a while there was no sound at all.",
         "de": "Das Paket kam zwei Wochen zu spät. Die Tasse darin war zerbrochen, und niemand wollte es gewesen sein.",
         "es": "El tren llegó tarde otra vez. Durante un rato nadie dijo nada, y después todos hablaron a la vez.",
         "fr": "Le colis est arrivé avec deux semaines de retard. La tasse était cassée, et personne ne voulait l'avoir fait."}


def environment():
    """Runs this script again inside the virtual environment. silero-vad needs torch only for what is not called here."""
    python = CACHE / "silero" / "bin" / "python"
    if sys.prefix == str(python.parents[1]):
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run(pip + ["numpy", "onnxruntime", "packaging"], check=True)
    subprocess.run(pip + ["--no-deps", "silero-vad==6.2.3"], check=True)
    os.execve(str(python), [str(python), __file__, *sys.argv[1:]], {**os.environ, **THREADS})


def ours():
    cargo = ["cargo", "build", "--release", "--quiet", "--workspace", "--bin", "aimass", "--example", "activity_rate"]
    subprocess.run(cargo, cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    subprocess.run([target / "aimass", "models", "pull", "silero-vad"], check=True, stdout=subprocess.DEVNULL)
    folder = subprocess.run([target / "aimass", "models", "path", "silero-vad"], check=True, capture_output=True, text=True).stdout.strip()
    return target / "aimass", [target / "examples" / "activity_rate", folder]


class Ours:
    def __init__(self, program, frames):
        self.name = f"ours, {frames} frames a call"
        self.frames = frames
        self.process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, path, _):
        self.process.stdin.write(json.dumps({"path": str(path), "frames": self.frames}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["seconds"], answer["probabilities"]


class Stream:
    """One frame after the other, as silero-vad's OnnxWrapper does."""
    name = "onnxruntime, 1 frame a call"

    def __init__(self, data):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(data / "silero_vad.onnx"), options, providers=["CPUExecutionProvider"])

    def run(self, _, samples):
        import numpy
        began = time.perf_counter()
        audio = numpy.pad(samples, (0, -len(samples) % FRAME))[None]
        context, state = numpy.zeros((1, CONTEXT), numpy.float32), numpy.zeros((2, 1, 128), numpy.float32)
        rate, found = numpy.array(RATE, numpy.int64), []
        for start in range(0, audio.shape[1], FRAME):
            heard = numpy.concatenate([context, audio[:, start:start + FRAME]], axis=1)
            probability, state = self.session.run(None, {"input": heard, "state": state, "sr": rate})
            context = heard[:, -CONTEXT:]
            found.append(float(probability[0, 0]))
        return time.perf_counter() - began, found


class Sequence:
    """512 frames at once, silero-vad's fastest way."""
    name = "onnxruntime, 512 frames a call"

    def __init__(self, data):
        from silero_vad.sequence_vad import SileroVADSequence
        self.model = SileroVADSequence(str(data / "silero_vad_16k_sequence.onnx"))

    def run(self, _, samples):
        began = time.perf_counter()
        found = self.model.audio_forward(samples)
        return time.perf_counter() - began, found.tolist()


def recordings(folder):
    """Each wav file, and synthesised speech, as 16-bit samples."""
    import numpy
    found = {}
    for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.wav")):
        with wave.open(str(path)) as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2):
                found[path.name] = numpy.frombuffer(file.readframes(file.getnframes()), numpy.int16)
    for language, text in TEXTS.items():
        if not shutil.which("espeak-ng"):
            break
        path = folder / f"{language}.wav"
        subprocess.run(["espeak-ng", "-v", language, "-w", str(path), text], check=True)
        with wave.open(str(path)) as file:
            rate, samples = file.getframerate(), numpy.frombuffer(file.readframes(file.getnframes()), numpy.int16)
        times = numpy.arange(int(len(samples) * RATE / rate)) * rate / RATE
        found[f"espeak-ng {language}"] = numpy.interp(times, numpy.arange(len(samples)), samples).astype(numpy.int16)
    return found


def compare_speech(program, folder, found, peer):
    """The boundaries of speech, by the command and by get_speech_timestamps."""
    from silero_vad import get_speech_timestamps_from_probs
    spans = worst = 0
    for number, (name, samples) in enumerate(found.items()):
        path = folder / f"{number}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE, len(samples), "NONE", ""))
            file.writeframes(samples.tobytes())
        answer = subprocess.run([program, "ask", "speech.detect", path, "--json"], check=True, capture_output=True, text=True)
        mine = json.loads(answer.stdout)["speech"]
        _, probabilities = peer.run(None, samples.astype("float32") / 32768)
        theirs = get_speech_timestamps_from_probs(probabilities, audio_length_samples=len(samples))
        assert len(mine) == len(theirs), f"{name}: {mine} and {theirs}"
        for one, other in zip(mine, theirs):
            apart = max(abs(one["start"] * RATE - other["start"]), abs(one["end"] * RATE - other["end"]))
            spans, worst = spans + 1, max(worst, apart)
    print(f"{len(found)} recordings, {spans} stretches of speech: the same, boundaries at most {worst / RATE * 1000:.0f} ms apart")
    assert worst <= FRAME


def main():
    environment()
    sys.modules["torch"] = unittest.mock.MagicMock()
    import numpy
    from importlib import resources
    data = resources.files("silero_vad.data")
    program, rate = ours()
    peers = [Ours(rate, 625), Ours(rate, 1), Sequence(data), Stream(data)]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        found = recordings(folder)
        whole = numpy.concatenate(list(found.values()))
        joined = {**found, "all of them": whole}
        compare_speech(program, folder, joined, peers[2])
        samples = numpy.resize(whole, SECONDS * RATE).astype(numpy.float32) / 32768
        path = folder / "long.f32"
        samples.tofile(path)
        seconds, answers = {peer.name: [] for peer in peers}, {}
        for _ in range(ROUNDS):
            for peer in peers:
                took, answers[peer.name] = peer.run(path, samples)
                seconds[peer.name].append(took)
    reference = numpy.array(answers[peers[3].name])
    print(f"{SECONDS} s of audio, one thread each, median of {ROUNDS} interleaved rounds")
    best = statistics.median(seconds[peers[0].name])
    for peer in peers:
        took, apart = statistics.median(seconds[peer.name]), numpy.abs(numpy.array(answers[peer.name]) - reference).max()
        print(f"  {peer.name}: {took:.3f} s, {SECONDS / took:.0f} times as fast as the audio, {took / best:.2f} times our time, probabilities within {apart:.1e}")
        assert apart < 1e-3


if __name__ == "__main__":
    main()
