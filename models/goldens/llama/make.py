"""What llama.cpp makes of language models: `python3 make.py SMOLLM2.gguf`.

Writes `tiny-llama.gguf` and `tiny-qwen2.gguf`, random checkpoints of the two architectures, and `goldens.json`: tokens of odd texts, scores of
the tiny ones, and what SmolLM2 writes on without chance. That is asked of the same weights as plain numbers, because llama.cpp rounds what it multiplies
with blocks: such a rounding, one place off, changes as much as all of them do. How often blocks agree with plain numbers is counted. With xllamacpp, which brings llama.cpp's own server, and gguf; the versions stand in the file.
"""

import importlib.metadata
import json
import sys
import tempfile
import urllib.request
from pathlib import Path

import gguf
import numpy as np
import xllamacpp

HERE = Path(__file__).parent
HIDDEN, LAYERS, HEADS, KV_HEADS, INNER, CONTEXT = 64, 2, 4, 2, 96, 512

MERGES = [
    "1 2", "12 3", "' s", "Ġ a", "a b", "Ġa b", "Ċ Ċ", "Ġ Ġ", "t h", "th e", "Ġ the", "i n", "Ġ 1", "h e", "l l", "he ll", "hell o", "! !",
    "Ġ w", "o r", "Ġw or", "l d", "Ġwor ld", "Ã ©", "e r", "o n", "r e", "s t", "o u", "Ġ o",
]
CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

TEXTS = [
    "", "hello world", " hello  world ", "the 123 the12345's 'S don't", "a\n\n\nb\n \n c\t\td", "1,234.5 + 67%", "naïve café é e\u0301",
    "漢字とかな、混ぜて。", "Привет, мир", "😀👩‍👩‍👧 emoji", "<|im_end|> is not an end", "x" * 70, "    indented\n        more", "١٢٣ ½ Ⅳ", "\u00a0nbsp\u2003em",
    "\r\nwindows\r\n", "CamelCaseAND_snake-case", "https://example.org/?q=1&r=2#3", "\ufeffbom \u200bzero", "''''s 're'LL",
]

QUESTIONS = [
    "What is the capital of France?", "Write a haiku about rain.", "Explain what an actor is in concurrent programming.", "List three fruits.",
    "What is 12 plus 30?", "Translate 'good morning' into Spanish.", "Why is the sky blue?", "Tell me a very short story about a fox.",
    "Give a recipe for pancakes.", "Who wrote Hamlet?", "What does a ledger record?", "Write a polite letter that asks for a refund.",
    "Name the planets of the solar system.", "How do I boil an egg?", "What is the difference between a list and a tuple in Python?",
    "Summarise: The parcel came two weeks late and the cup inside was broken. I want my money back.", "Write a Python function that adds two numbers.",
    "What is photosynthesis?", "Give me advice on learning a language.", "Is water wet? Answer in one sentence.",
]
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message.role != 'system' %}{{ '<|im_start|>system\nhelp<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] | trim + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def byte_characters():
    seen = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = iter(range(256, 512))
    return [chr(byte) if byte in seen else chr(next(hidden)) for byte in range(256)]


def tiny(architecture, path):
    random = np.random.default_rng({"llama": 1, "qwen2": 2}[architecture])
    tokens = CONTROLS + byte_characters() + [merge.replace(" ", "") for merge in MERGES]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    if architecture == "llama":
        writer.add_rope_dimension_count(HIDDEN // HEADS)
        writer.add_vocab_size(len(tokens))
        writer.add_chat_template(TEMPLATE)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre({"llama": "smollm", "qwen2": "qwen2"}[architecture])
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(CONTROLS) + [1] * (len(tokens) - len(CONTROLS)))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)

    def weight(name, *shape, size=None):
        values = random.standard_normal(shape).astype(np.float32) * (size or 1.5 / shape[-1] ** 0.5)
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)

    def vector(name, length, around):
        writer.add_tensor(name, (around + 0.2 * random.standard_normal(length)).astype(np.float32))

    kv = HIDDEN // HEADS * KV_HEADS
    weight("token_embd.weight", len(tokens), HIDDEN, size=0.4)
    vector("output_norm.weight", HIDDEN, 1.0)
    if architecture == "qwen2":
        weight("output.weight", len(tokens), HIDDEN, size=0.4)
    for layer in range(LAYERS):
        vector(f"blk.{layer}.attn_norm.weight", HIDDEN, 1.0)
        vector(f"blk.{layer}.ffn_norm.weight", HIDDEN, 1.0)
        for name, outputs, inputs in [
            ("attn_q", HIDDEN, HIDDEN), ("attn_k", kv, HIDDEN), ("attn_v", kv, HIDDEN), ("attn_output", HIDDEN, HIDDEN),
            ("ffn_gate", INNER, HIDDEN), ("ffn_up", INNER, HIDDEN), ("ffn_down", HIDDEN, INNER),
        ]:
            weight(f"blk.{layer}.{name}.weight", outputs, inputs)
            if architecture == "qwen2" and name in ("attn_q", "attn_k", "attn_v"):
                vector(f"blk.{layer}.{name}.bias", outputs, 0.3)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Model:
    """A model behind llama.cpp's own server."""

    def __init__(self, path):
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx, parameters.n_parallel = 1024, 1
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
        # Keys and values in full precision, as we have them.
        parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        parameters.use_jinja, parameters.warmup = True, False
        self.server = xllamacpp.Server(parameters)

    def ask(self, path, **fields):
        request = urllib.request.Request(self.server.listening_address + path, json.dumps(fields).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def tokens(self, text, special):
        return self.ask("/tokenize", content=text, add_special=False, parse_special=special)["tokens"]

    def write(self, prompt, tokens, alternatives):
        """Greedy tokens, each with the likeliest in its place."""
        answer = self.ask(
            "/completion", prompt=prompt, n_predict=tokens, temperature=0, n_probs=alternatives, post_sampling_probs=False, samplers=["top_k"], top_k=1,
            cache_prompt=False, return_tokens=True,
        )
        # Without any where the text ends within a character.
        return [step["top_logprobs"] for step in answer.get("completion_probabilities", [])]


def tokens_of(model):
    return [model.tokens(text, special=False) for text in TEXTS]


def scores(path):
    model = Model(path)
    for text in ("hello world, the 123 the", "the other world", "hello", "a b c the", "one two hello"):
        prompt = model.tokens(text, special=False)
        if chances := model.write(prompt, 1, 1000):
            break
    [chances] = chances
    order = sorted(chances, key=lambda chance: chance["id"])
    return {"tokens": tokens_of(model), "prompt": prompt, "logprobs": [round(chance["logprob"], 4) for chance in order]}


def written(model, question):
    """The greedy tokens, and by how much the score of each is above that of the next best."""
    spelt = model.ask("/apply-template", messages=[{"role": "user", "content": question}])["prompt"]
    prompt = model.tokens(spelt, special=True)
    tokens, gaps = [], []
    for best, following, *_ in model.write(prompt, 64, 2):
        tokens.append(best["id"])
        gaps.append(round(best["logprob"] - following["logprob"], 3))
    return {"question": question, "prompt": prompt, "tokens": tokens, "gaps": gaps}


def widened(path, to):
    """The same model with plain numbers as weights."""
    reader = gguf.GGUFReader(path)
    writer = gguf.GGUFWriter(to, reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind = field.types[0]
        writer.add_key_value(field.name, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def agreement(model, written):
    """How many of the tokens are the likeliest for this model too, behind the same beginning."""
    same = 0
    for place, token in enumerate(written["tokens"]):
        answer = model.ask(
            "/completion", prompt=written["prompt"] + written["tokens"][:place], n_predict=1, temperature=0, samplers=["top_k"], top_k=1, cache_prompt=True,
            return_tokens=True,
        )
        same += answer["tokens"] == [token]
    return same


def main():
    goldens = {"versions": {name: importlib.metadata.version(name) for name in ("xllamacpp", "gguf")}, "texts": TEXTS}
    for architecture in ("llama", "qwen2"):
        path = HERE / f"tiny-{architecture}.gguf"
        tiny(architecture, path)
        goldens[architecture] = scores(path)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plain.gguf"
        widened(sys.argv[1], path)
        plain = Model(path)
        answers = [written(plain, question) for question in QUESTIONS]
        goldens["smollm2"] = {"tokens": tokens_of(plain), "written": answers}
    model = Model(sys.argv[1])
    goldens["smollm2"]["agreement_of_blocks"] = sum(agreement(model, answer) for answer in answers)
    (HERE / "goldens.json").write_text(json.dumps(goldens, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
