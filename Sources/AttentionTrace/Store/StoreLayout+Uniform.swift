internal import TensorEngine

// Unsafe: elements are written into a buffer of a whole chunk, at places within it.

// Most coordinates of a short run hold one value: no head but the mean, no try but the first. Zarr's fill value says
// that without a file.

extension StoreLayout {
  /// The value that a coordinate has everywhere, as it stands as a fill value.
  ///
  /// A packed store has no file of it. `nil` where values differ, for one that counts its axis, and for any other
  /// array.
  func uniformValue(of name: String, _ records: [CallRecord]) -> JSONTree? {
    let values: Set<Int?>
    if let indices = axes[name] {
      guard !isCount(name) else { return nil }
      values = Set(indices)
    } else if let coordinate = CallCoordinate(rawValue: name) {
      if coordinate == .loss, !records.isEmpty,
        records.allSatisfy({ $0.measurement?.loss.isNaN ?? true })
      {
        return .text("NaN")
      }
      values = Set(records.map(coordinate.integer))
    } else {
      return nil
    }
    guard values.count == 1, case .some(.some(let value)) = values.first else { return nil }
    return UInt64(exactly: value).map { .whole($0) } ?? .number(Double(value))
  }

  /// The file of a chunk of a coordinate, as it follows from the run's calls and layers.
  func coordinateChunk(_ chunk: Int, of name: String, _ records: [CallRecord]) -> [UInt8] {
    if let indices = axes[name] {
      let buffer = ChunkBuffer.indices(from: 0, count: indices.count) {
        Int32(clamping: indices[$0])
      }
      return unsafe Array(buffer.bytes)
    }
    guard let coordinate = CallCoordinate(rawValue: name) else { bug("\(name) is no coordinate") }
    let size = coordinate.type.bytes
    let buffer = ChunkBuffer(bytes: CallCoordinate.chunk * size)
    for place in 0..<CallCoordinate.chunk {
      let call = chunk * CallCoordinate.chunk + place
      guard let base = unsafe buffer.bytes.baseAddress else { continue }
      unsafe coordinate.write(
        records.indices.contains(call) ? records[call] : nil, to: base + place * size)
    }
    _ = buffer.seal()
    return unsafe Array(buffer.bytes)
  }
}
