"""Peers made from docs/wire_format.md alone, for the claims that measure what they can do to a receiver."""
import asyncio
import os
import re
import socket
import struct

from claim import NotMeasured

HELLO, WELCOME, REFUSAL, BURST, ANSWER, RECEIPT, PING = 1, 2, 3, 4, 5, 6, 8


def crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


TABLE = crc_table()


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def frame(kind, body=b""):
    head = struct.pack("<IBBH", len(body), kind, 0, 0)
    return head + struct.pack("<I", crc32c(head + body)) + body


def frames(buffer):
    """(type, body) of each whole frame; they leave the buffer."""
    while len(buffer) >= 12:
        length, kind = struct.unpack_from("<IB", buffer)
        if len(buffer) < 12 + length:
            return
        body = bytes(buffer[12:12 + length])
        del buffer[:12 + length]  # first: whoever takes one frame alone comes back for the next
        yield kind, body


class Honest:
    """What a real transmitter says first, and its bursts: taken down by a receiver that welcomes it and hangs up."""

    def __init__(self, transmit, bursts):
        """`transmit(port)` starts one."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            listener.settimeout(120)
            child = transmit(listener.getsockname()[1])
            try:
                peer, _ = listener.accept()
                peer.settimeout(60)
                buffer, self.hello, self.bursts = bytearray(), None, []
                while len(self.bursts) < bursts:
                    piece = peer.recv(65536)
                    if not piece:
                        raise NotMeasured("a transmitter hung up before it had sent its bursts")
                    buffer += piece
                    for kind, body in frames(buffer):
                        if kind == HELLO:
                            self.hello = body
                            peer.sendall(frame(WELCOME, struct.pack("<HIHQI", 2, max(1, bursts), 0, 1, 1 << 20)))
                        if kind == BURST:
                            self.bursts.append(body)
                peer.close()
            except socket.timeout:
                raise NotMeasured("no transmitter came") from None
            finally:
                child.kill()

    def named(self, node):
        """The hello of another transmitter, whose source is nobody else's: its images are in no other row."""
        return frame(HELLO, self.hello[:2] + node + self.hello[18:82] + bytes(node) * 2 + self.hello[114:])

    def coding(self, burst, coding):
        """A burst whose truth, without an original, names this coding of a stream that a semantic pair has not."""
        at = len(burst) - 4 - 8 - 1 - 4
        return burst[:at - 8] + struct.pack("<iii", 1000, 50, coding) + burst[at + 4:]


def printed_limit(log):
    """MiB that the receiver says it takes at most."""
    found = re.search(r"# memory: at most (\d+) MiB", log.read_text(errors="replace"))
    if not found:
        raise NotMeasured("the receiver prints no limit of its memory")
    return int(found.group(1))


class Closed(Exception):
    """The receiver has ended a conversation."""


class Wire:
    """One conversation within asyncio."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.buffer = reader, writer, bytearray()

    @staticmethod
    async def open(port, small=True):
        plug = socket.socket()
        if small:  # what is not read soon waits in the receiver
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plug.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(plug, ("127.0.0.1", port))
            return Wire(*await asyncio.open_connection(sock=plug, limit=4096))
        except OSError:
            plug.close()
            raise

    async def say(self, data):
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0)  # a peer that is read as fast as it writes leaves room for the others

    async def hear(self):
        while True:
            for kind, body in frames(self.buffer):
                return kind, body
            piece = await self.reader.read(65536)
            if not piece:
                raise Closed
            self.buffer += piece

    def close(self):
        self.writer.transport.abort()


def fresh_node():
    return os.urandom(16)
