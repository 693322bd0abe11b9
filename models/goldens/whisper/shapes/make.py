#!/usr/bin/env python3
"""Makes what is in this folder: random Whisper checkpoints of shapes that the folder above does not have, each in a folder as the Hugging Face hub has it, and what the
reference libraries compute with them.

usage: python3 make.py, after ../make.py, whose tokenizer and waveform it takes
needs: pip install torch transformers tokenizers safetensors openai-whisper

  english    as `tiny.en` and `base.en`: no token of a language or a task is said
  large-v3   128 mel channels, 100 languages, and no `alignment_heads`, so that those of the upper half of the layers are taken
  turbo      the same vocabulary, but three layers of the encoder, one of the decoder, and another number of heads in each

All have a width of 16 and hear 0.6 s at once. Seeds are tried in turn until the decodings say something: see `is_telling`.

goldens.safetensors of a folder, for the first 9600 samples of `waveform`, F32:
  encoder      [30, 16]   the encoder's output, by transformers

goldens.json of a folder:
  greedy, beam            tokens, `mean_log_probability` and `no_speech` of openai/whisper's own decoding, of one hypothesis and of three, with the rules of
                          times and the latest start at 0.2 s; transformers finds the same tokens for one
  language                the likeliest language and its probability, by openai/whisper; none in `english`
  alignment               openai/whisper's `find_alignment` of the tokens `text`: each word with its start, end and probability
"""
import json
import pathlib
import sys

# Else `whisper` would be the script beside this one.
sys.path.pop(0)

import numpy
import tiktoken
import tokenizers
import torch
import transformers
import whisper
from safetensors.numpy import load_file, save_file
from transformers.generation.logits_process import SuppressTokensAtBeginLogitsProcessor, SuppressTokensLogitsProcessor, WhisperTimeStampLogitsProcessor
from transformers.models.whisper.tokenization_whisper import LANGUAGES
from whisper import decoding, timing
from whisper.tokenizer import Tokenizer

FOLDER = pathlib.Path(__file__).resolve().parent
WHISPER = FOLDER.parent
TEXT = "The parcel came two weeks late and the cup"
WIDTH, POSITIONS, TOKENS, TIMES = 16, 30, 64, 31
LATEST = 10
SAMPLES = 9600
SHAPES = {
    "english": {"mels": 80, "languages": 99, "multilingual": False, "encoder": (1, 2), "decoder": (2, 2), "heads": [[0, 1], [1, 0]]},
    "large-v3": {"mels": 128, "languages": 100, "multilingual": True, "encoder": (2, 2), "decoder": (3, 2), "heads": None},
    "turbo": {"mels": 128, "languages": 100, "multilingual": True, "encoder": (3, 4), "decoder": (1, 2), "heads": [[0, 1]]},
}


def tokenizer(languages):
    """The bytes and merges of whisper/, with the special tokens of that many languages."""
    made = json.loads((WHISPER / "tokenizer.json").read_text())
    special = ["<|endoftext|>", "<|startoftranscript|>"] + [f"<|{code}|>" for code in list(LANGUAGES)[:languages]]
    silence = "<|nospeech|>" if languages == 100 else "<|nocaptions|>"
    special += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", silence, "<|notimestamps|>"]
    first = len(made["model"]["vocab"])
    kind = made["added_tokens"][0]
    made["added_tokens"] = [{**kind, "id": first + place, "content": token} for place, token in enumerate(special)]
    return tokenizers.Tokenizer.from_str(json.dumps(made))


def theirs(made, shape):
    """The same tokens as openai/whisper has them."""
    letters = byte_letters()
    added = {token.content: number for number, token in made.get_added_tokens_decoder().items()}
    special = {"<|nospeech|>" if token == "<|nocaptions|>" else token: number for token, number in added.items()}
    first = special["<|notimestamps|>"] + 1
    special |= {f"<|{place * 0.02:.2f}|>": first + place for place in range(TIMES)}
    ranks = {bytes(letters[letter] for letter in token): number for token, number in made.get_vocab().items() if token not in added}
    encoding = tiktoken.Encoding("tiny", explicit_n_vocab=first + TIMES, pat_str=r" ?\p{L}+|\s+", mergeable_ranks=ranks, special_tokens=special)
    said = {"language": "en", "task": "transcribe"} if shape["multilingual"] else {}
    return Tokenizer(encoding=encoding, num_languages=shape["languages"], **said)


def byte_letters():
    """The byte that each letter of a byte-level vocabulary stands for."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + place): byte for place, byte in enumerate(others)}


def checkpoint(made, shape):
    ids = made.token_to_id
    last, end, start = ids("<|notimestamps|>"), ids("<|endoftext|>"), ids("<|startoftranscript|>")
    (encoder_layers, encoder_heads), (decoder_layers, decoder_heads) = shape["encoder"], shape["decoder"]
    suppressed = [1, 2, 7, ids("<|startoflm|>")]
    shared = dict(bos_token_id=end, eos_token_id=end, pad_token_id=end, decoder_start_token_id=start)
    config = transformers.WhisperConfig(
        vocab_size=last + 1 + TIMES, d_model=WIDTH, encoder_layers=encoder_layers, decoder_layers=decoder_layers, encoder_attention_heads=encoder_heads,
        decoder_attention_heads=decoder_heads, encoder_ffn_dim=4 * WIDTH, decoder_ffn_dim=4 * WIDTH, num_mel_bins=shape["mels"],
        max_source_positions=POSITIONS, max_target_positions=TOKENS, init_std=0.4, dropout=0.0, **shared,
    )
    model = transformers.WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("bias") or "layer_norm" in name:
                value.add_(torch.randn(value.shape) * 0.1)
        # Else a random network says the same token again and again, and never ends, since the token that pads is one of zeros.
        decoder = model.model.decoder
        decoder.embed_positions.weight *= 3.0
        decoder.embed_tokens.weight[end] = 0.4 * torch.randn(WIDTH)
        decoder.layer_norm.bias += 0.8 * decoder.embed_tokens.weight[end]
    settings = dict(
        begin_suppress_tokens=[ids("Ġ"), end], is_multilingual=shape["multilingual"], max_initial_timestamp_index=LATEST, max_length=TOKENS,
        no_timestamps_token_id=last, prev_sot_token_id=ids("<|startofprev|>"), return_timestamps=False, suppress_tokens=suppressed, **shared,
    )
    if shape["heads"]:
        settings["alignment_heads"] = shape["heads"]
    if shape["multilingual"]:
        settings["lang_to_id"] = {f"<|{code}|>": ids(f"<|{code}|>") for code in list(LANGUAGES)[: shape["languages"]]}
        settings["task_to_id"] = {task: ids(f"<|{task}|>") for task in ("transcribe", "translate")}
    model.generation_config = transformers.GenerationConfig(**settings)
    return model.half().float()


def openai_model(model, shape):
    """The same network in openai/whisper's code."""
    config = model.config
    dimensions = whisper.model.ModelDimensions(
        config.num_mel_bins, POSITIONS, WIDTH, config.encoder_attention_heads, config.encoder_layers, config.vocab_size, TOKENS, WIDTH,
        config.decoder_attention_heads, config.decoder_layers,
    )

    class Tiny(whisper.model.Whisper):
        is_multilingual = shape["multilingual"]
        num_languages = shape["languages"]

    renamed = [
        ("encoder.embed_positions.weight", "encoder.positional_embedding"), ("decoder.embed_positions.weight", "decoder.positional_embedding"),
        ("embed_tokens", "token_embedding"), ("encoder.layer_norm", "encoder.ln_post"), ("decoder.layer_norm", "decoder.ln"), (".layers.", ".blocks."),
        ("encoder_attn_layer_norm", "cross_attn_ln"), ("encoder_attn", "cross_attn"), ("self_attn_layer_norm", "attn_ln"), ("self_attn", "attn"),
        ("final_layer_norm", "mlp_ln"), ("fc1", "mlp.0"), ("fc2", "mlp.2"), ("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("out_proj", "out"),
    ]
    tensors = {}
    for name, value in model.model.state_dict().items():
        for ours, other in renamed:
            name = name.replace(ours, other)
        tensors[name] = value
    made = Tiny(dimensions).eval()
    made.load_state_dict(tensors)
    if shape["heads"]:
        heads = torch.zeros(config.decoder_layers, config.decoder_attention_heads, dtype=torch.bool)
        for layer, head in shape["heads"]:
            heads[layer, head] = True
        made.register_buffer("alignment_heads", heads.to_sparse(), persistent=False)
    return made


def decoded(model, words, features, suppressed, size):
    """By openai/whisper. It takes 30 s for what the network hears at once, so that a position seems to last a second."""
    decoding.get_tokenizer = lambda *_, **__: words
    options = decoding.DecodingOptions(
        language="en", beam_size=size, suppress_tokens=list(suppressed), max_initial_timestamp=float(LATEST), fp16=False
    )
    result = decoding.DecodingTask(model, options).run(features)[0]
    # Rounded far below what is compared.
    return {"tokens": result.tokens, "mean_log_probability": round(result.avg_logprob, 6), "no_speech": round(result.no_speech_prob, 8)}


def generated(model, states, start, suppressed, most):
    """The same for one hypothesis, by transformers."""
    config = model.generation_config
    rules = [
        SuppressTokensLogitsProcessor(suppressed, device="cpu"),
        SuppressTokensAtBeginLogitsProcessor(config.begin_suppress_tokens, len(start), device="cpu"),
        WhisperTimeStampLogitsProcessor(config, begin_index=len(start)),
    ]
    tokens = list(start)
    while len(tokens) - len(start) < most:
        given = torch.tensor([tokens])
        scores = model(encoder_outputs=(states,), decoder_input_ids=given).logits[:, -1]
        for rule in rules:
            scores = rule(given, scores)
        token = int(scores[0].argmax())
        if token == config.eos_token_id:
            break
        tokens.append(token)
    return tokens[len(start):]


def is_telling(greedy, beam, first_time):
    """Whether both decodings end by themselves, say several things with a pair of times in between, and differ."""
    tokens = beam["tokens"]
    times = [token >= first_time for token in tokens]
    pair = any(times[place] and times[place + 1] for place in range(1, len(times) - 1))
    return pair and all(8 <= len(found["tokens"]) < 24 and len(set(found["tokens"])) > 5 for found in (greedy, beam)) and tokens != greedy["tokens"]


def goldens(name, shape, samples):
    made = tokenizer(shape["languages"])
    words = theirs(made, shape)
    extractor = transformers.WhisperFeatureExtractor(feature_size=shape["mels"])
    mel = torch.tensor(extractor(samples, sampling_rate=16000, padding="do_not_pad", return_tensors="np").input_features)
    assert mel.shape == (1, shape["mels"], 2 * POSITIONS), mel.shape
    for seed in range(10_000):
        torch.manual_seed(seed)
        model = checkpoint(made, shape)
        theirs_too = openai_model(model, shape)
        suppressed = model.generation_config.suppress_tokens
        if shape["multilingual"]:
            # Languages are never said; openai/whisper leaves that to the network.
            suppressed = suppressed + list(model.generation_config.lang_to_id.values())
        greedy, beam = (decoded(theirs_too, words, mel, suppressed, size) for size in (None, 3))
        if is_telling(greedy, beam, words.timestamp_begin):
            break
    states = model.model.encoder(mel).last_hidden_state
    assert torch.allclose(states, theirs_too.encoder(mel), atol=1e-4)
    never = suppressed + [words.sot, words.sot_prev, words.sot_lm, words.transcribe, words.translate, words.no_speech]
    assert generated(model, states, words.sot_sequence, never, TOKENS // 2) == greedy["tokens"], "the references disagree"
    text = made.encode(TEXT).ids
    aligned = timing.find_alignment(theirs_too, words, text, mel[0], 2 * POSITIONS)
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"), pretty=False)
    save_file({"encoder": states[0].contiguous().numpy()}, folder / "goldens.safetensors")
    document = {"made_by": versions(), "seed": seed, "greedy": greedy, "beam": beam, "text": text, "alignment": [
        {"text": word.word, "start": float(word.start), "end": float(word.end), "probability": round(float(word.probability), 8)}
        for word in aligned if word.word != "<|endoftext|>"
    ]}
    if shape["multilingual"]:
        shares = decoding.detect_language(theirs_too, mel[0], words)[1]
        code = max(shares, key=shares.get)
        document["language"] = {"code": code, "probability": round(shares[code], 6)}
    (folder / "goldens.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    print(name, document)


def versions():
    return {"torch": torch.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__, "openai-whisper": whisper.__version__}


def main():
    torch.set_num_threads(1)
    samples = load_file(WHISPER / "goldens.safetensors")["waveform"][:SAMPLES]
    with torch.inference_mode(False), torch.no_grad():
        for name, shape in SHAPES.items():
            goldens(name, shape, numpy.ascontiguousarray(samples))


main()
