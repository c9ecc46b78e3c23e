internal import Glibc

/// Round values along an axis.
package struct Ticks: Hashable, Sendable {
  /// The distance between neighbours: 1, 2 or 5 times a power of ten.
  package let step: Double
  /// The values, ascending, all within the axis.
  package let values: [Double]

  /// At most `count` round values from `lower` to `upper`, whole numbers only if `whole`.
  package init(from lower: Double, to upper: Double, atMost count: Int, whole: Bool = false) {
    let span = max(upper - lower, .leastNormalMagnitude)
    let slack = span * 1e-9
    var power = pow(10, (log10(span / Double(max(count, 1))) - 1).rounded(.down))
    if whole { power = max(power, 1) }
    func values(_ step: Double) -> [Double] {
      let first = Int(((lower - slack) / step).rounded(.up))
      let last = Int(((upper + slack) / step).rounded(.down))
      return first <= last ? (first...last).map { Double($0) * step } : []
    }
    let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500].map { $0 * power }
    step = steps.first { values($0).count <= count } ?? span
    self.values = values(step)
  }

  /// The ends of an axis from `least` to `greatest`, extended to the next labelled values.
  package static func ends(
    from least: Double, to greatest: Double, atMost count: Int
  ) -> (lower: Double, upper: Double) {
    var (lower, upper) = (least, greatest)
    // A wider axis may need wider steps, and their ends lie farther out.
    for _ in 0..<4 {
      let step = Ticks(from: lower, to: upper, atMost: count).step
      lower = (least / step + 1e-9).rounded(.down) * step
      upper = (greatest / step - 1e-9).rounded(.up) * step
    }
    return (lower, upper)
  }
}
