import AttentionTrace
import Diffusion

extension MethodRegistry {
  /// The methods that read nouns with their modifiers.
  static let groupMethods = [
    "syngen", "ebama", "divide-and-bind", "conform", "predicated-diffusion",
  ]

  /// The methods that read where subjects shall be.
  static let boxMethods = ["a-star", "box-diff"]

  /// Attend-and-Excite's successors.
  static let objectives: [MethodEntry] =
    [
      objective("syngen") { .synGen(bareNouns: $0.objectives.bareNouns ?? true) },
      objective("ebama") {
        .ebama(
          intensityWeight: $0.objectives.intensityWeight ?? 0.5,
          bareNouns: $0.objectives.bareNouns ?? true)
      },
      objective("divide-and-bind") { .divideAndBind($0.objectives.objectiveForm ?? .paper) },
      objective("conform") {
        .conform(
          temperature: $0.objectives.temperature ?? 0.5,
          renormalises: $0.objectives.renormalize ?? false)
      },
      objective("a-star") { .aStar(maskThreshold: $0.objectives.maskThreshold ?? 0.5) },
      objective("box-diff") {
        .boxDiff(
          topShare: $0.objectives.topShare ?? 0.2, cornerWidth: $0.objectives.cornerWidth ?? 1)
      },
      objective("predicated-diffusion") {
        .predicated(
          $0.objectives.objectiveForm ?? .code, leakWeight: $0.objectives.leakWeight ?? 0.3)
      },
      MethodEntry(name: "initno", isScheduled: true) { arguments in
        InitNO(
          search: arguments.objectives.search, targets: arguments.objectives.targets,
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
    MethodEntry(
      name: name, readsPhrases: groupMethods.contains(name), isScheduled: true
    ) { arguments in
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
