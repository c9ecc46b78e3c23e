// Unsafe: a chunk's bytes are compared with elements written into a buffer of one element, after
// their count is checked.

extension RunCheck {
  /// Whether coordinates along `call` are the journal's, and heads and tokens those of the sites.
  mutating func checkCoordinates(
    _ scope: Scope, _ store: Directory, _ layout: StoreLayout, _ packed: PackedStore?,
    _ group: JSONTree
  ) {
    let calls = scope.records.count
    func places(_ name: String) throws -> ArrayChunks? {
      try store.folder(name).flatMap { layout.chunks(of: name, in: $0, packed: packed) }
    }
    /// A packed store needs no file of what is the same everywhere.
    func isUniform(_ name: String) -> Bool {
      guard packed != nil, Self.uniformValue(of: name, group, layout, scope) != nil else {
        return false
      }
      return (try? store.folder(name)?.has(ChunkNames.shard(axes: 1))) != true
    }
    for coordinate in CallCoordinate.allCases where !isUniform(coordinate.rawValue) {
      unsafe checkArray(
        coordinate.rawValue, places, count: calls, chunk: CallCoordinate.chunk,
        bytes: coordinate.type.bytes, scope
      ) { unsafe coordinate.write(scope.records[$0], to: $1) }
    }
    let counts = [("call", Array(0..<calls), CallCoordinate.chunk)]
    let axes = layout.axes.sorted { $0.key < $1.key }.map { ($0.key, $0.value, $0.value.count) }
    for (name, indices, chunk) in counts + axes where !isUniform(name) {
      // A packed store has no file of what counts from 0.
      if packed != nil, layout.isCount(name),
        group["consolidated_metadata"]?["metadata"]?[name] == nil
      {
        continue
      }
      unsafe checkArray(name, places, count: indices.count, chunk: chunk, bytes: 4, scope) {
        unsafe $1.storeBytes(of: Int32(clamping: indices[$0]).littleEndian, as: Int32.self)
      }
    }
  }

  /// Compares the first `count` elements of an array along one axis with those that `write` makes.
  private mutating func checkArray(
    _ name: String, _ places: (String) throws -> ArrayChunks?, count: Int, chunk: Int,
    bytes size: Int, _ scope: Scope, _ write: (Int, UnsafeMutableRawPointer) -> Void
  ) {
    let path = "\(folder.store)/\(name)"
    guard let places = attempt(path, { try places(name) }) else { return }
    // What is wrong with a shard as a whole is said once.
    if places?.shardCount != nil,
      attempt(places?.path(of: 0) ?? path, { try places?.shard() }) == nil
    {
      return
    }
    for first in stride(from: 0, to: count, by: max(chunk, 1)) {
      let place = first / chunk
      let file = places?.path(of: place) ?? path + "/" + ChunkNames.file(place, axes: 1)
      // While a run is being written its last chunk may be replaced between the journal's reading and its own.
      var flaw: String?
      for _ in 0..<(scope.isComplete ? 1 : 3) {
        guard let bytes = attempt(file, { try places?.read(place) ?? nil }) else { return }
        flaw = unsafe Self.flaw(
          in: bytes, elements: first..<min(first + chunk, count), of: chunk, size, write)
        if flaw == nil { break }
      }
      if let flaw { add(file, flaw) }
    }
  }

  /// What is wrong with one chunk of `count` elements; `nil` if nothing is.
  private static func flaw(
    in bytes: [UInt8]?, elements: Range<Int>, of count: Int, _ size: Int,
    _ write: (Int, UnsafeMutableRawPointer) -> Void
  ) -> String? {
    guard let bytes else { return "is missing" }
    guard bytes.count == count * size + 4 else {
      return "\(bytes.count) bytes, expected \(count * size + 4)"
    }
    return unsafe bytes.withUnsafeBytes { bytes in
      let own = unsafe UInt32(
        littleEndian: bytes.loadUnaligned(fromByteOffset: count * size, as: UInt32.self))
      guard unsafe crc32c(UnsafeRawBufferPointer(rebasing: bytes.dropLast(4))) == own else {
        return "is damaged: its CRC-32C is wrong"
      }
      return unsafe withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { expected in
        guard let base = expected.baseAddress else { return nil }
        for (place, element) in elements.enumerated() {
          unsafe write(element, base)
          let there = unsafe bytes[place * size..<(place + 1) * size]
          if unsafe !there.elementsEqual(expected) {
            return "element \(element) is not as recorded"
          }
        }
        return nil
      }
    }
  }
}
