import AttentionTrace
import Diffusion

extension MethodRegistry {
  /// The methods that read nouns with their modifiers.
  static let groupMethods: Set = [
    "syngen", "ebama", "divide-and-bind", "conform", "predicated-diffusion",
  ]

  /// The methods that read where subjects shall be.
  static let boxMethods: Set = ["box-diff", "a-star"]

  /// Attend-and-Excite's successors.
  static let objectives: [MethodEntry] =
    [
      objective("syngen") { .synGen(bareNouns: $0.objectives.bareNouns) },
      objective("ebama") {
        .ebama(
          intensityWeight: $0.objectives.intensityWeight, bareNouns: $0.objectives.bareNouns)
      },
      objective("divide-and-bind") { .divideAndBind($0.objectives.objectiveForm ?? .paper) },
      objective("conform") {
        .conform(
          temperature: $0.objectives.temperature, renormalises: $0.objectives.renormalize)
      },
      objective("a-star") { .aStar(maskThreshold: $0.objectives.maskThreshold) },
      objective("box-diff") {
        .boxDiff(topShare: $0.objectives.topShare, cornerWidth: $0.objectives.cornerWidth)
      },
      objective("predicated-diffusion") {
        .predicated(
          $0.objectives.objectiveForm ?? .code, leakWeight: $0.objectives.leakWeight)
      },
      MethodEntry(name: "initno") { arguments in
        let options = arguments.objectives
        return InitNO(
          search: options.search,
          targets: .init(response: options.responseTarget, conflict: options.conflictTarget),
          schedule: try arguments.excitation.settings(arguments.checkpoint, InitNO.schedule))
      },
    ]
    + AttentionOverlap.Measure.allCases.map { measure in
      objective(measure.rawValue) { _ in .overlap(measure) }
    }
    + [objective("objective") { .sum(try $0.objectives.expression()) }]

  private static func objective(
    _ name: String, _ kind: @escaping @Sendable (MethodArguments) throws -> ObjectiveKind
  ) -> MethodEntry {
    MethodEntry(name: name, readsPhrases: groupMethods.contains(name)) { arguments in
      let kind = try kind(arguments)
      return ObjectiveMethod(
        kind, schedule: try arguments.excitation.settings(arguments.checkpoint, kind.schedule),
        groups: kind.readsGroups ? try arguments.groups() : [],
        boxes: boxMethods.contains(name) ? try arguments.objectives.boxes(in: arguments.table) : [])
    }
  }
}

extension MethodArguments {
  /// Nouns with their modifiers, as given or found.
  func groups() throws -> [WordGroup] { try objectives.wordGroups(phrases, in: table) }
}
