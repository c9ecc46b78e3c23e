package import AttentionTrace
package import PromptText
package import TensorEngine

/// A weighted sum of built-in losses that the user writes down: Σ w_i L_i.
public struct WeightedSum: GradientMethod {
  public let name = "objective"
  public let title = "Weighted sum"
  public let summary =
    "A weighted sum of losses, as in \"excite(cat, frog) + 0.5 * bind(red, car)\"."
  /// The sum; a run needs one.
  public var expression: ObjectiveExpression?
  public var smoothing = MapSmoothing()
  public var schedule = GradientSchedule(thresholds: [:])

  /// A method that follows `expression`, which may be set later.
  public init(_ expression: ObjectiveExpression? = nil) { self.expression = expression }

  public static let knobs: [Knob<WeightedSum>] =
    [
      Knob(
        "objective", "The sum, as in \"excite(cat, frog) + 0.5 * bind(red, car)\".",
        placeholder: "sum", expected: "a weighted sum of losses",
        write: { $0.expression?.text },
        read: { method, text in
          method.expression = try ObjectiveExpression(text)
          return true
        })
    ] + scheduleKnobs

  public func objective(for run: PlannedRun) throws -> any AttentionObjective {
    guard let expression else {
      throw DiffusionError.knob(
        name: "objective", reason: "is missing; expected a sum, as in \"excite(cat, frog)\"")
    }
    return try expression.objective(for: run, reading: run.reading(smoothing))
  }
}

extension WeightedSum {
  /// The sum of several losses, each with its weight.
  package struct Loss: AttentionObjective {
    /// What is measured.
    package let subjects: [Subject]
    /// The objectives with their weights.
    package let terms: [(weight: Float, objective: any AttentionObjective)]
    private let reading: MapReading

    /// The weighted sum of `terms`.
    /// - Parameter reading: how the subjects are measured.
    package init(
      subjects: [Subject], terms: [(weight: Float, objective: any AttentionObjective)],
      reading: MapReading
    ) {
      self.subjects = subjects
      self.terms = terms
      self.reading = reading
    }

    /// The sites that any of the objectives reads, in the model's order.
    /// - Throws: ``DiffusionError`` when one of them cannot be evaluated.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      let measured = try subjects.isEmpty ? [] : reading.sites(among: sites, for: subjects)
      let wanted = try terms.reduce(into: Set(measured)) { wanted, term in
        wanted.formUnion(try term.objective.sites(among: sites))
      }
      return sites.filter(wanted.contains)
    }

    /// The weighted sum for one pass.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let losses = terms.enumerated().map { index, term in
        term.objective.evaluate(part(index, of: maps)).loss.affine(scale: term.weight)
      }
      return ObjectiveValue(
        loss: .total(losses),
        scores: subjects.isEmpty ? [] : reading.read(maps).scores(of: subjects))
    }

    /// The shapes of what its objectives remember, each under its number.
    package var memoryShapes: [String: [Int]] {
      collected { _, objective in objective.memoryShapes }
    }

    /// What its objectives remember.
    package func remembered(of maps: PassMaps) -> [String: Tensor] {
      collected { index, objective in objective.remembered(of: part(index, of: maps)) }
    }

    private func collected<Value>(
      _ memory: (Int, any AttentionObjective) -> [String: Value]
    ) -> [String: Value] {
      terms.enumerated().reduce(into: [:]) { all, term in
        let (index, objective) = (term.offset, term.element.objective)
        all.merge(memory(index, objective).prefixed(by: Self.prefix(index))) { $1 }
      }
    }

    /// Whether any of its objectives does.
    package var readsScores: Bool { terms.contains { $0.objective.readsScores } }

    private func part(_ index: Int, of maps: PassMaps) -> PassMaps {
      PassMaps(
        sites: maps.sites, probabilities: maps.probabilities, scores: maps.scores, step: maps.step,
        phase: maps.phase,
        memory: maps.memory.unprefixed(by: Self.prefix(index)))
    }

    private static func prefix(_ index: Int) -> String { "\(index)." }
  }
}
