"""Build small model files, byte for byte, for tests.

Each builder returns the bytes of one file. Those named `evil_*` would, in a program that loads them, run at most
`echo harmless`. Nothing here is loaded or unpickled: dangerous pickles are put together opcode by opcode.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

COMMAND = "echo harmless"
"""The most that any payload would run."""


def build_tree(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write `files` (path with `/` → content) below `root`, making directories; return `root`."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root


# Pickles ---------------------------------------------------------------------------------------------------------


def _short_text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + len(raw).to_bytes(4, "little") + raw


def plain_pickle() -> bytes:
    """Protocol 2: `{"epochs": 3, "name": "tiny"}`, without an import."""
    return b"\x80\x02}(" + _short_text("epochs") + b"K\x03" + _short_text("name") + _short_text("tiny") + b"u."


def evil_pickle(protocol: int = 2, module: str = "os", name: str = "system", argument: str = COMMAND) -> bytes:
    """A call of `module.name(argument)` in protocol 0 (ASCII), 2, or 4 (STACK_GLOBAL)."""
    named = f"c{module}\n{name}\n".encode()
    if protocol == 0:
        return named + f"(V{argument}\ntR.".encode()
    if protocol == 2:
        return b"\x80\x02" + named + _short_text(argument) + b"\x85R."
    return b"\x80\x04" + _short_text(module) + _short_text(name) + b"\x93" + _short_text(argument) + b"\x85R."


def evil_pickle_inst() -> bytes:
    """Protocol 0 with INST, which needs neither GLOBAL nor REDUCE."""
    return f"(S'{COMMAND}'\nios\nsystem\n.".encode()


def evil_pickle_cut() -> bytes:
    """A protocol 0 call whose stream then breaks off: unpickling fails, but only after the call."""
    return evil_pickle(0)[:-1] + b"\xff\xff"


def state_dict_pickle() -> bytes:
    """`data.pkl` of a state dict with one tensor, `bias`, whose two floats are in storage 0, as PyTorch writes it."""
    ordered = b"ccollections\nOrderedDict\n)R"
    storage = (
        b"(" + _short_text("storage") + b"ctorch\nFloatStorage\n" + _short_text("0") + _short_text("cpu") + b"K\x02tQ"
    )
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x02\x85K\x01\x85\x89" + ordered + b"tR"
    return b"\x80\x02" + ordered + _short_text("bias") + tensor + b"s."


# Containers ------------------------------------------------------------------------------------------------------


def zip_of(members: Sequence[tuple[str, bytes]]) -> bytes:
    """A zip of `members` in their order, stored, with a fixed date."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # the same bytes on every platform
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content)
    return out.getvalue()


def tar_of(members: Sequence[tuple[str, bytes]]) -> bytes:
    """A ustar archive of `members` in their order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def torch_zip(data_pkl: bytes | None = None, root: str = "archive") -> bytes:
    """A checkpoint as `torch.save` writes it since 1.6; `data_pkl` defaults to a harmless state dict."""
    return zip_of(
        [
            (f"{root}/data.pkl", state_dict_pickle() if data_pkl is None else data_pkl),
            (f"{root}/.format_version", b"1"),
            (f"{root}/.storage_alignment", b"64"),
            (f"{root}/byteorder", b"little"),
            (f"{root}/data/0", struct.pack("<2f", 0.25, -0.25)),
            (f"{root}/version", b"3\n"),
            (f"{root}/.data/serialization_id", b"0" * 40),
        ]
    )


def evil_torch_zip() -> bytes:
    """A checkpoint whose `data.pkl` calls `os.system`."""
    return torch_zip(evil_pickle(2))


def torch_legacy(object_pickle: bytes | None = None) -> bytes:
    """A checkpoint as PyTorch wrote it before 1.6: magic number, version, system info, the object, storage keys."""
    magic = b"\x80\x02\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little") + b"."
    version = b"\x80\x02M\xe9\x03."
    system = b"\x80\x02}" + _short_text("little_endian") + b"\x88s."
    return magic + version + system + (plain_pickle() if object_pickle is None else object_pickle) + b"\x80\x02]."


def evil_torch_legacy() -> bytes:
    """The old format with an object that calls `os.system`; the pickles before it are harmless."""
    return torch_legacy(evil_pickle(2))


def compressed(kind: str, content: bytes) -> bytes:
    """`content` compressed as gzip, zlib, bzip2 or xz."""
    compressors: dict[str, Callable[[bytes], bytes]] = {
        "gzip": lambda raw: gzip.compress(raw, mtime=0),
        "zlib": zlib.compress,
        "bzip2": bz2.compress,
        "xz": lzma.compress,
    }
    return compressors[kind](content)


# Tensors and graphs ----------------------------------------------------------------------------------------------


def safetensors(
    tensors: Mapping[str, Sequence[float]] | None = None, metadata: Mapping[str, str] | None = None
) -> bytes:
    """A safetensors file of F32 vectors."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    body = b""
    for name, values in ({"bias": (0.25, -0.25)} if tensors is None else tensors).items():
        data = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": [len(values)], "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    return safetensors_of(header, body)


def safetensors_of(header: object, body: bytes) -> bytes:
    """A file with safetensors' frame around any header; the header is padded to 8 bytes."""
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw + body


def numpy_array(descr: str = "<f4", data: bytes = b"\0" * 8, shape: str = "(2,)") -> bytes:
    """An .npy file, version 1.0."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def evil_numpy_array() -> bytes:
    """An object array, whose body is a pickle that calls `os.system`."""
    return numpy_array("|O", evil_pickle(4), "(1,)")


def keras_zip(with_lambda: bool = False) -> bytes:
    """A .keras archive; its weights are only a signature. The Lambda layer's code is the text of `COMMAND`, no code."""
    layers: list[dict[str, object]] = [{"class_name": "Dense", "config": {"units": 1}, "module": "keras.layers"}]
    if with_lambda:
        layers.append({"class_name": "Lambda", "config": {"function": [COMMAND, None, None]}, "module": "keras.layers"})
    config = {"class_name": "Sequential", "config": {"layers": layers}, "module": "keras"}
    metadata = {"date_saved": "2024-01-01@00:00:00", "keras_version": "3.3.3"}
    return zip_of(
        [
            ("metadata.json", json.dumps(metadata).encode()),
            ("config.json", json.dumps(config).encode()),
            ("model.weights.h5", hdf5_start()),
        ]
    )


def hdf5_start() -> bytes:
    """The signature and superblock version of an HDF5 file; enough to know it by, not to open it."""
    return b"\x89HDF\r\n\x1a\n" + bytes(88)


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def _field(number: int, value: int | str | bytes) -> bytes:
    """One protobuf field: a varint, or bytes with their length."""
    if isinstance(value, int):
        return _number(number * 8) + _number(value)
    raw = value.encode() if isinstance(value, str) else value
    return _number(number * 8 + 2) + _number(len(raw)) + raw


def onnx(weights_file: str | None = None) -> bytes:
    """An ONNX model with one Neg node; `weights_file` adds a tensor that names this external file."""

    def value(name: str) -> bytes:
        return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, _field(1, _field(1, 2)))))

    node = _field(1, "x") + _field(2, "y") + _field(3, "neg") + _field(4, "Neg")
    graph = _field(1, node) + _field(2, "tiny") + _field(11, value("x")) + _field(12, value("y"))
    if weights_file is not None:
        place = _field(1, "location") + _field(2, weights_file)
        graph += _field(5, _field(1, 2) + _field(2, 1) + _field(8, "w") + _field(13, place) + _field(14, 1))
    return _field(1, 8) + _field(2, "tests") + _field(7, graph) + _field(8, _field(1, "") + _field(2, 17))


def saved_model(*operators: str) -> bytes:
    """A TensorFlow `saved_model.pb` with one node for each of `operators` (default: one Placeholder)."""
    nodes = b"".join(
        _field(1, _field(1, f"n{i}") + _field(2, op)) for i, op in enumerate(operators or ("Placeholder",))
    )
    return _field(1, 1) + _field(2, _field(1, _field(4, "serve")) + _field(2, nodes))


def gguf(template: str = "{{ messages[0].content }}") -> bytes:
    """A GGUF file of metadata only: the architecture and a chat template."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    pairs = {"general.architecture": "llama", "tokenizer.chat_template": template}
    body = b"".join(text(key) + struct.pack("<I", 8) + text(value) for key, value in pairs.items())
    out = b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + body
    return out + bytes(-len(out) % 32)


def evil_template() -> str:
    """A Jinja template that reaches for `os.popen`."""
    return "{{ cycler.__init__.__globals__.os.popen('" + COMMAND + "').read() }}"


# Data ------------------------------------------------------------------------------------------------------------


def json_file(value: object) -> bytes:
    """JSON with sorted keys and a last newline."""
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def png() -> bytes:
    """A PNG of one grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\x80")) + chunk(b"IEND", b"")
    )
