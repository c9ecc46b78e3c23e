internal import Glibc
import TensorEngine
import Testing

/// How long the operations of a 512 × 512 picture take, for information: HEED_TIMINGS="" prints all,
/// HEED_TIMINGS=attention those with the word.
///
/// Rates are by the processor time of all threads, which other programs disturb less.
@Suite(.serialized, .enabled(if: getenv("HEED_TIMINGS") != nil))
struct Timings {
  private static func zeros(_ shape: Int...) -> Tensor { .full(0.01, shape: shape) }

  private static func convolution(
    _ channels: Int, _ side: Int, out: Int, kernel: Int = 3
  ) -> (String, Operation, [Tensor], Double) {
    let work = Double(2 * channels * kernel * kernel * out * side * side)
    return (
      "convolution \(kernel)×\(kernel) \(channels) to \(out), \(side)×\(side)",
      .convolution(
        weight: Weight(zeros(out, channels, kernel, kernel)), bias: zeros(out), stride: 1,
        padding: Padding(kernel / 2)),
      [zeros(1, channels, side, side)], work
    )
  }

  private static func attention(
    queries: Int, keys: Int, width: Int
  ) -> (String, Operation, [Tensor], Double) {
    (
      "attention \(queries) to \(keys), width \(width)",
      .attention(heads: 8, scale: 0.1, causal: false),
      [zeros(1, queries, width), zeros(1, keys, width), zeros(1, keys, width)],
      Double(4 * queries * keys * width)
    )
  }

  @Test("Timings")
  func print() {
    let cases: [(String, Operation, [Tensor], Double)] = [
      (
        "linear 2048 to 2048", .linear(weight: Weight(Self.zeros(2048, 2048)), bias: nil),
        [Self.zeros(2048, 2048)], 2 * 2048 * 2048 * 2048
      ),
      Self.convolution(320, 64, out: 320),
      Self.convolution(640, 32, out: 640),
      Self.convolution(1280, 16, out: 1280),
      Self.convolution(1280, 8, out: 1280),
      Self.convolution(144, 16, out: 144),
      Self.convolution(4, 64, out: 320),
      Self.convolution(320, 64, out: 320, kernel: 1),
      Self.convolution(128, 256, out: 128),
      Self.attention(queries: 4096, keys: 4096, width: 320),
      Self.attention(queries: 4096, keys: 77, width: 320),
      Self.attention(queries: 256, keys: 256, width: 144),
      (
        "linear 320 to 2560",
        .linear(weight: Weight(Self.zeros(2560, 320)), bias: Self.zeros(2560)),
        [Self.zeros(1, 4096, 320)], 2 * 4096 * 2560 * 320
      ),
      (
        "linear 320 to 320", .linear(weight: Weight(Self.zeros(320, 320)), bias: nil),
        [Self.zeros(1, 4096, 320)], 2 * 4096 * 320 * 320
      ),
      (
        "scores 4096 to 77", .scores(heads: 8, scale: 0.1),
        [Self.zeros(1, 4096, 320), Self.zeros(1, 77, 320)], 2 * 4096 * 77 * 320
      ),
      ("softmax 8×4096×77", .softmax(scale: 1), [Self.zeros(1, 8, 4096, 77)], 0),
      (
        "group norm 320×64×64",
        .groupNorm(
          gamma: Self.zeros(320), beta: Self.zeros(320), groups: 32, epsilon: 1e-5,
          silu: true), [Self.zeros(1, 320, 64, 64)], 0
      ),
      (
        "layer norm 4096×320",
        .layerNorm(gamma: Self.zeros(320), beta: Self.zeros(320), epsilon: 1e-5),
        [Self.zeros(1, 4096, 320)], 0
      ),
      ("gated gelu 4096×2560", .gatedGelu, [Self.zeros(1, 4096, 2560)], 0),
      ("transpose 320×4096", .transpose, [Self.zeros(1, 320, 4096)], 0),
      ("add 320×64×64", .add, [Self.zeros(1, 320, 64, 64), Self.zeros(1, 320, 64, 64)], 0),
    ]
    let word = getenv("HEED_TIMINGS").map { String(cString: $0) } ?? ""
    for (name, operation, inputs, work) in cases where word.isEmpty || name.contains(word) {
      let forward = Self.best { _ = operation(inputs) }
      let both = Self.best {
        let tape = Tape()
        let x = tape.variable(inputs[0])
        let loss = operation([x] + inputs.dropFirst()).sum
        _ = tape.gradient(of: loss, withRespectTo: x)
      }
      let rate = work > 0 ? ", \(Int(work / forward.processor * 1e-9)) GFLOP/s and core" : ""
      Swift.print("\(name): \(forward)\(rate); with gradient \(both)")
    }
  }

  private struct Time: CustomStringConvertible {
    var wall = Double.infinity
    var processor = Double.infinity

    private func milliseconds(_ seconds: Double) -> Double { (seconds * 1e5).rounded() / 100 }

    var description: String {
      "\(milliseconds(wall)) ms, processor \(milliseconds(processor)) ms"
    }
  }

  /// The shortest of several runs.
  private static func best(_ body: () -> Void) -> Time {
    var best = Time()
    for _ in 0..<7 {
      let start = clock()
      let wall = ContinuousClock().measure(body) / .seconds(1)
      best.wall = min(best.wall, wall)
      best.processor = min(best.processor, Double(clock() - start) / Double(CLOCKS_PER_SEC))
    }
    return best
  }
}
