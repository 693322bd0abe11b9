#!/usr/bin/env python3
"""Makes what is in this folder: a tiny random Whisper checkpoint as the Hugging Face hub has it, and what the reference library computes with it.

usage: python3 make.py
needs: pip install torch transformers tokenizers safetensors

The network has width 64, two heads of 32, two encoder and two decoder layers, 80 mel channels and the usual 1500 and 448 positions. Its weights are
random and stored in F16; the reference computes in F32 with those very values. Only agreement can be learnt from it.

The checkpoint, as one loader reads it (and as `aimass models pull` leaves it, whatever the source was):
  config.json, generation_config.json, tokenizer.json, model.safetensors (names `model.encoder...`, `model.decoder...`, no `proj_out`: it is tied)

The answers, all F32, in goldens.safetensors:
  waveform         [12800]       0.8 s at 16 kHz: two gliding tones, a silence, noise
  mel              [80, 120]     the first 120 of 3000 frames of the log-mel spectrogram of `waveform`, padded to 30 s
  mel_128          [128, 120]    the same with 128 channels (large-v3)
  mel_last         [80]          the last frame of the 80 channels: silence
  encoder          [64, 64]      the encoder's output at the positions `encoder_rows` of goldens.json
  logits           [8, vocab]    the decoder's output for the tokens `prefix`
  hidden           [8, 64]       what the logits are made of: the decoder's states behind its last layer norm
  cross_attention  [2, 8, 1500]  the weights of the (layer, head) pairs `cross_attention_heads` for the tokens `prefix`

and in goldens.json:
  encoder_rows           which of the 1500 positions `encoder` holds
  prefix                 eight tokens: start of transcript, English, transcribe, four timestamps and texts, one more text
  cross_attention_heads  pairs of layer and head, as in `alignment_heads`
  greedy                 the 24 tokens that follow the start, English, transcribe, no timestamps: always the likeliest, nothing suppressed
  greedy_margin          the smallest distance between the two largest logits on the way
  generated              what `generate(language="en", task="transcribe", return_timestamps=True)` gives: with the rules of timestamps and with
                         `suppress_tokens` and `begin_suppress_tokens`; the start tokens are not part of it
  language               the probabilities of the three likeliest languages after the start of transcript
  encoded                a text and its tokens
"""
import json
import math
import pathlib

import numpy
import tokenizers
import torch
import transformers
from safetensors.numpy import save_file
from tokenizers import decoders, models, pre_tokenizers, processors, trainers
from transformers.models.whisper.tokenization_whisper import LANGUAGES

FOLDER = pathlib.Path(__file__).parent
TEXTS = [
    "The parcel came two weeks late, and the cup in it was broken.",
    "Das Paket kam zwei Wochen zu spät.",
    "Le colis est arrivé avec deux semaines de retard.",
    "包裹来晚了两个星期。",
]
VOCABULARY = 300
ROWS = [*range(0, 48), *range(700, 708), *range(1492, 1500)]


def waveform():
    rate = 16000
    time = numpy.arange(int(0.8 * rate)) / rate
    glide = 0.4 * numpy.sin(2 * math.pi * (220 + 600 * time) * time) + 0.2 * numpy.sin(2 * math.pi * (2400 - 900 * time) * time)
    noise = numpy.random.default_rng(7).uniform(-0.1, 0.1, len(time))
    part = len(time) // 4
    glide[2 * part : 3 * part] = 0.0
    glide[3 * part :] = noise[3 * part :]
    return glide.astype(numpy.float32)


def tokenizer():
    """Bytes and a few merges, then the special tokens in the order of the multilingual models; timestamps have numbers but no entries."""
    made = tokenizers.Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(TEXTS * 4, trainer)
    special = ["<|endoftext|>", "<|startoftranscript|>"] + [f"<|{code}|>" for code in list(LANGUAGES)[:99]]
    special += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nocaptions|>", "<|notimestamps|>"]
    made.add_special_tokens([tokenizers.AddedToken(token, normalized=False, special=True) for token in special])
    return made


def checkpoint(made):
    ids = made.token_to_id
    last = ids("<|notimestamps|>")
    eot, start = ids("<|endoftext|>"), ids("<|startoftranscript|>")
    config = transformers.WhisperConfig(
        vocab_size=last + 1 + 1501, d_model=64, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=128, decoder_ffn_dim=128, num_mel_bins=80, init_std=0.3, dropout=0.0, bos_token_id=eot, eos_token_id=eot,
        pad_token_id=eot, decoder_start_token_id=start, begin_suppress_tokens=[ids("Ġ"), eot], suppress_tokens=[1, 2, 7], torch_dtype="float16",
    )
    model = transformers.WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("bias") or "layer_norm" in name:
                value.add_(torch.randn(value.shape) * 0.1)
            if "embed_positions" in name and "decoder" in name:
                value.copy_(torch.randn(value.shape) * 0.3)
    languages = {f"<|{code}|>": ids(f"<|{code}|>") for code in list(LANGUAGES)[:99]}
    generation = transformers.GenerationConfig(
        alignment_heads=[[0, 1], [1, 0]], begin_suppress_tokens=[ids("Ġ"), eot], bos_token_id=eot, decoder_start_token_id=start, eos_token_id=eot,
        forced_decoder_ids=None, is_multilingual=True, lang_to_id=languages, max_initial_timestamp_index=50, max_length=448,
        no_timestamps_token_id=last, pad_token_id=eot, prev_sot_token_id=ids("<|startofprev|>"), return_timestamps=False,
        suppress_tokens=[1, 2, 7], task_to_id={"transcribe": ids("<|transcribe|>"), "translate": ids("<|translate|>")},
    )
    model.generation_config = generation
    return model


def greedy(model, states, start, count):
    tokens, margin = list(start), math.inf
    for _ in range(count):
        logits = model(encoder_outputs=(states,), decoder_input_ids=torch.tensor([tokens])).logits[0, -1]
        best = logits.topk(2)
        margin = min(margin, float(best.values[0] - best.values[1]))
        tokens.append(int(best.indices[0]))
    return tokens[len(start) :], margin


def main():
    torch.manual_seed(5)
    torch.set_num_threads(1)
    made = tokenizer()
    made.save(str(FOLDER / "tokenizer.json"))
    model = checkpoint(made)
    model.half().save_pretrained(FOLDER)
    model.float()
    samples = waveform()
    extract = lambda channels: transformers.WhisperFeatureExtractor(feature_size=channels)(samples, sampling_rate=16000, return_tensors="np").input_features[0]
    mel = extract(80)
    ids = made.token_to_id
    start, english, transcribe, quiet = (ids(f"<|{name}|>") for name in ["startoftranscript", "en", "transcribe", "notimestamps"])
    prefix = [start, english, transcribe, quiet + 1, *made.encode("The cup").ids[:3], quiet + 25]
    heads = [[0, 1], [1, 0]]
    with torch.inference_mode():
        features = torch.tensor(mel)[None]
        states = model.model.encoder(features).last_hidden_state
        model.set_attn_implementation("eager")
        answer = model(
            encoder_outputs=(states,), decoder_input_ids=torch.tensor([prefix]), output_attentions=True, output_hidden_states=True
        )
        hidden = answer.decoder_hidden_states[-1]
        assert torch.allclose(model.proj_out(hidden), answer.logits), "the last states are not those that the logits are made of"
        following, margin = greedy(model, states, [start, english, transcribe, quiet], 24)
        generated = model.generate(features, language="en", task="transcribe", return_timestamps=True, max_new_tokens=32, num_beams=1, do_sample=False)
        first = model(encoder_outputs=(states,), decoder_input_ids=torch.tensor([[start]])).logits[0, 0]
        numbers = list(model.generation_config.lang_to_id.items())
        languages = torch.softmax(first[[number for _, number in numbers]], 0).topk(3)
    save_file(
        {
            "waveform": samples,
            "mel": numpy.ascontiguousarray(mel[:, :120]),
            "mel_128": numpy.ascontiguousarray(extract(128)[:, :120]),
            "mel_last": numpy.ascontiguousarray(mel[:, -1]),
            "encoder": states[0, ROWS].contiguous().numpy(),
            "logits": answer.logits[0].contiguous().numpy(),
            "hidden": hidden[0].contiguous().numpy(),
            "cross_attention": torch.stack([answer.cross_attentions[layer][0, head] for layer, head in heads]).numpy(),
        },
        FOLDER / "goldens.safetensors",
    )
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
    document = {
        "made_by": versions, "encoder_rows": ROWS, "prefix": prefix, "cross_attention_heads": heads, "greedy": following,
        "greedy_margin": round(margin, 5), "generated": generated[0].tolist(),
        "language": {numbers[at][0]: round(float(share), 6) for share, at in zip(languages.values, languages.indices)},
        "encoded": {"text": TEXTS[1], "tokens": made.encode(TEXTS[1]).ids},
    }
    (FOLDER / "goldens.json").write_text(json.dumps(document, ensure_ascii=False) + "\n")
    print(document, states.abs().mean(), answer.logits.abs().max())


main()
