"""Bad .npz files: zip archives of maps that are imported."""

import struct
import zlib

from bad_npy import AXES, DATA, TOKENS, header, npy

LONG = 0xFFFFFFFF


class Member:
    """A member of an archive; what is not named follows from the content."""

    def __init__(self, name, content, deflated=False, **fields):
        self.name = name.encode("utf-8", "surrogateescape")
        self.content = content
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.stored = compressor.compress(content) + compressor.flush() if deflated else content
        self.method = 8 if deflated else 0
        self.fields = fields

    def holding(self, stored):
        """The same with other bytes."""
        self.stored = stored
        return self

    def field(self, name, value):
        return self.fields.get(name, value)

    def local(self):
        crc = self.field("local_crc", self.field("crc", zlib.crc32(self.content)))
        name = self.field("local_name", self.name)
        extra = self.field("local_extra", b"")
        return self.field("local_magic", b"PK\3\4") + struct.pack(
            "<HHHHHIIIHH", 20, self.field("flags", 0), self.field("local_method", self.field("method", self.method)), 0, 33,
            crc & LONG, self.field("local_stored", len(self.stored)), self.field("local_size", len(self.content)),
            len(name), len(extra)) + name + extra + self.stored

    def central(self, offset):
        extra = self.field("extra", b"")
        return self.field("central_magic", b"PK\1\2") + struct.pack(
            "<HHHHHHIIIHHHHHII", 20, 20, self.field("flags", 0), self.field("method", self.method), 0, 33,
            self.field("crc", zlib.crc32(self.content)) & LONG, self.field("stored", len(self.stored)),
            self.field("size", len(self.content)), self.field("name_size", len(self.name)), len(extra), 0, 0, 0, 0,
            self.field("offset", offset)) + self.name + extra


def archive(*members, between=b"", tail=b"", **end):
    """An archive; `end` replaces fields of its last record."""
    body, central = b"", b""
    for member in members:
        central += member.central(len(body))
        body += member.local()
    body += between
    start = end.get("start", len(body))
    record = b"PK\5\6" + struct.pack(
        "<HHHHIIH", end.get("disk", 0), end.get("disk", 0), end.get("here", len(members) & 0xFFFF),
        end.get("entries", min(len(members), 0xFFFF)), end.get("size", len(central)), start, end.get("comment", len(tail)))
    return body + central + end.get("before", b"") + record + tail


def zip64(entries, size, start, at):
    """The two records that stand before the last one in a long archive."""
    return (b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, entries & (1 << 64) - 1, entries & (1 << 64) - 1, size, start)
            + b"PK\6\7" + struct.pack("<IQI", 0, at, 1))


def bad_npz(group):
    def maps(name, words, content, code=65, more=(), axes=AXES):
        group.add(
            name, ["import", "maps.npz", "--axes", axes, "--tokens", "tokens.json", *more], code, ["maps.npz", *words],
            {**TOKENS, "maps.npz": content})

    good = npy()

    def member(name="a.npy", content=good, deflated=False, **fields):
        return Member(name, content, deflated, **fields)

    # Names: they become names of layers, never paths.
    for what, name in [
        ("a name that leads out of the archive", "../a.npy"), ("an absolute name", "/etc/a.npy"),
        ("a name with backslashes", "..\\a.npy"),
        ("a name with a NUL", "a.npy\0.npy"), ("a name with an escape sequence", "\x1b[2Ja.npy"),
        ("a name that is not UTF-8", "\udcff\udcfe.npy"), ("a name of no byte", ""),
        ("a name of 1,025 bytes", "a" * 1021 + ".npy"), ("a name of two dots", ".."),
    ]:
        maps(what, ["expected a name", "byte"], archive(member(name)))
    maps("a member that is there twice", ["a.npy", "there twice", "byte"], archive(member(), member()))
    maps("another name before its bytes", ["a.npy", "byte"], archive(member(local_name=b"b.npy")))

    # Sizes and places.
    maps("another size before its bytes", ["a.npy", "header of its own", "size"], archive(member(local_size=len(good) - 4)))
    maps("another method before its bytes", ["a.npy", "header of its own", "method"], archive(member(local_method=8)))
    maps("another checksum before its bytes", ["a.npy", "header of its own", "CRC-32"], archive(member(local_crc=1)))
    maps("a size that is larger than the file", ["a.npy", "outside the file"], archive(member(size=1 << 30, stored=1 << 30)))
    maps("a place behind the file's end", ["a.npy", "outside the file"], archive(member(offset=1 << 30)))
    maps("a place within another member", ["a.npy", "expected the member"], archive(member(offset=7)))
    maps("a stored member whose sizes differ", ["a.npy", "expected one size, got 192 and 193"], archive(member(size=len(good) + 1)))
    maps("two members of the same bytes", ["b.npy", "overlap", "a.npy"],
         archive(member(), Member("b.npy", b"", crc=zlib.crc32(good), stored=len(good), size=len(good), offset=0)))
    maps("a member within another", ["overlap"],
         archive(member("a.npy", npy(data=b"") + member("b.npy", good).local()),
                 Member("b.npy", b"", crc=zlib.crc32(good), stored=len(good), size=len(good), offset=len(npy(data=b"")) + 35)))
    maps("members that overlap, deflated", ["overlap"],
         archive(member(deflated=True),
                 Member("b.npy", b"", method=8, crc=zlib.crc32(good), stored=len(member(deflated=True).stored), size=len(good), offset=0)))
    maps("a member over the directory", ["a.npy", "overlap"],
         archive(member(stored=len(good) + 60, size=len(good) + 60, local_stored=len(good) + 60, local_size=len(good) + 60)))

    # The directory.
    whole = archive(member())
    maps("an archive that broke off", ["directory at the end", "cut off"], whole[:-30])
    maps("an archive without its last byte", ["directory at the end"], whole[:-1])
    maps("something behind the archive", ["directory at the end"], whole + b"x")
    maps("a comment longer than the file", ["directory at the end"], archive(member(), comment=100))
    maps("a directory outside the file", ["directory within the file"], archive(member(), start=1 << 31))
    maps("a directory that runs into its end", ["directory within the file"], archive(member(), size=1 << 20))
    maps("more members than the directory has", ["expected a member of the directory"], archive(member(), entries=2))
    maps("fewer members than the directory has", ["directory", "1"], archive(member(), member("b.npy"), entries=1))
    maps("no member", ["expected a .npy, .npz or .safetensors file"], archive())
    maps("a name longer than the directory", ["within the directory"], archive(member(name_size=60_000)))
    maps("an entry that is none", ["expected a member of the directory"], archive(member(central_magic=b"PK\1\3")))
    maps("a member without a header of its own", ["a.npy", "expected the member", "byte 45"],
         archive(member("0.npy", npy("", b"", pads=False)), member(local_magic=b"PK\7\10")))
    maps("an archive in several parts", ["one part"], archive(member(), disk=1))
    maps("more than 65,536 members", ["at most 65536 members, got 65537", "HEED_LIMITS=members"], many(65_537))

    # zip64.
    maps("zip64 that says 2^64 - 1 members", ["directory within the file"],
         long_archive(member(), entries=(1 << 64) - 1))
    maps("zip64 that says 2^40 members", ["at most 65536"], long_archive(member(), entries=1 << 40))
    maps("zip64 whose directory lies behind the end", ["directory within the file"], long_archive(member(), start=1 << 62))
    maps("zip64 whose record lies behind the end", ["long end"], long_archive(member(), at=1 << 62))
    maps("a long size that is not there", ["a.npy", "long size"], archive(member(size=LONG, stored=LONG)))
    maps("a long size of 2^63", ["a.npy", "long size"],
         archive(member(size=LONG, stored=LONG, extra=struct.pack("<HHQQ", 1, 16, 1 << 63, 1 << 63))))
    maps("a long size of 2^62", ["a.npy", "outside the file"],
         archive(member(size=LONG, stored=LONG, extra=struct.pack("<HHQQ", 1, 16, 1 << 62, 1 << 62))))
    maps("an extra field that is longer than it", ["a.npy", "long size"],
         archive(member(size=LONG, stored=LONG, extra=struct.pack("<HHQQ", 1, 60_000, 192, 192))))

    # What members are.
    maps("an encrypted member", ["a.npy", "encrypted"], archive(member(flags=1)))
    maps("a method that is not read", ["a.npy", "method 12", "expected 0 (stored) or 8 (deflated)"], archive(member(method=12)))
    maps("a wrong checksum, stored", ["a.npy", "damaged: CRC-32 is"], archive(member(crc=1)))
    maps("a wrong checksum, deflated", ["a.npy", "damaged: CRC-32 is"], archive(member(deflated=True, crc=1)))
    deflated = member(deflated=True)
    maps("a deflated member that broke off", ["a.npy", "deflated bytes are damaged"],
         archive(Member("a.npy", b"", method=8, crc=zlib.crc32(good), size=len(good), stored=20, local_stored=20, local_size=len(good))
                 .holding(deflated.stored[:20])))
    maps("more bytes than the directory says, deflated", ["a.npy", "damaged"], archive(member(deflated=True, size=len(good) - 64, local_size=len(good) - 64)))
    maps("fewer bytes than the directory says, deflated", ["a.npy", "damaged"], archive(member(deflated=True, size=len(good) + 64, local_size=len(good) + 64)))
    maps("more bytes for each than deflate can make", ["a.npy", "at most 1032 bytes for each"],
         archive(member(deflated=True, size=1 << 31, local_size=1 << 31)))
    bomb = b"\0" * (1 << 26)
    maps("64 MiB of zeros in 64 KiB", ["a.npy", "\\x93NUMPY"], archive(member("a.npy", bomb, True)))
    maps("an array of 64 MiB that says it is of 64 bytes", ["a.npy", "expected 64 bytes of data"],
         archive(member("a.npy", npy(data=bomb), True)))
    # What the header says is compared with what was asked for before anything is inflated.
    def zeros(*shape):
        return archive(member("a.npy", npy(header(shape=shape), bomb), True))

    maps("64 MiB of zeros with three axes", ["has 3 axes", "--axes names 5"], zeros(4096, 4096, 1), 64)
    maps("four million layers", ["4194304 layers", "at most 4096"], zeros(1 << 22, 1, 1, 4), 64, axes="layer,row,column,token")
    maps("four million steps", ["4194304 steps", "at most 10000"], zeros(1 << 22, 1, 1, 1, 4), 64)
    maps("64 MiB of zeros of other tokens", ["1048576 tokens", "lists 4"], zeros(1, 1, 4, 4, 1 << 20), 64)
    maps("more than 8 GiB when inflated", ["8.0 GiB", "HEED_LIMITS"], bombs())
    maps("an archive in an archive", ["b.npz", "\\x93NUMPY"], archive(member(), member("b.npz", archive(member()))))
    maps("a pickle", ["pickle", "never read", "numpy.savez"], archive(member("data.pkl", b"\x80\x02}q\0.")))
    maps("only Python objects", ["a", "Python objects are never read"], archive(member("a.npy", npy(header("'|O'"), b"\x80\x02]q\0."))))
    maps("a member that is no array", ["a.npy", "\\x93NUMPY"], archive(member("a.npy", b"hello")))
    maps("an array that broke off", ["a.npy", "expected 64 bytes of data"], archive(member("a.npy", npy(data=DATA[:-4]))))
    maps("an array that is not there", ["no array 'b'", "there are: a"], whole, 64, ["--arrays", "b"])


def long_archive(member, entries=1, start=None, at=None):
    body = member.local()
    central = member.central(0)
    place = len(body) + len(central)
    return (body + central + zip64(entries, len(central), len(body) if start is None else start, place if at is None else at)
            + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, LONG, LONG, 0))


def many(count):
    """An archive of empty members, all but the first without bytes of their own."""
    body = Member("a.npy", npy()).local()
    central = b"".join(Member(f"{number:x}.npy", b"", offset=0).central(0) for number in range(count))
    place = len(body) + len(central)
    return (body + central + zip64(count, len(central), len(body), place)
            + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, LONG, LONG, 0))


def bombs():
    """Three members that say that they hold 3 GiB each, in 4 MiB of zeros each."""
    room, size = 4 << 20, 3 << 30
    names = ["a.npy", "b.npy", "c.npy"]
    members = [Member(name, b"", method=8, stored=room, size=size, local_stored=room, local_size=size) for name in names]

    def make(path):
        offset, central = 0, b""
        with open(path, "wb") as file:
            for member in members:
                file.seek(offset)
                file.write(member.local())
                central += member.central(offset)
                offset += len(member.local()) + room
            file.seek(offset)
            file.write(central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 3, 3, len(central), offset, 0))

    return make

GROUPS = {"npz": (25, bad_npz)}
