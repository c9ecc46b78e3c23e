// Unsafe: the caller has room for all that is copied or filled.

extension Parallel {
  /// Floats that a thread takes at a time: what is less is not worth a second thread.
  private static let piece = 1 << 15

  /// Copies rows of `count` floats on all threads.
  ///
  /// - Parameters:
  ///   - stride: floats from row to row of the source.
  ///   - targetStride: floats from row to row of the target.
  static func copy(
    _ source: UnsafePointer<Float>, stride: Int, to target: UnsafeMutablePointer<Float>,
    stride targetStride: Int, rows: Int, count: Int
  ) {
    guard count > 0 else { return }
    let pieces = (count + piece - 1) / piece
    ranges(rows * pieces, grain: max(1, piece / count)) { range in
      for index in range {
        let (row, first) = (index / pieces, index % pieces * piece)
        unsafe (target + row * targetStride + first).update(
          from: source + row * stride + first, count: min(piece, count - first))
      }
    }
  }

  /// Fills memory with zeros on all threads, of which each so touches what it will write to first.
  static func zero(_ target: UnsafeMutablePointer<Float>, count: Int) {
    ranges(count, grain: piece) { range in
      unsafe (target + range.lowerBound).update(repeating: 0, count: range.count)
    }
  }
}
