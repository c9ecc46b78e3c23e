internal import AttentionTrace

/// The knobs that runs of a benchmark were varied in, one at a time: what `--ablations` and `--vary` make.
package struct Ablations: Sendable {
  /// A value of a knob.
  package struct Value: Hashable, Sendable {
    /// As `run.json` has it, short.
    package let text: String
    /// The folder of the runs.
    package let method: String
    /// Whether it is what the method has when nothing is varied.
    package let isUsual: Bool
  }

  /// A knob of a method.
  package struct Knob: Sendable {
    /// The knob's name; where several methods are varied, after the method's title.
    package let name: String
    /// Numbers in their order, then others in the order in which they were made.
    package let values: [Value]
  }

  /// The knobs in the order in which they were varied; none if nothing was.
  package let knobs: [Knob]
  /// The title of the method that is varied; of several, all.
  package let method: String

  /// The knobs that belong to a run and not to its method.
  private static let ofRuns = ["guidance-scale", "attention-resolution"]
  /// What stands between a method's name and what is varied.
  private static let mark: Character = "+"

  /// The methods of a benchmark with nothing varied.
  package static func plain(_ methods: [String]) -> [String] {
    methods.filter { !$0.contains(mark) }
  }

  /// What was varied, where something must have been.
  /// - Throws: ``EvaluationError/benchmark(path:reason:)`` if nothing was; `TraceError` for a run that
  ///   cannot be read.
  package static func required(
    _ folder: BenchmarkFolder, _ suite: Suite, _ record: BenchmarkRecord
  ) throws -> Ablations {
    let ablations = try Ablations(folder, suite, record)
    guard !ablations.knobs.isEmpty else {
      throw EvaluationError.benchmark(
        path: folder.path,
        reason: "expected runs with a knob varied, got none: make them by heed benchmark run with "
          + "--ablations or --vary")
    }
    return ablations
  }

  /// Reads from one run of each method what was varied in it.
  /// - Throws: `TraceError` for a run that cannot be read.
  package init(_ folder: BenchmarkFolder, _ suite: Suite, _ record: BenchmarkRecord) throws {
    func manifest(_ method: String) throws -> RunManifest? {
      for prompt in suite.prompts {
        for seed in record.seeds {
          let run = folder.run(prompt.id, method, seed: seed)
          if let manifest = try RunManifest.read(run) { return manifest }
        }
      }
      return nil
    }
    var found: [(knob: String, base: String, values: [Value])] = []
    for method in record.methods {
      guard let place = method.firstIndex(of: Self.mark), let varied = try manifest(method),
        let knob = Self.knob(of: varied), let text = varied.value(ofKnob: knob)
      else { continue }
      let base = String(method[..<place])
      let value = Value(text: text, method: method, isUsual: false)
      if let known = found.firstIndex(where: { $0.knob == knob && $0.base == base }) {
        found[known].values.append(value)
        continue
      }
      let usual = record.methods.contains(base) ? try manifest(base)?.value(ofKnob: knob) : nil
      found.append(
        (
          knob, base,
          (usual.map { [Value(text: $0, method: base, isUsual: true)] } ?? []) + [value]
        ))
    }
    let titles = Dictionary(uniqueKeysWithValues: zip(record.methods, record.titles))
    let bases = found.map(\.base).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    func title(_ base: String) -> String { titles[base] ?? base }
    method = bases.map(title).joined(separator: ", ")
    knobs = found.map { one in
      Knob(
        name: bases.count > 1 ? "\(title(one.base)), \(one.knob)" : one.knob,
        values: Self.sorted(one.values))
    }
  }

  /// The knob that a run's variation begins with, as in `scale-factor-5`: the longest, as one knob's name may
  /// begin with another's.
  private static func knob(of run: RunManifest) -> String? {
    guard let variation = run.request.variation else { return nil }
    return (Array(run.settings.keys) + ofRuns).filter { variation.hasPrefix($0 + "-") }
      .max { ($0.count, $0) < ($1.count, $1) }
  }

  private static func sorted(_ values: [Value]) -> [Value] {
    values.enumerated().sorted { one, other in
      let (a, b) = (number(one.element.text), number(other.element.text))
      return (a ?? .infinity, one.offset) < (b ?? .infinity, other.offset)
    }.map(\.element)
  }

  /// A number, or the rows of a grid.
  private static func number(_ text: String) -> Double? {
    Double(text.prefix { $0 != "x" })
  }
}
