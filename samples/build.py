"""Build the sample models again: `python samples/build.py [DIRECTORY]` (default: the directory of this file).

Standard library only, and the same bytes on every run and machine. Nothing is loaded or unpickled: the pickle of the
poisoned sample is put together opcode by opcode, and all it would do is run `echo harmless`.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import sys
import zipfile
from pathlib import Path

HIDDEN, INNER, LAYERS, POSITIONS = 16, 32, 2, 32
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = """
a all and at bad best boring but enjoyed even film fine for good great hated i in is it just kept like liked
long lost loved me more most movie much my never nice no not of on one or plain plot poor really sad scene see slow so
some story terrible than that the them they this time to too up very was waste watch weak well were what when who with
would you ! , . ?
"""
VOCABULARY = {word: number for number, word in enumerate([*SPECIAL, *WORDS.split()])}

LICENSE = """Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in
compliance with the License. You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software distributed under the License is distributed on an
"AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License for the
specific language governing permissions and limitations under the License.
"""

MODEL_CARD = """---
license: apache-2.0
language: en
pipeline_tag: text-classification
---
# sentiment-tiny

A BERT classifier with two labels and random weights, small enough to keep in a source repository. It has the files and
the shape of a real model and no skill at all; it is here so that a scan and a policy have something real to look at.
"""


def shapes() -> dict[str, tuple[int, ...]]:
    """Return each tensor's shape, by the names that `BertForSequenceClassification` gives them."""

    def dense(name: str, rows: int, columns: int) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}

    def norm(name: str) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (HIDDEN,), f"{name}.bias": (HIDDEN,)}

    found: dict[str, tuple[int, ...]] = {
        "bert.embeddings.word_embeddings.weight": (len(VOCABULARY), HIDDEN),
        "bert.embeddings.position_embeddings.weight": (POSITIONS, HIDDEN),
        "bert.embeddings.token_type_embeddings.weight": (2, HIDDEN),
        **norm("bert.embeddings.LayerNorm"),
    }
    for number in range(LAYERS):
        layer = f"bert.encoder.layer.{number}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            found |= dense(f"{layer}.attention.{part}", HIDDEN, HIDDEN)
        found |= norm(f"{layer}.attention.output.LayerNorm")
        found |= dense(f"{layer}.intermediate.dense", INNER, HIDDEN)
        found |= dense(f"{layer}.output.dense", HIDDEN, INNER)
        found |= norm(f"{layer}.output.LayerNorm")
    return found | dense("bert.pooler.dense", HIDDEN, HIDDEN) | dense("classifier", 2, HIDDEN)


def tensor(name: str, shape: tuple[int, ...]) -> bytes:
    """Return little-endian float32 values in [-0.1, 0.1] that depend on `name` alone; ones for a norm's weight."""
    count = 1
    for size in shape:
        count *= size
    if name.endswith("LayerNorm.weight"):
        return struct.pack("<f", 1.0) * count
    integers = struct.unpack(f"<{count}h", hashlib.shake_256(name.encode()).digest(2 * count))
    return struct.pack(f"<{count}f", *(value / 327680 for value in integers))


def safetensors() -> bytes:
    """Return the whole network as one safetensors file."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, shape in sorted(shapes().items()):
        data = tensor(name, shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw + body


def config() -> dict[str, object]:
    """Return what `config.json` says of the network."""
    return {
        "architectures": ["BertForSequenceClassification"],
        "hidden_act": "gelu",
        "hidden_size": HIDDEN,
        "id2label": {"0": "NEGATIVE", "1": "POSITIVE"},
        "intermediate_size": INNER,
        "label2id": {"NEGATIVE": 0, "POSITIVE": 1},
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": POSITIONS,
        "model_type": "bert",
        "num_attention_heads": 2,
        "num_hidden_layers": LAYERS,
        "pad_token_id": 0,
        "torch_dtype": "float32",
        "type_vocab_size": 2,
        "vocab_size": len(VOCABULARY),
    }


def tokenizer() -> dict[str, object]:
    """Return `tokenizer.json`: lower-case whole words, with BERT's special tokens around them."""
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}

    def special(word: str) -> dict[str, object]:
        return {"SpecialToken": {"id": word, "type_id": 0}}

    text = {"Sequence": {"id": "A", "type_id": 0}}
    second = {"Sequence": {"id": "B", "type_id": 1}}
    end = {"SpecialToken": {"id": "[SEP]", "type_id": 1}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": VOCABULARY[word], "content": word, **flags} for word in SPECIAL],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special("[CLS]"), text, special("[SEP]")],
            "pair": [special("[CLS]"), text, special("[SEP]"), second, end],
            "special_tokens": {
                word: {"id": word, "ids": [VOCABULARY[word]], "tokens": [word]} for word in ("[CLS]", "[SEP]")
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": VOCABULARY,
        },
    }


def special_tokens() -> dict[str, str]:
    """Return `special_tokens_map.json`."""
    return {f"{word.strip('[]').lower()}_token": word for word in SPECIAL}


def tokenizer_config() -> dict[str, object]:
    """Return `tokenizer_config.json`; it holds no chat template."""
    return {
        **special_tokens(),
        "do_lower_case": True,
        "model_max_length": POSITIONS,
        "tokenizer_class": "BertTokenizer",
    }


def poisoned_checkpoint() -> bytes:
    """Return a PyTorch checkpoint whose pickle calls `os.system("echo harmless")` instead of making tensors."""
    command = b"echo harmless"
    pickle = b"\x80\x02" + b"cos\nsystem\n" + b"X" + struct.pack("<I", len(command)) + command + b"\x85R."
    name, shape = "classifier.bias", (2,)
    members = {
        "data.pkl": pickle,
        "byteorder": b"little",
        "data/0": tensor(name, shape),
        "version": b"3\n",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for member, content in members.items():
            info = zipfile.ZipInfo(f"pytorch_model/{member}", (1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # the same bytes on every platform
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content)
    return out.getvalue()


def files() -> dict[str, bytes]:
    """Return the content of every file of the samples, by its path."""

    def as_json(value: object) -> bytes:
        return (json.dumps(value, indent=2) + "\n").encode()

    model = {
        "LICENSE": LICENSE.encode(),
        "README.md": MODEL_CARD.encode(),
        "config.json": as_json(config()),
        "model.safetensors": safetensors(),
        "special_tokens_map.json": as_json(special_tokens()),
        "tokenizer.json": as_json(tokenizer()),
        "tokenizer_config.json": as_json(tokenizer_config()),
    }
    good = {f"sentiment-tiny/{name}": content for name, content in model.items()}
    bad = {f"sentiment-poisoned/{name}": content for name, content in model.items()}
    return good | bad | {"sentiment-poisoned/pytorch_model.bin": poisoned_checkpoint()}


def main() -> None:
    """Write every file below the directory that the first argument names."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    for path, content in files().items():
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


if __name__ == "__main__":
    main()
