"""An institution's HTTPS inbox, as strict as one: takes a file once, the same again, no other under its name.

usage: office.py FOLDER PORT_FILE [CERTIFICATE KEY]
"""
import hashlib
import http.server
import os
import ssl
import sys


class Inbox(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        file = os.path.join(sys.argv[1], self.path.lstrip("/"))
        key = hashlib.sha256("/".join(self.path.split("/")[-2:]).encode() + b"\n" + body).hexdigest()
        if self.headers.get("Authorization") != "Bearer let-me-in":
            return self.answer(401, b"who are you?")
        if self.headers.get("Idempotency-Key") != key:
            return self.answer(400, b"that is no key of this file")
        if os.path.exists(os.path.join(sys.argv[1], "closed")):
            return self.answer(503, b"closed today")
        if os.path.exists(file):
            with open(file, "rb") as there:
                same = there.read() == body
            return self.answer(200 if same else 409, b"receipt again")
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as out:
            out.write(body)
        return self.answer(201, b"receipt " + key[:8].encode())

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(sys.argv[2] + ".part", "w") as out:
    out.write(str(server.server_address[1]))
os.rename(sys.argv[2] + ".part", sys.argv[2])
server.serve_forever()
