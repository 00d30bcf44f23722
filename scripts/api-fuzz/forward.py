"""Forwards connections to a server on this machine, each from another loopback address.

The server counts wrong secrets by address. A fuzzer guesses all the time; from one address it would soon be told to
wait, and learn nothing more. Usage: forward.py <port of the server>; prints the port that it listens on.
"""

import asyncio
import itertools
import sys

numbers = itertools.count(1)


def address() -> str:
    n = next(numbers)
    return f"127.{1 + n // 62500 % 250}.{1 + n // 250 % 250}.{1 + n % 250}"


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()


async def forward(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        there = await asyncio.open_connection("127.0.0.1", port, local_addr=(address(), 0))
    except OSError:
        # Elsewhere than on Linux there is only one loopback address.
        there = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))
    for end in (there[1], writer):
        end.close()


async def main() -> None:
    port = int(sys.argv[1])
    server = await asyncio.start_server(lambda r, w: forward(port, r, w), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
