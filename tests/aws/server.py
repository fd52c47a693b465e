#!/usr/bin/env python3
"""AWS on loopback for tests: moto, behind a check of every signature by AWS's own signer (botocore).

usage: server.py PORT            prints "ready" when it serves; ends when its standard input is closed

The one pair of credentials is test/secret, as the tests know them. A request whose Signature Version 4 does not
match, or whose date is more than five minutes off, is refused as AWS refuses it.
"""
import datetime
import io
import json
import logging
import os
import sys
import threading

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.secretsmanager.models import SecretsManagerBackend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

CREDENTIALS = Credentials("test", "secret")


def move_the_default_too(move):
    """moto 5.2.5 forgets that a moved AWSCURRENT is what the next PutSecretValue replaces."""

    def moved(self, secret_id, version_stage, remove_from_version_id, move_to_version_id):
        result = move(self, secret_id, version_stage, remove_from_version_id, move_to_version_id)
        if version_stage == "AWSCURRENT":
            self.secrets[secret_id].set_default_version_id(move_to_version_id)
        return result

    return moved


SecretsManagerBackend.update_secret_version_stage = move_the_default_too(
    SecretsManagerBackend.update_secret_version_stage)


def fault(name):
    return Response(json.dumps({"__type": name, "message": "refused by the test server"}), status=403,
                    content_type="application/x-amz-json-1.1")


def refusal(request):
    """The fault to answer with, or None if the signature is good."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    scope = fields.get("Credential", "").split("/")
    if scheme != "AWS4-HMAC-SHA256" or len(scope) != 5:
        return "MissingAuthenticationTokenException"
    if scope[0] != CREDENTIALS.access_key:
        return "UnrecognizedClientException"
    date = request.headers.get("X-Amz-Date", "")
    try:
        when = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")
    except ValueError:
        return "IncompleteSignatureException"
    if abs((datetime.datetime.utcnow() - when).total_seconds()) > 300 or scope[1] != date[:8]:
        return "InvalidSignatureException"
    signed = fields.get("SignedHeaders", "").split(";")
    if "host" not in signed or "x-amz-date" not in signed:
        return "InvalidSignatureException"
    query = request.query_string.decode()
    again = AWSRequest(request.method, request.host_url.rstrip("/") + request.path + ("?" + query if query else ""),
                       data=request.get_data(), headers={name: request.headers.get(name, "") for name in signed})
    again.context["timestamp"] = date
    signer = (S3SigV4Auth if scope[3] == "s3" else SigV4Auth)(CREDENTIALS, scope[3], scope[2])
    canonical = signer.canonical_request(again)
    good = signer.signature(signer.string_to_sign(again, canonical), again)
    return None if good == fields.get("Signature") else "InvalidSignatureException"


class Checked:
    """WSGI middleware; /moto-api/ (resetting, for tests) passes."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        request = Request(environ)
        size = int(request.headers.get("Content-Length") or 0)
        body = environ["wsgi.input"].read(size)
        environ["wsgi.input"] = io.BytesIO(body)
        name = refusal(Request(dict(environ, **{"wsgi.input": io.BytesIO(body)})))
        if name is not None:
            return fault(name)(environ, start_response)
        return self.app(environ, start_response)


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ.setdefault("MOTO_ALLOW_NONEXISTENT_REGION", "true")
    server = make_server("127.0.0.1", int(sys.argv[1]), Checked(DomainDispatcherApplication(create_backend_app)),
                         threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
