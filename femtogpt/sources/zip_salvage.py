"""The whole files of a zip whose directory is damaged or cut off, found by their own headers."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

SIGNATURE = b"PK\x03\x04"
HEADER = struct.Struct("<6x2H4x3L2H")  # flags, method; checksum, sizes; name, extra field
ENCRYPTED, SIZES_FOLLOW = 1, 8  # flags
CHUNK_BYTES = 1 << 16


def salvaged(data: bytes, max_bytes: int) -> bytes:
    """Return a zip of the files that are whole, unpacked; at most ``max_bytes`` of them."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        at = data.find(SIGNATURE)
        while at >= 0 and len(data) - at > HEADER.size:
            flags, method, checksum, packed, _, name_size, extra = HEADER.unpack_from(data, at)
            start = at + HEADER.size + name_size + extra
            name = data[at + HEADER.size : at + HEADER.size + name_size].decode("utf-8", "replace")
            content, end = None, start
            if not flags & ENCRYPTED and name and not name.endswith("/"):
                content, end = _content(data, start, method, packed, max_bytes)
            is_whole = content is not None and (
                flags & SIZES_FOLLOW or zlib.crc32(content) == checksum
            )
            if content is not None and is_whole and name not in archive.NameToInfo:
                max_bytes -= len(content)
                archive.writestr(name, content)
            at = data.find(SIGNATURE, end if is_whole else at + len(SIGNATURE))
    return zipped.getvalue()


def _content(
    data: bytes, start: int, method: int, packed: int, max_bytes: int
) -> tuple[bytes | None, int]:
    """Return what a file contains and where it ends; None if it is not whole."""
    if method == zipfile.ZIP_STORED and 0 < packed <= min(len(data) - start, max_bytes):
        return data[start : start + packed], start + packed
    if method != zipfile.ZIP_DEFLATED:
        return None, start
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    parts: list[bytes] = []
    try:
        while not inflater.eof and start < len(data) and max_bytes > 0:
            parts.append(inflater.decompress(data[start : start + CHUNK_BYTES], max_bytes))
            max_bytes -= len(parts[-1])
            start = min(start + CHUNK_BYTES, len(data))
    except zlib.error:
        return None, start
    return (b"".join(parts), start - len(inflater.unused_data)) if inflater.eof else (None, start)
