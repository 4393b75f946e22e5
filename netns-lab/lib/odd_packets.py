# SPDX-License-Identifier: GPL-3.0-or-later
"""odd_packets.py INTERFACE SOURCE DESTINATION: a good packet to port 6666, odd ones to 66xx, a good one to 7777."""
import sys

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_LSRR  # noqa: F401
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.sendrecv import sendp, srp1
from scapy.layers.l2 import ARP


def main():
    device, source, destination = sys.argv[1:4]
    answer = srp1(Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(psrc=source, pdst=destination), iface=device, timeout=10, verbose=0)
    ether = Ether(dst=answer.hwsrc)
    ip = IP(src=source, dst=destination)

    def good(port):
        return ether / ip / UDP(sport=4000, dport=port) / Raw(b"good")

    def tcp(port, flags):
        return ether / ip / TCP(sport=4000, dport=port, flags=flags)

    odd = [
        ether / ip / UDP(sport=4000, dport=6600, chksum=0x1234) / Raw(b"bad checksum"),
        ether / ip / TCP(sport=4000, dport=6601, flags="A", chksum=0x1234) / Raw(b"bad checksum"),
        tcp(6610, ""),
        tcp(6611, "SF"),
        tcp(6612, "SR"),
        tcp(6613, "FPU"),
        tcp(6614, "FSRPAU"),
        ether / IP(src=source, dst=destination, options=[IPOption_LSRR(routers=["192.0.2.1"])]) / UDP(dport=6620) / Raw(b"route"),
        ether / IP(src=destination, dst=destination) / TCP(sport=6630, dport=6630, flags="S"),
    ]
    sendp([good(6666)] + odd + [good(7777)], iface=device, verbose=0)


main()
