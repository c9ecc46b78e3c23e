import TensorEngine
import Testing

@Suite("A tensor")
struct TensorTests {
  @Test("keeps its numbers for as long as they are read, whoever else has let go of it")
  func lifetime() {
    let ones = Tensor.full(1, shape: [4096])
    for turn in 0..<200 {
      let offset = Float(turn)
      #expect(ones.affine(scale: 1, offset: offset).values.allSatisfy { $0 == 1 + offset })
      #expect(ones.affine(scale: offset).sum.item == 4096 * offset)
      let isWhole = ones.affine(scale: 2, offset: offset).withSpan { span in
        // Memory that was freed too early would be taken, and written to, by these.
        _ = (0..<4).map { _ in Tensor.full(-1, shape: [4096]) }
        return span.indices.allSatisfy { span[$0] == 2 + offset }
      }
      #expect(isWhole)
    }
  }
}
