private import CZlib

// Unsafe: a mapped file lends its bytes by address; every place is compared with their end first. zlib
// is called with addresses of the member's bytes and of room for as many as the directory says.

/// A zip archive as `numpy.savez` and `numpy.savez_compressed` write it, mapped, whose directory was
/// checked.
///
/// Members are stored or deflated, and their sizes may be those of zip64. What is encrypted, lies on
/// several disks, is there twice or lies outside the file is refused.
///
/// Source: PKWARE's APPNOTE 6.3.10, section 4.3; zlib's manual, `inflateInit2`.
struct ZipArchive: Sendable {
  /// A file in the archive.
  struct Member: Hashable, Sendable {
    let name: String
    let isDeflated: Bool
    /// Its bytes in the archive, where they begin with a header of their own.
    let headerOffset: Int
    /// How many they are without that header.
    let storedSize: Int
    let size: Int
    let checksum: UInt32
  }

  /// What every archive with members begins with.
  static let magic: [UInt8] = Array("PK\u{3}\u{4}".utf8)
  /// The most bytes that deflate makes of one.
  private static let expansion = 1032

  let file: MappedFile
  /// In the order of the directory.
  let members: [Member]

  /// Reads the directory of a file.
  /// - Throws: ``FileError`` with the byte.
  init(_ file: MappedFile) throws {
    self.file = file
    members = try unsafe file.withBytes { bytes in
      var reader = unsafe ZipReader(bytes, path: file.path)
      return try reader.members()
    }
  }

  /// Where a member's bytes stand in the file; of one that is deflated, its deflated bytes.
  /// - Throws: ``FileError`` when its own header contradicts the directory.
  func place(of member: Member) throws -> Range<Int> {
    try unsafe file.withBytes { bytes in
      let reader = unsafe ZipReader(bytes, path: file.path)
      return try reader.data(of: member)
    }
  }

  /// Refuses a stored member whose bytes are not those that were written.
  /// - Throws: ``FileError``.
  func check(_ member: Member) throws {
    let range = try place(of: member)
    let sum = unsafe file.withBytes { bytes in
      unsafe Self.checksum(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
    try compare(sum, member)
  }

  /// The bytes of a member that is deflated.
  /// - Throws: ``FileError`` when it is damaged.
  func inflated(_ member: Member) throws -> [UInt8] {
    let range = try place(of: member)
    guard member.size / Self.expansion <= range.count else {
      throw failure(member, "expected at most \(Self.expansion) bytes for each stored one")
    }
    let result = unsafe file.withBytes { bytes in
      unsafe Self.inflate(UnsafeRawBufferPointer(rebasing: bytes[range]), size: member.size)
    }
    guard let result else { throw failure(member, "its deflated bytes are damaged") }
    try compare(unsafe result.withUnsafeBytes { unsafe Self.checksum($0) }, member)
    return result
  }

  private func compare(_ checksum: UInt32, _ member: Member) throws {
    guard checksum == member.checksum else {
      throw failure(
        member,
        "is damaged: CRC-32 is 0x\(String(checksum, radix: 16)), expected "
          + "0x\(String(member.checksum, radix: 16))")
    }
  }

  private func failure(_ member: Member, _ reason: String) -> FileError {
    FileError(
      .malformed, path: file.path, offset: member.headerOffset,
      subject: "member \(FileError.quoted(member.name))", reason: reason)
  }

  private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    guard let base = bytes.baseAddress else { return 0 }
    return UInt32(
      truncatingIfNeeded: unsafe crc32_z(
        0, base.assumingMemoryBound(to: UInt8.self), bytes.count))
  }

  /// `nil` unless the bytes are exactly `size` when they are inflated.
  private static func inflate(_ bytes: UnsafeRawBufferPointer, size: Int) -> [UInt8]? {
    var stream = unsafe z_stream()
    guard
      unsafe inflateInit2_(
        &stream, -MAX_WBITS, zlibVersion(), Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { unsafe inflateEnd(&stream) }
    var status = Z_OK
    var isWhole = false
    let result = unsafe [UInt8](unsafeUninitializedCapacity: size) { target, count in
      var (read, written) = (0, 0)
      while status == Z_OK {
        // zlib counts in 32 bits.
        let (into, left) = (min(bytes.count - read, 1 << 30), min(size - written, 1 << 30))
        unsafe stream.next_in = UnsafeMutablePointer(
          mutating: bytes.baseAddress?.advanced(by: read).assumingMemoryBound(to: UInt8.self))
        unsafe stream.avail_in = UInt32(into)
        unsafe stream.next_out = target.baseAddress?.advanced(by: written)
        unsafe stream.avail_out = UInt32(left)
        status = unsafe CZlib.inflate(&stream, Z_NO_FLUSH)
        let (taken, made) = unsafe (into - Int(stream.avail_in), left - Int(stream.avail_out))
        if taken == 0 && made == 0 && status == Z_OK { break }
        read += taken
        written += made
      }
      isWhole = status == Z_STREAM_END && read == bytes.count && written == size
      count = written
    }
    return isWhole ? result : nil
  }
}

/// Reads the directory at an archive's end.
@safe private struct ZipReader {
  private let bytes: UnsafeRawBufferPointer
  private let path: String

  init(_ bytes: UnsafeRawBufferPointer, path: String) {
    unsafe self.bytes = unsafe bytes
    self.path = path
  }

  private var count: Int { unsafe bytes.count }

  mutating func members() throws -> [ZipArchive.Member] {
    let (entries, start, size) = try directory()
    guard entries >= 0, start >= 0, size >= 0, start <= count, size <= count - start else {
      throw failure(
        "expected a directory within the file, with the number of its members", at: max(0, start))
    }
    var names = NameIndex()
    var members: [ZipArchive.Member] = []
    var place = start
    for _ in 0..<entries {
      let (member, next) = try entry(at: place, end: start + size)
      guard names.insert(member.name) else {
        throw failure("the member \(FileError.quoted(member.name)) is there twice", at: place)
      }
      members.append(member)
      place = next
    }
    return members
  }

  /// The number of members, and where the directory stands.
  private func directory() throws -> (entries: Int, start: Int, size: Int) {
    let size = 22
    let mark: UInt32 = 0x0605_4B50
    var end: Int?
    for place in stride(from: count - size, through: max(0, count - size - 0xFFFF), by: -1)
    where number(UInt32.self, place) == Int(mark)
      && place + size + number(UInt16.self, place + 20) == count
    {
      end = place
      break
    }
    guard let end else {
      throw failure("expected a zip archive's directory at the end, got none: cut off?", at: count)
    }
    let disks = [number(UInt16.self, end + 4), number(UInt16.self, end + 6)]
    guard disks.allSatisfy({ $0 == 0 || $0 == 0xFFFF }) else {
      throw failure("expected an archive of one part, got several", at: end + 4)
    }
    let short = (
      entries: number(UInt16.self, end + 10), start: number(UInt32.self, end + 16),
      size: number(UInt32.self, end + 12)
    )
    guard short.entries == 0xFFFF || short.start == 0xFFFF_FFFF || short.size == 0xFFFF_FFFF,
      end >= 20, number(UInt32.self, end - 20) == 0x0706_4B50
    else { return short }
    let long = number(UInt64.self, end - 12)
    guard long >= 0, long <= count - 56, number(UInt32.self, long) == 0x0606_4B50 else {
      throw failure("expected the directory's long end", at: end - 12)
    }
    return (
      number(UInt64.self, long + 32), number(UInt64.self, long + 48),
      number(UInt64.self, long + 40)
    )
  }

  /// A member, and where the directory goes on.
  private func entry(at place: Int, end: Int) throws -> (ZipArchive.Member, next: Int) {
    guard place <= end - 46, number(UInt32.self, place) == 0x0201_4B50 else {
      throw failure("expected a member of the directory", at: place)
    }
    let (nameSize, extraSize) = (number(UInt16.self, place + 28), number(UInt16.self, place + 30))
    let next = place + 46 + nameSize + extraSize + number(UInt16.self, place + 32)
    guard next <= end else { throw failure("expected a member within the directory", at: place) }
    let name = text(place + 46, nameSize)
    let (flags, method) = (number(UInt16.self, place + 8), number(UInt16.self, place + 10))
    guard flags & 1 == 0 else {
      throw unsupported("the member \(FileError.quoted(name)) is encrypted", at: place + 8)
    }
    guard method == 0 || method == 8 else {
      throw unsupported(
        "the member \(FileError.quoted(name)) is compressed by method \(method); expected 0 (stored) "
          + "or 8 (deflated)", at: place + 10)
    }
    let long = longNumbers(place + 46 + nameSize, extraSize)
    var rest = long[...]
    func size(_ offset: Int) throws -> Int {
      let short = number(UInt32.self, place + offset)
      guard short == 0xFFFF_FFFF else { return short }
      guard let number = rest.popFirst(), number >= 0 else {
        throw failure("expected a long size of \(FileError.quoted(name))", at: place)
      }
      return number
    }
    let (whole, stored) = (try size(24), try size(20))
    let offset = try size(42)
    guard stored <= count, offset <= count - 30, method == 8 || whole == stored else {
      throw failure("\(FileError.quoted(name)) lies outside the file", at: place)
    }
    return (
      ZipArchive.Member(
        name: name, isDeflated: method == 8, headerOffset: offset, storedSize: stored, size: whole,
        checksum: UInt32(number(UInt32.self, place + 16))), next
    )
  }

  /// The numbers of zip64 in a member's extra field.
  private func longNumbers(_ first: Int, _ size: Int) -> [Int] {
    var place = first
    while place + 4 <= first + size {
      let length = number(UInt16.self, place + 2)
      guard place + 4 + length <= first + size else { return [] }
      if number(UInt16.self, place) == 1 {
        return stride(from: place + 4, through: place + 4 + length - 8, by: 8)
          .map { number(UInt64.self, $0) }
      }
      place += 4 + length
    }
    return []
  }

  /// Where a member's bytes stand behind its own header.
  func data(of member: ZipArchive.Member) throws -> Range<Int> {
    let place = member.headerOffset
    guard place <= count - 30, number(UInt32.self, place) == 0x0403_4B50 else {
      throw failure("expected the member \(FileError.quoted(member.name))", at: place)
    }
    let nameSize = number(UInt16.self, place + 26)
    let first = place + 30 + nameSize + number(UInt16.self, place + 28)
    guard first <= count, member.storedSize <= count - first,
      text(place + 30, nameSize) == member.name
    else {
      throw failure("\(FileError.quoted(member.name)) lies outside the file", at: place)
    }
    return first..<first + member.storedSize
  }

  private func failure(_ reason: String, at offset: Int) -> FileError {
    FileError(.malformed, path: path, offset: offset, reason: reason)
  }

  private func unsupported(_ reason: String, at offset: Int) -> FileError {
    FileError(.unsupported, path: path, offset: offset, reason: reason)
  }

  /// A number, its lowest byte first; -1 for one that Int does not hold, or beyond the end.
  private func number<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type, _ place: Int
  ) -> Int {
    guard place >= 0, place + MemoryLayout<Number>.size <= count else { return -1 }
    let value = unsafe Number(
      littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: type))
    return Int(exactly: value) ?? -1
  }

  private func text(_ place: Int, _ size: Int) -> String {
    guard place >= 0, size >= 0, place + size <= count else { return "" }
    return unsafe String(decoding: bytes[place..<place + size], as: UTF8.self)
  }
}
