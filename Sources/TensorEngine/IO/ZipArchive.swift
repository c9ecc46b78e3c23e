private import CZlib

// Unsafe: a mapped file lends its bytes by address; every place is compared with their end first. zlib
// is called with addresses of the member's bytes and of room for as many as the directory says.

/// A zip archive as `numpy.savez` and `numpy.savez_compressed` write it, mapped, whose directory was
/// checked.
///
/// Members are stored or deflated, and their sizes may be those of zip64. What is encrypted, lies on
/// several disks, is there twice, lies outside the file or over another member, or is described otherwise
/// before its bytes than in the directory is refused. Names are never paths; those that would lead out of a
/// folder are refused all the same.
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

  /// The bytes of a member that is deflated, or the first of them.
  /// - Parameter limit: how many bytes are wanted; `nil` for all, whose checksum is compared.
  /// - Throws: ``FileError`` when it is damaged.
  func inflated(_ member: Member, atMost limit: Int? = nil) throws -> [UInt8] {
    let range = try place(of: member)
    guard member.size / Self.expansion <= range.count else {
      throw failure(
        member,
        "expected at most \(Self.expansion) bytes for each of its \(range.count) deflated ones, got "
          + "\(member.size)")
    }
    let size = min(member.size, limit ?? .max)
    let result = unsafe file.withBytes { bytes in
      unsafe Self.inflate(
        UnsafeRawBufferPointer(rebasing: bytes[range]), size: size, isWhole: size == member.size)
    }
    guard let result else {
      throw failure(
        member, "its deflated bytes are damaged, or are not \(member.size) when inflated")
    }
    if size == member.size {
      try compare(unsafe result.withUnsafeBytes { unsafe Self.checksum($0) }, member)
    }
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

  /// The first `size` bytes when these are inflated; `nil` unless they are as many, and where the member
  /// `isWhole` with them unless there are no more.
  private static func inflate(
    _ bytes: UnsafeRawBufferPointer, size: Int, isWhole: Bool
  ) -> [UInt8]? {
    var stream = unsafe z_stream()
    guard
      unsafe inflateInit2_(
        &stream, -MAX_WBITS, zlibVersion(), Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { unsafe inflateEnd(&stream) }
    var status = Z_OK
    var isSound = false
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
      let isAtEnd = status == Z_STREAM_END && read == bytes.count
      isSound = written == size && (isAtEnd || !isWhole)
      count = written
    }
    return isSound ? result : nil
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
    let (entries, start, size, end) = try directory()
    guard entries >= 0, start >= 0, size >= 0, start <= end, size == end - start else {
      throw failure(
        "expected a directory within the file, up to byte \(end), with the number of its members",
        at: max(0, start))
    }
    let limit = FileLimit.members.value
    guard entries <= limit else {
      throw failure(
        "expected at most \(limit) members, got \(entries)" + FileLimit.members.advice, at: end)
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
    guard place == end else {
      throw failure(
        "expected the directory's end after its \(entries) members, got more of it", at: place)
    }
    try checkPlaces(of: members, before: start)
    try checkSizes(of: members)
    return members
  }

  /// Members lie beside each other and before the directory.
  private func checkPlaces(of members: [ZipArchive.Member], before directory: Int) throws {
    let sorted = members.sorted { $0.headerOffset < $1.headerOffset }
    for (position, member) in sorted.enumerated() {
      let next = position + 1 < sorted.count ? sorted[position + 1] : nil
      let end = try data(of: member).upperBound
      guard end <= next?.headerOffset ?? directory else {
        let other = next.map { "the member \(FileError.quoted($0.name))" } ?? "the directory"
        throw failure(
          "the member \(FileError.quoted(member.name)) and \(other) overlap",
          at: member.headerOffset)
      }
    }
  }

  /// What is deflated is not too much when it is inflated.
  private func checkSizes(of members: [ZipArchive.Member]) throws {
    let limit = FileLimit.inflated.value
    var rest = limit
    for member in members where member.isDeflated {
      guard member.size <= rest else {
        throw failure(
          "expected members of at most \(formatBytes(limit)) when they are inflated, got more with "
            + FileError.quoted(member.name) + FileLimit.inflated.advice, at: member.headerOffset)
      }
      rest -= member.size
    }
  }

  /// The number of members, where the directory begins, how long it is, and where it must end.
  private func directory() throws -> (entries: Int, start: Int, size: Int, end: Int) {
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
      size: number(UInt32.self, end + 12), end: end
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
      number(UInt64.self, long + 40), long
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
    let name = try name(place + 46, nameSize)
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
    guard stored <= count, offset <= count - 30 else {
      throw failure("\(FileError.quoted(name)) lies outside the file", at: place)
    }
    guard method == 8 || whole == stored else {
      throw failure(
        "\(FileError.quoted(name)) is stored as it is: expected one size, got \(stored) and \(whole)",
        at: place)
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
    let (nameSize, extraSize) = (number(UInt16.self, place + 26), number(UInt16.self, place + 28))
    let first = place + 30 + nameSize + extraSize
    guard first <= count, member.storedSize <= count - first else {
      throw failure("\(FileError.quoted(member.name)) lies outside the file", at: place)
    }
    try compare(member, nameSize: nameSize, extraSize: extraSize)
    return first..<first + member.storedSize
  }

  /// Compares what the directory says of a member with the header before its bytes.
  private func compare(_ member: ZipArchive.Member, nameSize: Int, extraSize: Int) throws {
    let place = member.headerOffset
    var differences: [String] = []
    if text(place + 30, nameSize) != member.name { differences.append("name") }
    if number(UInt16.self, place + 8) != (member.isDeflated ? 8 : 0) {
      differences.append("method")
    }
    // Who writes a member without knowing it yet says the rest behind it, and here nothing.
    let isSaidBehind = number(UInt16.self, place + 6) & 8 != 0
    func differs(_ here: Int, from expected: Int) -> Bool {
      here != expected && !(isSaidBehind && here == 0)
    }
    if differs(number(UInt32.self, place + 14), from: Int(member.checksum)) {
      differences.append("CRC-32")
    }
    let long = longNumbers(place + 30 + nameSize, extraSize)
    var rest = long[...]
    for (offset, size, what) in [
      (22, member.size, "size"), (18, member.storedSize, "stored size"),
    ] {
      let short = number(UInt32.self, place + offset)
      let isLong = short == 0xFFFF_FFFF && !rest.isEmpty
      if differs(isLong ? rest.removeFirst() : short, from: size) { differences.append(what) }
    }
    guard differences.isEmpty else {
      throw failure(
        "the member \(FileError.quoted(member.name)) has a header of its own with another "
          + differences.joined(separator: ", ") + " than the directory", at: place)
    }
  }

  /// A member's name: an array's, which a person chose, and no way out of a folder.
  private func name(_ place: Int, _ size: Int) throws -> String {
    let name = text(place, size)
    let folders = name.split(separator: "/", omittingEmptySubsequences: false)
    let isUTF8 = unsafe name.utf8.elementsEqual(bytes[place..<place + size])
    guard isUTF8, (1...Self.nameLimit).contains(size), !folders.contains(".."), folders.first != "",
      !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0 == "\\" || $0 == "\u{7F}" })
    else {
      throw failure(
        "expected a name of 1 to \(Self.nameLimit) bytes in UTF-8 that leads nowhere, got "
          + FileError.quoted(name), at: place)
    }
    return name
  }

  /// The longest name of a member, in bytes.
  private static let nameLimit = 1024

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
