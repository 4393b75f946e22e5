#!/usr/bin/python3 -I
# SPDX-License-Identifier: GPL-3.0-or-later
"""frames.py send DEVICE WHAT VICTIM OWN | hear DEVICE FILE: single frames of kinds that IP tools do not send, and a listener
that writes a line for each of them."""
import socket
import struct
import sys

ARP, LLDP, OTHER = 0x0806, 0x88cc, 0x88b5
BROADCAST = b"\xff" * 6


def arp(mac, sender, target):
    body = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, mac, sender, b"\0" * 6, target)
    return BROADCAST + mac + struct.pack("!H", ARP) + body


def send(device, what, victim, own):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((device, 0))
    mac = s.getsockname()[4]
    victim, own = socket.inet_aton(victim), socket.inet_aton(own)
    frames = {
        "forged-arp": arp(mac, victim, own),
        "honest-arp": arp(mac, own, victim),
        "lldp": BROADCAST + mac + struct.pack("!H", LLDP) + b"\0" * 46,
        "other-ethertype": BROADCAST + mac + struct.pack("!H", OTHER) + b"\0" * 46,
    }
    for _ in range(3):
        s.send(frames[what])


def kind(frame, own_mac):
    proto = struct.unpack("!H", frame[12:14])[0]
    if proto == LLDP:
        return "lldp"
    if proto == OTHER:
        return "other-ethertype"
    # ARP of others; a forged one claims the listener's own address.
    if proto == ARP and frame[6:12] != own_mac:
        return "honest-arp" if frame[28:32] != OWN4 else "forged-arp"
    return None


def hear(device, path):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((device, 3))
    mac = s.getsockname()[4]
    with open(path, "a") as out:
        while True:
            word = kind(s.recv(2048), mac)
            if word:
                out.write(word + "\n")
                out.flush()


if sys.argv[1] == "send":
    send(*sys.argv[2:6])
else:
    import fcntl
    q = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    OWN4 = fcntl.ioctl(q, 0x8915, struct.pack("256s", sys.argv[2].encode()))[20:24]
    hear(sys.argv[2], sys.argv[3])
