import AttentionTrace

/// What of the recordings a report keeps, so that its file stays within a budget.
struct ReportPlan: Equatable {
  /// The steps whose maps are kept, ascending.
  let steps: [Int]
  /// How far apart these stand among the recorded ones; 1 keeps all.
  let stride: Int
  /// Whether heads are kept for each of the steps; if not, only as means over all recorded steps.
  let keepsHeadsByStep: Bool

  /// Keeps as much as there is room for: heads at every step, heads as means over the steps, or
  /// every n-th step with the smallest n.
  /// - Parameters:
  ///   - recordings: the runs.
  ///   - room: bytes of the file that maps may take.
  /// - Throws: ``FigureError/overBudget(needed:budget:)`` if one step is too much; the numbers are
  ///   those of the maps alone.
  init(_ recordings: [ReportRecording], room: Int) throws {
    let recorded = Set(recordings.flatMap(\.steps)).sorted()
    func size(_ steps: Int, _ headsByStep: Bool) -> Int {
      recordings.reduce(0) { $0 + $1.encodedSize(steps: steps, headsByStep: headsByStep) }
    }
    if size(recorded.count, true) <= room {
      (steps, stride, keepsHeadsByStep) = (recorded, 1, true)
      return
    }
    for stride in 1...max(1, recorded.count) {
      var steps = Swift.stride(from: 0, to: recorded.count, by: stride).map { recorded[$0] }
      if let last = recorded.last, steps.last != last { steps.append(last) }
      guard size(steps.count, false) <= room else { continue }
      (self.steps, self.stride, keepsHeadsByStep) = (steps, stride, false)
      return
    }
    throw FigureError.overBudget(needed: size(2, false), budget: max(0, room))
  }

  /// What was left out, in words; empty if nothing was.
  var omissions: [String] {
    var texts: [String] = []
    if stride > 1 {
      texts.append(
        "to keep the file small, maps of every \(Self.ordinal(stride)) recorded step and of the "
          + "last are here (\(steps.count) steps); means over steps are of all")
    }
    if !keepsHeadsByStep {
      texts.append(
        "to keep the file small, single heads are here as their means over the recorded steps")
    }
    return texts
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
