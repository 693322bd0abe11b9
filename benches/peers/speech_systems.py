"""The systems that are compared: ours as a node, each peer as a process of its own; so that memory and processor time are told apart.

As a program it is a peer: `speech_systems.py KIND THREADS FOLDER` reads requests as lines of JSON and answers each.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mebibytes(pid):
    """The most memory that was resident at once."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ValueError("no VmHWM in /proc: is this Linux?")


class System:
    """Something that transcribes. `run` gives the answer with `seconds` and `processor`, the processor's time in all of its threads."""

    def run(self, path, **request):
        before, began = processor_seconds(self.pid), time.perf_counter()
        answer = self.ask(path, **request)
        answer["seconds"] = time.perf_counter() - began
        answer["processor"] = processor_seconds(self.pid) - before
        return answer

    def peak(self):
        return peak_mebibytes(self.pid)


class Ours(System):
    """A node with one worker for each of the `replicas`, its weights `exact` or in `q8_0`, asked through the command."""

    def __init__(self, program, home, replicas=1, precision="exact"):
        self.name = "ours" if precision == "exact" else f"ours, {precision}"
        self.program, self.home = str(program), str(home)
        pathlib.Path(home).mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "RAYON_NUM_THREADS": "1", "CANDLE_NUM_THREADS": "1", "AIMASS_AGENTS__SPEECH__REPLICAS": str(replicas),
                       "AIMASS_AGENTS__SPEECH__PRECISION": precision}
        command = [self.program, "start", "--home", self.home]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        for line in self.process.stderr:
            if "listening" in line:
                break
        else:
            raise RuntimeError("the node did not start")
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.pid = self.process.pid

    def ask(self, path, task="transcribe", **fields):
        command = [self.program, "ask", f"speech.{task}", str(path), "--json", "--home", self.home]
        for key, value in fields.items():
            command += ["--set", f"{key}={json.dumps(value) if isinstance(value, bool) else value}"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            return {"text": "", "language": None, "segments": [], "error": done.stderr.strip()}
        return json.loads(done.stdout)

    def close(self):
        self.process.terminate()
        self.process.wait()


class Peer(System):
    def __init__(self, name, kind, folder, threads=1, **fixed):
        self.name, self.fixed = name, fixed
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
        command = [sys.executable, __file__, kind, str(threads), str(folder)]
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.pid = self.process.pid
        self.process.stdout.readline()

    def ask(self, path, **request):
        self.process.stdin.write(json.dumps({"path": str(path), **self.fixed, **request}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Remembered:
    """A peer that is asked only what it was never asked before: it does not change, other than ours."""

    def __init__(self, peer, folder):
        self.name, self.peer, self.folder = peer.name, peer, folder
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, path, **request):
        asked = json.dumps([self.name, request], sort_keys=True).encode() + pathlib.Path(path).read_bytes()
        file = self.folder / f"{hashlib.sha256(asked).hexdigest()}.json"
        if file.exists():
            return json.loads(file.read_text())
        answer = self.peer.run(path, **request)
        file.write_text(json.dumps(answer))
        return answer

    def close(self):
        self.peer.close()


def ctranslate2(kind, threads, folder):
    """faster-whisper, with float32 or int8 weights."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel
    model = WhisperModel(folder, device="cpu", compute_type=kind, cpu_threads=threads, num_workers=1)
    batched = BatchedInferencePipeline(model)

    def transcribe(path, beam_size=5, language=None, task="transcribe", vad=True, words=False, batch=0):
        options = {"beam_size": beam_size, "language": language, "task": task, "vad_filter": vad, "word_timestamps": words}
        if batch:
            segments, info = batched.transcribe(path, batch_size=batch, **options)
        else:
            segments, info = model.transcribe(path, condition_on_previous_text=False, **options)
        segments = [{"start": one.start, "end": one.end, "text": one.text, "no_speech": one.no_speech_prob} for one in segments]
        return {"text": "".join(one["text"] for one in segments).strip(), "language": info.language, "segments": segments}

    return transcribe


def transformers(threads, folder):
    """PyTorch in float32. It has no detection of speech, and here no fallback to other temperatures."""
    import torch
    import transformers
    from faster_whisper.audio import decode_audio
    from tokenizers import Tokenizer
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(threads)
    model = transformers.WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    extractor = transformers.WhisperFeatureExtractor(feature_size=model.config.num_mel_bins)
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")

    def transcribe(path, beam_size=5, language="en", task="transcribe", **_):
        audio = decode_audio(path, sampling_rate=16000)
        fits = len(audio) <= 30 * 16000
        options = {"truncation": fits, "padding": "max_length" if fits else "longest", "return_attention_mask": True}
        heard = extractor(audio, sampling_rate=16000, return_tensors="pt", **options)
        longer = {} if fits else {"condition_on_prev_tokens": False}
        with torch.inference_mode():
            tokens = model.generate(heard.input_features, attention_mask=heard.attention_mask, language=language, task=task, num_beams=beam_size,
                                    return_timestamps=True, **longer)
        return {"text": tokenizer.decode(tokens[0].tolist(), skip_special_tokens=True).strip(), "language": language, "segments": []}

    return transcribe


def serve(kind, threads, folder):
    transcribe = transformers(threads, folder) if kind == "transformers" else ctranslate2(kind, threads, folder)
    # Libraries print what they like; the answers have the old standard output for themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        try:
            answer = transcribe(**json.loads(line))
        except Exception as error:
            answer = {"text": "", "language": None, "segments": [], "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3])
