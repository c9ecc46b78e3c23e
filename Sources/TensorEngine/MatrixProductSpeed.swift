private import Glibc

// Unsafe: memory comes from the system as an address; the products stay within the floats asked
// for.

extension Matrix {
  /// What products reach with all threads busy, in floating-point operations a second: on each thread
  /// one product of square matrices of this side, all at once.
  package static func measuredSpeed(side: Int) -> Double {
    // Straight from the system and back to it, so that no account of memory is disturbed.
    let count = (1 + Parallel.threads) * side * side
    let bytes = count * MemoryLayout<Float>.stride
    let address = unsafe mmap(
      nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      bug("out of memory: \(bytes) bytes for a product's speed")
    }
    defer { unsafe munmap(address, bytes) }
    let factors = unsafe address.bindMemory(to: Float.self, capacity: count)
    unsafe factors.initialize(repeating: 1, count: count)
    let matrix = unsafe Matrix(factors, stride: side)
    let time = ContinuousClock().measure {
      Parallel.forEach(Parallel.threads) { thread in
        unsafe multiply(
          matrix, matrix, into: factors + (1 + thread) * side * side, outputStride: side,
          rows: side, columns: side, inner: side)
      }
    }
    let flop = 2 * Double(side) * Double(side) * Double(side) * Double(Parallel.threads)
    return flop / (time / .seconds(1))
  }
}
