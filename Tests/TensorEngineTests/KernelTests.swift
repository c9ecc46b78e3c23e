import CKernels
internal import Glibc
import TensorEngine
import TestSupport
import Testing

/// What `ckernels.h` promises, for every instruction set.
///
/// Each test runs in processes of its own: the instruction set is the whole process's.
@Suite("The kernels")
struct KernelTests {
  /// Numbers from `-limit` to `limit`: as many in each power of two, and as many in each interval.
  private static func sweep(_ limit: Float) -> [Float] {
    let patterns = stride(from: 0, through: limit.bitPattern, by: 9973).map(Float.init(bitPattern:))
    let grid = stride(from: 0, through: limit, by: limit / 100_000)
    let positive = patterns + grid
    return positive + positive.map { -$0 }
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
  private static func phi(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

  // MARK: - Softmax

  private static func softmax(_ row: [Float]) -> [Float] {
    var result = row
    ck_softmax_rows(row, &result, 1, row.count, 1)
    return result
  }

  @Test("exp is within 2e-7 of itself", arguments: InstructionSet.allCases)
  func exponential(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      var worst = (error: 0.0, at: Float(0))
      // In a row of 0 and x, far enough below 0 that the sum is 1, the probability of x is exp(x).
      for x in stride(from: Float(-87.3), through: -17.4, by: 0.000_37) {
        let row = Self.softmax([0, x, -.infinity])
        let isSumOne = row[0] == 1 && row[2] == 0
        let error = isSumOne ? abs(Double(row[1]) / exp(Double(x)) - 1) : .infinity
        if !(error <= worst.error) { worst = (error, x) }
      }
      #expect(worst.error < 2e-7, "exp(\(worst.at))")
      // Below the normal numbers, the error is a subnormal number's.
      for x in stride(from: Float(-110), through: -87.3, by: 0.01) {
        let row = Self.softmax([0, x])
        #expect(abs(Double(row[1]) - exp(Double(x))) <= 1.5e-45 + 2e-7 * exp(Double(x)))
      }
    }
  }

  @Test(
    "Softmax is close near 0, and rows sum to 1 whatever they hold",
    arguments: InstructionSet.allCases)
  func softmax(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      var worst = 0.0
      for x in stride(from: Float(-20), through: 0, by: 0.000_73) {
        let row = Self.softmax([x, 0])
        worst = max(worst, abs(Double(row[0]) / Self.sigmoid(Double(x)) - 1))
      }
      #expect(worst < 4e-7)
      var random = SeededNumbers(seed: 3)
      for columns in [1, 2, 7, 8, 15, 16, 17, 77, 1025] {
        for spread in [0.01, 1, 100, 1e4] {
          let row = Self.softmax((0..<columns).map { _ in Float(spread * random.normal()) })
          let sum = row.reduce(0) { $0 + Double($1) }
          #expect(abs(sum - 1) < 1e-6, "\(columns) columns, spread \(spread)")
        }
      }
      #expect(Self.softmax([1, .nan, 2]).filter(\.isNaN).count == 3)
    }
  }

  @Test(
    "Results may replace the inputs where the header allows it", arguments: InstructionSet.allCases)
  func inPlace(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      var random = SeededNumbers(seed: 4)
      for count in [1, 5, 16, 77, 301] {
        let (x, z) = (random.tensor([count]).values, random.tensor([count]).values)
        func check(
          _ what: String, _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
        ) {
          var (apart, replaced) = (x, x)
          body(x, &apart)
          replaced.withUnsafeMutableBufferPointer { buffer in
            guard let address = buffer.baseAddress else { return }
            body(address, address)
          }
          #expect(apart == replaced, "\(what) of \(count)")
        }
        check("add") { ck_add($0, z, $1, count) }
        check("multiply") { ck_multiply($0, z, $1, count) }
        check("affine") { ck_affine($0, $1, count, 2, 3) }
        check("softmax") { ck_softmax_rows($0, $1, 1, count, 2) }
        check("softmax's pullback") { ck_softmax_pullback_rows(z, $0, $1, 1, count, 2) }
      }
    }
  }

  // MARK: - Activations

  @Test(
    "Activations and their slopes are within 4e-7 max(1, |x|)", arguments: InstructionSet.allCases)
  func activations(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      let x = Self.sweep(200) + [1e4, -1e4, 1e30, -1e30]
      let ones = [Float](repeating: 1, count: x.count)
      var y = ones
      func check(_ what: String, _ expected: (Double) -> Double) {
        var worst = (error: 0.0, at: Float(0))
        for (x, y) in zip(x, y) {
          let error = abs(Double(y) - expected(Double(x))) / max(1, abs(Double(x)))
          if !(error <= worst.error) { worst = (error, x) }
        }
        #expect(worst.error < 4e-7, "\(what)(\(worst.at))")
      }
      ck_silu(x, &y, x.count)
      check("silu") { $0 * Self.sigmoid($0) }
      ck_silu_pullback(x, ones, &y, x.count)
      check("silu'") { Self.sigmoid($0) * (1 + $0 * Self.sigmoid(-$0)) }
      ck_gelu(x, &y, x.count)
      check("gelu") { $0 * Self.phi($0) }
      ck_gelu_pullback(x, ones, &y, x.count)
      check("gelu'") { Self.phi($0) + $0 * exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot() }
      ck_quick_gelu(x, &y, x.count)
      check("quick gelu") { $0 * Self.sigmoid(1.702 * $0) }
      ck_quick_gelu_pullback(x, ones, &y, x.count)
      check("quick gelu'") {
        Self.sigmoid(1.702 * $0) * (1 + 1.702 * $0 * Self.sigmoid(-1.702 * $0))
      }
    }
  }

  // MARK: - Reductions

  @Test(
    "The maximum is found at every place, and NaN is the largest",
    arguments: InstructionSet.allCases)
  func maximum(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      #expect(ck_max([], 0) == -.infinity)
      #expect(ck_max([-.infinity, -.infinity], 2) == -.infinity)
      for count in [1, 2, 15, 16, 17, 31, 32, 70] {
        var x = (0..<count).map { -1 - Float($0 * 7 % 13) }
        for place in 0..<count {
          let before = x[place]
          x[place] = -0.5
          #expect(ck_max(x, count) == -0.5)
          x[place] = .nan
          #expect(ck_max(x, count).isNaN)
          x[place] = .infinity
          #expect(ck_max(x, count) == .infinity)
          x[place] = before
        }
      }
    }
  }

  @Test("A number that is not finite is found at every place", arguments: InstructionSet.allCases)
  func finite(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      #expect(ck_all_finite([], 0) == 1)
      for count in [1, 7, 16, 33, 70] {
        var x = [Float](repeating: .greatestFiniteMagnitude, count: count)
        #expect(ck_all_finite(x, count) == 1)
        for place in 0..<count {
          for bad in [Float.nan, .infinity, -.infinity, .signalingNaN] {
            x[place] = bad
            #expect(ck_all_finite(x, count) == 0)
          }
          x[place] = -.leastNonzeroMagnitude
        }
      }
    }
  }

  @Test("Sums and inner products of every length are right", arguments: InstructionSet.allCases)
  func sums(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      // Whole numbers: every order of adding them gives the same.
      for count in 0..<140 {
        let x = (0..<count).map { Float($0 % 11) - 4 }
        let y = (0..<count).map { Float($0 % 7) - 2 }
        #expect(ck_sum(x, count) == x.reduce(0, +))
        #expect(ck_dot(x, y, count) == zip(x, y).reduce(0) { $0 + $1.0 * $1.1 })
      }
    }
  }

  // MARK: - Products

  /// `left [rows, inner]` times `right [inner, columns]`, row by row.
  private static func product(
    _ left: [Float], _ right: [Float], _ rows: Int, _ columns: Int, _ inner: Int
  ) -> [Float] {
    (0..<rows * columns).map { index in
      let (row, column) = (index / columns, index % columns)
      return (0..<inner).reduce(0) { $0 + left[row * inner + $1] * right[$1 * columns + column] }
    }
  }

  @Test(
    "Products of every number of columns are right, to the last one",
    arguments: InstructionSet.allCases)
  func products(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      // Whole numbers: every order of adding them gives the same.
      for columns in 1...140 {
        for (rows, inner) in [(1, 3), (13, 7), (23, 1), (35, 41)] {
          let left = (0..<rows * inner).map { Float($0 % 11) - 4 }
          let right = (0..<inner * columns).map { Float($0 % 7) - 2 }
          var output = [Float](repeating: .nan, count: rows * columns + 1)
          ck_product(
            left, inner, 1, right, columns, &output, columns, rows, columns, inner, 0)
          #expect(output.dropLast() == Self.product(left, right, rows, columns, inner)[...])
          #expect(output[rows * columns].isNaN, "a number beyond the end was written")
        }
      }
    }
  }

  @Test(
    "A panel's product is added to what is there, or replaces it",
    arguments: InstructionSet.allCases)
  func panels(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      let rows = 77
      for (columns, width) in [
        (1, 64), (5, 64), (16, 64), (17, 64), (33, 48), (40, 64), (63, 64), (64, 64), (77, 48),
        (150, 64),
      ] {
        for inner in [1, 19, 530] {
          let left = (0..<rows * inner).map { Float($0 % 5) - 2 }
          let turned = (0..<inner * columns).map { Float($0 % 3) - 1 }
          let expected = Self.product(left, turned, rows, columns, inner)
          var panels = [Float](
            repeating: .nan, count: (columns + width - 1) / width * ck_panel_size(inner))
          for isByRows in [true, false] {
            for (index, first) in stride(from: 0, to: columns, by: width).enumerated() {
              let part = first..<min(first + width, columns)
              let right = (isByRows ? 0..<inner * part.count : 0..<part.count * inner).map {
                let (row, column) =
                  isByRows
                  ? ($0 / part.count, $0 % part.count) : ($0 % inner, $0 / inner)
                return turned[row * columns + part.lowerBound + column]
              }
              panels.withUnsafeMutableBufferPointer { panels in
                guard let start = panels.baseAddress else { return }
                let panel = start + index * ck_panel_size(inner)
                if isByRows {
                  ck_pack_rows(right, part.count, part.count, inner, panel)
                } else {
                  ck_pack(right, inner, part.count, inner, panel)
                }
              }
            }
            var output = [Float](repeating: 3, count: rows * columns)
            output.withUnsafeMutableBufferPointer {
              guard let start = $0.baseAddress else { return }
              ck_panel_product(
                left, inner, 1, panels, width, start, columns, start, columns, rows, columns, inner)
            }
            #expect(output == expected.map { $0 + 3 })
            // With the same row for all, and with nothing.
            let row = (0..<columns).map { Float($0 % 7) }
            ck_panel_product(
              left, inner, 1, panels, width, row, 0, &output, columns, rows, columns, inner)
            #expect(output == zip(0..., expected).map { row[$0 % columns] + $1 })
            ck_panel_product(
              left, inner, 1, panels, width, nil, 0, &output, columns, rows, columns, inner)
            #expect(output == expected)
          }
        }
      }
    }
  }

  @Test(
    "Numbers of 16 bits are packed as they are once they are widened",
    arguments: InstructionSet.allCases)
  func packedHalves(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      for (rows, columns) in [(1, 1), (17, 19), (64, 32), (64, 75), (75, 64), (150, 130)] {
        let stride = columns + 3
        for isBrain in [true, false] {
          // Both are numbers of their kind, and none is infinite or NaN.
          let halves = (0..<rows * stride).map { UInt16($0 * 7919 % 0x7BFF) }
          var floats = [Float](repeating: .nan, count: halves.count)
          if isBrain {
            ck_brain_to_float(halves, &floats, halves.count)
          } else {
            ck_half_to_float(halves, &floats, halves.count)
          }
          for (count, width, isByRows) in [(rows, columns, false), (columns, rows, true)] {
            let size = (count + Int(CK_PANEL) - 1) / Int(CK_PANEL) * ck_panel_size(width)
            var expected = [Float](repeating: 0, count: size)
            var panels = expected
            if isByRows {
              ck_pack_rows(floats, stride, count, width, &expected)
              ck_pack_half_rows(halves, stride, count, width, isBrain ? 1 : 0, &panels)
            } else {
              ck_pack(floats, stride, count, width, &expected)
              ck_pack_halves(halves, stride, count, width, isBrain ? 1 : 0, &panels)
            }
            // Split numbers are no floats, so that their bits are compared.
            #expect(panels.map(\.bitPattern) == expected.map(\.bitPattern))
            #expect(panels.contains { $0 != 0 } || halves.count < 9)
          }
        }
      }
    }
  }

  @Test(
    "Split into two bfloat16, factors keep what a float16 holds, and sums are right to 10⁻⁵",
    arguments: [InstructionSet.amx, .split])
  func split(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      let (rows, columns, inner) = (64, 64, 96)
      var random = SeededNumbers(seed: 12)
      let (left, right) = (
        random.tensor([rows, inner]).values, random.tensor([inner, columns]).values
      )
      var output = [Float](repeating: 0, count: rows * columns)
      ck_product(left, inner, 1, right, columns, &output, columns, rows, columns, inner, 0)
      let expected = Self.product(left, right, rows, columns, inner)
      expectClose(output, expected.map(Double.init), relative: 1e-5)
      // One number of a float16's eleven bits in each row and column: nothing is rounded.
      let exact = (0..<rows * rows).map { $0 / rows == $0 % rows ? Float(1025 + $0 / rows) : 0 }
      let ones = (0..<rows * columns).map { $0 / columns == $0 % columns ? Float(1) : 0 }
      ck_product(exact, rows, 1, ones, columns, &output, columns, rows, columns, rows, 0)
      #expect(output == exact)
      ck_product(ones, rows, 1, exact, columns, &output, columns, rows, columns, rows, 0)
      #expect(output == exact)
    }
  }

  @Test("Taken as bfloat16, factors are rounded to it, ties to even, and sums are float32's")
  func brain() async throws {
    await #expect(processExitsWith: .success) {
      func rounded(_ x: Float) -> Float {
        Float(bitPattern: (x.bitPattern + 0x7FFF + (x.bitPattern >> 16 & 1)) & 0xFFFF_0000)
      }
      let (rows, columns, inner) = (70, 130, 300)
      var random = SeededNumbers(seed: 13)
      let (left, right) = (
        random.tensor([rows, inner]).values, random.tensor([inner, columns]).values
      )
      let expected = Self.product(
        left.map(rounded), right.map(rounded), rows, columns, inner)
      ck_set_products(1)
      for set in InstructionSet.available {
        InstructionSet.use(set)
        var panels = [Float](repeating: 0, count: 3 * ck_panel_size(inner))
        ck_pack_rows(right, columns, columns, inner, &panels)
        var output = [Float](repeating: 0, count: rows * columns)
        ck_panel_product(
          left, inner, 1, panels, CK_PANEL, nil, 0, &output, columns, rows, columns, inner)
        expectClose(output, expected.map(Double.init), relative: 1e-6, "\(set)")
      }
    }
  }

  // MARK: - CRC-32C

  @Test("CRC-32C gives the published values", arguments: InstructionSet.allCases)
  func crc(_ set: InstructionSet) async throws {
    try InstructionSet.require(set)
    await #expect(processExitsWith: .success) { [set] in
      InstructionSet.use(set)
      // The check value of the catalogue of CRCs, and RFC 3720, appendix B.4.
      let vectors: [([UInt8], UInt32)] = [
        ([], 0), (Array("123456789".utf8), 0xE306_9283),
        (Array(repeating: 0, count: 32), 0x8A91_36AA),
        (Array(repeating: 0xFF, count: 32), 0x62A8_AB43),
        (Array(0..<32), 0x46DD_794E), (Array((0..<32).reversed()), 0x113F_DB5C),
      ]
      for (bytes, expected) in vectors {
        #expect(ck_crc32c(0, bytes, bytes.count) == expected)
        for cut in 0...bytes.count {
          let (head, tail) = (Array(bytes[..<cut]), Array(bytes[cut...]))
          #expect(ck_crc32c(ck_crc32c(0, head, cut), tail, tail.count) == expected)
        }
      }
    }
  }
}
