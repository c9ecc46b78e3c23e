internal import AttentionTrace
internal import PromptText

/// Gradient descent on the latent along an objective, by a schedule.
///
/// A successor of Attend-and-Excite is another objective under the same schedule with other
/// numbers; ``init(_:scale:)`` has those that were published:
///
/// | objective | altered | refinement: attained by iteration | tries | α |
/// | --- | --- | --- | --- | --- |
/// | SynGen | 25 | none | | 20 throughout |
/// | EBAMA | 26 | none | | 20 throughout |
/// | Divide & Bind | 25 | 0: 0.05, 10: 0.2, 20: 0.3 of total variation | 50, then 20 | 20 √(1 … ½) |
/// | CONFORM | 25 | 0, 10, 20: all the tries | 20 | 20 √(1 … ½) |
/// | A-STAR | all | none | | 20 √(1 … ½), which the paper leaves open |
/// | BoxDiff | 25 | 0: 0.05, 10: 0.5, 20: 0.8 in the box | 20 | 20 √(1 … ½) |
/// | Predicated Diffusion | 25 | none | | 20 √(1 … ½), as far as is known |
/// | overlap | 25 | none | | 20 √(1 … ½), as far as is known |
/// | a weighted sum | 25 | none | | 20 √(1 … ½) |
///
/// Where an objective has the form of the paper, with sums over the cells, and that of the code, with
/// means, the published α is for the means; for the sums it is divided by the 256 cells.
public struct ObjectiveMethod: GenerationMethod {
  /// What is descended on.
  public let loss: ObjectiveKind
  /// When and how far.
  public var schedule: AttendAndExcite.Settings
  /// Nouns with their modifiers, for the objectives that read them.
  public let groups: [WordGroup]
  /// Where subjects shall be, for the objectives that read it.
  public let boxes: [LayoutBox]

  /// A method by its objective, schedule and words; see the properties.
  public init(
    _ loss: ObjectiveKind, schedule: AttendAndExcite.Settings, groups: [WordGroup] = [],
    boxes: [LayoutBox] = []
  ) {
    self.loss = loss
    self.schedule = schedule
    self.groups = groups
    self.boxes = boxes
  }

  /// As on the command line.
  public var name: String { loss.name }
  /// Iterations in which the latent is altered.
  public var alteredSteps: Int { schedule.maxIterations }
  /// What must be attained, by iteration.
  public var thresholds: [Int: Double] { schedule.thresholds }
  /// By the schedule's smoothing.
  public var measurement: AttendAndExcite.Settings { schedule }
  /// Unless the objective has words of its own.
  public var needsSubjects: Bool { loss.readsSubjects }

  /// Every knob by its option's name.
  public var settings: [String: String] {
    var settings = schedule.settings.merging(loss.settings) { $1 }
    if loss.readsGroups { settings["groups"] = groups.map(\.text).joined(separator: "; ") }
    if !boxes.isEmpty { settings["box"] = boxes.map(\.text).joined(separator: "; ") }
    return settings
  }

  /// As the schedule has them.
  public func looks(at step: Int) -> [MethodLook] { schedule.looks(at: step) }

  /// Sets the schedule's ``AttendAndExcite/Settings/looksAlways``.
  public func lookingAlways(_ always: Bool) -> Self {
    var method = self
    method.schedule.looksAlways = always
    return method
  }

  /// The guide that follows the objective.
  /// - Throws: ``DiffusionError`` when the objective cannot be evaluated in this run.
  public func parts(for run: MethodContext) throws -> MethodParts {
    try schedule.validate()
    let objective = try loss.objective(
      for: run, groups: groups, boxes: boxes, reading: run.reading(schedule))
    _ = try objective.sites(among: run.sites)
    return MethodParts(guide: AttendAndExcite(objective, schedule))
  }
}

extension MethodContext {
  /// How the run's maps are read under a schedule's smoothing.
  public func reading(_ settings: AttendAndExcite.Settings) -> MapReading {
    MapReading(
      grid: grid, lastToken: lastToken, pieces: request.pieces,
      sigma: settings.smooths ? settings.sigma : nil, kernelSize: settings.kernelSize)
  }

  /// Every token of the prompt's text.
  var content: [Int] { Array(1..<max(prompt.end, 1)) }
}

extension WordGroup {
  /// As the command line takes it.
  public var text: String { words.map(\.name).joined(separator: " ") }
}

extension LayoutBox {
  /// As the command line takes it.
  public var text: String {
    let edges = [columns.lowerBound, rows.lowerBound, columns.upperBound, rows.upperBound]
    return "\(subject.name)=\(edges.map { String($0) }.joined(separator: ","))"
  }
}
