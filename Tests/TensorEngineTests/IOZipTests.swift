import TensorEngine
import TestSupport
import Testing

@Suite("Zip archives and digests")
struct IOZipTests {
  @Test("An archive of arrays is byte for byte what np.savez writes")
  func small() throws {
    let folder = try TemporaryFolder()
    let first: [Float] = [0, 1, 2, 3, 4, 5]
    let second: [Int8] = [1, -1]
    try StoredZip.write(
      [
        StoredZip.Member(name: "first.npy") { sink in
          try NumpyFile.header(description: "<f4", shape: [2, 3]).withUnsafeBytes(sink)
          // Where a member's bytes are cut does not show.
          for number in first { try withUnsafeBytes(of: number, sink) }
        },
        StoredZip.Member(name: "second.npy") { sink in
          try NumpyFile.header(description: "|i1", shape: [2]).withUnsafeBytes(sink)
          try [UInt8]().withUnsafeBytes(sink)
          try second.withUnsafeBytes(sink)
        },
      ], to: folder.path + "/small.npz")
    #expect(
      try bytes(ofFileAt: folder.path + "/small.npz") == bytes(ofFileAt: fixture("zip/small.npz")))
  }

  @Test("Members beyond 2 and 4 GiB stand in the directory as Python writes them")
  func far() throws {
    let giga: UInt64 = 1 << 30
    let places: [(name: String, size: UInt64, offset: UInt64)] = [
      ("a.npy", 100, 0), ("b.npy", 3 * giga, 300), ("c.npy", 5 * giga, 3 * giga + 600),
      ("d.npy", 7, 8 * giga + 900),
    ]
    let entries = places.enumerated().map { number, place in
      StoredZip.Entry(
        name: place.name, checksum: 0x0102_0304 * UInt32(number + 1), size: place.size,
        offset: place.offset)
    }
    #expect(
      try StoredZip.directory(of: entries, at: 8 * giga + 1000)
        == bytes(ofFileAt: fixture("zip/far.directory")))
  }

  @Test(
    "A directory that claims more members or bytes than there can be is refused",
    arguments: [
      (UInt64.max, 0, 0), (UInt64(Int.max), 0, 0), (1 << 40, 0, 0), (1, UInt64(Int.max), 46),
      (1, 0, UInt64.max), (1, UInt64.max, 0),
    ] as [(UInt64, UInt64, UInt64)])
  func longEnd(_ members: UInt64, _ start: UInt64, _ size: UInt64) throws {
    var archive: [UInt8] = Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 60)
    func put(_ number: some FixedWidthInteger) {
      withUnsafeBytes(of: number.littleEndian) { archive += Array($0) }
    }
    let place = UInt64(archive.count)
    // APPNOTE 6.3.10, 4.3.14 to 4.3.16: the long end, where it is, the short end.
    put(UInt32(0x0606_4B50))
    put(UInt64(44))
    put(UInt32(0x002D_002D))
    for _ in 0..<2 { put(UInt32(0)) }
    for number in [members, members, size, start] { put(number) }
    put(UInt32(0x0706_4B50))
    put(UInt32(0))
    put(place)
    put(UInt32(1))
    put(UInt32(0x0605_4B50))
    put(UInt32(0))
    for _ in 0..<2 { put(UInt16.max) }
    for _ in 0..<2 { put(UInt32.max) }
    put(UInt16(0))
    let folder = try TemporaryFolder()
    let path = try folder.file(archive, name: "long.npz")
    let error = fileError { try StoredArray.contents(of: path) }
    #expect(error?.kind == .malformed && error?.path == path)
  }

  @Test("What a member throws leaves no archive")
  func failure() throws {
    struct Stop: Error {}
    let folder = try TemporaryFolder()
    #expect(throws: Stop.self) {
      try StoredZip.write(
        [
          StoredZip.Member(name: "a") { sink in
            try [UInt8](repeating: 1, count: 1000).withUnsafeBytes(sink)
            throw Stop()
          }
        ], to: folder.path + "/a.zip")
    }
    #expect(try folder.names().isEmpty)
  }

  // FIPS 180-4's examples, by NIST's document of example values.
  @Test(
    "SHA-256 of the standard's examples, however they are cut",
    arguments: [
      ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
  func digest(_ text: String, _ times: Int, _ expected: String) throws {
    let message = [UInt8](String(repeating: text, count: times).utf8)
    for piece in [1, 7, 64, 1 << 20] {
      let hash = SHA256()
      for first in stride(from: 0, to: message.count, by: piece) {
        message[first..<min(first + piece, message.count)].withUnsafeBytes { hash.update($0) }
      }
      #expect(hash.finish() == expected)
    }
    guard !message.isEmpty else { return }
    let folder = try TemporaryFolder()
    #expect(SHA256.digest(of: try MappedFile(path: folder.file(message))) == expected)
  }
}
