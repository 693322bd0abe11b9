#!/usr/bin/env python3
"""How fast llama.cpp reads and writes, as models/examples/generate_rate.rs does: `python llama_rate.py FILE.gguf THREADS [CONVERSATIONS]...`

needs: pip install llama-cpp-python, built from source
"""
import ctypes
import sys
import time

import llama_cpp
import numpy as np

READ, WRITTEN = 512, 128


def rates(model, threads, count):
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = count * (READ + WRITTEN)
    parameters.n_batch = parameters.n_ubatch = READ
    parameters.n_seq_max = count
    parameters.n_threads = parameters.n_threads_batch = threads
    context = llama_cpp.llama_init_from_model(model, parameters)
    tokens = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    batch = llama_cpp.llama_batch_init(READ, 0, 1)

    def decode(rows):
        batch.n_tokens = len(rows)
        for place, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[place], batch.pos[place], batch.n_seq_id[place] = token, position, 1
            batch.seq_id[place][0], batch.logits[place] = sequence, wanted
        assert llama_cpp.llama_decode(context, batch) == 0
        scores = (llama_cpp.llama_get_logits_ith(context, place) for place, row in enumerate(rows) if row[3])
        return [int(np.ctypeslib.as_array(ctypes.cast(score, ctypes.POINTER(ctypes.c_float)), (tokens,)).argmax()) for score in scores]

    prompt = [1000 + place * 37 % 4000 for place in range(READ)]
    began = time.monotonic()
    following = []
    for sequence in range(count):
        following += decode([(token, place, sequence, place == READ - 1) for place, token in enumerate(prompt)])
    reading = time.monotonic() - began
    began = time.monotonic()
    for step in range(WRITTEN):
        following = decode([(token, READ + step, sequence, True) for sequence, token in enumerate(following)])
    writing = time.monotonic() - began
    llama_cpp.llama_batch_free(batch)
    llama_cpp.llama_free(context)
    return count * READ / reading, count * WRITTEN / writing


def main():
    llama_cpp.llama_backend_init()
    llama_cpp.llama_log_set(llama_cpp.llama_log_callback(lambda *_: None), ctypes.c_void_p(0))
    model = llama_cpp.llama_model_load_from_file(sys.argv[1].encode(), llama_cpp.llama_model_default_params())
    for count in map(int, sys.argv[3:] or ["1", "4", "16"]):
        read, written = rates(model, int(sys.argv[2]), count)
        print(f"{count} conversations: reads {read:.1f} tokens/s, writes {written:.1f} tokens/s", flush=True)


main()
