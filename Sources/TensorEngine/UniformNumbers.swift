// Unsafe: a new tensor's numbers are written by address, each within its count.

extension Tensor {
  /// Numbers drawn uniformly from ±`bound`, the same on any number of threads.
  ///
  /// Each is made of its place and `seed` by SplitMix64's mixing of a counter (Steele, Lea & Flood, OOPSLA 2014).
  package static func uniform(_ shape: [Int], seed: UInt64, bound: Float) -> Tensor {
    unsafe Tensor(shape: shape) { numbers in
      Parallel.ranges(shape.reduce(1, *), grain: 1 << 16) { range in
        for index in range {
          var bits = seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
          bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
          bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
          bits ^= bits >> 31
          let signed = Int32(truncatingIfNeeded: bits >> 32)
          unsafe numbers[index] = bound * (Float(signed) * 0x1p-31)
        }
      }
    }
  }
}
