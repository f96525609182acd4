#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A mail server for tests: smtp.py PORT-FILE FOLDER: takes mails at a free port, keeps each as FOLDER/N.eml."""
import os
import socketserver
import sys


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def take_mail(self):
        self.say("354 go on")
        mail = b""
        while (line := self.rfile.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                return  # whoever sent it was killed
            mail += line[1:] if line.startswith(b".") else line
        n = len(os.listdir(sys.argv[2]))
        with open(sys.argv[1] + ".mail", "wb") as f:
            f.write(mail)
        os.rename(f.name, os.path.join(sys.argv[2], f"{n}.eml"))  # whoever sees it finds all of it
        self.say("250 taken")

    def handle(self):
        self.say("220 test")
        while line := self.rfile.readline():
            word = line.strip().upper()
            if word == b"DATA":
                self.take_mail()
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 well")


with socketserver.TCPServer(("127.0.0.1", 0), Session) as server:
    with open(sys.argv[1] + ".new", "w") as f:
        f.write(str(server.server_address[1]))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()
