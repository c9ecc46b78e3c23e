import Heed

struct Tilt: Method {
  let name = "tilt"
  let title = "Tilted noise"
  let summary = "Multiplies the attention of every word by a number."
  var factor = 1.5

  static let knobs: [Knob<Tilt>] = [
    .number("tilt", \.factor, in: 0...10, "What the attention of words is multiplied by.")
  ]

  func parts(for run: PlannedRun) throws -> MethodParts {
    var factors = [Float](repeating: 1, count: run.prompt.tokens.count)
    for token in run.content { factors[token] = Float(factor) }
    return MethodParts(intervention: TokenReweighting(factors: factors))
  }
}
