#!/usr/bin/env python3
"""Makes goldens.json: sentence embeddings by the reference library, to hold our own against.

usage: python3 make.py MODEL_FOLDER > goldens.json
needs: pip install torch transformers; MODEL_FOLDER is what `aimass models path minilm` prints.

The embedding is the one that the model's authors give in its card: the mean of the last hidden states over the
attention mask, scaled to length 1.
"""
import json
import sys

import torch
import transformers

SENTENCES = [
    "A",
    "The parcel came two weeks late and the cup inside was broken.",
    "I want my money back!",
    "Das Paket kam zwei Wochen zu spät.",
    "包裹来晚了，里面的杯子碎了。",
    "naïve café — “quoted” … ½ ©",
    "👍🏽 emoji, 🇩🇪 flags and a family 👨‍👩‍👧",
    "http://example.org/path?query=1&other=2#fragment",
    "tabs\tand\nnew lines   and   spaces",
    "UPPER and lower and MiXeD",
    "0123456789 3.14159 -1e-9",
    "word " * 400,
]


def main():
    torch.set_num_threads(1)
    folder = sys.argv[1]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    embeddings = []
    for sentence in SENTENCES:
        tokens = tokenizer(sentence, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            hidden = model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        vector = torch.nn.functional.normalize(mean, dim=1)[0]
        embeddings.append([round(value, 6) for value in vector.tolist()])
    json.dump(
        {
            "made_by": {"torch": torch.__version__, "transformers": transformers.__version__},
            "sentences": SENTENCES,
            "embeddings": embeddings,
        },
        sys.stdout,
        ensure_ascii=False,
    )
    print()


main()
