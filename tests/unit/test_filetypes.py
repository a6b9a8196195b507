from __future__ import annotations

import pickletools
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support import models
from weightgate import content, filetypes, inert
from weightgate.filetypes import INERT, detect, is_inert_torch_member


def kind(name: str, raw: bytes) -> str:
    found = detect(name, len(raw), lambda offset, length: raw[offset : offset + length])
    assert found in filetypes.FORMATS
    return found


JSON = models.json_file({"hidden_size": 8, "model_type": "bert"})
TEMPLATE = {"chat_template": "{{ bos_token }}"}

KNOWN = {
    "model.safetensors": ("safetensors", models.safetensors()),
    "empty.safetensors": ("safetensors", models.safetensors({}, {"format": "pt"})),
    "config.json": ("json", JSON),
    "list.JSON": ("json", b'[1, "two", null]'),
    "quiet/config.json": ("json", b'{"auto_mapping": null, "trust_remote_code": false}'),
    "code.json": ("json-code", models.json_file({"auto_map": {"AutoModel": "modeling.Model"}})),
    "trust.json": ("json-code", models.json_file({"a": [{"trust_remote_code": True}]})),
    "code_and_template.json": ("json-code", models.json_file({**TEMPLATE, "auto_map": {}})),
    "lambda.json": ("json-code", models.json_file({"layers": [{"class_name": "Lambda"}]})),
    "tokenizer_config.json": ("json-template", models.json_file(TEMPLATE)),
    "templates.json": ("json-template", models.json_file({"chat_template": [{"name": "a", "template": "x"}]})),
    "hidden.json": ("json-template", models.json_file({"x": ["{% for m in messages %}{% endfor %}"]})),
    "README.md": ("text", b"---\nlicense: mit\n---\n# tiny\n\ncaf\xc3\xa9\r\n"),
    "LICENSE": ("text", b"Permission is hereby granted\n"),
    "merges.txt": ("text", b"#version: 0.2\ne r\n"),
    ".gitattributes": ("text", b"*.safetensors filter=lfs\n"),
    "pixel.png": ("image", models.png()),
    "photo.jpg": ("image", b"\xff\xd8\xff\xe0" + bytes(20) + b"\xff\xd9"),
    "photo.gif": ("image", b"GIF89a" + bytes(20) + b";"),
    "photo.webp": ("image", b"RIFF" + (12).to_bytes(4, "little") + b"WEBPVP8 " + bytes(4)),
    "anything": ("empty", b""),
    "plain.pkl": ("pickle", models.plain_pickle()),
    "p0.pkl": ("pickle", models.evil_pickle(0)),
    "p4.bin": ("pickle", models.evil_pickle(4)),
    "disguised.txt": ("pickle", models.evil_pickle(0)),
    "disguised.json": ("pickle", models.evil_pickle(2)),
    "disguised.md": ("pickle", models.evil_pickle_inst()),
    "disguised.png": ("pickle", models.evil_pickle(4)),
    "disguised.safetensors": ("pickle", models.evil_pickle(2)),
    "disguised.py": ("pickle", models.evil_pickle(0)),
    "cut.txt": ("pickle", models.evil_pickle_cut()),
    "cut_inst.txt": ("pickle", models.evil_pickle_inst()[:-1] + b"\xff"),
    "cut2.pkl": ("pickle", models.plain_pickle()[:-1]),
    "long.txt": ("pickle", b"N" * (filetypes.MAX_PICKLE_OPCODES + 1)),
    "model.pt": ("torch-zip", models.torch_zip()),
    "no_extension": ("torch-zip", models.evil_torch_zip()),
    "zip_as_text.txt": ("torch-zip", models.evil_torch_zip()),
    "old.bin": ("torch-legacy", models.evil_torch_legacy()),
    "a.npy": ("numpy", models.numpy_array()),
    "o.npy": ("numpy", models.evil_numpy_array()),
    "a.npz": ("npz", models.zip_of([("a.npy", models.numpy_array())])),
    "m.keras": ("keras-zip", models.keras_zip()),
    "m.h5": ("hdf5", models.hdf5_start()),
    "user_block.txt": ("hdf5", b"text" + b" " * 1020 + models.hdf5_start()),
    "m.onnx": ("onnx", models.onnx("../../etc/passwd")),
    "saved_model.pb": ("tensorflow-savedmodel", models.saved_model("PyFunc")),
    "m.tflite": ("tflite", b"\x1c\0\0\0TFL3" + bytes(16)),
    "m.gguf": ("gguf", models.gguf()),
    "a.zip": ("zip", models.zip_of([("weights.bin", b"\0")])),
    "none.zip": ("zip", models.zip_of([])),
    "a.tar": ("tar", models.tar_of([("model.bin", b"\0")])),
    "dot.tar": ("tar", models.tar_of([("./model.bin", b"\0")])),
    "a.gz": ("gzip", models.compressed("gzip", models.evil_pickle())),
    "a.joblib": ("zlib", models.compressed("zlib", models.evil_pickle())),
    "a.bz2": ("bzip2", models.compressed("bzip2", b"x")),
    "a.xz": ("xz", models.compressed("xz", b"x")),
    "a.zst": ("zstd", b"\x28\xb5\x2f\xfd" + bytes(8)),
    "a.7z": ("7z", b"7z\xbc\xaf\x27\x1c" + bytes(8)),
    "a.yaml": ("yaml", b"a: !!python/object/apply:os.system []\n"),
    "a.py": ("python", b"import os\n\nos.system('echo harmless')\n"),
    "chat_template.jinja": ("jinja", b"{{ bos_token }}"),
    "lib.so": ("executable", b"\x7fELF" + bytes(60)),
    "run.sh": ("executable", b"#!/bin/sh\necho harmless\n"),
    "README.txt": ("executable", b"#!/bin/sh\necho harmless\n"),
    "weights": ("unknown", bytes(range(256))),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_format_is_told_by_content(name: str) -> None:
    expected, raw = KNOWN[name]
    assert kind(name, raw) == expected


def test_every_format_has_a_case() -> None:
    assert {expected for expected, _ in KNOWN.values()} == filetypes.FORMATS


def test_the_table_in_the_docstring_names_every_format() -> None:
    for word in filetypes.FORMATS:
        assert f" {word}" in (filetypes.__doc__ or "")


@pytest.mark.parametrize("other", ["model.pkl", "model.pt", "model.bin", "model.ckpt", "model", "model.h5", "m.ipynb"])
@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "README.md", "pixel.png"])
def test_inert_content_is_not_inert_under_another_name(name: str, other: str) -> None:
    assert kind(other, KNOWN[name][1]) == "unknown"


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "README.md", "pixel.png", "photo.jpg", "photo.gif"]
)
@pytest.mark.parametrize("tail", [models.zip_of([("a.txt", b"a")]), models.evil_torch_zip()], ids=["zip", "torch"])
def test_a_zip_behind_inert_content_is_a_zip(name: str, tail: bytes) -> None:
    assert kind(name, KNOWN[name][1] + tail) == "zip"


def test_a_zip_inside_the_tensors_of_a_safetensors_file_is_a_zip() -> None:
    hidden = models.evil_torch_zip()
    header = {"w": {"dtype": "U8", "shape": [len(hidden)], "data_offsets": [0, len(hidden)]}}
    assert kind("model.safetensors", models.safetensors_of(header, hidden)) == "zip"


def test_an_end_record_that_lists_nothing_is_not_inert() -> None:
    assert kind("README.md", b"see PK\x05\x06") == "unknown"


@pytest.mark.parametrize(
    "raw",
    [
        models.evil_pickle(2) + models.zip_of([("a", b"")]),
        b"G" + b"GUF\x03\0\0\0\x2e" + b".",
        models.tar_of([("N.", b"")]),
        b"\x7fELF" + models.zip_of([("a", b"")]),
    ],
    ids=["pickle and zip", "gguf and pickle", "tar and pickle", "executable and zip"],
)
def test_two_formats_at_once_are_unknown(raw: bytes) -> None:
    assert kind("model.bin", raw) == "unknown"


def test_a_zip_with_too_large_a_directory_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filetypes, "MAX_ZIP_DIRECTORY", 100)
    raw = models.zip_of([(f"{i}.npy", b"") for i in range(10)])
    assert kind("a.npz", raw) == "unknown"


@pytest.mark.parametrize(
    "raw",
    [b"PK\x03\x04" + bytes(100), models.torch_zip()[:-30], b"PK\x05\x06" + b"\xff" * 18],
    ids=["no directory", "cut", "lying end record"],
)
def test_a_zip_that_cannot_be_listed_is_unknown(raw: bytes) -> None:
    assert kind("model.pt", raw) == "unknown"


def _tensor(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8), **more: object) -> dict[str, object]:
    return {"w": {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}}


BODY = bytes(8)
BROKEN_SAFETENSORS = {
    "header longer than the file": (1 << 40).to_bytes(8, "little") + b'{"w":{}}',
    "no header": b"\0" * 8,
    "header is a list": models.safetensors_of([], b""),
    "bytes after the tensors": models.safetensors_of(_tensor(), BODY + b"x"),
    "bytes missing": models.safetensors_of(_tensor(), BODY[1:]),
    "gap before": models.safetensors_of(_tensor(offsets=(1, 9)), BODY + b"x"),
    "overlap": models.safetensors_of({**_tensor(), "v": _tensor()["w"]}, BODY),
    "bytes without tensors": models.safetensors_of({}, BODY),
    "unknown dtype": models.safetensors_of(_tensor("OBJECT"), BODY),
    "dtype is a list": models.safetensors_of(_tensor(["F32"]), BODY),
    "shape too large": models.safetensors_of(_tensor(shape=(3,)), BODY),
    "shape too small": models.safetensors_of(_tensor(shape=(1,)), BODY),
    "shape is huge": models.safetensors_of(_tensor(shape=(10**4000,) * 100), BODY),
    "negative shape": models.safetensors_of(_tensor(shape=(-1, -2)), BODY),
    "shape of booleans": models.safetensors_of(_tensor("F64", (True,)), BODY),
    "offsets swapped": models.safetensors_of(_tensor(offsets=(8, 0)), BODY),
    "three offsets": models.safetensors_of(_tensor(offsets=(0, 8, 8)), BODY),
    "extra key": models.safetensors_of(_tensor(code="x"), BODY),
    "key missing": models.safetensors_of({"w": {"dtype": "F32", "shape": [2]}}, BODY),
    "tensor is text": models.safetensors_of({"w": "x"}, b""),
    "metadata is no object": models.safetensors_of({"__metadata__": "x"}, b""),
    "metadata holds a number": models.safetensors_of({"__metadata__": {"a": 1}}, b""),
    "duplicate key": (18).to_bytes(8, "little") + b'{"w":{},"w":{}}   ',
}


def test_the_sound_one_next_to_the_broken_ones_is_safetensors() -> None:
    assert kind("m.safetensors", models.safetensors_of(_tensor(), BODY)) == "safetensors"


@pytest.mark.parametrize("case", BROKEN_SAFETENSORS)
def test_a_broken_safetensors_file_is_unknown(case: str) -> None:
    assert kind("m.safetensors", BROKEN_SAFETENSORS[case]) == "unknown"


def test_a_safetensors_header_of_384_bytes_is_no_pickle() -> None:
    """Its length begins like the PROTO opcode: 80 01."""
    raw = models.safetensors(metadata={"note": "x" * 294})
    assert raw[:2] == b"\x80\x01"
    assert kind("m.safetensors", raw) == "safetensors"


def test_a_safetensors_file_that_is_a_pickle_too_is_a_pickle() -> None:
    """The length reads as BINUNICODE, which jumps into the metadata; there SHORT_BINSTRINGs lead on to the tensor."""
    call = models.evil_pickle(0)
    length = 24 << 8 | 0x58  # BINUNICODE of 24 bytes, which end where the text of "a" starts
    start = b'{"__metadata__":{"":"'
    jumps = (b"U\x7e" + b"a" * 0x7E) * 48
    left = length - len(start) - len(jumps) - 2
    rest = b"a" * (0x7E - left)  # the last jump ends behind the header, where the call stands as a tensor
    size = len(rest + call)
    end = b'"},"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (size, size)
    header = start + jumps + b"U\x7e" + end.rjust(left, b"a")
    raw = length.to_bytes(8, "little") + header + rest + call
    assert inert.is_safetensors(content.Content(len(raw), lambda at, count: raw[at : at + count]))
    assert _walks_to_stop(raw)
    assert kind("m.safetensors", raw) == "pickle"


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b'{"a": 1} x',
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'"\\ud800"',
        b"[" * 100_000,
    ],
    ids=["cut", "NaN", "twice", "rest", "BOM", "no UTF-8", "surrogate", "deep"],
)
def test_json_that_is_not_strict_is_unknown(raw: bytes) -> None:
    assert kind("config.json", raw) == "unknown"


def test_json_with_too_many_values_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inert, "MAX_JSON_VALUES", 10)
    assert kind("a.json", b"[1,2,3,4,5,6,7,8,9]") == "json"
    assert kind("a.json", b"[1,2,3,4,5,6,7,8,9,10,11]") == "unknown"


@pytest.mark.parametrize("name", ["config.json", "README.md"])
def test_a_file_too_large_to_hold_is_unknown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = KNOWN[name][1]
    monkeypatch.setattr(content, "WHOLE", len(raw))
    assert kind(name, raw) in INERT
    monkeypatch.setattr(content, "WHOLE", len(raw) - 1)
    assert kind(name, raw) == "unknown"


def test_a_vocabulary_of_braces_is_plain_json() -> None:
    raw = models.json_file({"model": {"vocab": {"{{": 1, "}}": 2, "{%": 3}, "merges": [["{", "{"], ["}", "}"]]}})
    assert kind("tokenizer.json", raw) == "json"


@pytest.mark.parametrize("key", sorted(inert.CODE_KEYS))
def test_each_key_that_asks_for_code_does(key: str) -> None:
    assert kind("a.json", models.json_file([{"deep": [{key: "x"}]}])) == "json-code"


@pytest.mark.parametrize(
    "raw",
    [b"a\0b", b"a\x1b[2J", b"\x7f", b"\xff\xfea\0", b"caf\xe9"],
    ids=["NUL", "escape", "delete", "UTF-16", "Latin-1"],
)
def test_text_with_other_bytes_is_unknown(raw: bytes) -> None:
    assert kind("README.md", raw) == "unknown"


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-gpu.txt", "a.html", "a.svg", "Makefile", "a.csv", "md"]
)
def test_text_under_other_names_is_unknown(name: str) -> None:
    assert kind(name, b"text\n") == "unknown"


@pytest.mark.parametrize("name", ["pixel.png", "photo.jpg", "photo.gif", "photo.webp"])
def test_an_image_with_bytes_behind_its_end_is_unknown(name: str) -> None:
    assert kind(name, KNOWN[name][1] + b"x") == "unknown"


def test_a_file_that_only_reads_as_a_pickle_is_not_proven_text() -> None:
    """STOP on an empty stack cannot be unpickled, but is no proof of text either."""
    assert kind("README.md", b".gitignore is a file") == "unknown"


INERT_MEMBERS = [
    "version",
    "byteorder",
    "data/0",
    "data/12345",
    ".data/serialization_id",
    ".format_version",
    ".storage_alignment",
]


@pytest.mark.parametrize("name", INERT_MEMBERS)
def test_a_member_that_torch_reads_as_numbers_is_inert(name: str) -> None:
    assert is_inert_torch_member(f"archive/{name}")


@pytest.mark.parametrize(
    "name",
    [
        "version",
        "data/0",
        "archive/data.pkl",
        "archive/constants.pkl",
        "archive/data/0.pkl",
        "archive/data/x",
        "archive/data/",
        "archive/data",
        "archive/sub/version",
        "archive/code/__torch__.py",
        "archive/versions",
        "archive/data/0/1",
        "/version",
        "archive/data/٣",
    ],
)
def test_any_other_member_is_not_inert(name: str) -> None:
    assert not is_inert_torch_member(name)


def test_a_member_with_a_newline_is_not_inert() -> None:
    assert not is_inert_torch_member("archive/version\n")


NAMES = st.sampled_from(["m.safetensors", "a.json", "README.md", "a.png", "a.txt", "LICENSE", "a.pkl", "a", "a.py"])
PARTS = st.sampled_from([raw for _, raw in KNOWN.values() if len(raw) < 5000]) | st.binary(max_size=200)


def _walks_to_stop(raw: bytes) -> bool:
    try:
        return any(opcode.name == "STOP" for opcode, _, _ in pickletools.genops(raw))
    except Exception:
        return False


@given(name=NAMES, parts=st.lists(PARTS | st.text(max_size=50).map(str.encode), max_size=3))
@example(name="README.md", parts=[b"N."])
@example(name="README.md", parts=[b"."])
@example(name="a.json", parts=[b"1."])
def test_nothing_raises_and_no_pickle_is_inert(name: str, parts: list[bytes]) -> None:
    raw = b"".join(parts)
    found = kind(name, raw)
    if _walks_to_stop(raw):
        assert found not in INERT


OPCODES = st.lists(
    st.sampled_from([op.code.encode("latin1") for op in pickletools.opcodes])
    | st.text("0123456789\n'abc {}[],:\"", max_size=6).map(str.encode),
    max_size=12,
).map(b"".join)


@given(name=NAMES, raw=OPCODES)
def test_no_run_of_opcodes_is_inert(name: str, raw: bytes) -> None:
    found = kind(name, raw)
    if _walks_to_stop(raw):
        assert found not in INERT


@given(directory=st.text(max_size=20), name=NAMES, raw=PARTS)
def test_the_directory_does_not_matter(directory: str, name: str, raw: bytes) -> None:
    assert kind(f"{directory}/{name}", raw) == kind(name, raw)


@given(size=st.integers(1, 2**63 - 1), raw=PARTS)
def test_a_size_that_is_not_that_of_the_content_does_not_raise(size: int, raw: bytes) -> None:
    detect("m.safetensors", size, lambda offset, length: raw[offset : offset + length])


def test_what_detect_reads_at_once_is_bounded(tmp_path: Path) -> None:
    """A file that claims 1 TiB, with the lengths in it as large, is never read in large pieces."""
    sizes: list[int] = []
    raw = (1 << 38).to_bytes(8, "little") + b'{"a"'

    def read(offset: int, length: int) -> bytes:
        sizes.append(length)
        return raw[offset : offset + length].ljust(length, b" ") if offset < 2**40 else b""

    for name in ("m.safetensors", "a.json", "a.txt", "a.png", "a.pkl"):
        assert detect(name, 2**40, read) == "unknown"
    assert max(sizes) <= content.WHOLE
