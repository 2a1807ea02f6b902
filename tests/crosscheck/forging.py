"""Certificates that are changed and given a right checksum again (docs/certificate-format.md)."""

import hashlib
import struct
import zlib

FIRST_LINE = b"verissim certificate 2\n"
TAIL = 4  # bytes of the checksum


def unpack(data):
    assert data.startswith(FIRST_LINE) and struct.pack("<I", zlib.crc32(data[:-TAIL])) == data[-TAIL:]
    return zlib.decompress(data[len(FIRST_LINE) : -TAIL])


def pack(body):
    data = FIRST_LINE + zlib.compress(body)
    return data + struct.pack("<I", zlib.crc32(data))


def count(value):
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def text(value):
    return count(len(value)) + value.encode()


def float_planes(values):
    packed = [struct.pack("<f", v) for v in values]
    return b"".join(bytes(one[k] for one in packed) for k in range(4))


def header(question, limit, label, reference):
    """Of a certificate about the question's model, with these in place of its own."""
    model = question.model.read_bytes()
    counts = [*question.shape, label, len(question.net["layers"][-1][1])]
    named = text(hashlib.sha256(model).hexdigest()) + count(zlib.crc32(model))
    measure = "ssim in float32" if question.arithmetic == "float32" else "ssim"
    return named + text(measure) + text(limit) + b"".join(map(count, counts)) + float_planes(reference)


def own_header(question):
    return header(question, question.limit, question.label, question.reference)


def damaged(rng, body, first):
    """The body with one thing behind its header (of `first` bytes) changed."""
    end = len(body)
    at = rng.randrange(first, end)
    to = rng.randrange(at, min(end, at + rng.choice([2, 8, 40, 400]) + 1))
    kind = rng.randrange(7)
    if kind == 0:  # dropped
        return body[:at] + body[to:]
    if kind == 1:  # twice
        return body[:to] + body[at:to] + body[to:]
    if kind == 2:  # another number
        numbers = [-1.0, 2.0, 0.0, 1e30, -1e30, float("nan"), float("inf"), rng.uniform(-1, 1)]
        new = struct.pack(rng.choice(["<f", "<d"]), rng.choice(numbers))
        return body[:at] + new + body[at + len(new) :]
    if kind == 3:  # exchanged
        other = rng.randrange(first, end)
        low, high = sorted((at, other))
        return body[:low] + body[high : high + 1] + body[low + 1 : high] + body[low : low + 1] + body[high + 1 :]
    if kind == 4:  # another byte
        return body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :]
    if kind == 5:  # many other bytes
        own = bytearray(body)
        for _ in range(rng.randrange(2, 20)):
            own[rng.randrange(first, end)] ^= 1 << rng.randrange(8)
        return bytes(own)
    return body[:at] + bytes(rng.randrange(256) for _ in range(to - at)) + body[at:]  # more


def refutation(question, point):
    """The body of a certificate that calls `point` a counterexample."""
    return own_header(question) + b"P" + struct.pack(f"<{len(point)}d", *point) + b"E"
