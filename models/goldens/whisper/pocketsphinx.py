#!/usr/bin/env python3
"""Makes pocketsphinx.json: what faster-whisper hears in ten reference recordings, and what was said.

usage: python3 pocketsphinx.py MODEL DATA
  MODEL  a folder with Whisper base in CTranslate2's form: model.bin, config.json, tokenizer.json, vocabulary.txt
  DATA   usr/share/pocketsphinx/test/data of Debian's package pocketsphinx-testdata
needs: pip install faster-whisper

Greedy decoding in float32 at temperature 0, with timestamps, without voice activity detection and without the text before. `text`, `segments`
and `tokens` come from one run; `words` from a second one, since word times move the ends of segments. Times are in seconds.

faster-whisper fills the spectrogram up to 30 s with zeros, where OpenAI's program and transformers fill the recording with silence, which is -0.75 for `cards/003`. It
matters: with silence, transformers reads `7F clubs.` out of that recording, and with zeros `7 of clubs.`, as faster-whisper does.
"""
import json
import pathlib
import re
import sys

import ctranslate2
import faster_whisper

TARGET = pathlib.Path(__file__).parent / "pocketsphinx.json"
GREEDY = dict(beam_size=1, temperature=0.0, without_timestamps=False, vad_filter=False, condition_on_previous_text=False)


def references(data):
    for folder in ["librivox", "cards"]:
        names = {"librivox": "transcription", "cards": "cards.transcription"}
        for line in (data / folder / names[folder]).read_text().splitlines():
            text, name = re.fullmatch(r"<s> (.*?)\s*</s> \((.*)\)", line).groups()
            yield data / folder / f"{name}.wav", f"{folder}/{name}.wav", text


def main():
    model = faster_whisper.WhisperModel(sys.argv[1], device="cpu", compute_type="float32", cpu_threads=1)
    recordings = []
    for path, name, reference in references(pathlib.Path(sys.argv[2])):
        found, info = model.transcribe(str(path), **GREEDY)
        segments = list(found)
        timed, _ = model.transcribe(str(path), word_timestamps=True, **GREEDY)
        words = [word for segment in timed for word in segment.words]
        recordings.append({
            "file": name,
            "duration": info.duration,
            "reference": reference,
            "text": "".join(segment.text for segment in segments).strip(),
            "language": info.language,
            "language_probability": round(info.language_probability, 4),
            "segments": [
                {
                    "start": segment.start, "end": segment.end, "text": segment.text, "tokens": segment.tokens,
                    "average_log_probability": round(segment.avg_logprob, 5), "no_speech": round(segment.no_speech_prob, 6),
                }
                for segment in segments
            ],
            "words": [
                {"start": float(word.start), "end": float(word.end), "text": word.word, "probability": round(float(word.probability), 4)}
                for word in words
            ],
        })
        print(name, recordings[-1]["language"], recordings[-1]["text"], "|", reference)
    versions = {"faster-whisper": faster_whisper.__version__, "ctranslate2": ctranslate2.__version__}
    TARGET.write_text(json.dumps({"made_by": versions, "model": "whisper-base", "recordings": recordings}, indent=1) + "\n")


main()
