import AttentionTrace
internal import Drawing

/// What of the recordings a report keeps, so that its file stays within a budget.
struct ReportPlan: Equatable {
  /// What is kept of the runs of a prompt.
  struct Kept: Equatable {
    /// The steps whose maps are kept, ascending.
    let steps: [Int]
    /// Those of the steps for which single heads are kept too; of the others the mean over heads is.
    let headSteps: [Int]
  }

  /// By group.
  let kept: [Kept]
  /// What was left out, in words; empty if nothing was.
  let omissions: [String]

  /// Keeps as much as fits: every step, or every n-th with the smallest n; then single heads for as
  /// many of these.
  /// - Parameters:
  ///   - groups: the runs by prompt.
  ///   - budget: the file's size, in bytes.
  ///   - fixed: the bytes that all but the maps take.
  /// - Throws: ``FigureError/overBudget(needed:budget:)`` if two steps are too much.
  init(_ groups: [ReportGroup], budget: Int, fixed: Int) throws {
    let recorded = groups.map { Set($0.recordings.flatMap(\.steps)).sorted() }
    func size(_ steps: [Int], _ headSteps: [Int]) -> Int {
      groups.indices.reduce(fixed) { sum, group in
        groups[group].recordings.reduce(sum) {
          $0 + $1.encodedSize(steps: steps[group], headSteps: headSteps[group])
        }
      }
    }
    func every(_ stride: Int, of steps: [Int]) -> [Int] {
      Swift.stride(from: 0, to: steps.count, by: stride).map { steps[$0] }
    }
    let none = recorded.map { _ in 0 }
    let strides = 1...max(1, recorded.map(\.count).max() ?? 1)
    let fitting = strides.lazy.map { stride in
      let steps = recorded.map { all in
        let steps = every(stride, of: all)
        return steps.last == all.last ? steps : steps + all.suffix(1)
      }
      return (stride, steps)
    }.first { size($0.1.map(\.count), none) <= budget }
    guard let (stride, steps) = fitting else {
      throw FigureError.overBudget(
        needed: size(recorded.map { min(2, $0.count) }, none), budget: budget)
    }
    let (headStride, headSteps) =
      strides.lazy.map { stride in (stride, steps.map { every(stride, of: $0) }) }
      .first { size(steps.map(\.count), $0.1.map(\.count)) <= budget }
      ?? (0, steps.map { _ in [] })
    kept = zip(steps, headSteps).map { steps, headSteps in
      // One step says nothing about the way: then the means over all steps are better.
      Kept(steps: steps, headSteps: headSteps.count > 1 || steps.count == 1 ? headSteps : [])
    }
    omissions = Self.omissions(
      stride: stride, headStride: kept.contains { !$0.headSteps.isEmpty } ? headStride : nil,
      whole: size(recorded.map(\.count), recorded.map(\.count)))
  }

  private static func omissions(stride: Int, headStride: Int?, whole: Int) -> [String] {
    var left: [String] = []
    if stride > 1 {
      left.append("of the recorded steps every \(ordinal(stride)) and the last are shown")
    }
    if headStride == nil {
      left.append("single heads are shown as means over the recorded steps")
    } else if let headStride, headStride > 1 {
      let steps = stride > 1 ? "of these" : "recorded step"
      left.append("single heads are shown for every \(ordinal(headStride)) \(steps)")
    }
    guard !left.isEmpty else { return [] }
    return [
      "to keep the file small, \(left.joined(separator: ", and ")); a budget of "
        + "\((whole + (1 << 20) - 1) >> 20) MiB keeps everything"
    ]
  }

  private static func ordinal(_ number: Int) -> String {
    switch (number % 10, number % 100) {
    case (1, let rest) where rest != 11: "\(number)st"
    case (2, let rest) where rest != 12: "\(number)nd"
    case (3, let rest) where rest != 13: "\(number)rd"
    default: "\(number)th"
    }
  }
}
