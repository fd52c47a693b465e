#!/usr/bin/env python3
"""receivers.py HTTP_PORT SMTP_PORT FOLDER: takes what is told by webhook and by mail, one file each message."""
import asyncore
import http.server
import pathlib
import smtpd
import sys
import threading
import warnings

warnings.simplefilter("ignore", DeprecationWarning)
folder = pathlib.Path(sys.argv[3])
refused = [True]  # the first POST of all fails: whoever tells must try again


class Webhook(http.server.BaseHTTPRequestHandler):
    count = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if refused:
            refused.pop()
            self.send_response(503)
        else:
            (folder / f"webhook-{Webhook.count:04}.json").write_bytes(body)
            Webhook.count += 1
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Mail(smtpd.SMTPServer):
    count = 0

    def process_message(self, peer, mailfrom, rcpttos, data, **_):
        text = f"{mailfrom} {' '.join(rcpttos)}\n".encode() + data
        (folder / f"mail-{Mail.count:04}.eml").write_bytes(text)
        Mail.count += 1


web = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Webhook)
threading.Thread(target=web.serve_forever, daemon=True).start()
Mail(("127.0.0.1", int(sys.argv[2])), None)
print("ready", flush=True)
asyncore.loop()
