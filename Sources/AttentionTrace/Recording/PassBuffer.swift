internal import CKernels
internal import TensorEngine

// Unsafe: whoever lends values has checked their count; each chunk has room for the selection of
// its array.

/// What is selected of one pass as it will stand on disk, until the pass is acknowledged.
///
/// One thread at a time uses it; see ``ChunkBuffer``.
final class PassBuffer: @unchecked Sendable {
  private let arrays: [RecordedArray]
  private let precision: RecordingPlan.Precision
  /// By array, then by row of the pass; kept from pass to pass.
  private var chunks: [[ChunkBuffer]]
  /// Which of them hold values of this pass.
  private var filled: [Set<Int>]
  /// One head's selected tokens, before they are converted.
  private var gathered: [Float] = []
  /// The mean over heads, before it is converted.
  private var mean: [Float] = []

  init(arrays: [RecordedArray], precision: RecordingPlan.Precision) {
    self.arrays = arrays
    self.precision = precision
    chunks = arrays.map { _ in [] }
    filled = arrays.map { _ in [] }
  }

  /// Forgets the last pass's values, not their memory.
  func clear() { for index in filled.indices { filled[index] = [] } }

  /// The chunk of each array for `row`; `nil` where the site lent nothing.
  func chunks(row: Int) -> [ChunkBuffer?] {
    chunks.indices.map { filled[$0].contains(row) ? chunks[$0][row] : nil }
  }

  /// Copies what is selected of the `values` that one branch of a site has.
  func fill(array index: Int, row: Int, from values: UnsafePointer<Float>) {
    let array = arrays[index]
    while chunks[index].count <= row {
      chunks[index].append(ChunkBuffer(bytes: array.count * precision.bytes))
    }
    guard let target = unsafe chunks[index][row].bytes.baseAddress else { return }
    filled[index].insert(row)
    switch array {
    case .maps(let recorded): unsafe copy(values, of: recorded, to: target)
    case .queries: unsafe convert(values, array.count, to: target)
    }
  }

  /// Copies the chosen heads and tokens of `values`, `[head, pixel, token]`, or the mean over the heads.
  private func copy(
    _ values: UnsafePointer<Float>, of recorded: RecordedSite, to target: UnsafeMutableRawPointer
  ) {
    let (keys, pixels) = (recorded.site.keys, recorded.site.grid.pixels)
    let isWhole = recorded.heads.count == recorded.site.heads && recorded.keys == keys
    if isWhole, recorded.reducedHeads == nil {
      return unsafe convert(values, recorded.count, to: target)
    }
    let count = pixels * recorded.keys
    for (place, head) in recorded.heads.enumerated() {
      let maps = unsafe values + head * pixels * keys
      let tokens = recorded.tokens.flatMap { $0.count < keys ? $0 : nil }
      if let tokens { unsafe gather(tokens, of: maps, rows: pixels, keys: keys) }
      unsafe gathered.withUnsafeBufferPointer { columns in
        guard let source = unsafe tokens == nil ? maps : columns.baseAddress else { return }
        if recorded.reducedHeads == .mean {
          unsafe addToMean(
            source, count, share: 1 / Float(recorded.heads.count), isFirst: place == 0)
        } else {
          unsafe convert(source, count, to: target + place * count * precision.bytes)
        }
      }
    }
    guard recorded.reducedHeads == .mean else { return }
    unsafe mean.withUnsafeBufferPointer { mean in
      if let base = mean.baseAddress { unsafe convert(base, count, to: target) }
    }
  }

  /// Adds a head's share to the mean over heads.
  private func addToMean(
    _ values: UnsafePointer<Float>, _ count: Int, share: Float, isFirst: Bool
  ) {
    if isFirst { mean = [Float](repeating: 0, count: count) }
    unsafe mean.withUnsafeMutableBufferPointer { mean in
      if let base = mean.baseAddress { unsafe ck_add_scaled(values, base, count, share) }
    }
  }

  /// Puts the chosen columns of `maps`, `[pixel, token]`, side by side.
  private func gather(_ tokens: [Int], of maps: UnsafePointer<Float>, rows: Int, keys: Int) {
    let count = rows * tokens.count
    if gathered.count < count { gathered = [Float](repeating: 0, count: count) }
    unsafe gathered.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      unsafe gatherColumns(tokens, of: maps, rows: rows, width: keys, to: base)
    }
  }

  private func convert(
    _ source: UnsafePointer<Float>, _ count: Int, to target: UnsafeMutableRawPointer
  ) {
    switch precision {
    case .float16:
      unsafe ck_float_to_half(source, target.assumingMemoryBound(to: UInt16.self), count)
    case .float32:
      unsafe target.copyMemory(from: source, byteCount: count * MemoryLayout<Float>.stride)
    }
  }
}
