#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A receiver of webhooks for tests: hook.py PORT-FILE FOLDER SECRET. Each POST to /hook with the right signature is kept as
FOLDER/DELIVERY.N (N counts its copies), but the first of all is answered with 503; others are kept as FOLDER/bad.N.
POSTs to /kcidb are kept as FOLDER/kcidb.N, if they have the token SECRET."""
import hashlib
import hmac
import http.server
import os
import sys

port_file, folder, secret = sys.argv[1:4]
seen = []


class Handler(http.server.BaseHTTPRequestHandler):
    def keep(self, name, body):
        n = len([f for f in os.listdir(folder) if f.startswith(name + ".")])
        with open(port_file + ".body", "wb") as f:
            f.write(body)
        os.rename(f.name, os.path.join(folder, f"{name}.{n}"))  # whoever sees it finds all of it

    def judge(self, body):
        if self.path == "/kcidb":
            good = self.headers.get("Authorization") == f"Bearer {secret}"
            return ("kcidb", 200) if good else ("bad", 403)
        wanted = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        if self.headers.get("X-Nestlab-Signature-256") != wanted:
            return "bad", 403
        seen.append(1)
        if len(seen) == 1:
            return "early", 503
        return self.headers.get("X-Nestlab-Delivery"), 200

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) < int(self.headers["Content-Length"]):
            return  # whoever sent it was killed
        name, status = self.judge(body)
        self.keep(name, body)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(port_file + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
server.serve_forever()
