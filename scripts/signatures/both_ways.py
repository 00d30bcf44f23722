"""Our signatures and those of the `standardwebhooks` library, through the real server. See scripts/test-signatures."""

import base64
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

OLD = "whsec_" + base64.b64encode(b"the secret of last year, 32 bytes").decode()
NEW = "whsec_" + base64.b64encode(b"the secret of this year, 32 bytes").decode()
FOREIGN = "whsec_" + base64.b64encode(b"somebody else's secret of 32 byte").decode()

handed_off = []


class Webhooks(BaseHTTPRequestHandler):
    """Takes hand-offs as N8N does, and keeps them."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        handed_off.append((dict(self.headers.items()), body))
        answer = b'{"message":"Workflow was started"}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def call(url, body, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def check(what, holds):
    print(("ok      " if holds else "FAILED  ") + what)
    checks.append(holds)


def signed(secret, message, at=None):
    """A callback that the library signed: its body and its headers."""
    body = json.dumps({"messageId": message, "status": "SENT", "providerMessageId": "p1"})
    at = at or datetime.datetime.now(tz=datetime.timezone.utc)
    name = "msg_" + uuid.uuid4().hex
    signature = Webhook(secret).sign(name, at, body)
    return body.encode(), {
        "webhook_id": name,
        "webhook_timestamp": str(int(at.timestamp())),
        "webhook_signature": signature,
    }


def both_ways(url, token):
    messages = []
    for n in range(5):
        order = {"channel": "SMS", "to": f"09123401{n:02}", "text": f"Chào bạn số {n}, hẹn gặp bạn ở lớp nhé!"}
        status, answer = call(f"{url}/api/outbound/messages", order, authorization=f"Bearer {token}")
        assert status == 201, answer
        messages.append(answer["outboundMessage"]["id"])
    status, run = call(f"{url}/api/worker/outbound", {}, x_worker_secret="signatures-worker")
    assert (status, run["processed"]) == (200, 5), run

    for secret, name in [(NEW, "the new secret"), (OLD, "the old secret")]:
        try:
            for headers, body in handed_off:
                Webhook(secret).verify(body, {key.lower(): value for key, value in headers.items()})
            check(f"the library verifies {len(handed_off)} hand-offs with {name}", len(handed_off) == 5)
        except WebhookVerificationError as error:
            check(f"the library verifies hand-offs with {name}: {error}", False)
    try:
        headers, body = handed_off[0]
        Webhook(FOREIGN).verify(body, {key.lower(): value for key, value in headers.items()})
        check("the library refuses hand-offs with another secret", False)
    except WebhookVerificationError:
        check("the library refuses hand-offs with another secret", True)

    callback = f"{url}/api/outbound/callback"
    for secret, name, message in [(NEW, "new", messages[0]), (OLD, "old", messages[1])]:
        body, headers = signed(secret, message)
        status, answer = call(callback, body, **headers)
        check(f"a callback that the library signed with the {name} secret is applied",
              (status, answer.get("applied")) == (200, True))
        status, _ = call(callback, body, **headers)
        check("the very same request again changes nothing", status != 200 or not _["applied"])
    body, headers = signed(FOREIGN, messages[2])
    check("one that is signed with another secret is 403", call(callback, body, **headers)[0] == 403)
    old = datetime.datetime.now(tz=datetime.timezone.utc) - datetime.timedelta(minutes=6)
    body, headers = signed(NEW, messages[2], old)
    check("one that is six minutes old is 403", call(callback, body, **headers)[0] == 403)
    body, headers = signed(NEW, messages[2])
    check("one whose body was changed is 403", call(callback, body.replace(b"p1", b"p2"), **headers)[0] == 403)
    plain = {"messageId": messages[2], "status": "SENT"}
    status, answer = call(callback, plain, x_callback_secret="signatures-callback")
    check("the plain secret goes on working", (status, answer.get("applied")) == (200, True))


def main(binary):
    webhooks = ThreadingHTTPServer(("127.0.0.1", 0), Webhooks)
    threading.Thread(target=webhooks.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PG_BIN_DIR", "TMPDIR")},
            "N8N_WEBHOOK_URL": f"http://127.0.0.1:{webhooks.server_port}/webhook/outbound",
            "N8N_WEBHOOK_SECRET": f"{NEW},{OLD}",
            "WORKER_SECRET": "signatures-worker",
            "N8N_CALLBACK_SECRET": "signatures-callback",
            "OPS_QUIET_HOURS": "off",
        }
        data = os.path.join(folder, "data")
        server = subprocess.Popen(
            [binary, "serve", "--bind", "127.0.0.1:0", "--data-dir", data], env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        try:
            url = next(found.group() for line in server.stdout
                       if (found := re.search(r"http://127\.0\.0\.1:\d+(?=\s|$)", line)))
            threading.Thread(target=server.stdout.read, daemon=True).start()
            token = subprocess.run(
                [binary, "token", "--data-dir", data, "--role", "admin", "--sub", "signatures"],
                env=environment, check=True, capture_output=True, text=True,
            ).stdout.strip()
            both_ways(url, token)
        finally:
            server.terminate()
            server.wait()
    return 0 if checks and all(checks) else 1


checks = []
sys.exit(main(sys.argv[1]))
