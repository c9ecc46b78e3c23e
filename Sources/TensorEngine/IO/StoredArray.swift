// Unsafe: a file or an array lends its bytes by address; every place follows from extents that were
// checked against their number.

/// An array of floating-point numbers in a file, which is read in parts: a `.npy` file, a member of an
/// `.npz`, or a tensor of a `.safetensors` file.
///
/// A file is known by its bytes, not by its name. What is stored as it is stays in the file until it is
/// read, so that an array may be larger than memory; a member that is deflated is kept whole once it is
/// inflated.
package struct StoredArray: Sendable {
  /// How a number is stored.
  private enum Element: Sendable {
    case float16, bfloat16, float32, float64

    var bytes: Int {
      switch self {
      case .float16, .bfloat16: 2
      case .float32: 4
      case .float64: 8
      }
    }
  }

  /// Where the bytes are.
  private enum Content: Sendable {
    case file(MappedFile, offset: Int)
    case memory([UInt8], offset: Int)
    case deflated(ZipArchive, ZipArchive.Member, offset: Int)
  }

  /// What a file holds.
  package struct Contents: Sendable {
    /// The arrays of floating-point numbers, in the file's order.
    package var arrays: [StoredArray] = []
    /// Names of what holds no such numbers, each with its type.
    package var others: [(name: String, type: String)] = []
  }

  /// The tensor's or member's name, the latter without `.npy`; empty for a `.npy` file.
  package let name: String
  /// Extents, outermost first.
  package let shape: [Int]
  /// How many elements lie between neighbours along each axis.
  package let strides: [Int]
  /// Whether the numbers have no more than float16's digits and range.
  package var isHalf: Bool { element == .float16 }

  private let element: Element
  private let content: Content

  /// What the file at `path` holds.
  /// - Parameter inflating: whether members that are deflated are inflated at once; otherwise their numbers are
  ///   there in what ``inflated()`` returns only, and nothing but their headers has been read.
  /// - Throws: ``FileError``: a file of another kind, one that is damaged, or a pickle, which is never
  ///   read.
  package static func contents(of path: String, inflating: Bool = true) throws -> Contents {
    var contents = try described(path)
    if inflating { contents.arrays = try contents.arrays.map { try $0.inflated() } }
    return contents
  }

  /// The array with its numbers, if they are deflated yet.
  /// - Throws: ``FileError``: a damaged member.
  package func inflated() throws -> StoredArray {
    guard case .deflated(let archive, let member, let offset) = content else { return self }
    return StoredArray(self, .memory(try archive.inflated(member), offset: offset))
  }

  private init(_ array: StoredArray, _ content: Content) {
    (name, shape, strides) = (array.name, array.shape, array.strides)
    (element, self.content) = (array.element, content)
  }

  private static func described(_ path: String) throws -> Contents {
    let file = try MappedFile(path: path)
    let head = unsafe file.withBytes { unsafe [UInt8]($0.prefix(9)) }
    if head.starts(with: NumpyHeader.magic) {
      return Contents(arrays: [try StoredArray(numpy: file)])
    }
    if head.starts(with: ZipArchive.magic) { return try contents(of: ZipArchive(file)) }
    // safetensors begins with the length of its header, in 64 bits, and a brace; pickles of protocol 2 and
    // later with 0x80 and the protocol's number.
    let length = head.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard head.count >= 8, length <= UInt64(file.count) || head.last == UInt8(ascii: "{") else {
      if head.first == 0x80, head.count > 1, head[1] < 16 { throw pickle(path) }
      let bytes = head.map { String($0, radix: 16) }.joined(separator: " ")
      throw FileError(
        .malformed, path: path,
        reason: "expected a .npy, .npz or .safetensors file, got one that begins with the bytes "
          + bytes)
    }
    return try contents(of: SafetensorsFile(path: path), file)
  }

  private static func pickle(_ path: String) -> FileError {
    FileError(
      .unsupported, path: path,
      reason: "a pickle, which can run code and is never read; save its arrays with "
        + "safetensors.torch.save_file or numpy.savez")
  }

  // MARK: - Formats

  private init(numpy file: MappedFile) throws {
    let header = try unsafe file.withBytes { try unsafe NumpyHeader(of: $0, path: file.path) }
    guard let element = Self.element(of: header.type) else {
      throw FileError(
        .unsupported, path: file.path, subject: "descr",
        reason: "expected floating-point numbers, got \(header.type.rawValue); convert it with "
          + "astype")
    }
    self.init(
      name: "", shape: header.shape, isColumnMajor: header.isColumnMajor, element,
      .file(file, offset: header.dataOffset))
  }

  private init(
    name: String, shape: [Int], isColumnMajor: Bool = false, _ element: Element,
    _ content: Content
  ) {
    (self.name, self.shape, self.element, self.content) = (name, shape, element, content)
    var strides = [Int](repeating: 1, count: shape.count)
    // Extents of an array of no number can be any: their products need not be numbers that there are.
    if shape.contains(0) {
      self.strides = strides
      return
    }
    if isColumnMajor {
      for axis in shape.indices.dropFirst() { strides[axis] = strides[axis - 1] * shape[axis - 1] }
    } else {
      for axis in shape.indices.dropLast().reversed() {
        strides[axis] = strides[axis + 1] * shape[axis + 1]
      }
    }
    self.strides = strides
  }

  private static func contents(of archive: ZipArchive) throws -> Contents {
    if archive.members.contains(where: { $0.name.hasSuffix("data.pkl") }) {
      throw pickle(archive.file.path)
    }
    var contents = Contents()
    for member in archive.members {
      let name = member.name.hasSuffix(".npy") ? String(member.name.dropLast(4)) : member.name
      do {
        if let array = try array(member, of: archive, name: name) {
          contents.arrays.append(array)
        } else {
          contents.others.append((name, "integers"))
        }
      } catch let error as FileError where error.kind == .unsupported && error.subject == "descr" {
        contents.others.append((name, error.reason))
      }
    }
    return contents
  }

  /// A member's array; `nil` for one of integers.
  private static func array(
    _ member: ZipArchive.Member, of archive: ZipArchive, name: String
  ) throws -> StoredArray? {
    let place = "\(archive.file.path): \(member.name)"
    let (header, content): (NumpyHeader, Content)
    if member.isDeflated {
      // Nothing is inflated as a whole before its beginning says that it is an array of that size.
      let beginning = try archive.inflated(member, atMost: NumpyHeader.most)
      header = try unsafe beginning.withUnsafeBytes {
        try unsafe NumpyHeader(of: $0, size: member.size, path: place)
      }
      guard element(of: header.type) != nil else { return nil }
      content = .deflated(archive, member, offset: header.dataOffset)
    } else {
      try archive.check(member)
      let range = try archive.place(of: member)
      header = try unsafe archive.file.withBytes { bytes in
        try unsafe NumpyHeader(of: UnsafeRawBufferPointer(rebasing: bytes[range]), path: place)
      }
      content = .file(archive.file, offset: range.lowerBound + header.dataOffset)
    }
    return element(of: header.type).map {
      StoredArray(
        name: name, shape: header.shape, isColumnMajor: header.isColumnMajor, $0, content)
    }
  }

  private static func contents(
    of tensors: SafetensorsFile, _ file: MappedFile
  ) throws -> Contents {
    var contents = Contents()
    for entry in tensors.entries {
      let element: Element? =
        switch entry.type {
        case .f16: .float16
        case .bf16: .bfloat16
        case .f32: .float32
        case .f64: .float64
        default: nil
        }
      if let element {
        contents.arrays.append(
          StoredArray(
            name: entry.name, shape: entry.shape, element,
            .file(file, offset: entry.range.lowerBound)))
      } else {
        contents.others.append((entry.name, entry.type.rawValue))
      }
    }
    return contents
  }

  private static func element(of type: NumpyFile.ElementType) -> Element? {
    switch type {
    case .float16: .float16
    case .float32: .float32
    case .float64: .float64
    case .int32, .int64: nil
    }
  }

  // MARK: - Numbers

  /// The numbers of a part of the array in float32, float64 rounded to the nearest: along axes of
  /// `extents` that lie `strides` apart, from the element `offset` on, the last axis fastest.
  /// - Precondition: the part lies within the array.
  package func values(from offset: Int, extents: [Int], strides: [Int]) -> [Float] {
    guard extents.count == strides.count, offset >= 0 else {
      bug("\(extents) by \(strides) from \(offset)")
    }
    // Before products, which extents of no number need not have.
    guard !extents.contains(0) else { return [] }
    let count = extents.reduce(1, *)
    let last = offset + zip(extents, strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
    guard last < shape.reduce(1, *) else {
      bug("\(extents) by \(strides) from \(offset) of \(shape)")
    }
    return unsafe withNumbers { base in
      unsafe [Float](unsafeUninitializedCapacity: count) { target, filled in
        var place = [Int](repeating: 0, count: extents.count)
        var source = offset
        let inner = extents.last ?? 1
        let step = strides.last ?? 1
        for first in stride(from: 0, to: count, by: inner) {
          for k in 0..<inner {
            unsafe target[first + k] = number(base, source + k * step)
          }
          var axis = extents.count - 2
          while axis >= 0 {
            place[axis] += 1
            source += strides[axis]
            if place[axis] < extents[axis] { break }
            source -= strides[axis] * extents[axis]
            place[axis] = 0
            axis -= 1
          }
        }
        filled = count
      }
    }
  }

  private func withNumbers<Result>(_ body: (UnsafeRawPointer) -> Result) -> Result {
    switch content {
    case .file(let file, let offset):
      withExtendedLifetime(file) { unsafe body(file.address(of: offset)) }
    case .deflated: bug("numbers of '\(name)', which is not inflated")
    case .memory(let bytes, let offset):
      unsafe bytes.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { bug("an array without bytes") }
        return unsafe body(base + offset)
      }
    }
  }

  private func number(_ base: UnsafeRawPointer, _ place: Int) -> Float {
    let address = unsafe base + place * element.bytes
    switch element {
    case .float32: return unsafe address.loadUnaligned(as: Float.self)
    case .float64: return Float(unsafe address.loadUnaligned(as: Double.self))
    case .float16:
      return Float(Float16(bitPattern: unsafe address.loadUnaligned(as: UInt16.self)))
    case .bfloat16:
      return Float(bitPattern: UInt32(unsafe address.loadUnaligned(as: UInt16.self)) << 16)
    }
  }
}
