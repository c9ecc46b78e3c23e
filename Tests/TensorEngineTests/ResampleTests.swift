import TensorEngine
import Testing

struct ResampleTests {
  // torch.nn.functional.interpolate(torch.arange(26.)[None, None, None], size=(1, 44)): its factor
  // is a float32, so the source of index 22 is 12 and not 22 * 26 / 44 = 13.
  @Test("The nearest cell is torch's where the factor is not exact")
  func inexactFactor() {
    let row = Tensor((0..<26).map(Float.init), shape: [1, 1, 1, 26])
    let expected: [Float] = [
      0, 0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 7, 7, 8, 8, 9, 10, 10, 11, 11, 12, 12, 13, 14, 14, 15,
      15, 16, 17, 17, 18, 18, 19, 20, 20, 21, 21, 22, 23, 23, 24, 24, 25,
    ]
    #expect(row.upsampledNearest(rows: 1, columns: 44).values == expected)
  }
}
