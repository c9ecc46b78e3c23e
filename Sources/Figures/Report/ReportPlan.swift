import AttentionTrace

/// What of the recordings a report keeps, so that its file stays within a budget.
struct ReportPlan: Equatable {
  /// The steps whose maps are kept, ascending.
  let steps: [Int]
  /// Those of the steps for which single heads are kept too; of the others the mean over heads is.
  let headSteps: [Int]
  /// What was left out, in words; empty if nothing was.
  let omissions: [String]

  /// Keeps as much as fits: every step, or every n-th with the smallest n; then single heads for as
  /// many of these.
  /// - Parameters:
  ///   - recordings: the runs.
  ///   - budget: the file's size, in bytes.
  ///   - fixed: the bytes that all but the maps take.
  /// - Throws: ``FigureError/overBudget(needed:budget:)`` if two steps are too much.
  init(_ recordings: [ReportRecording], budget: Int, fixed: Int) throws {
    let recorded = Set(recordings.flatMap(\.steps)).sorted()
    func size(_ steps: Int, _ headSteps: Int) -> Int {
      recordings.reduce(fixed) { $0 + $1.encodedSize(steps: steps, headSteps: headSteps) }
    }
    func every(_ stride: Int, of steps: [Int]) -> [Int] {
      Swift.stride(from: 0, to: steps.count, by: stride).map { steps[$0] }
    }
    let strides = 1...max(1, recorded.count)
    let kept = strides.lazy.map { stride in
      let steps = every(stride, of: recorded)
      return (stride, steps.last == recorded.last ? steps : steps + recorded.suffix(1))
    }.first { size($0.1.count, 0) <= budget }
    guard let (stride, steps) = kept else {
      throw FigureError.overBudget(needed: size(min(2, recorded.count), 0), budget: budget)
    }
    let (headStride, headSteps) =
      strides.lazy.map { ($0, every($0, of: steps)) }
      .first { size(steps.count, $0.1.count) <= budget } ?? (0, [])
    self.steps = steps
    // One step says nothing about the way: then the means over all steps are better.
    self.headSteps = headSteps.count > 1 || steps.count == 1 ? headSteps : []
    omissions = Self.omissions(
      stride: stride, headStride: self.headSteps.isEmpty ? nil : headStride,
      whole: size(recorded.count, recorded.count))
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
