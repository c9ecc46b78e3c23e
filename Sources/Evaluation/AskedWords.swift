public import AttentionAnalysis
public import AttentionTrace
public import Diffusion
internal import Foundation
public import PromptText
internal import TensorEngine

/// The maps that the words of given texts would have had in recorded runs.
///
/// Each text is encoded separately. Each of its words gets the map that it would have had in every
/// recorded call of each run; a recipe aggregates these maps.
public struct AskedWords: Sendable {
  /// One word in one run.
  public struct Answer: Sendable {
    /// The run.
    public let run: RecordedRun
    /// The text that was asked.
    public let text: String
    /// The word of it.
    public let word: Subject
    /// The map that the word would have had.
    public let map: AttentionMap
    /// The sum of the map over that of all tokens' maps, in 0…1 where a recipe averages.
    public let share: Double
    /// How the map was made of the recording.
    public let recipe: Recipe
  }

  /// The answers: run by run, text by text, word by word.
  public let answers: [Answer]

  /// Asks every run for every word, in this order.
  ///
  /// - Parameters:
  ///   - texts: prompts with the words that are asked for.
  ///   - runs: runs whose queries are recorded.
  ///   - checkpoint: the one that the runs were made with.
  ///   - recipe: names the words that are meant, or means all of them.
  ///   - weights: the head weights that the recipe names, by path.
  /// - Throws: ``EvaluationError`` when a run has no queries or was made with another checkpoint;
  ///   `AnalysisError`, `TraceError`, `DiffusionError`, `TextError` or `FileError`.
  public init(
    _ texts: [String], of runs: [RecordedRun], from checkpoint: Checkpoint, by recipe: Recipe,
    weights: [String: HeadWeights]
  ) throws {
    let hashes = try checkpoint.hashes()
    for run in runs { try Self.check(run, hashes) }
    var keys: [[AttentionSite]: [Int: [PromptKeys]]] = [:]
    answers = try runs.flatMap { run -> [Answer] in
      let sites = run.queriedSites
      let clipSkip = run.manifest.request.clipSkip ?? 0
      let prompts =
        try keys[sites]?[clipSkip]
        ?? PromptKeys.of(texts, at: sites, from: checkpoint, clipSkip: clipSkip)
      keys[sites, default: [:]][clipSkip] = prompts
      return try prompts.flatMap { try Self.answers(AskedMaps(run, $0), recipe, weights) }
    }
  }

  /// Refuses a run without queries, or of another checkpoint.
  private static func check(_ run: RecordedRun, _ hashes: [String: String]) throws {
    guard !run.queriedSites.isEmpty else { throw EvaluationError.noQueries(run: run.folder.path) }
    let manifest = run.manifest
    if let difference = Checkpoint.difference(manifest.model.files, hashes) {
      throw EvaluationError.otherCheckpoint(
        run: run.folder.path, model: manifest.model.name, difference: difference)
    }
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
      throw EvaluationError.noWords(text: prompt.prompt)
    }
    return prompt.words.map(prompt.subject(of:))
  }
}
