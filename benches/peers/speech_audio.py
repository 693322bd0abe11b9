"""What is heard: recordings that came with a reference, synthesised speech, and sounds in which nobody speaks."""

import dataclasses
import json
import pathlib
import subprocess
import wave

import av
import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
RATE = 22050
VOICES = {"en": "en-us", "de": "de", "es": "es", "fr": "fr-fr", "zh": "cmn-latn-pinyin"}
# The same eight sentences in each language, so that the English ones are the references of the translations.
TEXTS = {
    "en": ["The train to the coast was late again this morning.", "My grandmother keeps her old letters in a wooden box.",
           "We should buy bread and cheese before the shop closes.", "The children are playing in the garden behind the school.",
           "Nobody knew why the light in the kitchen was still on.", "Please send me the report before the end of the week.",
           "The doctor said that he must sleep more and work less.", "After the long winter the river was full of water."],
    "de": ["Der Zug an die Küste hatte heute Morgen wieder Verspätung.", "Meine Großmutter bewahrt ihre alten Briefe in einer Holzkiste auf.",
           "Wir sollten Brot und Käse kaufen, bevor der Laden schließt.", "Die Kinder spielen im Garten hinter der Schule.",
           "Niemand wusste, warum das Licht in der Küche noch brannte.", "Bitte schicken Sie mir den Bericht vor Ende der Woche.",
           "Der Arzt sagte, dass er mehr schlafen und weniger arbeiten muss.", "Nach dem langen Winter war der Fluss voller Wasser."],
    "es": ["El tren a la costa llegó tarde otra vez esta mañana.", "Mi abuela guarda sus cartas viejas en una caja de madera.",
           "Debemos comprar pan y queso antes de que cierre la tienda.", "Los niños están jugando en el jardín detrás de la escuela.",
           "Nadie sabía por qué la luz de la cocina seguía encendida.", "Por favor, envíeme el informe antes de que termine la semana.",
           "El médico dijo que debe dormir más y trabajar menos.", "Después del largo invierno el río estaba lleno de agua."],
    "fr": ["Le train pour la côte était encore en retard ce matin.", "Ma grand-mère garde ses vieilles lettres dans une boîte en bois.",
           "Nous devrions acheter du pain et du fromage avant la fermeture du magasin.", "Les enfants jouent dans le jardin derrière l'école.",
           "Personne ne savait pourquoi la lumière de la cuisine était encore allumée.", "Envoyez-moi le rapport avant la fin de la semaine, s'il vous plaît.",
           "Le médecin a dit qu'il doit dormir plus et travailler moins.", "Après le long hiver, la rivière était pleine d'eau."],
    "zh": ["今天早上去海边的火车又晚点了。", "我奶奶把她的旧信放在一个木盒子里。", "商店关门之前我们应该买面包和奶酪。", "孩子们正在学校后面的花园里玩。",
           "没有人知道为什么厨房的灯还亮着。", "请在这个星期结束之前把报告发给我。", "医生说他应该多睡觉少工作。", "漫长的冬天过后河里满是水。"],
}
# The Chinese ones as espeak-ng reads them best.
PINYIN = ["jin1tian1 zao3shang4 qu4 hai3bian1 de5 huo3che1 you4 wan3dian3 le5.", "wo3 nai3nai5 ba3 ta1 de5 jiu4 xin4 fang4 zai4 yi2ge4 mu4 he2zi5 li3.",
          "shang1dian4 guan1men2 zhi1qian2 wo3men5 ying1gai1 mai3 mian4bao1 he2 nai3lao4.", "hai2zi5men5 zheng4zai4 xue2xiao4 hou4mian5 de5 hua1yuan2 li3 wan2.",
          "mei2you3 ren2 zhi1dao4 wei4shen2me5 chu2fang2 de5 deng1 hai2 liang4zhe5.", "qing3 zai4 zhe4ge5 xing1qi1 jie2shu4 zhi1qian2 ba3 bao4gao4 fa1gei3 wo3.",
          "yi1sheng1 shuo1 ta1 ying1gai1 duo1 shui4jiao4 shao3 gong1zuo4.", "man4chang2 de5 dong1tian1 guo4hou4 he2 li3 man3 shi4 shui3."]


@dataclasses.dataclass
class Case:
    """A file, and what it says."""
    name: str
    group: str
    path: str
    language: str
    reference: str
    translation: str = ""
    seconds: float = 0.0


def write(path, samples, rate=RATE):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, len(samples), "NONE", ""))
        file.writeframes((numpy.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return len(samples) / rate


def read(path):
    with wave.open(str(path)) as file:
        samples = numpy.frombuffer(file.readframes(file.getnframes()), "<i2").astype(numpy.float32) / 32768
        return samples, file.getframerate()


def recordings(folder):
    """The ten recordings of Debian's package pocketsphinx-testdata that have references, fetched into `folder`."""
    unpacked = folder / "pocketsphinx"
    data = unpacked / "usr/share/pocketsphinx/test/data"
    if not data.exists():
        subprocess.run(["apt-get", "download", "pocketsphinx-testdata"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        package = next(folder.glob("pocketsphinx-testdata_*.deb"))
        subprocess.run(["dpkg", "-x", str(package), str(unpacked)], check=True)
    listed = json.loads((ROOT / "models/goldens/whisper/pocketsphinx.json").read_text())["recordings"]
    return [Case(one["file"], "recordings", str(data / one["file"]), "en", one["reference"], seconds=one["duration"]) for one in listed]


def languages():
    """The committed files in other languages than English: synthesised sentences that Whisper base understands."""
    folder = ROOT / "models/goldens/whisper/languages"
    listed = json.loads((folder / "goldens.json").read_text())["recordings"]
    cases = []
    for one in listed:
        path = folder / one["file"]
        said = TEXTS["zh"][0] if one["language"] == "zh" else one["spoken"]
        with av.open(str(path)) as file:
            seconds = file.duration / av.time_base
        cases.append(Case(one["file"], "other languages", str(path), one["language"], said, seconds=seconds))
    return cases


def spoken(language, number, folder, speed=0, pitch=0):
    """A sentence, each in a slightly different voice."""
    path = folder / f"{language}-{number}-{speed}-{pitch}.wav"
    settings = ["-s", str([150, 165, 140][number % 3] + speed), "-p", str([50, 60, 40][number % 3] + pitch)]
    if not path.exists():
        text = (PINYIN if language == "zh" else TEXTS[language])[number]
        subprocess.run(["espeak-ng", "-v", VOICES[language], *settings, "-w", str(path), text], check=True)
    return path


def sentences(folder, most):
    cases = []
    for language, texts in TEXTS.items():
        for number, text in enumerate(texts[:most]):
            path = spoken(language, number, folder)
            samples, rate = read(path)
            cases.append(Case(f"{language} {number}", f"espeak-ng {language}", str(path), language, text, TEXTS["en"][number], len(samples) / rate))
    return cases


def passages(folder, most):
    """The sentences of a language twice, the second time faster and higher, with pauses of 0.3 to 3.5 s: longer than Whisper hears at once."""
    cases, chance = [], numpy.random.default_rng(4)
    for language, texts in TEXTS.items():
        pieces = []
        for speed, pitch in ((0, 0), (15, 12)):
            for number in range(most):
                samples, rate = read(spoken(language, number, folder, speed, pitch))
                assert rate == RATE
                pieces += [samples, numpy.zeros(int(RATE * chance.choice([0.3, 0.8, 1.5, 3.5])), numpy.float32)]
        path = folder / f"{language}-passage.wav"
        seconds = write(path, numpy.concatenate(pieces))
        cases.append(Case(f"{language} passage", f"espeak-ng {language} joined", str(path), language, " ".join(texts[:most] * 2),
                          " ".join(TEXTS["en"][:most] * 2), seconds))
    return cases


def long_recording(folder, cases, seconds):
    """The English recordings and sentences over and over, with pauses of 0.3 to 1.2 s, as 16 kHz."""
    chance, pieces, length = numpy.random.default_rng(5), [], 0
    english = [case for case in cases if case.language == "en" and case.seconds > 2.5 and "passage" not in case.name]
    while length < seconds * 16000:
        for case in english:
            samples, rate = read(case.path)
            times = numpy.arange(int(len(samples) * 16000 / rate)) * rate / 16000
            samples = numpy.interp(times, numpy.arange(len(samples)), samples).astype(numpy.float32)
            pieces += [samples, numpy.zeros(int(16000 * chance.uniform(0.3, 1.2)), numpy.float32)]
            length += len(pieces[-1]) + len(pieces[-2])
    path = folder / "long.wav"
    write(path, numpy.concatenate(pieces)[:int(seconds * 16000)], 16000)
    return str(path)


def nothing(seconds=60):
    """Sounds without speech, by name."""
    chance, count = numpy.random.default_rng(6), seconds * RATE
    times = numpy.arange(count) / RATE
    white = chance.standard_normal(count)
    spectrum = numpy.fft.rfft(chance.standard_normal(count))
    pink = numpy.fft.irfft(spectrum / numpy.sqrt(numpy.maximum(1, numpy.arange(len(spectrum)))), count)
    hum = sum(numpy.sin(2 * numpy.pi * 50 * harmonic * times + harmonic) / harmonic for harmonic in (1, 2, 3, 4, 6))
    return {"silence": numpy.zeros(count), "white noise, -50 dB": white * 10 ** (-50 / 20), "white noise, -20 dB": white * 10 ** (-20 / 20),
            "pink noise, -25 dB": pink / pink.std() * 10 ** (-25 / 20), "music": music(times), "hum": 0.1 * hum, "applause": applause(chance, count)}


def music(times):
    """Four chords over and over, each note with overtones that fade, and a melody above."""
    sound = numpy.zeros(len(times))
    chords = [(220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (261.6, 329.6, 392.0), (196.0, 246.9, 293.7)]
    for beat in range(int(times[-1] * 2)):
        chord = chords[beat // 4 % 4]
        notes = list(chord) if beat % 4 == 0 else []
        notes.append(2 * chord[beat * 7 % 3])
        begin = beat * RATE // 2
        lasting = times[:min(2 * RATE, len(times) - begin)]
        for note in notes:
            for overtone in (1, 2, 3, 4, 5):
                sound[begin:begin + len(lasting)] += numpy.sin(2 * numpy.pi * note * overtone * lasting) * numpy.exp(-lasting * (1.5 + overtone)) / overtone
    return 0.3 * sound / numpy.abs(sound).max()


def applause(chance, count):
    """Claps of many hands, in bursts of five seconds."""
    sound, clap = numpy.zeros(count), int(0.03 * RATE)
    fading = numpy.exp(-numpy.arange(clap) / (0.006 * RATE))
    for begin in chance.integers(0, count - clap, count * 60 // RATE):
        if begin // (5 * RATE) % 2 == 0:
            sound[begin:begin + clap] += chance.uniform(0.2, 1) * chance.standard_normal(clap) * fading
    return 0.3 * sound / numpy.abs(sound).max()


def empty_cases(folder):
    """Each sound alone, and between two sentences: the reference is what is said, which is nothing or those."""
    cases = []
    first, last = (read(spoken("en", number, folder))[0] for number in (0, 3))
    said = f"{TEXTS['en'][0]} {TEXTS['en'][3]}"
    for name, sound in nothing().items():
        stem = name.split(",")[0].replace(" ", "-") + ("-quiet" if "-50" in name else "")
        seconds = write(folder / f"{stem}.wav", sound)
        cases.append(Case(name, "alone", str(folder / f"{stem}.wav"), "en", "", seconds=seconds))
        seconds = write(folder / f"{stem}-between.wav", numpy.concatenate([first, sound, last]))
        cases.append(Case(name, "between two sentences", str(folder / f"{stem}-between.wav"), "en", said, seconds=seconds))
    return cases
