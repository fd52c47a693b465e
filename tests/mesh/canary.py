"""Finds planted values in bytes, whatever form they were brought into on the way."""
import base64
import bz2
import os
import re
import zlib


def forms(canary):
    """The bytes to look for: plain, UTF-16, hexadecimal, and base64 at each of its three alignments."""
    plain = canary.encode()
    found = {plain, canary.encode("utf-16-le"), canary.encode("utf-16-be"), plain.hex().encode(),
             plain.hex().upper().encode(), plain[::-1]}
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + plain)
        start, end = (0, 2, 3)[shift], len(whole) - (4 if (len(plain) + shift) % 3 else 0)
        inner = whole[start:end]
        found.add(inner)
        found.add(inner.replace(b"+", b"-").replace(b"/", b"_"))
    return {form for form in found if len(form) >= 8}


def opened(data):
    """What compressed streams inside the bytes hold: gzip, zlib, bzip2."""
    for match in re.finditer(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]|BZh[1-9]", data):
        piece = data[match.start():match.start() + (4 << 20)]
        for unpack in (lambda: zlib.decompressobj(31).decompress(piece, 1 << 24),
                       lambda: zlib.decompressobj(15).decompress(piece, 1 << 24),
                       lambda: bz2.BZ2Decompressor().decompress(piece, 1 << 24)):
            try:
                yield unpack()
            except (zlib.error, OSError, ValueError):
                pass


class Scanner:
    def __init__(self, canaries):
        self._pattern = re.compile(b"|".join(re.escape(form) for canary in canaries for form in forms(canary)))
        self.bytes = self.files = 0

    def in_bytes(self, where, data):
        """Where each hit is."""
        self.bytes += len(data)
        hits = [f"{where} at {match.start()}" for match in self._pattern.finditer(data)]
        for inner in opened(data):
            if self._pattern.search(inner):
                hits.append(f"{where}, compressed")
        return hits

    def in_tree(self, folder):
        """Names of files count, too."""
        hits = []
        for root, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(root, name)
                self.files += 1
                hits += self.in_bytes(f"name of {path}", name.encode())
                try:
                    with open(path, "rb") as file:
                        hits += self.in_bytes(path, file.read())
                except OSError:
                    pass  # a socket, or gone meanwhile
        return hits
