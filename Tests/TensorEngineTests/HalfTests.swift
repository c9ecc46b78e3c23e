import CKernels
internal import Glibc
import TensorEngine
import Testing

/// IEEE 754 binary16 against its definition, for every instruction set.
@Suite("Half precision")
struct HalfTests {
  /// What the bits of a half that is not NaN mean; the first beyond the largest stands for what
  /// it would be with one more exponent, which is where rounding turns to infinity.
  private static func value(_ half: UInt16) -> Double {
    let (exponent, fraction) = (Int(half >> 10 & 31), Double(half & 1023))
    let magnitude = exponent == 0 ? scalbn(fraction, -24) : scalbn(1024 + fraction, exponent - 25)
    return half >> 15 == 0 ? magnitude : -magnitude
  }

  private static func toFloat(_ halves: [UInt16]) -> [Float] {
    var result = [Float](repeating: 0, count: halves.count)
    ck_half_to_float(halves, &result, halves.count)
    return result
  }

  private static func toHalf(_ floats: [Float]) -> [UInt16] {
    var result = [UInt16](repeating: 0, count: floats.count)
    ck_float_to_half(floats, &result, floats.count)
    return result
  }

  @Test("reads all 65,536 patterns, and writes them back", arguments: InstructionSet.allCases)
  func patterns(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      let halves = Array(UInt16.min...UInt16.max)
      let floats = Self.toFloat(halves)
      let back = Self.toHalf(floats)
      let wrong = halves.filter { half in
        let (float, written) = (floats[Int(half)], back[Int(half)])
        guard float.sign == (half >> 15 == 0 ? .plus : .minus) else { return true }
        switch half & 0x7FFF {
        case 0x7C00: return float.isFinite || float.isNaN || written != half
        // A signalling NaN comes back quiet.
        case 0x7C01...: return !float.isNaN || written != half | 0x200
        default: return Double(float) != Self.value(half) || written != half
        }
      }
      #expect(wrong == [])
    }
  }

  @Test(
    "rounds to nearest, ties to even, and to infinity beyond", arguments: InstructionSet.allCases)
  func rounding(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      let lower = Array(UInt16(0)...0x7BFF)
      let middles = lower.map { Float((Self.value($0) + Self.value($0 + 1)) / 2) }
      for sign: UInt16 in [0, 0x8000] {
        func half(_ magnitudes: [Float]) -> [UInt16] {
          Self.toHalf(magnitudes.map { sign == 0 ? $0 : -$0 })
        }
        #expect(half(middles.map(\.nextDown)) == lower.map { $0 | sign })
        #expect(half(middles.map(\.nextUp)) == lower.map { ($0 + 1) | sign })
        #expect(half(middles) == lower.map { ($0 + ($0 & 1)) | sign })
        let beyond: [Float] = [65520, 65536, 1e10, .greatestFiniteMagnitude, .infinity]
        #expect(half(beyond) == beyond.map { _ in 0x7C00 | sign })
        let tiny: [Float] = [0, .leastNonzeroMagnitude, 1e-38, 1e-10]
        #expect(half(tiny) == tiny.map { _ in sign })
        #expect(half([.nan])[0] & 0x7E00 == 0x7E00)
      }
    }
  }
}
