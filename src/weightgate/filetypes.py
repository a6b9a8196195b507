"""What a file is, from its content. A name may only make the answer stricter.

    format                 the content is
    ---------------------  --------------------------------------------------------------------------------------
    inert (`INERT`): proven to the last byte, and the name says the same
    safetensors            a header whose tensors cover the file exactly; named *.safetensors
    json                   strict JSON of at most 64 MiB that asks for no code and holds no template; named *.json
    text                   UTF-8 without control characters, at most 64 MiB; named *.md, *.txt, LICENSE, README, …
    image                  PNG, JPEG, GIF or WebP that ends where the image ends; named so
    empty                  no bytes at all

    not inert
    json-code              JSON that asks its loader for code: `auto_map`, `trust_remote_code`, a Lambda layer, …
    json-template          JSON that holds a Jinja template, such as a tokenizer's `chat_template`
    jinja, python, yaml    text that is named so
    pickle                 opcodes of any protocol that can be walked to STOP, or that import and then call
    torch-zip              a zip with `<root>/data.pkl` (PyTorch 1.6 and later, TorchScript)
    torch-legacy           the pickles in a row of PyTorch before 1.6
    numpy, npz             an .npy array; a zip of nothing but .npy members
    keras-zip, hdf5        a zip with config.json and metadata.json; HDF5, also behind a user block
    onnx                   a protobuf with the fields of an ONNX model, among them its version and graph
    tensorflow-savedmodel  a protobuf with a SavedModel's schema version and meta graphs
    tflite, gguf           by their magic bytes
    zip, tar, 7z           other archives; `zip` also when the zip lies at the end of what is otherwise nothing known
    gzip, zlib, bzip2, xz, zstd    compressed data, not opened
    executable             ELF, PE, Mach-O, WebAssembly, or a script with `#!`
    unknown                everything else: nothing known, several formats at once, too big or too odd to prove,
                           and inert content under a name that promises something else

Nothing is unpickled, decompressed beyond a few bytes, or executed. See: safetensors' format page, PEP 3154 and
`pickletools` for opcodes, PKWARE's APPNOTE for zip, PyTorch's caffe2/serialize for torch zips.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
import zlib
from enum import Enum

from weightgate import inert
from weightgate.content import Content, ReadAt, TooBigError

INERT = frozenset({"safetensors", "json", "text", "image"})
"""The formats that are data and nothing else."""

FORMATS = INERT | frozenset(
    {
        *("empty", "json-code", "json-template", "jinja", "python", "yaml", "executable", "unknown"),
        *("pickle", "torch-zip", "torch-legacy", "numpy", "npz", "keras-zip", "hdf5", "onnx"),
        *("tensorflow-savedmodel", "tflite", "gguf", "zip", "tar", "7z", "gzip", "zlib", "bzip2", "xz", "zstd"),
    }
)
"""Every word that `detect` answers."""

MAX_PICKLE_OPCODES = 100_000
"""As many opcodes in a row without an error are a pickle, whatever follows."""
MAX_PICKLE_ARGUMENT = 64 * 1024**2
MAX_ZIP_DIRECTORY = 8 * 1024**2
"""Largest central directory that is listed, in bytes: about 80,000 members of a torch zip."""
MAX_PROTOBUF_FIELDS = 10_000

_ZIP_END = b"PK\x05\x06"
_ZIP_END_REACH = 22 + 0xFFFF
_HDF5 = b"\x89HDF\r\n\x1a\n"
_TORCH_LEGACY = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # torch.serialization.MAGIC_NUMBER, as an opcode

_MAGIC = (
    ("zip", (b"PK\x03\x04", _ZIP_END, b"PK\x07\x08")),
    ("numpy", (b"\x93NUMPY",)),
    ("gguf", (b"GGUF",)),
    ("gzip", (b"\x1f\x8b",)),
    ("bzip2", (b"BZh",)),
    ("xz", (b"\xfd7zXZ\x00",)),
    ("zstd", (b"\x28\xb5\x2f\xfd",)),
    ("7z", (b"7z\xbc\xaf\x27\x1c",)),
    ("executable", (b"\x7fELF", b"MZ", b"\0asm", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf")),
    ("executable", (b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")),
)

_TEXT_SUFFIXES = (".md", ".txt")
_TEXT_NAMES = frozenset(
    {"license", "licence", "notice", "copying", "readme", "authors", "changelog", ".gitattributes", ".gitignore"}
)
_TEXT_FOR_PIP = re.compile(r"(requirements|constraints).*\.txt", re.DOTALL)
_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_SOURCE_SUFFIXES = {
    **dict.fromkeys((".py", ".pyi", ".pyw"), "python"),
    **dict.fromkeys((".yaml", ".yml"), "yaml"),
    **dict.fromkeys((".jinja", ".jinja2", ".j2"), "jinja"),
}

_TORCH_INERT_MEMBER = re.compile(
    r"[^/]+/(version|byteorder|data/[0-9]+|\.data/serialization_id|\.format_version|\.storage_alignment)"
)


def is_inert_torch_member(name: str) -> bool:
    """Whether `name` is a member of a torch zip that PyTorch reads as raw numbers or a short word, not as a pickle."""
    return _TORCH_INERT_MEMBER.fullmatch(name) is not None


def detect(path: str, size: int, read: ReadAt) -> str:
    """Return the format of a file, one of `FORMATS`. Never raises for what the bytes are.

    `path` gives the name (its directory does not matter), `size` is in bytes, `read(offset, length)` gives the content.
    """
    if size == 0:
        return "empty"
    content = Content(size, read)
    found = _by_magic(content)
    if found == "zip":
        return _zip_format(content) or "unknown"
    walk = walk_pickle(content)
    if walk is PickleWalk.RUNS:
        # NOTE: a file that is a pickle and something else besides is scanned as the one and loaded as the other.
        found = "unknown" if found else "torch-legacy" if _TORCH_LEGACY in content.head[:32] else "pickle"
    if _ZIP_END in content.tail(_ZIP_END_REACH):
        listed = _zip_format(content) is not None
        if found is None:
            return "zip" if listed else "unknown"
        return "unknown" if listed else found
    named = found or _by_name(path.rsplit("/", 1)[-1].lower(), content)
    return "unknown" if named in INERT and walk is not PickleWalk.FAILS else named


def _by_magic(content: Content) -> str | None:
    head = content.head
    for name, magics in _MAGIC:
        if head.startswith(magics):
            return name
    if head[4:8] == b"TFL3":
        return "tflite"
    if _is_hdf5(content):
        return "hdf5"
    if _is_tar(head):
        return "tar"
    if _is_zlib(head):
        return "zlib"
    return _protobuf_format(content)


def _is_hdf5(content: Content) -> bool:
    """Whether the signature stands at 0, 512, 1024, 2048 …, where the HDF5 library looks for it."""
    at = 0
    while at < content.size:
        if content.at(at, 8) == _HDF5:
            return True
        at = at * 2 or 512
    return False


def _is_tar(head: bytes) -> bool:
    if len(head) < 512:
        return False
    if head[257:262] == b"ustar":
        return True
    checksum = head[148:156].strip(b" \0")
    if not re.fullmatch(rb"[0-7]{1,7}", checksum):
        return False
    return int(checksum, 8) == sum(head[:148]) + 8 * 0x20 + sum(head[156:512])


def _is_zlib(head: bytes) -> bool:
    if head[:2] not in (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"):
        return False
    try:
        zlib.decompressobj().decompress(head, 64)
    except zlib.error:
        return False
    return True


class PickleWalk(Enum):
    """How far bytes can be read as a pickle."""

    FAILS = "an opcode is wrong before anything is called"
    READS = "the opcodes lead to STOP, but need objects that were never made: an unpickler fails"
    RUNS = "an unpickler gets to STOP, or to the call of something imported"


def walk_pickle(content: Content) -> PickleWalk:
    """Return how far `content` can be read as a pickle of any protocol.

    Nothing is unpickled: at most `MAX_PICKLE_OPCODES` opcodes are listed, and the depth of the stack is followed.
    """
    stack: list[bool] = []  # for each object whether it is a MARK
    imported = runs = False
    try:
        for number, (opcode, _, _) in enumerate(pickletools.genops(content.stream(MAX_PICKLE_ARGUMENT)), 1):
            runs = (number == 1 or runs) and _step(stack, opcode)
            imported = imported or opcode.name in _IMPORTS
            if runs and (opcode.name == "INST" or (imported and opcode.name in _CALLS)):
                return PickleWalk.RUNS
            if opcode.name == "STOP" or number == MAX_PICKLE_OPCODES:
                return PickleWalk.RUNS if runs else PickleWalk.READS
    except TooBigError:
        return PickleWalk.RUNS if runs else PickleWalk.READS
    except Exception:
        # NOTE: hostile arguments make `pickletools` raise many types; each means that this opcode cannot be run.
        return PickleWalk.FAILS
    return PickleWalk.FAILS


def _step(stack: list[bool], opcode: pickletools.OpcodeInfo) -> bool:
    """Do what `opcode` does to the stack; return whether what it needs was there. Never stricter than Python."""
    needed = len(opcode.stack_before)
    if pickletools.markobject in opcode.stack_before:
        needed = opcode.stack_before.index(pickletools.markobject)
        while stack:
            if stack.pop():
                break
        else:
            return False
    if len(stack) < needed:
        return False
    del stack[len(stack) - needed :]
    stack.extend(item is pickletools.markobject for item in opcode.stack_after)
    return True


_IMPORTS = frozenset({"GLOBAL", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
_CALLS = frozenset({"REDUCE", "BUILD", "OBJ", "NEWOBJ", "NEWOBJ_EX"})


def _zip_format(content: Content) -> str | None:
    """Return the format of a zip by its members' names, `None` when they cannot be listed."""
    try:
        with content.stream(MAX_ZIP_DIRECTORY) as stream, zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
    except Exception:
        # NOTE: hostile archives make `zipfile` raise many types besides BadZipFile; each means: not listed.
        return None
    if any(name.count("/") == 1 and name.endswith("/data.pkl") for name in names):
        return "torch-zip"
    if {"config.json", "metadata.json"} <= set(names):
        return "keras-zip"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    return "zip"


_ONNX_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
_SAVED_MODEL_FIELDS = {1: 0, 2: 2}
"""Wire type by field number, from onnx.proto's ModelProto and TensorFlow's saved_model.proto."""


def _protobuf_format(content: Content) -> str | None:
    """Return `onnx` or `tensorflow-savedmodel` when the outermost fields are exactly those of its message."""
    fields: dict[int, int] = {}
    at = 0
    for _ in range(MAX_PROTOBUF_FIELDS):
        if at == content.size:
            break
        raw = content.at(at, 20)
        tag, start = _varint(raw, 0)
        value, end = _varint(raw, start)
        field, wire = tag >> 3, tag & 7
        if end == 0 or _ONNX_FIELDS.get(field) != wire:
            return None
        fields[field] = wire
        at += end + (value if wire == 2 else 0)
    if at != content.size:
        return None
    if {1, 7} <= fields.keys():
        return "onnx"
    return "tensorflow-savedmodel" if fields == _SAVED_MODEL_FIELDS else None


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Return the number that starts at `at` and the place after it; (0, 0) when there is none."""
    value = 0
    for shift, byte in enumerate(raw[at : at + 10]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, at + shift + 1
    return 0, 0


def _by_name(name: str, content: Content) -> str:
    """Return the format of content that has no magic, by what its name promises and its content proves."""
    if name.endswith(".safetensors"):
        return "safetensors" if inert.is_safetensors(content) else _rest(content)
    if name.endswith(_IMAGE_SUFFIXES):
        return "image" if inert.is_image(content) else _rest(content)
    raw = content.whole()
    if raw is None or not inert.is_text(raw):
        return _rest(content)
    source = _SOURCE_SUFFIXES.get(name[name.rfind(".") :]) if "." in name else None
    if source:
        return source
    if raw.startswith(b"#!"):
        return "executable"
    if name.endswith(".json"):
        return inert.json_format(raw) or "unknown"
    if _TEXT_FOR_PIP.fullmatch(name):
        return "unknown"
    return "text" if name in _TEXT_NAMES or name.endswith(_TEXT_SUFFIXES) else "unknown"


def _rest(content: Content) -> str:
    """A pickle that breaks off is still a pickle: unpickling runs what stands before the break."""
    return "pickle" if re.match(rb"\x80[\x00-\x05]", content.head) else "unknown"
