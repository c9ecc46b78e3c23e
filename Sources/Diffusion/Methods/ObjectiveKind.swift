/// An objective with its knobs, before it is told the run.
public enum ObjectiveKind: Hashable, Sendable {
  /// ``SynGen``.
  case synGen(bareNouns: Bool = true)
  /// ``EBAMA``.
  case ebama(intensityWeight: Double = 0.5, bareNouns: Bool = true)
  /// ``DivideAndBind`` or ``DivideAndBindCode``.
  case divideAndBind(ObjectiveForm = .paper)
  /// ``Conform``.
  case conform(temperature: Double = 0.5, renormalises: Bool = false)
  /// ``AStar``.
  case aStar(maskThreshold: Double = 0.5)
  /// ``BoxDiff``.
  case boxDiff(topShare: Double = 0.2, cornerWidth: Int = 1)
  /// ``PredicatedDiffusion``.
  case predicated(ObjectiveForm = .code, leakWeight: Double = 0.3)
  /// ``AttentionOverlap``.
  case overlap(AttentionOverlap.Measure)
  /// A weighted sum of terms.
  case sum(ObjectiveExpression)

  /// As on the command line.
  public var name: String {
    switch self {
    case .synGen: "syngen"
    case .ebama: "ebama"
    case .divideAndBind: "divide-and-bind"
    case .conform: "conform"
    case .aStar: "a-star"
    case .boxDiff: "box-diff"
    case .predicated: "predicated-diffusion"
    case .overlap(let measure): measure.rawValue
    case .sum: "objective"
    }
  }

  /// Whether it is about the run's subjects, and makes no sense without.
  public var readsSubjects: Bool {
    switch self {
    case .aStar, .overlap: true
    case .synGen, .ebama, .divideAndBind, .conform, .boxDiff, .predicated, .sum: false
    }
  }

  /// Whether it is about nouns with their modifiers.
  public var readsGroups: Bool {
    switch self {
    case .synGen, .ebama, .divideAndBind, .conform, .predicated: true
    case .aStar, .boxDiff, .overlap, .sum: false
    }
  }

  /// Every knob by its option's name.
  var settings: [String: String] {
    switch self {
    case .synGen(let bareNouns): ["bare-nouns": String(bareNouns)]
    case .ebama(let weight, let bareNouns):
      ["intensity-weight": String(weight), "bare-nouns": String(bareNouns)]
    case .divideAndBind(let form): ["objective-form": form.rawValue]
    case .conform(let temperature, let renormalises):
      ["temperature": String(temperature), "renormalize": String(renormalises)]
    case .aStar(let threshold): ["mask-threshold": String(threshold)]
    case .boxDiff(let share, let width):
      ["top-share": String(share), "corner-width": String(width)]
    case .predicated(let form, let weight):
      ["objective-form": form.rawValue, "leak-weight": String(weight)]
    case .overlap: [:]
    case .sum(let expression): ["objective": expression.text]
    }
  }

  /// The published schedule; see ``ObjectiveMethod``.
  public var schedule: AttendAndExcite.Settings {
    var settings = AttendAndExcite.Settings()
    switch self {
    case .boxDiff: return settings
    case .divideAndBind(let form):
      if form == .paper { settings.scaleFactor = Self.stepForSums }
      settings.thresholds = [0: 0.05, 10: 0.2, 20: 0.3]
      settings.maxFirstRefinementSteps = 50
      return settings
    case .conform:
      // Its loss is above 0 whatever the maps, so that nothing short of all tries attains 1.
      settings.thresholds = [0: 1, 10: 1, 20: 1]
      return settings
    case .synGen: settings.scaleRange = [1, 1]
    case .ebama:
      settings.scaleRange = [1, 1]
      settings.maxIterations = 26
    case .aStar: settings.maxIterations = 1000
    case .predicated(.paper, _): settings.scaleFactor = Self.stepForSums
    case .predicated(.code, _), .overlap, .sum: break
    }
    settings.thresholds = [:]
    return settings
  }

  /// The published step is for the code, which takes means where the paper states sums: over the
  /// 16×16 cells of Stable Diffusion's maps, it is this for the sums.
  private static let stepForSums = 20.0 / 256

  /// The objective in a run.
  /// - Throws: ``DiffusionError`` or ``TextError`` when its words are not in the prompt.
  func objective(
    for run: MethodContext, groups: [WordGroup], boxes: [LayoutBox], reading: MapReading
  ) throws -> any AttentionObjective {
    let subjects = run.request.subjects
    switch self {
    case .synGen(let bareNouns):
      return SynGen(
        subjects: subjects, groups: groups, content: run.content, readsBareNouns: bareNouns,
        reading: reading)
    case .ebama(let weight, let bareNouns):
      return EBAMA(
        subjects: subjects, groups: groups, content: run.content, readsBareNouns: bareNouns,
        intensityWeight: Float(weight), reading: reading)
    case .divideAndBind(.paper):
      return DivideAndBind(subjects: subjects, groups: groups, reading: reading)
    case .divideAndBind(.code):
      return DivideAndBindCode(subjects: subjects, groups: groups, reading: reading)
    case .conform(let temperature, let renormalises):
      return Conform(
        subjects: subjects, groups: groups.map(\.words), temperature: Float(temperature),
        renormalises: renormalises, reading: reading)
    case .aStar(let threshold):
      return AStar(
        subjects: subjects, maskThreshold: Float(threshold), boxes: boxes.isEmpty ? nil : boxes,
        reading: reading)
    case .boxDiff(let share, let width):
      return BoxDiff(
        subjects: subjects, boxes: boxes, topShare: share, cornerWidth: width, reading: reading)
    case .predicated(let form, let weight):
      try WordGroup.requireSome(groups)
      return PredicatedDiffusion(
        subjects: subjects, propositions: PredicatedDiffusion.propositions(of: groups),
        form: form, leakWeight: Float(weight), reading: reading)
    case .overlap(let measure):
      return AttentionOverlap(subjects: subjects, measure: measure, reading: reading)
    case .sum(let expression):
      return try expression.objective(for: run, reading: reading)
    }
  }
}

/// Two forms of an objective whose code is not what its paper states.
public enum ObjectiveForm: String, Hashable, Sendable, CaseIterable {
  /// As the paper states it.
  case paper
  /// As the published code computes it.
  case code
}
