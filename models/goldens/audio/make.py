#!/usr/bin/env python3
"""Makes what is in this folder: one signal in each format, and what ffmpeg and sox hear in it at 16 kHz, to hold our own decoding against.

usage: python3 make.py
needs: ffmpeg and sox, and nothing from pip.

The signal is a chirp from 200 Hz to 3.5 kHz over noise whose spectrum falls as that of speech does, with syllables of 8 Hz. The reference of
each file is decoded by ffmpeg, averaged over the channels and resampled by sox (`rate -v`, all its precision), as 16-bit samples without
a header. versions.txt says which programs made them.
"""
import math
import random
import struct
import subprocess
from pathlib import Path

OUT = Path(__file__).parent

# name, sample rate, channels, seconds, how ffmpeg encodes it
FILES = [
    ("u8_8k.wav", 8000, 1, 0.06, "-c:a pcm_u8"),
    ("s16_22k_stereo.wav", 22050, 2, 0.06, "-c:a pcm_s16le"),
    ("s16_16k.wav", 16000, 1, 0.06, "-c:a pcm_s16le"),
    ("s24_12k.wav", 12000, 1, 0.06, "-c:a pcm_s24le"),
    ("s32_8k.wav", 8000, 1, 0.06, "-c:a pcm_s32le"),
    ("f32_11k.wav", 11025, 1, 0.06, "-c:a pcm_f32le"),
    ("f64_8k.wav", 8000, 1, 0.06, "-c:a pcm_f64le"),
    ("alaw_8k.wav", 8000, 1, 0.06, "-c:a pcm_alaw"),
    ("mulaw_8k.wav", 8000, 1, 0.06, "-c:a pcm_mulaw"),
    ("adpcm_ms_22k.wav", 22050, 1, 0.06, "-c:a adpcm_ms"),
    ("adpcm_ima_22k.wav", 22050, 1, 0.06, "-c:a adpcm_ima_wav"),
    ("s16_8k_six.wav", 8000, 6, 0.06, "-c:a pcm_s16le"),
    ("s16_32k.aiff", 32000, 1, 0.06, "-c:a pcm_s16be"),
    ("s16_44k_stereo.flac", 44100, 2, 0.06, "-c:a flac -frame_size 576"),
    ("s24_96k.flac", 96000, 1, 0.06, "-c:a flac -sample_fmt s32 -bits_per_raw_sample 24"),
    ("flac_24k.ogg", 24000, 1, 0.06, "-c:a flac -f ogg"),
    ("alac_48k.m4a", 48000, 1, 0.06, "-c:a alac"),
    ("aac_44k_stereo.m4a", 44100, 2, 0.2, "-c:a aac -b:a 96k -movflags +faststart"),
    ("cbr_44k_stereo.mp3", 44100, 2, 0.2, "-c:a libmp3lame -b:a 128k"),
    ("vbr_48k.mp3", 48000, 1, 0.2, "-c:a libmp3lame -q:a 4"),
    ("cbr_16k.mp3", 16000, 1, 0.2, "-c:a libmp3lame -b:a 32k"),
    ("bare_24k.mp3", 24000, 1, 0.2, "-c:a libmp3lame -b:a 48k -write_xing 0"),
    ("vorbis_44k_stereo.ogg", 44100, 2, 0.2, "-c:a libvorbis -q:a 3 -page_duration 50000"),
    ("opus_48k_stereo.opus", 48000, 2, 0.2, "-c:a libopus -b:a 64k -page_duration 50000"),
    # At so few bits it is the codec's part for speech.
    ("opus_speech_48k.ogg", 48000, 1, 0.2, "-c:a libopus -application voip -b:a 12k"),
    # Which is refused: there is no reference.
    ("opus_48k_six.opus", 48000, 6, 0.06, "-c:a libopus -b:a 96k"),
    ("vorbis_16k.ogg", 16000, 1, 0.2, "-c:a libvorbis -q:a 3"),
]
SMALL = ["-bitexact", "-metadata_header_padding", "0"]
PLAIN = ["ffmpeg", "-loglevel", "error", "-nostdin", "-y", "-bitexact"]


def signal(rate, channels, seconds):
    """Interleaved samples in -1..1, as 32-bit floats."""
    noise = random.Random(rate * 100 + channels)
    frames, low = [], 0.0
    for at in range(int(rate * seconds)):
        time = at / rate
        turn = 2 * math.pi * (200 * time + (3500 - 200) * time * time / 2 / seconds)
        # A one-pole filter at 500 Hz, whatever the rate.
        keep = math.exp(-2 * math.pi * 500 / rate)
        low = keep * low + (1 - keep) * noise.uniform(-1, 1) * math.sqrt(rate / 8000)
        syllable = 0.6 + 0.4 * math.cos(2 * math.pi * 8 * time)
        mono = 0.5 * syllable * (math.sin(turn) + low)
        # Channels differ in strength and turn, so that a channel that is lost or doubled is noticed.
        for channel in range(channels):
            frames.append(mono * (1 - 0.15 * channel) + 0.1 * math.sin(turn * (1 + channel)))
    return struct.pack(f"<{len(frames)}f", *frames)


def run(command, data=None):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def main():
    for name, rate, channels, seconds, encoding in FILES:
        file = OUT / name
        raw = ["-f", "f32le", "-ar", str(rate), "-ac", str(channels), "-i", "-"]
        run([*PLAIN, *raw, *SMALL, *encoding.split(), str(file)], signal(rate, channels, seconds))
        if name == "opus_48k_six.opus":
            continue
        # ffmpeg's own decoder of Opus resamples speech with another delay than the codec's library.
        decoder = ["-c:a", "libopus"] if name.startswith("opus") else []
        decoded = run([*PLAIN[:-2], *decoder, "-i", str(file), "-f", "f32le", "-c:a", "pcm_f32le", "-"])
        raw = ["-t", "raw", "-e", "float", "-b", "32", "-r", str(rate), "-c", str(channels), "-"]
        mono = [str(1 + channel) + "v" + repr(1 / channels) for channel in range(channels)]
        reference = ["-t", "raw", "-e", "signed", "-b", "16", "-D", "-"]
        resample = ["remix", ",".join(mono)] + (["rate", "-v", "16000"] if rate != 16000 else [])
        samples = run(["sox", "-G", "-D", *raw, *reference, *resample], decoded)
        file.with_suffix(file.suffix + ".s16").write_bytes(samples)
    versions = [run(["ffmpeg", "-version"]).decode().split(" Copyright")[0]]
    versions.append(run(["sox", "--version"]).decode().strip())
    (OUT / "versions.txt").write_text("\n".join(versions) + "\n")


main()
