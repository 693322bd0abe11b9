#!/usr/bin/env python3
"""Makes what is in this folder: a random Whisper checkpoint, far smaller than that of the folder above, in the Hugging Face hub's form and as CTranslate2's converter has it.

usage: python3 make.py, after ../make.py, whose tokenizer and waveform it takes
needs: pip install torch transformers safetensors ctranslate2

  hub.safetensors    the checkpoint in F16, by the hub's names
  int8.safetensors   what is left of it, in F16, when weights are rounded to 8 bits by rows as CTranslate2 does, computed here with numpy
  config.json        CTranslate2's, which all share
  float16.bin, float32.bin, bfloat16.bin, int8.bin    the converter's `model.bin` in these types; `int8` is `int8_float32`
  answers.json       what CTranslate2 computes with `float32.bin` for the first 9600 samples of `waveform`: the encoder's output, row by row, and for the
                     tokens `text` their probabilities and the positions that they are heard at, by its `align`
"""
import json
import pathlib
import shutil
import tempfile

import ctranslate2
import numpy
import torch
import transformers
from ctranslate2.converters.transformers import WhisperLoader
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

FOLDER = pathlib.Path(__file__).resolve().parent
TOKENIZER = FOLDER.parent / "tokenizer.json"
TEXT = "The parcel came late"
TYPES = {"float16": "float16", "float32": "float32", "bfloat16": "bfloat16", "int8": "int8_float32"}


def checkpoint(vocabulary):
    config = transformers.WhisperConfig(
        vocab_size=vocabulary, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=4,
        encoder_ffn_dim=24, decoder_ffn_dim=40, num_mel_bins=80, max_source_positions=30, max_target_positions=20, init_std=0.3,
        pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=1,
    )
    model = transformers.WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            # Biases and norms begin as zeros and ones; a swapped pair of them would not show.
            if name.endswith("bias") or "layer_norm" in name:
                value.add_(torch.randn(value.shape) * 0.1)
    return model.half().float()


def rounded(name, value):
    """CTranslate2's symmetric rounding by rows, of the weights that it rounds: all matrices but the positions."""
    if value.ndim < 2 or "embed_positions" in name:
        return value
    rows = value.reshape(value.shape[0], -1).astype(numpy.float32)
    largest = numpy.amax(numpy.absolute(rows), axis=1, keepdims=True)
    scale = numpy.float32(127) / numpy.where(largest == 0, numpy.float32(127), largest)
    integers = numpy.rint(rows * scale).astype(numpy.int8).astype(numpy.float32)
    return (integers / scale).astype(numpy.float16).reshape(value.shape)


def answers(tokenizer):
    waveform = load_file(TOKENIZER.with_name("goldens.safetensors"))["waveform"][:9600]
    extracted = transformers.WhisperFeatureExtractor()(waveform, sampling_rate=16000, padding="do_not_pad", return_tensors="np").input_features
    features = ctranslate2.StorageView.from_array(numpy.ascontiguousarray(extracted))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(FOLDER / "float32.bin", f"{folder}/model.bin")
        shutil.copy(FOLDER / "config.json", folder)
        tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
        (pathlib.Path(folder) / "vocabulary.json").write_text(json.dumps(tokens))
        model = ctranslate2.models.Whisper(folder, device="cpu", compute_type="float32", intra_threads=1)
        states = numpy.array(model.encode(features))
        text = tokenizer.encode(TEXT).ids
        start = [tokenizer.token_to_id(f"<|{name}|>") for name in ("startoftranscript", "en", "transcribe")]
        found = model.align(features, start, [text], extracted.shape[-1])[0]
    rows = [[round(float(value), 6) for value in row] for row in states[0]]
    document = {
        "made_by": {"ctranslate2": ctranslate2.__version__, "transformers": transformers.__version__}, "text": text,
        "probabilities": [round(value, 8) for value in found.text_token_probs], "alignments": found.alignments, "encoder": rows,
    }
    (FOLDER / "answers.json").write_text(json.dumps(document) + "\n")
    print(document["probabilities"], document["alignments"], states.shape)


def main():
    torch.manual_seed(3)
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    model = checkpoint(tokenizer.get_vocab_size())
    tensors = {name: value.half().numpy() for name, value in model.state_dict().items() if name != "proj_out.weight"}
    save_file(tensors, FOLDER / "hub.safetensors", {"format": "pt"})
    save_file({name: rounded(name, value) for name, value in tensors.items()}, FOLDER / "int8.safetensors", {"format": "pt"})
    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    for name, quantization in TYPES.items():
        spec = WhisperLoader().get_model_spec(model)
        spec.register_vocabulary(tokens)
        spec.config.alignment_heads = [[0, 1], [1, 3]]
        spec.config.suppress_ids, spec.config.suppress_ids_begin = [1, 2, 7], [220, 300]
        spec.config.lang_ids = list(range(302, 401))
        spec.validate()
        spec.optimize(quantization)
        with tempfile.TemporaryDirectory() as folder:
            spec.save(folder)
            shutil.move(f"{folder}/model.bin", FOLDER / f"{name}.bin")
            shutil.copy(f"{folder}/config.json", FOLDER / "config.json")
    answers(tokenizer)
    print(ctranslate2.__version__, transformers.__version__, len(tensors), json.loads((FOLDER / "config.json").read_text()).keys())


main()
