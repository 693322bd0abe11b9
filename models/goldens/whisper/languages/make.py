#!/usr/bin/env python3
"""Makes what is in this folder: short synthesized speech in other languages than English, and what faster-whisper makes of it.

usage: python3 make.py MODEL
  MODEL  a folder with Whisper base in CTranslate2's form: model.bin, config.json, tokenizer.json, vocabulary.txt
needs: pip install faster-whisper; the programs espeak-ng and sox (apt-get install espeak-ng sox)

The voices are espeak-ng's own, quiet, so that the files are small. The sentences are ones that Whisper base understands, which it seldom does of this
speech; `unsure` is one whose language it does not find, and which is there for that. FLAC, 16 kHz, one channel.

goldens.json has for each recording, greedy, in float32, with temperature 0, timestamps, and neither voice activity detection nor the text before:
  spoken                 what espeak-ng was given
  language, probability  what faster-whisper finds
  text, words            what it writes down in that language, with the times of the words
  translation            what it writes down in English
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import ctranslate2
import faster_whisper

FOLDER = pathlib.Path(__file__).parent
GREEDY = dict(beam_size=1, temperature=0.0, without_timestamps=False, vad_filter=False, condition_on_previous_text=False)
# Name: language, voice, words a minute, pitch, text.
SENTENCES = {
    "spanish": ("es", "es", 140, 60, "Buenos días, ¿cómo está usted? La casa de mi hermano es muy grande."),
    "german": ("de", "de", 135, 45, "Guten Morgen, wie geht es Ihnen? Ich möchte ein Glas Wasser trinken."),
    "italian": ("it", "it", 150, 50, "La casa di mio fratello è molto grande. Come sta oggi?"),
    "french": ("fr", "fr-fr", 150, 50, "Bonjour monsieur. Je voudrais un café et un croissant, s'il vous plaît."),
    # What is spoken is 今天早上去海边的火车又晚点了, as espeak-ng reads it best.
    "chinese": ("zh", "cmn-latn-pinyin", 150, 50, "jin1tian1 zao3shang4 qu4 hai3bian1 de5 huo3che1 you4 wan3dian3 le5."),
    "unsure": ("es", "es", 150, 50, "La casa de mi hermano es muy grande."),
}


def speak(name, voice, speed, pitch, text):
    target = FOLDER / f"{name}.flac"
    with tempfile.TemporaryDirectory() as folder:
        wav = f"{folder}/spoken.wav"
        subprocess.run(["espeak-ng", "-a", "12", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", wav, text], check=True)
        # Without dither, and so the same in each run.
        subprocess.run(["sox", "-D", wav, "-C", "8", "-b", "16", "-r", "16000", "--comment", "", str(target)], check=True)
    return target


def heard(model, path, **options):
    segments, info = model.transcribe(str(path), **GREEDY, **options)
    return list(segments), info


def text_of(segments):
    return "".join(segment.text for segment in segments).strip()


def main():
    model = faster_whisper.WhisperModel(sys.argv[1], device="cpu", compute_type="float32", cpu_threads=1)
    recordings = []
    for name, (language, voice, speed, pitch, text) in SENTENCES.items():
        path = speak(name, voice, speed, pitch, text)
        said, info = heard(model, path)
        timed, _ = heard(model, path, language=language, word_timestamps=True)
        english, _ = heard(model, path, language=language, task="translate")
        recordings.append({
            "file": path.name, "spoken": text, "language": info.language, "probability": round(info.language_probability, 4), "text": text_of(said),
            "words": [
                {"start": round(float(word.start), 2), "end": round(float(word.end), 2), "text": word.word} for segment in timed for word in segment.words
            ],
            "translation": text_of(english),
        })
        print(path.stat().st_size, {key: value for key, value in recordings[-1].items() if key != "words"})
    versions = {
        "faster-whisper": faster_whisper.__version__, "ctranslate2": ctranslate2.__version__,
        "espeak-ng": subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout.split()[3],
    }
    document = {"made_by": versions, "model": "whisper-base", "recordings": recordings}
    (FOLDER / "goldens.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


main()
