import AttentionAnalysis
import AttentionTrace
import Diffusion
import PromptText

/// Where the words of asked texts would have looked in recorded runs.
///
/// Each text is encoded by itself, and each of its words gets the map that it would have had in
/// each run's every recorded call; a recipe puts these together.
struct AskedWords {
  /// One word in one run.
  struct Answer {
    let run: RecordedRun
    let text: String
    let word: Subject
    let map: AttentionMap
    /// The sum of the map over that of all tokens' maps, in 0…1 where a recipe averages.
    let share: Double
    let recipe: Recipe
  }

  let answers: [Answer]

  /// Asks every run for every word, in this order.
  ///
  /// - Parameters:
  ///   - recipe: names the words that are meant, or means all of them.
  ///   - weights: the head weights that the recipe names, by path.
  /// - Throws: ``Failure`` when a run has no queries or was made with another checkpoint;
  ///   `AnalysisError`, `TraceError`, `DiffusionError`, `TextError` or `FileError`.
  init(
    _ texts: [String], of runs: [RecordedRun], from checkpoint: Checkpoint, by recipe: Recipe,
    weights: [String: HeadWeights]
  ) throws {
    let hashes = try checkpoint.hashes()
    for run in runs { try Self.check(run, hashes) }
    var keys: [[AttentionSite]: [PromptKeys]] = [:]
    answers = try runs.flatMap { run -> [Answer] in
      let sites = run.queriedSites
      let prompts = try keys[sites] ?? PromptKeys.of(texts, at: sites, from: checkpoint)
      keys[sites] = prompts
      return try prompts.flatMap { try Self.answers(AskedMaps(run, $0), recipe, weights) }
    }
  }

  /// Refuses a run without queries, or of another checkpoint, naming the first file that differs.
  private static func check(_ run: RecordedRun, _ hashes: [String: String]) throws {
    guard !run.queriedSites.isEmpty else {
      throw Failure(
        .unavailable,
        "\(run.folder.path) has no queries: record some, as in heed generate … --queries 16x16")
    }
    let recorded = run.manifest.model.files
    let differing = Set(recorded.keys).union(hashes.keys).filter { recorded[$0] != hashes[$0] }
    let both = differing.filter { recorded[$0] != nil && hashes[$0] != nil }
    guard let file = (both.isEmpty ? differing : both).min() else { return }
    let how =
      !both.isEmpty ? "differs" : hashes[file] == nil ? "is not there" : "is more than that"
    throw Failure(
      .dataError,
      "\(run.folder.path) was made with \(run.manifest.model.name), of which \(file) \(how): give "
        + "the run's own checkpoint by --model, with its --lora and --weights")
  }

  private static func answers(
    _ asked: AskedMaps, _ recipe: Recipe, _ weights: [String: HeadWeights]
  ) throws -> [Answer] {
    let words = try subjects(of: asked.prompt, recipe)
    let maps = try asked.aggregate(by: recipe, weights: weights)
    let whole = maps.values.reduce(0) { $0 + Double($1) }
    return try words.map { word in
      let map = try maps.map(of: word)
      return Answer(
        run: asked.run, text: asked.prompt.prompt, word: word, map: map,
        share: map.values.reduce(0) { $0 + Double($1) } / whole, recipe: maps.recipe)
    }
  }

  /// The words that a recipe names, otherwise all that the text has.
  private static func subjects(of prompt: TokenTable, _ recipe: Recipe) throws -> [Subject] {
    if !recipe.tokens.isEmpty {
      return try recipe.tokens.map { try $0.subject(in: prompt) }
    }
    guard !prompt.words.isEmpty else {
      throw Failure(.usage, "--ask is '\(prompt.prompt)'; expected at least one word")
    }
    return prompt.words.map(prompt.subject(of:))
  }
}
