import TensorEngine
import TestSupport
import Testing

@Suite("A large convolution, taken in bands and blocks of tiles")
struct WinogradTests {
  /// A picture's part and the whole's result there; parts are small enough for the direct sum.
  @Test(
    "gives what the direct sum gives on any part of the picture",
    arguments: [(32, 32, 96, 203), (520, 600, 33, 32), (40, 48, 130, 31)])
  func parts(_ channels: Int, _ out: Int, _ rows: Int, _ columns: Int) {
    var random = SeededNumbers(seed: 5)
    let x = random.tensor([1, channels, rows, columns])
    let weight = Weight(random.tensor([out, channels, 3, 3]))
    let bias = random.tensor([out])
    let whole = x.convolution(weight, bias, padding: Padding(1))
    let side = 10
    for row in stride(from: 0, through: rows - side, by: 17) {
      for column in stride(from: 0, through: columns - side, by: 11) {
        let part = x.sliced(axis: 2, row..<row + side).sliced(axis: 3, column..<column + side)
        let direct = part.convolution(weight, bias, padding: Padding(0))
        let here = whole.sliced(axis: 2, row + 1..<row + side - 1)
          .sliced(axis: 3, column + 1..<column + side - 1)
        expectClose(
          here.values, direct.values.map(Double.init),
          relative: InstructionSet.current.isSplit ? 5e-5 : 1e-5)
      }
    }
  }

  @Test(
    "gives the same bytes for a picture alone and in a batch", arguments: [(40, 48), (520, 600)])
  func batches(_ channels: Int, _ out: Int) {
    var random = SeededNumbers(seed: 6)
    let weight = Weight(random.tensor([out, channels, 3, 3]))
    let pictures = (0..<3).map { _ in random.tensor([1, channels, 40, 26]) }
    let together = Tensor.concatenated(pictures, axis: 0)
      .convolution(weight, nil, padding: Padding(1))
    for (index, picture) in pictures.enumerated() {
      let alone = picture.convolution(weight, nil, padding: Padding(1))
      #expect(alone.values == together.sliced(axis: 0, index..<index + 1).values)
    }
  }
}
