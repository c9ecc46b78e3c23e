internal import AttentionAnalysis
package import AttentionTrace
internal import TensorEngine

// Unsafe: a digest reads bytes by address, which the text lends for the length of the call.

/// A user study of a benchmark: which prompts are asked about, which pictures are shown of each, and under
/// which codes.
///
/// Of each prompt all methods' pictures of the same seeds are shown, a set for each method. Prompts, codes and the
/// order of sets are drawn by a seed: the same benchmark, choice and seed give the same study.
///
/// Source: Chefer et al., Attend-and-Excite, 2023, section 5: ten prompts of each subset, four seeds.
package struct Study: Sendable {
  /// The most pictures that a questionnaire holds.
  package static let pictureLimit = 10_000
  /// The most methods that are shown side by side, as they are called by letters.
  package static let methodLimit = 26

  /// What tells the codes, in the hands of who made the study.
  package let key: StudyKey
  /// `[question][set][seed]` the runs whose pictures are shown, in the order of the key.
  package let pictures: [[[RunFolder]]]
  /// Of each subset, how many prompts were passed over because pictures of them are missing.
  package let notes: [String]

  /// Chooses what is shown of the benchmark in `folder`.
  /// - Parameters:
  ///   - prompts: how many prompts are asked about of each subset, at least 1.
  ///   - seeds: how many pictures are in a set, at least 1: those of the smallest seeds that all methods have.
  ///   - methods: names of the methods, at least two; `nil` for all that the benchmark has.
  ///   - seed: of all that is drawn.
  /// - Throws: `FileError` for a suite that cannot be read and where pictures are missing, `TraceError` for a
  ///   run that cannot be read, ``EvaluationError`` for methods that are not there and too many pictures.
  package init(
    benchmark folder: String, prompts: Int, seeds: Int, methods: [String]? = nil, seed: UInt32 = 0
  ) throws {
    let benchmark = BenchmarkFolder(folder)
    let suite = try Suite(benchmark.suite, format: .jsonl)
    let runs = StudyRuns(benchmark: benchmark)
    let methods = try Self.methods(methods, of: suite, runs)
    let subsets = suite.prompts.map(\.subset).uniqued
    let count = subsets.count * prompts * methods.count * seeds
    guard count <= Self.pictureLimit else {
      throw EvaluationError.study(
        reason: "would show \(count) pictures, expected at most \(Self.pictureLimit): ask about "
          + "fewer prompts, seeds or methods")
    }
    var source = NumpyRandomSource(seed: seed)
    var codes = StudyCodes()
    var questions: [StudyKey.Question] = []
    var (pictures, notes): ([[[RunFolder]]], [String]) = ([], [])
    let digest = SHA256()
    for subset in subsets {
      let pool = suite.prompts.filter { $0.subset == subset }
      let (chosen, passedOver) = try Self.choose(
        prompts, of: source.shuffled(pool), runs, methods, seeds: seeds)
      let name = FileError.printable(subset ?? "the suite")
      guard chosen.count == prompts else {
        let wanted = "expected prompts: \(prompts), with pictures of \(seeds) seeds by each of "
        let names = FileError.printable(methods.joined(separator: ", "))
        throw FileError(
          .missing, path: benchmark.runs, subject: name,
          reason: wanted + names + "; got \(chosen.count) of \(pool.count): ask about fewer "
            + "prompts, seeds or methods, or finish the runs")
      }
      if passedOver > 0 {
        notes.append("\(name): prompts passed over, as pictures of them are missing: \(passedOver)")
      }
      for (prompt, seeds) in chosen {
        let sets = source.shuffled(methods).map { method in
          StudyKey.PictureSet(code: codes.next(&source), method: method)
        }
        questions.append(
          StudyKey.Question(
            code: codes.next(&source), id: prompt.id, prompt: prompt.prompt, subset: subset,
            seeds: seeds.map(String.init), sets: sets))
        let shown = sets.map { set in
          seeds.map { benchmark.run(prompt.id, set.method, seed: $0) }
        }
        for run in shown.joined() { digest.add(SHA256.digest(of: try run.openPicture())) }
        pictures.append(shown)
      }
    }
    digest.add(StudyKey.encoded(questions))
    key = StudyKey(
      study: String(digest.finish().prefix(16)), seed: seed, methods: methods,
      questions: questions)
    (self.pictures, self.notes) = (pictures, notes)
  }

  /// The first `count` prompts that have pictures by every method, with their seeds, and how many before
  /// them have not.
  private static func choose(
    _ count: Int, of prompts: [SuitePrompt], _ runs: StudyRuns, _ methods: [String], seeds: Int
  ) throws -> (chosen: [(SuitePrompt, [UInt64])], passedOver: Int) {
    var (chosen, passedOver): ([(SuitePrompt, [UInt64])], Int) = ([], 0)
    for prompt in prompts where chosen.count < count {
      if let found = try runs.seeds(of: prompt, by: methods, count: seeds) {
        chosen.append((prompt, found))
      } else {
        passedOver += 1
      }
    }
    return (chosen, passedOver)
  }

  private static func methods(
    _ asked: [String]?, of suite: Suite, _ runs: StudyRuns
  ) throws -> [String] {
    let known = try runs.methods(of: suite)
    let methods = asked ?? known
    for (place, method) in methods.enumerated() {
      guard known.contains(method) else {
        throw EvaluationError.study(
          reason: "lacks the method \(FileError.quoted(method)); \(runs.benchmark.path) has "
            + FileError.printable(known.joined(separator: ", ")))
      }
      guard methods.firstIndex(of: method) == place else {
        throw EvaluationError.study(reason: "has the method \(FileError.quoted(method)) twice")
      }
    }
    guard (2...methodLimit).contains(methods.count) else {
      throw EvaluationError.study(
        reason: "compares methods, expected 2 to \(methodLimit), got \(methods.count)"
          + (methods.isEmpty ? ": \(runs.benchmark.runs) has no runs of the suite's prompts" : ""))
    }
    return methods
  }
}

extension SHA256 {
  /// Takes a text's bytes.
  fileprivate func add(_ text: String) {
    unsafe Array(text.utf8).withUnsafeBytes { unsafe update($0) }
  }
}
