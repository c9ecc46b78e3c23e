private import CZlib

// Unsafe: bytes are passed on by address while their owner lends them.

/// Writes zip archives whose members are stored as they are, with the bytes of Python's `zipfile`.
///
/// Members bear no date (1980-01-01), may be read by their owner, and have the long sizes of zip64
/// beside them whatever their length, as NumPy asks for in `np.savez`.
///
/// Sources: python/cpython, Lib/zipfile.py, `ZipInfo.FileHeader` and `ZipFile._write_end_record`;
/// numpy/numpy, numpy/lib/_npyio_impl.py, `_savez`; PKWARE's APPNOTE 6.3.10, section 4.3.
package enum StoredZip {
  /// Takes the bytes of a member or a file, in order.
  package typealias Sink = (UnsafeRawBufferPointer) throws -> Void

  /// A file in the archive.
  @safe package struct Member {
    /// Its name; ASCII.
    package let name: String
    /// Gives its bytes to a sink.
    package let content: (Sink) throws -> Void

    package init(name: String, content: @escaping (Sink) throws -> Void) {
      guard name.utf8.allSatisfy({ $0 < 0x80 }) else {
        bug("a member's name is ASCII, got \(name)")
      }
      self.name = name
      unsafe self.content = unsafe content
    }
  }

  /// What the directory at the end says of a member.
  package struct Entry {
    let name: String
    var checksum: UInt32
    var size: UInt64
    let offset: UInt64

    package init(name: String, checksum: UInt32, size: UInt64, offset: UInt64) {
      self.name = name
      self.checksum = checksum
      self.size = size
      self.offset = offset
    }
  }

  /// From this on a size or an offset is written in 64 bits.
  private static let limit: UInt64 = (1 << 31) - 1
  private static let countLimit = (1 << 16) - 1
  /// What stands where the number is elsewhere.
  private static let elsewhere: UInt32 = 0xFFFF_FFFF
  private static let version: UInt16 = 45
  /// 1980-01-01 in the format's days.
  private static let date: UInt16 = 33
  /// Unix, regular file, readable and writable by its owner.
  private static let attributes: UInt32 = 0o600 << 16

  /// Writes `members` to `path`, which appears only once it is whole.
  /// - Throws: ``FileError``, or what a member's content throws.
  package static func write(_ members: [Member], to path: String) throws {
    try AtomicFile.write(to: path) { file in
      var entries: [Entry] = []
      for member in members { entries.append(try append(member, to: &file)) }
      try file.append(directory(of: entries, at: UInt64(file.count)))
    }
  }

  /// Appends a member; its header, which needs its checksum, is written again at the end.
  private static func append(_ member: Member, to file: inout AtomicFile) throws -> Entry {
    var entry = Entry(name: member.name, checksum: 0, size: 0, offset: UInt64(file.count))
    try file.append(localHeader(of: entry))
    var checksum: UInt = 0
    var size = 0
    try unsafe member.content { bytes in
      guard let base = bytes.baseAddress else { return }
      checksum = unsafe crc32_z(checksum, base.assumingMemoryBound(to: UInt8.self), bytes.count)
      size += bytes.count
      try unsafe file.append(bytes)
    }
    entry.checksum = UInt32(truncatingIfNeeded: checksum)
    entry.size = UInt64(size)
    try file.overwrite(localHeader(of: entry), at: Int(entry.offset))
    return entry
  }

  private static func localHeader(of entry: Entry) -> [UInt8] {
    var bytes = Array("PK\u{3}\u{4}".utf8)
    bytes.append(little: version)
    bytes.append(contentsOf: [UInt8](repeating: 0, count: 6))  // flags, method, time
    bytes.append(little: date)
    bytes.append(little: entry.checksum)
    bytes.append(little: elsewhere)
    bytes.append(little: elsewhere)
    bytes.append(little: UInt16(entry.name.utf8.count))
    bytes.append(little: 20 as UInt16)
    bytes += Array(entry.name.utf8)
    bytes.append(contentsOf: longNumbers([entry.size, entry.size]))
    return bytes
  }

  /// The extra field of zip64.
  private static func longNumbers(_ numbers: [UInt64]) -> [UInt8] {
    guard !numbers.isEmpty else { return [] }
    var bytes: [UInt8] = []
    bytes.append(little: 1 as UInt16)
    bytes.append(little: UInt16(8 * numbers.count))
    for number in numbers { bytes.append(little: number) }
    return bytes
  }

  /// The directory of `entries` and the archive's end, for a file that has `start` bytes before it.
  package static func directory(of entries: [Entry], at start: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    for entry in entries { bytes += directoryEntry(entry) }
    let size = UInt64(bytes.count)
    if entries.count > countLimit || start > limit || size > limit {
      bytes += longEnd(entries.count, size: size, start: start)
    }
    bytes += Array("PK\u{5}\u{6}".utf8)
    bytes.append(contentsOf: [0, 0, 0, 0])  // disks
    bytes.append(little: UInt16(clamping: entries.count))
    bytes.append(little: UInt16(clamping: entries.count))
    bytes.append(little: UInt32(clamping: size))
    bytes.append(little: UInt32(clamping: start))
    bytes.append(contentsOf: [0, 0])  // comment
    return bytes
  }

  private static func directoryEntry(_ entry: Entry) -> [UInt8] {
    let isLong = entry.size > limit
    let isFar = entry.offset > limit
    let extra = longNumbers(
      (isLong ? [entry.size, entry.size] : []) + (isFar ? [entry.offset] : []))
    let size = isLong ? elsewhere : UInt32(entry.size)
    var bytes = Array("PK\u{1}\u{2}".utf8)
    bytes += [UInt8(version), 3]
    bytes.append(little: version)
    bytes.append(contentsOf: [UInt8](repeating: 0, count: 6))  // flags, method, time
    bytes.append(little: date)
    bytes.append(little: entry.checksum)
    bytes.append(little: size)
    bytes.append(little: size)
    bytes.append(little: UInt16(entry.name.utf8.count))
    bytes.append(little: UInt16(extra.count))
    bytes.append(contentsOf: [UInt8](repeating: 0, count: 6))  // comment, disk, internal attributes
    bytes.append(little: attributes)
    bytes.append(little: isFar ? elsewhere : UInt32(entry.offset))
    return bytes + Array(entry.name.utf8) + extra
  }

  /// The end of a zip64 archive, and where it stands.
  private static func longEnd(_ count: Int, size: UInt64, start: UInt64) -> [UInt8] {
    var bytes = Array("PK\u{6}\u{6}".utf8)
    bytes.append(little: 44 as UInt64)
    bytes.append(little: version)
    bytes.append(little: version)
    bytes.append(contentsOf: [UInt8](repeating: 0, count: 8))  // disks
    bytes.append(little: UInt64(count))
    bytes.append(little: UInt64(count))
    bytes.append(little: size)
    bytes.append(little: start)
    bytes += Array("PK\u{6}\u{7}".utf8)
    bytes.append(little: 0 as UInt32)
    bytes.append(little: start + size)
    bytes.append(little: 1 as UInt32)
    return bytes
  }
}

extension [UInt8] {
  /// Appends a number, its lowest byte first.
  fileprivate mutating func append(little number: some FixedWidthInteger) {
    unsafe Swift.withUnsafeBytes(of: number.littleEndian) { unsafe append(contentsOf: $0) }
  }
}
