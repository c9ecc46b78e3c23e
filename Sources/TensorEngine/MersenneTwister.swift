/// The 32-bit Mersenne Twister, mt19937.
///
/// Source: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998, with the
/// initialisation of 2002.
struct MersenneTwister: Sendable {
  private static let size = 624
  private static let shift = 397

  private var state: [UInt32]
  private var next = Self.size

  init(seed: UInt32) {
    state = [seed]
    state.reserveCapacity(Self.size)
    for position in 1..<UInt32(Self.size) {
      let last = state[Int(position) - 1]
      state.append(1_812_433_253 &* (last ^ last >> 30) &+ position)
    }
  }

  /// Draws the next 32 bits.
  mutating func draw() -> UInt32 {
    if next == Self.size { twist() }
    var bits = state[next]
    next += 1
    bits ^= bits >> 11
    bits ^= bits << 7 & 0x9D2C_5680
    bits ^= bits << 15 & 0xEFC6_0000
    bits ^= bits >> 18
    return bits
  }

  private mutating func twist() {
    for position in 0..<Self.size {
      let mixed =
        state[position] & 0x8000_0000 | state[(position + 1) % Self.size] & 0x7FFF_FFFF
      let twisted = mixed >> 1 ^ (mixed & 1 == 0 ? 0 : 0x9908_B0DF)
      state[position] = state[(position + Self.shift) % Self.size] ^ twisted
    }
    next = 0
  }
}
