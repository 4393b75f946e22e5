#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
websocket.py serve PORT             echoes what it gets, until it is ended
websocket.py talk URL MESSAGES      sends messages of many sizes, and compares their echoes
"""
import asyncio
import hashlib
import sys

import websockets


async def echo(socket, *_path):
    async for message in socket:
        await socket.send(message)


async def serve(port):
    async with websockets.serve(echo, "::", port, max_size=None), websockets.serve(echo, "0.0.0.0", port, max_size=None):
        print("listening", flush=True)
        await asyncio.Future()


async def talk(url, count):
    async with websockets.connect(url, max_size=None) as socket:
        for n in range(count):
            size = (n * n * 37) % 70000
            message = (hashlib.sha256(str(n).encode()).digest() * (size // 32 + 1))[:size]
            await socket.send(message if n % 2 else message.hex())
            answer = await asyncio.wait_for(socket.recv(), 30)
            assert answer == (message if n % 2 else message.hex()), f"message {n} came back changed"
    print(f"{count} messages came back whole")


if sys.argv[1] == "serve":
    asyncio.run(serve(int(sys.argv[2])))
else:
    asyncio.run(talk(sys.argv[2], int(sys.argv[3])))
