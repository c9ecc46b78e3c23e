"""Checkpoints whose configurations lie, and JSON that is none."""

import json

from make_bad_files import below, link, named_pipe, sparse, tree

FIXTURE = "DiffusionTests/Fixtures/tiny-sd1"
RUN = ["generate", "a cat and a frog", "--model", "model", "--steps", "1", "--method", "stable-diffusion"]
UNET, VAE, TEXT = "model/unet/config.json", "model/vae/config.json", "model/text_encoder/config.json"
SCHEDULER = "model/scheduler/scheduler_config.json"


def configurations(group):
    checkpoint = below("model", tree(FIXTURE, without=["golden.safetensors", "golden.json"]))

    def bad(name, words, path, content, code=65, arguments=RUN):
        files = {**checkpoint, path: content}
        if content is None:
            del files[path]
        group.add(name, arguments, code, [path, *words], files)

    def value(name, path, key, content, words, code=65):
        document = json.loads(checkpoint[path])
        document[key] = content
        bad(name, [key, *words], path, json.dumps(document).encode(), code)

    whole = checkpoint[UNET]

    # JSON.
    bad("a configuration of nothing", ["empty"], UNET, b"")
    bad("a configuration that broke off", ["expected", "end of the document", "byte"], UNET, whole[:300])
    bad("a configuration that is a list", ["expected an object"], UNET, b"[]")
    bad("a comma before the closing brace", ["expected a key", "byte"], UNET, whole.rstrip()[:-1] + b",}")
    bad("a key that is there twice", ["duplicate key", "in_channels", "byte"], UNET, whole.rstrip()[:-1] + b',"in_channels":9}')
    bad("a comment", ["expected a key", "byte"], UNET, b"{// ours\n" + whole[1:])
    bad("a word without quotation marks", ["expected a value", "byte"], UNET, b'{"in_channels": four}')
    bad("a number with a leading zero", ["leading zero", "byte"], UNET, b'{"in_channels": 04}')
    bad("a number beyond a double", ["beyond a double", "byte"], UNET, b'{"norm_eps": 1e999}')
    bad("half of a surrogate pair", ["lone surrogate", "byte"], UNET, b'{"_class_name": "\\udc00"}')
    bad("bytes that are no UTF-8", ["not UTF-8", "byte"], UNET, b'{"_class_name": "\xc0\x80"}')
    bad("a line feed in a string", ["control character 0xa", "byte"], UNET, b'{"_class_name": "a\nb"}')
    bad("objects nested 100,000 deep", ["deeper than 32 levels", "byte"], UNET, b'{"a":' * 100_000)
    bad("lists nested 100,000 deep", ["deeper than 32 levels", "byte"], UNET, b'{"a":' + b"[" * 100_000)
    bad("a list of two million numbers", ["at most 1000000 values", "HEED_LIMITS=values"], UNET, b'{"a":[' + b"1," * 2_000_000 + b"1]}")
    bad("a configuration of a gigabyte", ["at most 268435456 bytes", "HEED_LIMITS=document"], UNET, sparse(whole, 1 << 30))
    bad("a string of 20 million letters without its end", ["closing '\"'"], UNET, b'{"a":"' + b"a" * 20_000_000)
    bad("a byte-order mark of UTF-16", ["expected a value", "0xff"], UNET, b"\xff\xfe" + whole.decode().encode("utf-16-le"))
    bad("a pipe that nobody writes into", ["no regular file"], UNET, named_pipe, 66)
    bad("a configuration that is not there", ["a checkpoint in diffusers' layout has this file"], UNET, None, 66)
    bad("a link to nowhere", [], UNET, link("/nowhere"), 66)

    # Values of the UNet.
    value("text in the place of a number", UNET, "layers_per_block", "two", ["expected", "two"])
    value("a number with a fraction", UNET, "layers_per_block", 1.5, ["expected", "1.5"])
    value("a negative number", UNET, "norm_num_groups", -8, ["expected 1…", "got -8"])
    value("a number of zero", UNET, "attention_head_dim", 0, ["expected 1…", "got 0"])
    value("a number of 2^62", UNET, "cross_attention_dim", 1 << 62, ["expected 1…", str(1 << 62)])
    value("a number of 2^64", UNET, "cross_attention_dim", 1 << 64, ["expected an integer"])
    value("no level", UNET, "block_out_channels", [], ["expected 1…16 levels, got 0"])
    value("a thousand levels", UNET, "block_out_channels", [8] * 1000, ["expected 1…16 levels, got 1000"])
    value("fewer block types than levels", UNET, "down_block_types", ["DownBlock2D"], ["expected 4 block types, got 1"])
    value("a block that there is not", UNET, "down_block_types", ["../../x"] * 4, ["../../x", "Heed runs"], 69)
    value("another class", UNET, "_class_name", "Flux\x1b[2J", ["Flux\\u{1b}", "Heed runs"], 69)
    value("widths that heads do not divide", UNET, "block_out_channels", [17, 17, 34, 34], ["17 is not a multiple"])
    value("an epsilon of zero", UNET, "norm_eps", 0, ["expected a number above 0"])
    value("an epsilon that is no number", UNET, "norm_eps", float("nan"), ["expected a finite number"])
    value("a vast latent", UNET, "sample_size", 1 << 40, ["expected 1…"])
    value("a frequency shift that divides by zero", UNET, "freq_shift", 8, ["expected less than 8"])

    # Values of the others.
    value("an autoencoder of four channels", VAE, "in_channels", 4, ["pictures of 3 channels"], 69)
    value("an infinite scaling factor", VAE, "scaling_factor", float("inf"), ["expected a finite number"])
    value("a scaling factor below zero", VAE, "scaling_factor", -1, ["expected a number above 0"])
    value("a vocabulary of 2^40 words", TEXT, "vocab_size", 1 << 40, ["expected 1…"])
    value("a window of one", TEXT, "max_position_embeddings", 1, ["expected 3…"])
    value("a million layers of text", TEXT, "num_hidden_layers", 1_000_000, ["expected 1…100"])
    value("another activation", TEXT, "hidden_act", "relu", ["relu", "Heed runs"], 69)
    value("2^62 training steps", SCHEDULER, "num_train_timesteps", 1 << 62, ["expected"])
    value("betas that are no numbers", SCHEDULER, "beta_start", "0.1", ["expected a number"])
    value("a beta above one", SCHEDULER, "beta_end", 2, ["expected"])
    value("an offset below zero", SCHEDULER, "steps_offset", -5, ["expected"])


GROUPS = {"configurations": (25, configurations)}
