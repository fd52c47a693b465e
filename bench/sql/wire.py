"""A client of PostgreSQL's protocol that costs little: logs in with SCRAM, asks simple queries, sends COPY in large
messages. Where pgbench or psql would itself use up a core, the comparison would show the generator."""
import base64
import hashlib
import hmac
import os
import socket
import struct

from measure import Failed

COPY_MESSAGE_BYTES = 64 * 1024


class ServerError(Failed):
    pass


class Connection:
    # Salted passwords by (password, salt, rounds): thousands of logins must cost us one derivation only.
    _salted = {}

    def __init__(self, port, user, password, database, timeout=60):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        options = b"".join(part.encode() + b"\0" for part in ("user", user, "database", database)) + b"\0"
        self._socket.sendall(struct.pack("!ii", 8 + len(options), 196608) + options)
        self._log_in(password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self._socket.sendall(b"X\0\0\0\4")
        except OSError:
            pass
        self._socket.close()

    def _receive(self):
        """The next message: its type and its body."""
        while len(self._buffer) < 5 or len(self._buffer) < 1 + struct.unpack_from("!i", self._buffer, 1)[0]:
            data = self._socket.recv(65536)
            if not data:
                raise ServerError("the server closed the connection")
            self._buffer += data
        end = 1 + struct.unpack_from("!i", self._buffer, 1)[0]
        kind, body = self._buffer[:1], bytes(self._buffer[5:end])
        del self._buffer[:end]
        return bytes(kind), body

    def _send(self, kind, body):
        self._socket.sendall(kind + struct.pack("!i", 4 + len(body)) + body)

    @staticmethod
    def _error(body):
        fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
        return ServerError(" ".join(fields.get(key, "") for key in (b"S", b"C", b"M")))

    def _log_in(self, password):
        first = final = ""
        while True:
            kind, body = self._receive()
            if kind == b"E":
                raise self._error(body)
            if kind == b"Z":
                return
            if kind != b"R":
                continue
            step = struct.unpack("!i", body[:4])[0]
            if step == 10:
                first = "n=,r=" + base64.b64encode(os.urandom(18)).decode()
                text = ("n,," + first).encode()
                self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(text)) + text)
            elif step == 11:
                final = self._proof(password, first, body[4:].decode())
                self._send(b"p", final.encode())
            elif step not in (0, 12):
                raise ServerError(f"the server wants authentication {step}")

    def _proof(self, password, first, challenge):
        """RFC 5802, section 3."""
        part = dict(one.split("=", 1) for one in challenge.split(","))
        key = (password, part["s"], part["i"])
        if key not in self._salted:
            self._salted[key] = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(part["s"]), int(part["i"]))
        client = hmac.digest(self._salted[key], b"Client Key", "sha256")
        bare = "c=biws,r=" + part["r"]
        signature = hmac.digest(hashlib.sha256(client).digest(), f"{first},{challenge},{bare}".encode(), "sha256")
        proof = bytes(a ^ b for a, b in zip(client, signature))
        return bare + ",p=" + base64.b64encode(proof).decode()

    def query(self, sql):
        """All rows as tuples of texts (None for NULL)."""
        self._send(b"Q", sql.encode() + b"\0")
        rows, failed = [], None
        while True:
            kind, body = self._receive()
            if kind == b"D":
                rows.append(self._row(body))
            elif kind == b"E":
                failed = self._error(body)
            elif kind == b"Z":
                if failed:
                    raise failed
                return rows

    @staticmethod
    def _row(body):
        values, at = [], 2
        for _ in range(struct.unpack_from("!h", body)[0]):
            size = struct.unpack_from("!i", body, at)[0]
            at += 4
            values.append(None if size < 0 else body[at:at + size].decode())
            at += max(size, 0)
        return tuple(values)

    def copy_in(self, sql, data):
        """Sends `data` as the server reads it; messages end where they end, in the midst of rows, as drivers do that
        send blocks. Returns the command tag."""
        self._send(b"Q", sql.encode() + b"\0")
        kind, body = self._receive()
        if kind != b"G":
            raise self._error(body)
        view = memoryview(data)
        for at in range(0, len(view), COPY_MESSAGE_BYTES):
            part = view[at:at + COPY_MESSAGE_BYTES]
            self._socket.sendall(b"d" + struct.pack("!i", 4 + len(part)) + part)
        self._send(b"c", b"")
        tag, failed = "", None
        while True:
            kind, body = self._receive()
            if kind == b"C":
                tag = body.rstrip(b"\0").decode()
            elif kind == b"E":
                failed = self._error(body)
            elif kind == b"Z":
                if failed:
                    raise failed
                return tag

    def copy_out(self, sql):
        """All bytes that COPY … TO STDOUT sends."""
        self._send(b"Q", sql.encode() + b"\0")
        data, failed = bytearray(), None
        while True:
            kind, body = self._receive()
            if kind == b"d":
                data += body
            elif kind == b"E":
                failed = self._error(body)
            elif kind == b"Z":
                if failed:
                    raise failed
                return bytes(data)
