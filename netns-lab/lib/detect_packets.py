# SPDX-License-Identifier: GPL-3.0-or-later
"""
detect_packets.py INTERFACE KIND SOURCE DESTINATION [COUNT]: what detectors look for, sent from SOURCE.
  syn fin null xmas maimon udp     COUNT ports from 1000 on
  sweep                            COUNT addresses from DESTINATION on
  echo                             COUNT echo requests (to a broadcast address as a broadcast frame)
"""
import ipaddress
import sys

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw
from scapy.sendrecv import sendp, srp1

FLAGS = {"syn": "S", "fin": "F", "null": "", "xmas": "FPU", "maimon": "FA"}
BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac_of(device, address):
    if address.endswith(".255"):
        return BROADCAST
    # Asked by the interface's own address, not by the one that is sent from, which may be forged.
    answer = srp1(Ether(dst=BROADCAST) / ARP(pdst=address), iface=device, timeout=10, verbose=0)
    if answer is None:
        sys.exit(f"nobody answers for {address}")
    return answer.hwsrc


def packet(kind, source, destination, n):
    if kind in FLAGS:
        return IP(src=source, dst=destination) / TCP(sport=40000, dport=1000 + n, flags=FLAGS[kind], seq=1000 + n)
    if kind == "udp":
        return IP(src=source, dst=destination) / UDP(sport=40000, dport=1000 + n) / Raw(b"probe")
    if kind == "sweep":
        return IP(src=source, dst=str(ipaddress.ip_address(destination) + n)) / ICMP(id=n)
    if kind == "echo":
        return IP(src=source, dst=destination) / ICMP(id=77, seq=n) / Raw(b"probe")
    sys.exit(f"no kind {kind}")


def main():
    device, kind, source, destination = sys.argv[1:5]
    count = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    ether = Ether(dst=mac_of(device, destination))
    sendp([ether / packet(kind, source, destination, n) for n in range(count)], iface=device, verbose=0)


main()
