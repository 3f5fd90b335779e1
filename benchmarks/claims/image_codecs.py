#!/usr/bin/env python3
"""Image codecs alone against their own command-line tools (cjpeg, djpeg, cwebp, dwebp, heif-enc, heif-convert) at the same quality.

Kodak pictures where --kodak or $SEMWAVE_KODAK names a folder of them, else two made-up pictures. Through the separation pair over an ideal
channel with room for everything and most_quality, so that the quality is known; PSNR to 0.05 dB. heif-enc runs x265 on one thread, as semwave
does: with several it cuts the entropy coding into rows, which costs it up to 0.05 dB at low quality.
"""
import math
import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

from claim import NotMeasured, measure

QUALITIES = [20, 50, 85]
CLOSE_DB = 0.05
TOOLS = {"jpeg": ["cjpeg", "djpeg"], "webp": ["cwebp", "dwebp"], "heic": ["heif-enc", "heif-convert"]}
PACKAGES = {"jpeg": "libjpeg-turbo-progs", "webp": "webp", "heic": "libheif-examples"}


def read_png(path):
    """(width, height, channels, pixels) of an 8-bit grey or RGB file without interlacing."""
    data = Path(path).read_bytes()
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[at + 8:at + 21])
        elif kind == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += 12 + length
    if depth != 8 or colour not in (0, 2) or interlaced:
        raise NotMeasured(f"{path} is no plain 8-bit PNG")
    channels = 3 if colour == 2 else 1
    stride, raw = width * channels, zlib.decompress(packed)
    rows, before = [], bytearray(stride)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            left, up, corner = row[x - channels] if x >= channels else 0, before[x], before[x - channels] if x >= channels else 0
            if kind == 1:
                row[x] = row[x] + left & 255
            elif kind == 2:
                row[x] = row[x] + up & 255
            elif kind == 3:
                row[x] = row[x] + (left + up) // 2 & 255
            elif kind == 4:
                guess = left + up - corner
                a, b, c = abs(guess - left), abs(guess - up), abs(guess - corner)
                row[x] = row[x] + (left if a <= b and a <= c else up if b <= c else corner) & 255
        rows.append(bytes(row))
        before = row
    return width, height, channels, b"".join(rows)


def write_png(path, width, height, channels, pixels):
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    stride = width * channels
    raw = b"".join(b"\0" + pixels[y * stride:(y + 1) * stride] for y in range(height))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def read_pnm(path):
    data = Path(path).read_bytes()
    fields, at = [], 0
    while len(fields) < 4:
        end = at
        while not data[end:end + 1].isspace():
            end += 1
        fields.append(data[at:end])
        at = end + 1
    return data[at:]


def psnr_db(a, b):
    return 10 * math.log10(255 * 255 * len(a) / max(1, sum((x - y) ** 2 for x, y in zip(a, b))))


def made_up(folder):
    """Two pictures of 192 x 128: waves, edges and grain."""
    grain = 1
    for name in ("1.png", "2.png"):
        pixels = bytearray()
        for y in range(128):
            for x in range(192):
                for c in range(3):
                    grain = (grain * 1103515245 + 12345) & 0x7fffffff
                    pixels.append(max(0, min(255, int(128 + 60 * math.sin(x / (9 + c) + int(name[0])) * math.cos(y / 13) + (40 if (x // 32 + y // 32) % 2 else 0) + (grain >> 16) % 12))))
        write_png(folder / name, 192, 128, 3, bytes(pixels))


def tool(codec, quality, source, width, height, channels, pixels, work):
    run = lambda *command, out=None: subprocess.run(command, check=True, stdout=open(out, "wb") if out else subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pnm, coded, decoded = work / "source.ppm", work / f"coded.{codec}", work / "decoded.ppm"
    pnm.write_bytes(f"P{6 if channels == 3 else 5}\n{width} {height}\n255\n".encode() + pixels)
    if codec == "jpeg":
        run("cjpeg", "-quality", str(quality), str(pnm), out=coded)
        run("djpeg", str(coded), out=decoded)
    elif codec == "webp":
        run("cwebp", "-q", str(quality), str(source), "-o", str(coded))
        run("dwebp", str(coded), "-ppm", "-o", str(decoded))
    else:
        run("heif-enc", "-q", str(quality), "-p", "x265:pools=none", "-p", "x265:frame-threads=1", "-o", str(coded), str(source))
        back = work / "decoded.png"
        run("heif-convert", str(coded), str(back))
        return read_png(back)[3]
    return read_pnm(decoded)


def body(claim):
    pictures = claim.work / "pictures" / "set"
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    kodak = claim.options.kodak or os.environ.get("SEMWAVE_KODAK", "")
    if kodak:
        for path in sorted(Path(kodak).glob("*.png")):
            if read_header(path) == (768, 512) and len(list(pictures.iterdir())) < claim.options.images:
                (pictures / path.name).symlink_to(path.resolve())
    else:
        claim.note("no Kodak folder is named (--kodak, $SEMWAVE_KODAK): two made-up pictures")
        made_up(pictures)
    files = sorted(pictures.iterdir())
    if not files:
        raise NotMeasured(f"no 768 x 512 PNG in {kodak}")
    originals = [read_png(path) for path in files]
    width, height, channels, _ = originals[0]
    for codec, programs in TOOLS.items():
        missing = [program for program in programs if shutil.which(program) is None]
        if missing:
            claim.note(f"{codec}: skipped, {', '.join(missing)} not there (Debian package {PACKAGES[codec]})")
            continue
        for quality in QUALITIES:
            rows, _ = claim.run("scenarios/kodak.json",
                              {"/source/path": str(claim.work / "pictures"), "/source/split": "test", "/model": {"image": [height, width, channels]}, "/channel": "ideal", "/metrics": ["psnr"], "/output/records": True, "/sweep": {},
                               "/transmitter": {"kind": "separation", "codec": {"kind": codec, "most_quality": quality}, "budget": 10000000}}, f"{codec}_{quality}")
            own = [record["psnr_db"] for record in claim.records(f"{codec}_{quality}")[rows[0]["point_sha256"]]]
            theirs = [psnr_db(tool(codec, quality, path, *original, claim.work), original[3]) for path, original in zip(files, originals)]
            gap = max(abs(a - b) for a, b in zip(own, theirs))
            claim.check(f"{codec} at quality {quality}, {len(files)} pictures, largest gap to {programs[0]}", f"{gap:.4f} dB (mean {sum(own) / len(own):.2f} dB, {rows[0]['separation']['stream_bytes']:.0f} bytes)", gap <= CLOSE_DB,
                      f"at most {CLOSE_DB} dB")


def read_header(path):
    return struct.unpack(">II", Path(path).read_bytes()[16:24])


def arguments(parser):
    parser.add_argument("--kodak", default="", help="folder of Kodak's PNG files")
    parser.add_argument("--images", type=int, default=3, help="pictures of it")


if __name__ == "__main__":
    measure("image codecs against their own tools", body, arguments)
