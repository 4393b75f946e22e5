#!/usr/bin/python3 -I
# SPDX-License-Identifier: GPL-3.0-or-later
"""talker.py ADDRESS PORT IN OUT: one UDP socket; each line of the pipe IN is sent, and what comes back, or "nothing",
is written to the pipe OUT."""
import os
import socket
import sys

address, port, path_in, path_out = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((address, port))
os.mkfifo(path_out)
os.mkfifo(path_in)
while True:
    with open(path_in) as lines:
        for line in lines:
            s.settimeout(0)
            try:
                while True:
                    s.recv(2048)
            except OSError:
                pass
            s.settimeout(1.5)
            s.send(line.rstrip("\n").encode())
            try:
                answer = s.recv(2048).decode()
            except OSError:
                answer = "nothing"
            with open(path_out, "w") as out:
                out.write(answer + "\n")
