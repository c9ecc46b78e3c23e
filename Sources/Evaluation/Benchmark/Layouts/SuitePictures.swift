internal import AttentionTrace
internal import PromptText
internal import TensorEngine

/// The pictures of a benchmark's completed runs, by prompt: each has one of each method and seed.
package struct SuitePictures: Sendable {
  /// Which of a benchmark's pictures are meant; `nil` stands for all.
  package struct Choice: Sendable {
    package var subset: String?
    package var methods: [String]?
    package var seeds: [UInt64]?

    package init(subset: String? = nil, methods: [String]? = nil, seeds: [UInt64]? = nil) {
      (self.subset, self.methods, self.seeds) = (subset, methods, seeds)
    }
  }

  /// The benchmark's folder.
  package let folder: BenchmarkFolder
  /// The suite's name, as the benchmark's record has it.
  package let suite: String
  /// The methods' folders, in the benchmark's order.
  package let methods: [String]
  /// In increasing order; unless chosen, those of every method.
  package let seeds: [UInt64]
  /// The seeds that some of the methods have, and not all, unless seeds were chosen.
  package let leftOut: [UInt64]
  /// The prompts in the order of the suite, each with its pictures by method and then by seed.
  package let prompts: [(prompt: SuitePrompt, pictures: [BenchmarkPicture])]

  /// Finds the pictures of the benchmark in `folder`.
  /// - Throws: `EvaluationError`, `FileError`: a run that is not there, not completed, or of another prompt
  ///   or seed, by its name; a subset, method or seed that the benchmark does not have.
  package init(_ folder: BenchmarkFolder, _ choice: Choice = Choice()) throws {
    let suite = try Suite(folder.suite, format: .jsonl)
    let record = try folder.wholeRecord(of: suite)
    func refuse(_ what: String, _ got: String, among names: [String]) -> EvaluationError {
      .unknown(what, got, among: names, path: folder.path)
    }
    for method in choice.methods ?? [] where !record.methods.contains(method) {
      throw refuse("method", method, among: record.methods)
    }
    for seed in choice.seeds ?? [] where !record.seeds.contains(seed) {
      throw refuse("seed", "\(seed)", among: record.seeds.map(String.init))
    }
    var prompts = suite.prompts
    if let subset = choice.subset {
      prompts.removeAll { $0.subset != subset }
      guard !prompts.isEmpty else {
        throw refuse("subset", subset, among: suite.subsets)
      }
    }
    let methods = record.methods.filter { choice.methods?.contains($0) ?? true }
    let seeds =
      choice.seeds.map { chosen in record.seeds.filter(chosen.contains) }
      ?? record.seeds(of: methods)
    guard !methods.isEmpty, !seeds.isEmpty else {
      throw EvaluationError.benchmark(
        path: folder.record,
        reason: "expected a seed that every method has, got none: name one method by --method")
    }
    self.prompts = try prompts.map { prompt in
      let pictures = try methods.flatMap { method in
        try seeds.map { seed in
          BenchmarkPicture(
            id: prompt.id, method: method, seed: seed,
            run: try Self.run(in: folder, prompt, method, seed))
        }
      }
      return (prompt, pictures)
    }
    (self.folder, self.suite) = (folder, record.suite)
    (self.methods, self.seeds) = (methods, seeds)
    leftOut =
      choice.seeds == nil
      ? Set(methods.flatMap { record.seeds(of: $0) }).subtracting(seeds).sorted() : []
  }

  /// A completed run with its picture.
  private static func run(
    in folder: BenchmarkFolder, _ prompt: SuitePrompt, _ method: String, _ seed: UInt64
  ) throws -> RunFolder {
    if let run = try folder.picture(of: prompt, method, seed: seed) { return run }
    let run = folder.run(prompt.id, method, seed: seed)
    guard try folder.status(of: prompt, method, seed: seed) == nil else {
      throw EvaluationError.incomplete(run: run.path)
    }
    throw EvaluationError.benchmark(
      path: run.path,
      reason:
        "there is no such run: make it by heed benchmark run, or choose others by --method and "
        + "--seeds")
  }
}
