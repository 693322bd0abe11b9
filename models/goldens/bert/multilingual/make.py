#!/usr/bin/env python3
"""Makes what is in this folder: a tiny random checkpoint in the form of the multilingual sentence models, and what the reference library answers.

usage: python3 make.py
needs: pip install torch transformers tokenizers

The form is that of paraphrase-multilingual-MiniLM-L12-v2 and multilingual-e5-small: a BERT network behind XLM-R's tokenizer (a unigram model over
metaspace pieces, with `<s>` and `</s>` around the text). The weights are random, so only agreement can be learnt from it.
"""
import json
import pathlib

import tokenizers
import torch
import transformers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

FOLDER = pathlib.Path(__file__).parent
SENTENCES = [
    "The parcel came two weeks late.",
    "Das Paket kam zwei Wochen zu spät.",
    "Le colis est arrivé avec deux semaines de retard.",
    "包裹来晚了两个星期，里面的杯子碎了。",
    "荷物は二週間遅れて届きました。",
    "посылка пришла с опозданием",
    "👍🏽 mixed 混合 text",
    "word " * 80,
]


def tokenizer():
    made = tokenizers.Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=400, special_tokens=special, unk_token="<unk>")
    made.train_from_iterator(SENTENCES[:6] * 4, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", made.token_to_id("<s>")), ("</s>", made.token_to_id("</s>"))]
    )
    return made


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    made = tokenizer()
    made.save(str(FOLDER / "tokenizer.json"))
    config = transformers.BertConfig(
        vocab_size=made.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=64, type_vocab_size=2, pad_token_id=1, initializer_range=0.5,
    )
    model = transformers.BertModel(config, add_pooling_layer=False).eval()
    model.save_pretrained(FOLDER)
    (FOLDER / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 48}) + "\n")
    made.enable_truncation(48)
    embeddings = []
    for sentence in SENTENCES:
        ids = torch.tensor([made.encode(sentence).ids])
        with torch.inference_mode():
            hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        vector = torch.nn.functional.normalize(hidden.mean(1), dim=1)[0]
        embeddings.append([round(value, 6) for value in vector.tolist()])
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
    answer = {"made_by": versions, "sentences": SENTENCES, "embeddings": embeddings}
    (FOLDER / "goldens.json").write_text(json.dumps(answer, ensure_ascii=False) + "\n")


main()
