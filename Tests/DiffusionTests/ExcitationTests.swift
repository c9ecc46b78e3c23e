import AttentionTrace
import Diffusion
import Foundation
import PromptText
import TensorEngine
import Testing

@Suite("The objective of Attend-and-Excite")
struct ExcitationTests {
  private static let grid = Grid(rows: 16, columns: 16)

  /// A synthetic attention `[1, 1, pixel, token]`: each token has a bump of its own.
  private static let attention: Tensor = {
    var values: [Float] = []
    for y in 0..<16 {
      for x in 0..<16 {
        let row = (0..<77).map { n -> Double in
          let (cy, cx) = ((5 * n) % 16, (7 * n + 3) % 16)
          let distance = Double((y - cy) * (y - cy) + (x - cx) * (x - cx))
          return exp(3 * exp(-distance / 18) + (n == 0 ? 4 : 0))
        }
        let sum = row.reduce(0, +)
        values += row.map { Float($0 / sum) }
      }
    }
    return Tensor(values, shape: [1, 1, 256, 77])
  }()

  private static func maps(_ attention: Tensor) -> PassMaps {
    PassMaps(
      sites: [AttentionSite(path: "a.attn2", kind: .cross, heads: 1, grid: grid, keys: 77)],
      probabilities: [attention])
  }

  private static func excitation(
    _ subjects: [[Int]] = [[2], [5]], end: Int = 76, sigma: Double? = 0.5, kernel: Int = 3,
    pieces: PieceRule = .standard, grid: Grid = grid
  ) -> AttendAndExcite.Loss {
    AttendAndExcite.Loss(
      subjects: subjects.map { Subject(name: "\($0)", tokens: $0) }, grid: grid, pieces: pieces,
      lastToken: end, sigma: sigma, kernelSize: kernel)
  }

  struct Golden: Sendable {
    let end: Int
    let smooth: Bool
    let scores: [Double]
    let loss: Double
    let gradientSum: Double
    let gradientMinimum: Double
  }

  /// By the published formulas in float64.
  static let goldens = [
    Golden(
      end: 76, smooth: true, scores: [0.18371365, 0.18195581], loss: 0.81804419,
      gradientSum: 29.736062, gradientMinimum: -5.181614),
    Golden(
      end: 76, smooth: false, scores: [0.19470921, 0.19359290], loss: 0.80640710,
      gradientSum: 31.222938, gradientMinimum: -15.611469),
    Golden(
      end: 6, smooth: true, scores: [0.98873107, 0.98258525], loss: 0.01741475,
      gradientSum: 3.401829, gradientMinimum: -0.237096),
    Golden(
      end: 6, smooth: false, scores: [0.99475011, 0.99280488], loss: 0.00719512,
      gradientSum: 1.428670, gradientMinimum: -0.714335),
  ]

  @Test(
    "Maxima, loss and gradient of a synthetic attention are the published ones", arguments: goldens)
  func synthetic(_ golden: Golden) {
    let tape = Tape()
    let attention = tape.variable(Self.attention)
    let value = Self.excitation(end: golden.end, sigma: golden.smooth ? 0.5 : nil)
      .evaluate(Self.maps(attention))
    for (maximum, expected) in zip(value.scores, golden.scores) {
      #expect(abs(Double(maximum) - expected) < 2e-6)
    }
    #expect(abs(Double(value.loss.item) - golden.loss) < 2e-6)
    let gradient = tape.gradient(of: value.loss, withRespectTo: attention).values.map(Double.init)
    let sum = gradient.reduce(0) { $0 + abs($1) }
    #expect(abs(sum / golden.gradientSum - 1) < 2e-4)
    let least = gradient.min() ?? 0
    #expect(abs(least / golden.gradientMinimum - 1) < 2e-4)
    #expect(gradient.firstIndex(of: least) == (9 * 16 + 6) * 77 + 5)
  }

  @Test("The synthetic attention is the published one")
  func attention() {
    let values = Self.attention.values
    #expect(abs(values[0] - 0.7641057149) < 1e-7)
    #expect(abs(values[(10 * 16 + 1) * 77 + 2] - 0.0709234666) < 1e-7)
    #expect(abs(values[(9 * 16 + 6) * 77 + 5] - 0.0683925801) < 1e-7)
  }

  @Test("Layers and heads are averaged with equal weight")
  func average() {
    let (a, b) = (Self.attention, Tensor.full(1 / 77, shape: [1, 3, 256, 77]))
    let mean = PassMaps.average([a, b]).values
    for index in stride(from: 0, to: mean.count, by: 97) {
      #expect(abs(mean[index] - (a.values[index] + 3 / 77) / 4) < 1e-7)
    }
  }

  /// The map of tokens after renormalisation and smoothing, in float64.
  private func largest(_ tokens: [Int], end: Int, sigma: Double?, kernel: Int) -> Double {
    let values = Self.attention.values.map(Double.init)
    let maps = tokens.map { token in
      (0..<256).map { pixel -> Double in
        let row = (1..<end).map { exp(100 * values[pixel * 77 + $0]) }
        return exp(100 * values[pixel * 77 + token]) / row.reduce(0, +)
      }
    }
    let map = (0..<256).map { pixel in
      maps.reduce(0) { $0 + $1[pixel] } / Double(maps.count)
    }
    guard let sigma else { return map.max() ?? 0 }
    let line = (0..<kernel).map {
      exp(-pow((Double($0) - Double(kernel - 1) / 2) / (2 * sigma), 2))
    }
    let total = line.reduce(0, +)
    func mirrored(_ i: Int) -> Int { i < 0 ? -i : i > 15 ? 30 - i : i }
    var best = -Double.infinity
    for y in -1...(17 - kernel) {
      for x in -1...(17 - kernel) {
        var sum = 0.0
        for (j, v) in line.enumerated() {
          for (i, u) in line.enumerated() {
            sum += u * v / (total * total) * map[mirrored(y + j) * 16 + mirrored(x + i)]
          }
        }
        best = max(best, sum)
      }
    }
    return best
  }

  @Test(
    "Other kernels do as the published code: padded by one, whatever their side",
    arguments: [1, 2, 3, 5, 7], [0.25, 0.5, 2.0])
  func kernels(side: Int, sigma: Double) {
    let value = Self.excitation(sigma: sigma, kernel: side).evaluate(Self.maps(Self.attention))
    for (maximum, token) in zip(value.scores, [2, 5]) {
      let expected = largest([token], end: 76, sigma: sigma, kernel: side)
      #expect(abs(Double(maximum) - expected) < 2e-6)
    }
  }

  @Test(
    "A word of several pieces is one subject, by each of the rules", arguments: PieceRule.allCases)
  func pieces(_ rule: PieceRule) {
    let tokens = [2, 3, 5]
    let value = Self.excitation([tokens, [7]], pieces: rule).evaluate(Self.maps(Self.attention))
    let single = tokens.map { largest([$0], end: 76, sigma: 0.5, kernel: 3) }
    let expected =
      switch rule {
      case .first: single[0]
      case .last: single[2]
      case .max: single.max() ?? 0
      case .mean: largest(tokens, end: 76, sigma: 0.5, kernel: 3)
      }
    #expect(abs(Double(value.scores[0]) - expected) < 2e-6)
    let other = largest([7], end: 76, sigma: 0.5, kernel: 3)
    #expect(abs(Double(value.loss.item) - (1 - min(expected, other))) < 2e-6)
  }

  @Test("The loss follows the worst subject alone")
  func worstSubject() {
    let tape = Tape()
    let attention = tape.variable(Self.attention)
    let value = Self.excitation(end: 6, sigma: nil).evaluate(Self.maps(attention))
    let gradient = tape.gradient(of: value.loss, withRespectTo: attention).values
    let touched = Set(gradient.indices.filter { gradient[$0] != 0 }.map { $0 / 77 })
    #expect(touched == [9 * 16 + 6])
  }

  @Test("What cannot be evaluated is refused before anything runs")
  func refused() {
    let site = AttentionSite(path: "a.attn2", kind: .cross, heads: 1, grid: Self.grid, keys: 77)
    let line = Grid(rows: 1, columns: 16)
    let flat = AttentionSite(path: "b.attn2", kind: .cross, heads: 1, grid: line, keys: 77)
    for objective in [
      Self.excitation([]), Self.excitation([[]]), Self.excitation([[0]]), Self.excitation([[76]]),
      Self.excitation([[-1]]), Self.excitation([[2]], end: 0), Self.excitation([[5]], end: 5),
      Self.excitation(sigma: 0), Self.excitation(sigma: .nan), Self.excitation(kernel: 0),
      Self.excitation(kernel: 19), Self.excitation(grid: line),
      Self.excitation(grid: Grid(rows: 8, columns: 8)),
    ] {
      #expect(throws: DiffusionError.self) { try objective.sites(among: [site, flat]) }
    }
    #expect(throws: Never.self) {
      _ = try Self.excitation(kernel: 18).sites(among: [site])
      _ = try Self.excitation(sigma: nil, kernel: 0, grid: line).sites(among: [site, flat])
    }
  }

  @Test("The error for a grid without attention names the grids there are")
  func noSites() {
    let site = AttentionSite(path: "a.attn2", kind: .cross, heads: 1, grid: Self.grid, keys: 77)
    #expect(
      throws: DiffusionError.noSites(grid: Grid(rows: 8, columns: 4), available: [Self.grid])
    ) { try Self.excitation(grid: Grid(rows: 8, columns: 4)).sites(among: [site, site]) }
  }
}
