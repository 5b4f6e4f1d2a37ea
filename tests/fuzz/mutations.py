"""What can be wrong with a file: damage to its bytes, and to what they say."""

import io
import json
import struct
import zipfile

import numpy as np

WORDS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)
VALUES = (
    *(None, True, "", "../../x", "\0", "x" * 5000, -1, 0, 3, 2**31, 2**63, 10**30),
    *(1.5, float("nan"), float("inf"), -1e308, [], {}, [[[]]], [None], ["a", "b"]),
    *(
        {"class_name": "Lambda"},
        {"class_name": "__lambda__", "config": {}},
        [2**40] * 3,
    ),
    *("LocallyConnected2D", "Conv2D", "softmax", "float16", "channels_first", "same"),
    *("Orthogonal", "relu", {"class_name": "Constant", "config": {"value": [[1]]}}),
)


# Bytes ---------------------------------------------------------------------------


def flip_bits(data, others, rng):
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def truncate(data, others, rng):
    return data[: rng.randrange(len(data))]


def cut_out(data, others, rng):
    start = rng.randrange(len(data))
    del data[start : start + rng.choice((1, 8, 512, 4096))]
    return data


def insert(data, others, rng):
    start = rng.randrange(len(data))
    data[start:start] = rng.randbytes(rng.choice((1, 8, 512)))
    return data


def blank(data, others, rng):
    start = rng.randrange(len(data))
    stop = min(len(data), start + rng.choice((4, 64, 1024)))
    data[start:stop] = bytes([rng.choice((0, 255))]) * (stop - start)
    return data


def splice(data, others, rng):
    other = rng.choice(others)
    size = rng.choice((16, 256, 2048))
    start, source = rng.randrange(len(data)), rng.randrange(len(other))
    data[start : start + size] = other[source : source + size]
    return data


def write_words(data, others, rng):
    for _ in range(rng.choice((1, 1, 3))):
        raw = struct.pack("<Q", rng.choice(WORDS))[: rng.choice((1, 2, 4, 8))]
        start = rng.randrange(max(1, len(data) - 8))
        data[start : start + len(raw)] = raw
    return data


BYTES = (flip_bits, truncate, cut_out, insert, blank, splice, write_words, write_words)


# JSON ----------------------------------------------------------------------------


def change_value(value, rng):
    """Return a JSON value with one place of it changed."""
    if rng.random() < 0.12 or not isinstance(value, (dict, list)) or not value:
        return rng.choice(VALUES)
    if isinstance(value, list):
        place = rng.randrange(len(value))
        kind = rng.random()
        if kind < 0.1:
            return value[:place] + value[place + 1 :]
        if kind < 0.2:
            return [*value, value[place]]
        return [*value[:place], change_value(value[place], rng), *value[place + 1 :]]
    key = rng.choice(list(value))
    kind = rng.random()
    if kind < 0.1:
        return {k: v for k, v in value.items() if k != key}
    if kind < 0.15:
        return {**value, rng.choice(("foo", "weights", "implementation")): 2}
    return {**value, key: change_value(value[key], rng)}


def changed_json(text, rng):
    value = json.loads(text)
    for _ in range(rng.choice((1, 1, 2, 4))):
        value = change_value(value, rng)
    if rng.random() < 0.02:
        return "[" * rng.choice((50, 500, 100_000))
    text = json.dumps(value)
    return text[: rng.randrange(len(text))] if rng.random() < 0.03 else text


# Containers ----------------------------------------------------------------------


def rezipped(data, change, compression=zipfile.ZIP_DEFLATED):
    """Return an archive whose entries went through `change(name, bytes)`."""
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(bytes(data))) as old,
        zipfile.ZipFile(result, "w", compression) as new,
    ):
        for name in old.namelist():
            for new_name, content in change(name, old.read(name)):
                new.writestr(new_name, content)
    return bytearray(result.getvalue())


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def change_npz_config(data, others, rng):
    def change(name, content):
        if name == "config.npy":
            text = changed_json(np.load(io.BytesIO(content)).tobytes(), rng)
            content = npy(np.frombuffer(text.encode(), np.uint8))
        return [(name, content)]

    return rezipped(data, change)


def change_npz_array(data, others, rng):
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as old:
        chosen = rng.choice(old.namelist())
    kind = rng.randrange(6)

    def change(name, content):
        if name != chosen:
            return [(name, content)]
        if kind == 0:
            return []
        if kind == 1:
            return [(rng.choice(("../x.npy", "/x.npy", "a.txt", "b.npy")), content)]
        if kind == 2:
            return [(name, npy(rng.choice((np.ones(3), np.array(["a"]), np.zeros(0)))))]
        if kind == 3:
            return [(name, bytes(flip_bits(bytearray(content), others, rng)))]
        if kind == 4:
            place = content.find(b"'shape': (") + 10
            number = str(rng.choice((0, 9, 10**6, 10**12, 2**63))).encode()
            return [(name, content[:place] + number + content[place + 1 :])]
        return [(name, content.replace(b"<f4", rng.choice((b"<f8", b"|O8", b"<c8"))))]

    return rezipped(data, change)


def change_directory(data, others, rng):
    """Lie in the directory of an archive: sizes, methods, offsets, names."""
    start = data.rfind(b"PK\x01\x02", 0, len(data) - rng.randrange(200))
    if start < 0:
        return flip_bits(data, others, rng)
    field = rng.choice((8, 10, 16, 20, 24, 28, 30, 32, 42))
    raw = struct.pack("<Q", rng.choice(WORDS))[
        : 2 if field in (8, 10, 28, 30, 32) else 4
    ]
    data[start + field : start + field + len(raw)] = raw
    return data


def change_keras_config(data, others, rng):
    def change(name, content):
        if name == "config.json" or (name == "metadata.json" and rng.random() < 0.1):
            content = changed_json(content, rng).encode()
        return [(name, content)]

    return rezipped(data, change)


def change_keras_weights(data, others, rng):
    def change(name, content):
        if name.endswith(".h5"):
            mutate = rng.choice((*BYTES, change_h5, change_h5, change_h5))
            content = bytes(mutate(bytearray(content), [content], rng))
        return [(name, content)]

    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    return rezipped(data, change, method)


def bomb_keras(data, others, rng):
    bomb = bytes(rng.choice((10**6, 10**8)))

    def change(name, content):
        chosen = rng.choice(("config.json", "model.weights.h5"))
        return [(name, content + bomb if name == chosen else content)]

    return rezipped(data, change)


def change_h5(data, others, rng):
    """Change what an HDF5 file says by means of the library itself."""
    import h5py

    buffer = io.BytesIO(bytes(data))
    with h5py.File(buffer, "r+") as file:
        groups, arrays = [file], []
        file.visititems(
            lambda _, x: (arrays if isinstance(x, h5py.Dataset) else groups).append(x)
        )
        holders = [g for g in groups if len(g.attrs)]
        kind = rng.randrange(14)
        if kind < 4 and holders:
            holder = rng.choice(holders)
            name = rng.choice(list(holder.attrs))
            change_attribute(holder, name, rng)
        elif arrays:
            array = rng.choice(arrays)
            parent, name = array.parent, array.name.rpartition("/")[2]
            value = array[()]
            del parent[name]
            change_array(h5py, parent, name, value, kind - 4, rng)
    return bytearray(buffer.getvalue())


def change_attribute(holder, name, rng):
    value = holder.attrs[name]
    text = value.decode() if isinstance(value, bytes) else value
    if isinstance(text, str) and text[:1] in "{[":
        holder.attrs[name] = changed_json(text, rng)
        return
    choices = (
        "other",
        b"\xff\xfe",
        3,
        np.zeros((2, 2)),
        np.array([b"a", b"a"]),
        np.array([b"../x", b"/"]),
        np.array([b"x" * 3000] * 20),
        np.zeros(0),
    )
    del holder.attrs[name]
    if rng.random() < 0.8:
        holder.attrs[name] = rng.choice(choices)


def change_array(h5py, parent, name, value, kind, rng):
    huge = (2**20, 2**16)
    if kind == 0:
        parent.create_dataset(name, shape=huge, dtype="f4", chunks=(64, 64))
    elif kind == 1:
        options = {"chunks": True, "compression": "gzip"} if value.shape else {}
        parent.create_dataset(name, data=value, **options)
    elif kind == 2:
        parent[name] = h5py.SoftLink(rng.choice(("/", "/nowhere", "/model_weights")))
    elif kind == 3:
        parent[name] = h5py.ExternalLink("other.h5", "/x")
    elif kind == 4:
        parent.create_dataset(
            name, shape=(8,), dtype="f4", external=[("/etc/hostname", 0, 32)]
        )
    elif kind == 5:
        source = h5py.VirtualSource("other.h5", "x", shape=(4,))
        layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
        layout[:] = source
        parent.create_virtual_dataset(name, layout)
    elif kind == 6:
        parent.create_dataset(name, data=["a", "b"], dtype=h5py.string_dtype())
    elif kind == 7:
        other = rng.choice(("f8", "f2", "i4", "u1", "c8", "?"))
        parent.create_dataset(name, data=np.asarray(value).astype(other))
    elif kind == 8:
        parent.create_group(name)
    else:
        zeros = np.zeros((2**9, 2**10), np.float32)
        parent.create_dataset(name, data=zeros, compression="gzip", chunks=zeros.shape)


NPZ = (*BYTES, *(change_npz_config,) * 8, *(change_npz_array,) * 4, change_directory)
KERAS = (
    *BYTES,
    *(change_keras_config,) * 8,
    *(change_keras_weights,) * 6,
    *(change_directory,) * 2,
    bomb_keras,
)
H5 = (*BYTES, *(change_h5,) * 10)
MUTATIONS = {".npz": NPZ, ".keras": KERAS, ".h5": H5}


def mutated(data, suffix, others, rng):
    """Return the bytes of a file with one to three things wrong with it."""
    result = bytearray(data)
    mutation = rng.choice(MUTATIONS[suffix])
    result = mutation(result, others, rng)
    while rng.random() < 0.2 and len(result) > 16:
        result = rng.choice(BYTES)(bytearray(result), others, rng)
    return bytes(result), mutation.__name__
