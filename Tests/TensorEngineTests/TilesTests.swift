import CKernels
import TensorEngine
import TestSupport
import Testing

/// The kernels that are compiled for AMX, compiled for tiles in portable arithmetic.
///
/// Each test runs in processes of its own: the instruction set is the whole process's.
@Suite("The code for AMX, over emulated tiles")
struct TilesTests {
  private static let split = Int32(CK_SPLIT.rawValue)
  private static let emulated = Int32(CK_EMULATED.rawValue)

  private static func use(_ set: Int32) { #expect(ck_force_isa(set) == set) }

  /// A product: of factors as they lie, of a packed right factor, and of two packed ones.
  private static func products(
    _ left: [Float], _ right: [Float], _ rows: Int, _ columns: Int, _ inner: Int
  ) -> [[Float]] {
    let none = [Float](repeating: .nan, count: rows * columns)
    var (plain, panels, both) = (none, none, none)
    ck_product(left, inner, 1, right, columns, &plain, columns, rows, columns, inner, 0)
    let width = Int(CK_PANEL)
    var packed = [Float](
      repeating: .nan, count: (columns + width - 1) / width * ck_panel_size(inner))
    ck_pack_rows(right, columns, columns, inner, &packed)
    ck_panel_product(
      left, inner, 1, packed, width, nil, 0, &panels, columns, rows, columns, inner)
    var packedLeft = [Float](repeating: .nan, count: ck_packed_size(rows, inner))
    var packedRight = [Float](repeating: .nan, count: ck_packed_size(columns, inner))
    ck_pack_left(left, inner, rows, inner, &packedLeft)
    ck_pack_right(right, columns, columns, inner, &packedRight)
    ck_packed_product(packedLeft, packedRight, &both, columns, rows, columns, inner)
    return [plain, panels, both]
  }

  /// Rows, columns and terms: within, at and beyond blocks of 16, 32, 64 and 256.
  private static let shapes = [
    [1, 1, 1], [1, 64, 32], [1, 70, 300], [16, 16, 1], [16, 16, 16], [15, 17, 33], [17, 15, 31],
    [31, 33, 32], [32, 32, 32], [33, 31, 64], [64, 64, 256], [65, 63, 257], [61, 129, 255],
    [128, 1, 40], [100, 70, 300], [200, 210, 700],
  ]

  @Test(
    "Its products are those of the portable path", arguments: shapes, [1, 3])
  func products(_ shape: [Int], _ count: Int) async {
    await #expect(processExitsWith: .success) { [shape, count] in
      let (rows, columns, inner) = (shape[0], shape[1], shape[2])
      var random = SeededNumbers(seed: 14)
      let left = random.tensor([rows, inner]).values
      let right = random.tensor([inner, columns]).values
      ck_set_products(Int32(count))
      Self.use(Self.split)
      let expected = Self.products(left, right, rows, columns, inner)
      Self.use(Self.emulated)
      for (actual, expected) in zip(Self.products(left, right, rows, columns, inner), expected) {
        expectClose(actual, expected.map(Double.init), relative: 1e-6)
      }
    }
  }

  @Test("Its products of small whole numbers are exact", arguments: shapes, [1, 3])
  func wholeNumbers(_ shape: [Int], _ count: Int) async {
    await #expect(processExitsWith: .success) { [shape, count] in
      let (rows, columns, inner) = (shape[0], shape[1], shape[2])
      let left = (0..<rows * inner).map { $0 * 7 % 31 - 15 }
      let right = (0..<inner * columns).map { $0 * 5 % 29 - 14 }
      let expected = (0..<rows * columns).map { index in
        let (row, column) = (index / columns, index % columns)
        return Float(
          (0..<inner).reduce(0) { $0 + left[row * inner + $1] * right[$1 * columns + column] })
      }
      ck_set_products(Int32(count))
      Self.use(Self.emulated)
      let (wideLeft, wideRight) = (left.map(Float.init), right.map(Float.init))
      for actual in Self.products(wideLeft, wideRight, rows, columns, inner) {
        #expect(actual == expected)
      }
    }
  }

  /// One instruction's sums as the manual of the processor states them: first and second terms of pairs
  /// apart, each multiplied and added with one rounding, and no subnormal number read or made.
  private static func sum(_ left: [Float], _ right: [Float]) -> Float {
    func flushed(_ x: Float) -> Float { x.isSubnormal ? (x.sign == .minus ? -0.0 : 0) : x }
    var (first, second) = (Float(0), Float(0))
    for pair in stride(from: 0, to: left.count, by: 2) {
      first = flushed(first.addingProduct(flushed(left[pair]), flushed(right[pair])))
      second = flushed(second.addingProduct(flushed(left[pair + 1]), flushed(right[pair + 1])))
    }
    return flushed(flushed(first + second) + 0)
  }

  @Test("A tile's sums are the manual's, to the bit", arguments: [0, -62, -64, -70, -126, 50])
  func manual(_ exponent: Int) async {
    await #expect(processExitsWith: .success) { [exponent] in
      let (side, terms) = (16, 32)
      var random = SeededNumbers(seed: 15)
      /// Numbers that bfloat16 holds, of very different sizes.
      func factor(_ exponent: Int) -> [Float] {
        (0..<side * terms).map { _ in
          let scale = exponent - Int.random(in: 0..<12, using: &random)
          let number = Float(sign: .plus, exponent: scale, significand: Float(random.normal()))
          return Float(bitPattern: number.bitPattern & 0xFFFF_0000)
        }
      }
      let (left, right) = (factor(exponent), factor(max(exponent, -63)))
      ck_set_products(1)
      Self.use(Self.emulated)
      let expected = (0..<side * side).map { index in
        Self.sum(
          (0..<terms).map { left[index / side * terms + $0] },
          (0..<terms).map { right[$0 * side + index % side] })
      }
      for actual in Self.products(left, right, side, side, terms) {
        #expect(actual.map(\.bitPattern) == expected.map(\.bitPattern))
      }
    }
  }

  @Test("Every operation gives what it gives in the portable path", arguments: [1, 3])
  func operations(_ count: Int) async {
    await #expect(processExitsWith: .success) { [count] in
      ck_set_products(Int32(count))
      for test in OperationCase.all {
        Self.use(Self.split)
        let expected = test.resultAndGradients()
        Self.use(Self.emulated)
        for (actual, expected) in zip(test.resultAndGradients(), expected) {
          expectClose(actual, expected, relative: 1e-6, absolute: 1e-6, test.testDescription)
        }
      }
    }
  }
}
