"""Bad PNG, JPEG, WebP and GIF files, as the photo of an explanation and the picture of imported maps."""

import re
import struct
import zlib

from make_bad_files import TESTS, empty_folder, link, named_pipe, sparse

IMAGES = TESTS / "DiffusionTests/Fixtures/images"
TOKENS = b'["<|startoftext|>", "a</w>", "cat</w>", "<|endoftext|>"]'


def explain(path):
    return ["explain", "--dry-run", path, "a cat and a frog"]


def adder(group, file):
    """Adds a case of a photo under the name `file`."""

    def add(name, words, content, code=65, **more):
        # A picture that is read costs what a plan costs too.
        if code == 0:
            more = {"stdout": ["runs"], "lines": None, "seconds": 3, "mebibytes": 256, **more}
        group.add(name, explain(file), code, [file, *words] if code else [], {file: content}, **more)

    return add


# PNG


def chunk(kind, content=b"", checksum=None):
    if checksum is None:
        checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def header(width=8, height=8, depth=8, color=2, compression=0, filtering=0, interlace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, compression, filtering, interlace))


SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIXELS = b"".join(b"\0" + bytes(range(24)) for _ in range(8))
END = chunk(b"IEND")


def png_file(*chunks):
    return SIGNATURE + b"".join(chunks)


def data(pixels=PIXELS):
    return chunk(b"IDAT", zlib.compress(pixels, 9))


def png(group):
    add = adder(group, "photo.png")
    whole = png_file(header(), data(), END)

    add("a file of nothing", ["empty"], b"")
    add("a signature alone", ["not a PNG picture", "ends early"], SIGNATURE)
    add("a signature whose line ends were changed", ["not a PNG, JPEG, WebP or GIF picture"], b"\x89PNG\n\x1a\n" + whole[8:])
    add("a file cut off in its header", ["not a PNG picture", "ends early"], whole[:20])
    add("a file cut off in its pixels", ["not a PNG picture", "ends early"], whole[:-24])
    add("a file without its last chunk", ["not a PNG picture", "ends early"], whole[:-12])
    add("pixels before the header", ["not a PNG picture"], png_file(data(), header(), END))
    add("a header that is there twice", ["not a PNG picture", "IHDR"], png_file(header(), header(), data(), END))
    add("a header whose checksum is wrong", ["not a PNG picture", "CRC"],
        png_file(chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0), 1), data(), END))
    add("pixels whose checksum is wrong", ["not a PNG picture", "CRC"],
        png_file(header(), chunk(b"IDAT", zlib.compress(PIXELS), 1), END))
    add("pixels whose Adler checksum is wrong", ["not a PNG picture"],
        png_file(header(), chunk(b"IDAT", zlib.compress(PIXELS)[:-4] + b"oops"), END))
    add("no pixels", ["not a PNG picture"], png_file(header(), END))
    add("fewer rows than the header says", ["not a PNG picture"], png_file(header(), data(PIXELS[:100]), END))
    add("a filter that there is not", ["not a PNG picture"], png_file(header(), data(b"\x09" + PIXELS[1:]), END))
    add("a width of 0", ["not a PNG picture"], png_file(header(width=0), data(), END))
    add("a height of 2^31", ["not a PNG picture"], png_file(header(height=1 << 31), data(), END))
    add("60000 x 60000 pixels in a hundred bytes", ["60000x60000 pixels", "at most 100000000 pixels"],
        png_file(header(60000, 60000), data(), END))
    add("more columns than libpng reads", ["not a PNG picture", "IHDR"],
        png_file(header(100_000_001, 1), data(), END))
    add("10000 x 10000 pixels, of which eight rows are there", ["not a PNG picture"],
        png_file(header(10000, 10000), data(), END))
    add("10000 x 10000 pixels, interlaced, of which a few are there", ["not a PNG picture"],
        png_file(header(10000, 10000, interlace=1), data(), END))
    add("a depth of 3 bits", ["not a PNG picture"], png_file(header(depth=3), data(), END))
    add("a kind of colour that there is not", ["not a PNG picture"], png_file(header(color=5), data(), END))
    add("a compression that there is not", ["not a PNG picture"], png_file(header(compression=1), data(), END))
    add("an interlacing that there is not", ["not a PNG picture"], png_file(header(interlace=2), data(), END))
    add("a palette that is missing", ["not a PNG picture", "PLTE"], png_file(header(color=3), data(PIXELS[:72]), END))
    add("a palette of 257 colours", ["not a PNG picture"],
        png_file(header(color=3), chunk(b"PLTE", bytes(257 * 3)), data(PIXELS[:72]), END))
    # As Pillow has it; the specification leaves it to the reader.
    add("a colour that the palette does not have, which is black", [],
        png_file(header(color=3), chunk(b"PLTE", bytes(6)), data((b"\0" + b"\x09" * 8) * 8), END), code=0)
    add("a chunk that a reader must know, and does not", ["not a PNG picture"],
        png_file(header(), chunk(b"HEED", b"x"), data(), END))
    add("a chunk of 2^31 bytes", ["not a PNG picture"],
        png_file(header(), struct.pack(">I", 1 << 31) + b"tEXt" + b"x" * 40, data(), END))
    add("a name of a chunk that is none", ["not a PNG picture"], png_file(header(), chunk(b"\0\1\2\3", b"x"), data(), END))
    # What a picture holds beside its pixels is not read: 200 texts of 8 MB each would be.
    bomb = zlib.compress(bytes(7_900_000), 9)
    add("200 texts that inflate to 8 MB each, and a picture that is cut off", ["not a PNG picture"],
        png_file(header(), *[chunk(b"zTXt", b"a\0\0" + bomb)] * 200, data()))
    add("a colour profile that inflates to 8 MB, and a picture that is cut off", ["not a PNG picture"],
        png_file(header(), chunk(b"iCCP", b"a\0\0" + bomb), data()))
    add("a picture of one column and 1000 rows", ["1x1000 pixels", "no side more than 64 times the other"],
        png_file(header(1, 1000), data(b"\0abc" * 1000), END))
    group.add("a pipe in the place of a photo", explain("photo.png"), 66, ["photo.png", "expected a file"],
              {"photo.png": named_pipe})
    group.add("a folder in the place of a photo", explain("photo.png"), 66, ["photo.png", "got a folder"],
              {"photo.png": empty_folder})
    group.add("a link to itself in the place of a photo", explain("photo.png"), 66, ["photo.png"],
              {"photo.png": link("photo.png")})
    maps = struct.pack("<16f", *[0.25] * 16)
    npy = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 4), }"
    npy = npy.ljust(117) + "\n"
    group.add(
        "the picture of imported maps, of 60000 x 60000 pixels",
        ["import", "maps.npy", "--axes", "row,column,token", "--tokens", "tokens.json", "--image", "photo.png"], 65,
        ["photo.png", "60000x60000 pixels"],
        {"photo.png": png_file(header(60000, 60000), data(), END), "tokens.json": TOKENS,
         "maps.npy": b"\x93NUMPY\1\0" + struct.pack("<H", len(npy)) + npy.encode() + maps})


# JPEG


def segment(marker, content):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def frame_at(jpeg):
    """Where the frame header stands, which begins with its marker."""
    return re.search(rb"\xff[\xc0\xc1\xc2]\0[\x0b\x11]\x08", jpeg).start()


def sized(jpeg, width, height):
    place = frame_at(jpeg) + 5
    return jpeg[:place] + struct.pack(">HH", height, width) + jpeg[place + 4:]


def without(jpeg, marker):
    """A file without the first segment of a kind."""
    place = jpeg.index(b"\xff" + bytes([marker]))
    length = struct.unpack(">H", jpeg[place + 2:place + 4])[0]
    return jpeg[:place] + jpeg[place + 2 + length:]


def jpeg(group):
    add = adder(group, "photo.jpg")
    whole, progressive = [(IMAGES / name).read_bytes() for name in ["444.jpg", "progressive.jpg"]]
    frame, scan = frame_at(whole), whole.index(b"\xff\xda")

    add("three bytes", ["not a JPEG picture"], b"\xff\xd8\xff")
    add("a beginning and an end, and nothing between", ["not a JPEG picture"], b"\xff\xd8\xff\xd9")
    add("a file cut off before its frame", ["not a JPEG picture"], whole[:frame])
    add("a file cut off in its frame", ["not a JPEG picture"], whole[:frame + 8])
    add("a file cut off in its pixels", ["not a JPEG picture"],
        whole[:scan + 60])
    add("a file without its end", ["not a JPEG picture"], whole[:-2])
    add("a progressive file cut off between its scans", ["not a JPEG picture"], progressive[:-80])
    add("60000 x 60000 pixels in a kilobyte", ["60000x60000 pixels", "at most 100000000 pixels"], sized(whole, 60000, 60000))
    add("60000 x 60000 pixels in a progressive file of a kilobyte", ["60000x60000 pixels"], sized(progressive, 60000, 60000))
    add("10000 x 10000 pixels, of which a few are there", ["not a JPEG picture"], sized(whole, 10000, 10000))
    add("10000 x 10000 pixels in a progressive file of a kilobyte", ["not a JPEG picture"], sized(progressive, 10000, 10000))
    add("a width of 0", ["not a JPEG picture"], sized(whole, 0, 8))
    add("a height of 0, to be told later", ["not a JPEG picture"], sized(whole, 8, 0))
    add("four components, as of CMYK", ["expected grey or RGB", "convert it"], (IMAGES / "cmyk.jpg").read_bytes())
    add("12 bits a sample", ["not a JPEG picture"], whole[:frame + 4] + b"\x0c" + whole[frame + 5:])
    add("no quantisation table", ["not a JPEG picture"], without(without(whole, 0xDB), 0xDB))
    add("a scan by a Huffman table that there is not", ["not a JPEG picture", "Huffman table 0x03"],
        whole[:scan + 6] + b"\x33" + whole[scan + 7:])
    add("a Huffman table of more codes than there can be", ["not a JPEG picture"],
        whole[:scan] + segment(0xC4, b"\0" + b"\xff" * 16 + bytes(200)) + whole[scan:])
    add("arithmetic coding and no pixels", ["not a JPEG picture"],
        whole[:frame + 1] + b"\xcb" + whole[frame + 2:])
    add("a frame that is there twice", ["not a JPEG picture"], whole[:frame] + whole[frame:frame + 19] + whole[frame:])
    add("a segment that is longer than the file", ["not a JPEG picture"], whole[:2] + b"\xff\xe1\xff\xff" + whole[2:])
    add("a restart within a scan that has none", ["not a JPEG picture"], whole[:scan + 40] + b"\xff\xd3" + whole[scan + 40:])
    last = progressive.rindex(b"\xff\xda")
    add("the last scan of a progressive picture 3000 times", ["not a JPEG picture"],
        progressive[:-2] + progressive[last:-2] * 3000 + b"\xff\xd9")
    exif = b"Exif\0\0MM\0\x2a\xff\xff\xff\xff\x01\x12"
    add("an orientation that lies outside of its data, which is passed over", [],
        whole[:2] + segment(0xE1, exif) + whole[2:], code=0)


# WebP


def riff(*chunks, size=None):
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def webp_chunk(kind, content, size=None):
    return kind + struct.pack("<I", len(content) if size is None else size) + content + b"\0" * (len(content) % 2)


def canvas(width, height, flags=0):
    return webp_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3])


def webp(group):
    add = adder(group, "photo.webp")
    lossy, lossless, animated, clear = [
        (IMAGES / "web" / name).read_bytes()
        for name in ["lossy.webp", "lossless.webp", "animated.webp", "rgba-lossy.webp"]]
    vp8 = lossy.index(b"VP8 ") + 8
    vp8l = lossless.index(b"VP8L") + 8

    def lossy_of(width, height):
        return lossy[:vp8 + 6] + struct.pack("<HH", width, height) + lossy[vp8 + 10:]

    def lossless_of(width, height):
        bits = (width - 1) | (height - 1) << 14
        return lossless[:vp8l + 1] + struct.pack("<I", bits) + lossless[vp8l + 5:]

    add("the first twelve bytes alone", ["not a WebP picture"], lossy[:12])
    add("a RIFF file of sound", ["not a PNG, JPEG, WebP or GIF picture"], b"RIFF\x10\0\0\0WAVEfmt " + bytes(16))
    add("no chunk of pixels", ["not a WebP picture"], riff(webp_chunk(b"EXIF", b"x" * 20)))
    add("a lossy file cut off in its header", ["not a WebP picture"], lossy[:vp8 + 6])
    add("a lossy file cut off in its pixels", ["not a WebP picture", "ends early"], lossy[:vp8 + 60])
    add("a lossless file cut off in its pixels", ["not a WebP picture", "ends early"], lossless[:vp8l + 40])
    add("a start code that is none", ["not a WebP picture"], lossy[:vp8 + 3] + b"\0\0\0" + lossy[vp8 + 6:])
    add("a signature of a lossless picture that is none", ["not a WebP picture"], lossless[:vp8l] + b"\0" + lossless[vp8l + 1:])
    add("16383 x 16383 pixels in a lossy file of a few hundred bytes", ["16383x16383 pixels", "at most 100000000"],
        lossy_of(16383, 16383))
    add("16384 x 16384 pixels in a lossless file of a few hundred bytes", ["16384x16384 pixels", "at most 100000000"],
        lossless_of(16384, 16384))
    add("9999 x 9999 pixels, lossy, of which a few are there", ["not a WebP picture"], lossy_of(9999, 9999))
    add("9999 x 9999 pixels, lossless, of which a few are there", ["not a WebP picture"], lossless_of(9999, 9999))
    add("a width of 0", ["not a WebP picture"], lossy_of(0, 8))
    add("a canvas of 2^24 x 2^24 pixels", ["not a WebP picture"], riff(canvas(1 << 24, 1 << 24), lossy[12:]))
    add("a canvas of 60000 x 60000 pixels around an animation", ["60000x60000 pixels"],
        riff(canvas(60000, 60000, 2), animated[30:]))
    add("a canvas of another size than its picture", ["not a WebP picture"], riff(canvas(3, 3), lossy[12:]))
    add("a chunk that is longer than the file", ["not a WebP picture"], riff(webp_chunk(b"VP8 ", lossy[vp8:], 1 << 30)))
    add("a file that is longer than it says", ["not a WebP picture"], riff(lossy[12:], size=24))
    add("an animation without a frame", ["not a WebP picture"],
        riff(canvas(8, 8, 2), webp_chunk(b"ANIM", bytes(6))))
    add("an animation cut off in its first frame", ["not a WebP picture"],
        animated[:animated.index(b"ANMF") + 40])
    add("an animation of 9999 x 9999 pixels whose frame is damaged", ["not a WebP picture"],
        riff(canvas(9999, 9999, 2), webp_chunk(b"ANIM", bytes(6)), webp_chunk(b"ANMF", bytes(16) + webp_chunk(b"VP8 ", bytes(20)))))
    add("transparency that is damaged", ["not a WebP picture"],
        clear[:clear.index(b"ALPH") + 8] + b"\xff" * 12 + clear[clear.index(b"ALPH") + 20:])


# GIF


def gif_file(width=8, height=8, frame=None, colors=2, blocks=b"", pixels=None, screen=True, end=b";"):
    """A file of one frame, which is left, top, width and height; pixels are its data after the code size."""
    bits = {2: 0, 4: 1, 8: 2, 256: 7}[colors]
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, (0x80 if screen else 0) | bits, 0, 0)
    palette = bytes(range(256)) * 3 if screen else b""
    left, top, wide, high = frame or (0, 0, width, height)
    pixels = codes(64) if pixels is None else pixels
    return head + palette[:3 * colors] + blocks + b"," + struct.pack("<HHHHB", left, top, wide, high, 0) + pixels + end


def codes(count, value=0, size=2):
    """`count` pixels of one value, in codes that never grow: a clear code before every one."""
    bits, number = 0, 0
    clear = 1 << size
    for code in [code for _ in range(count) for code in (clear, value)] + [clear + 1]:
        bits |= code << number
        number += size + 1
    text = bits.to_bytes((number + 7) // 8, "little")
    blocks = b"".join(bytes([len(text[i:i + 255])]) + text[i:i + 255] for i in range(0, len(text), 255))
    return bytes([size]) + blocks + b"\0"


def gif(group):
    add = adder(group, "photo.gif")
    whole = gif_file()

    add("a signature alone", ["not a GIF picture", "ends early"], b"GIF89a")
    add("a version that there is not", ["not a PNG, JPEG, WebP or GIF picture"], b"GIF90a" + whole[6:])
    add("a file cut off in its palette", ["not a GIF picture", "ends early"], whole[:16])
    add("a screen and nothing on it", ["not a GIF picture", "no frame"], whole[:19] + b";")
    add("a file cut off before its frame", ["not a GIF picture", "ends early"], whole[:19])
    add("a frame cut off in its header", ["not a GIF picture"], whole[:24])
    add("a frame cut off in its pixels", ["not a GIF picture", "damaged or ends early"], gif_file(pixels=codes(64)[:12]))
    add("a frame of fewer pixels than its header says", ["not a GIF picture", "damaged or ends early"], gif_file(pixels=codes(20)))
    add("a frame without pixels", ["not a GIF picture", "no pixels"], gif_file(frame=(0, 0, 0, 8)))
    add("60000 x 60000 pixels in a hundred bytes", ["60000x60000 pixels", "at most 100000000 pixels"], gif_file(60000, 60000))
    add("10000 x 10000 pixels, of which a few are there", ["not a GIF picture", "damaged or ends early"], gif_file(10000, 10000))
    add("a screen of 10000 x 10000 pixels and a frame that is cut off", ["not a GIF picture", "damaged or ends early"],
        gif_file(10000, 10000, frame=(9000, 9000, 8, 8), pixels=codes(9)))
    add("a frame that widens the screen to 65535 x 65535", ["65535x65535 pixels"], gif_file(frame=(65527, 65527, 8, 8)))
    add("a colour that the palette does not have", ["not a GIF picture", "not in the palette"], gif_file(pixels=codes(64, value=3)))
    add("codes of 13 bits", ["not a GIF picture"], gif_file(pixels=b"\x0d" + codes(64)[1:]))
    add("codes of no bit", ["not a GIF picture"], gif_file(pixels=b"\0" + codes(64)[1:]))
    add("a code that was not given before", ["not a GIF picture"], gif_file(pixels=b"\2\3\xff\xff\xff\0"))
    add("an extension that does not end", ["not a GIF picture", "ends early"],
        whole[:19] + b"!\xf9\4\0\0\0\0" + b"\xff" + b"x" * 100)
    add("a block that is none", ["not a GIF picture"], whole[:19] + b"?" + whole[19:])
    add("a transparent colour that the palette does not have", ["not a GIF picture", "palette"],
        gif_file(16, 16, frame=(4, 4, 8, 8), blocks=b"!\xf9\4\1\0\0\x63\0"))
    add("a million comments and no frame", ["not a GIF picture", "no frame"],
        whole[:19] + b"!\xfe\1x\0" * 1_000_000 + b";", mebibytes=80)
    grey = gif_file(screen=False)
    add("no palette at all, which is grey", [], grey, code=0)


GROUPS = {"png": (20, png), "jpeg": (15, jpeg), "webp": (15, webp), "gif": (15, gif)}
