public import AttentionTrace

/// How recorded attention becomes one map: which calls and layers, and in what order they are
/// averaged.
///
/// It is written `mean(head) mean(layer: 16x16) mean(step: 0..49) conditional denoise`, parsed from
/// that, and stored with whatever was computed by it. Layers are a pattern of the recording plan, a
/// grid or a glob; `mean(step)` takes all steps.
public struct Recipe: Hashable, Sendable, CustomStringConvertible {
  /// A grid or a glob over site paths; all chosen layers must stand on one grid.
  public var layers: String
  /// The scheduler's iterations; `nil` takes all that were recorded.
  public var steps: ClosedRange<Int>?
  /// Which half of guidance.
  public var branch: Branch
  /// Which passes.
  public var phase: Phase

  /// Describes an aggregation; see the properties.
  public init(
    layers: String, steps: ClosedRange<Int>? = nil, branch: Branch = .conditional,
    phase: Phase = .denoise
  ) {
    self.layers = layers
    self.steps = steps
    self.branch = branch
    self.phase = phase
  }

  /// The recipe's canonical text, from which ``init(parsing:)`` makes it again.
  public var description: String {
    let steps = steps.map { ": \($0.lowerBound)..\($0.upperBound)" } ?? ""
    return
      "mean(head) mean(layer: \(layers)) mean(step\(steps)) \(branch.rawValue) \(phase.rawValue)"
  }

  /// Whether a call is one of those averaged.
  func takes(_ call: CallRecord) -> Bool {
    call.branch == branch && call.phase == phase && steps?.contains(call.step) ?? true
  }
}

extension Recipe {
  /// Reads a recipe.
  ///
  /// Parts may come in any order; `mean(head)`, the branch and the phase may be left out.
  /// - Throws: ``AnalysisError/badRecipe(text:column:reason:)`` with the place.
  public init(parsing text: String) throws {
    var recipe = Recipe(layers: "")
    for part in Self.parts(of: text) {
      let word = String(text[part])
      func refuse(_ reason: String) -> AnalysisError {
        .badRecipe(
          text: text, column: text.distance(from: text.startIndex, to: part.lowerBound) + 1,
          reason: reason)
      }
      if let branch = Branch(rawValue: word) {
        recipe.branch = branch
      } else if let phase = Phase(rawValue: word) {
        recipe.phase = phase
      } else if word.hasPrefix("mean("), word.hasSuffix(")") {
        let inside = word.dropFirst(5).dropLast().split(
          separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let argument = inside.count > 1 ? String(inside[1]).trimmed : nil
        switch (String(inside[0]).trimmed, argument) {
        case ("head", nil): break
        case ("layer", let pattern?) where !pattern.isEmpty: recipe.layers = pattern
        case ("step", nil): recipe.steps = nil
        case ("step", let range?):
          guard let steps = Self.steps(range) else { throw refuse("expected steps as in 0..24") }
          recipe.steps = steps
        default: throw refuse("expected mean(head), mean(layer: 16x16) or mean(step: 0..24)")
        }
      } else {
        throw refuse("expected mean(…), a branch or a phase")
      }
    }
    guard !recipe.layers.isEmpty else {
      throw AnalysisError.badRecipe(
        text: text, column: text.count + 1, reason: "expected mean(layer: …)")
    }
    self = recipe
  }

  /// `0..24`, both ends taken.
  private static func steps(_ text: String) -> ClosedRange<Int>? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1].isEmpty, let first = Int(parts[0]), let last = Int(parts[2]),
      0 <= first, first <= last
    else { return nil }
    return first...last
  }

  /// Words, with what stands between parentheses kept whole.
  private static func parts(of text: String) -> [Range<String.Index>] {
    var parts: [Range<String.Index>] = []
    var start: String.Index?
    var depth = 0
    for index in text.indices {
      let character = text[index]
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      if character.isWhitespace, depth <= 0 {
        if let begun = start { parts.append(begun..<index) }
        start = nil
      } else if start == nil {
        start = index
      }
    }
    if let begun = start { parts.append(begun..<text.endIndex) }
    return parts
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
