public import AttentionTrace
package import PromptText
internal import TensorEngine

/// ToMe: each noun and its modifiers are merged into one token, whose vector and map are then optimised.
///
/// Hu, Li, Khan, van de Weijer, Wang, Khan, Yang & Wang, Token Merging for Training-Free Semantic Binding in
/// Text-to-Image Synthesis, NeurIPS 2024:
///
/// | here | there |
/// | --- | --- |
/// | `merged` | e[first token of the noun] = 1.1 Σ its tokens + 1.2 Σ the modifiers', which become 0 |
/// | ``endStep`` | when the vectors from the end token on become those of the merged prompt |
/// | ``TokenMerging/bound(_:_:to:counting:predict:)`` | L_bind, the squared difference of what one token and its phrase predict |
/// | ``Loss`` | L_ent = −2 Σ over pairs and cells of p ln p, p a map of softmax(2 A) between 0 and 1, over its sum |
/// | ``TokenMerging/rate(at:of:)`` | 3 falling to 0, of which the input of the UNet takes half |
///
/// L_bind is followed along the run of the phrase alone, from the same noise. The noise is predicted at the changed
/// input, and the scheduler steps from the unchanged latent, as published. The published code guides the phrase's run
/// away from the phrase, scales its latent anew in every step, and counts words where tokens are meant
/// (``ObjectiveForm/code``). It was written for SDXL; nothing in it needs that model. A noun without modifiers is
/// left as it is, unless it is named.
///
/// - Reference: github.com/hutaihang/ToMe `pipe_tome.py` and `utils/`.
public struct ToMe: WordGrouping {
  /// What the published numbers are for.
  public enum Binding: String, Hashable, Sendable, CaseIterable {
    /// Adjectives: 5 iterations, 4 tries.
    case attributes
    /// Things that a subject has: 7 iterations, 6 tries, two pairs side by side, the merged prompt's end.
    case objects

    fileprivate var iterations: Int { self == .objects ? 7 : 5 }
    fileprivate var tries: Int { self == .objects ? 6 : 4 }
  }

  public let name = "tome"
  public let title = "ToMe"
  public let summary =
    "ToMe (Hu et al., NeurIPS 2024): merges each noun and its modifiers into one token, and optimises its vector."
  public var groups: [[String]]?
  /// What the numbers that are not given are for.
  public var binding = Binding.attributes
  /// How the phrase's run goes.
  public var form = ObjectiveForm.paper
  /// What a noun's vectors are multiplied with.
  public var nounWeight = 1.1
  /// What modifiers' vectors are multiplied with.
  public var modifierWeight = 1.2
  /// The prompt without modifiers; `nil` for its nouns with "and" between them.
  public var mergedPrompt: String?
  /// The iteration at which the merged prompt's end is taken; beyond the last for never.
  public var endStep: Int?
  /// Iterations in which vectors are bound to their phrases.
  public var tokenSteps: Int?
  /// Updates of a vector in such an iteration.
  public var tokenUpdates = 3
  /// Their step size; `nil` for the checkpoint's, and where that has none for the published 10,000.
  public var tokenRate: Double?
  /// Iterations in which the entropy falls.
  public var entropySteps: Int?
  /// The largest number of updates in such an iteration.
  public var entropyTries: Int?
  /// Their step size at the first iteration.
  public var entropyRate = 3.0
  /// Whether two pairs are drawn to the left and the right.
  public var separates: Bool?

  private static let publishedRate = 10000.0

  /// The published knobs.
  public init() {}

  public static let knobs: [Knob<ToMe>] = [
    groupsKnob,
    .choice(
      "binding", \.binding,
      "Which published numbers hold: attributes for adjectives, objects for what a subject has."),
    .choice("objective-form", \.form, ObjectiveForm.help),
    .number("noun-weight", \.nounWeight, in: 0...100, "Weight of a noun in its merged token."),
    .number(
      "modifier-weight", \.modifierWeight, in: 0...100, "Weight of modifiers in a merged token."),
    Knob(
      "merged-prompt",
      "The prompt without modifiers. (default: its nouns with \"and\" between them)",
      placeholder: "text", expected: "a text", write: { $0.mergedPrompt },
      read: { method, text in
        method.mergedPrompt = text.isEmpty ? nil : text
        return true
      }),
    .integer(
      "end-step", \.endStep, in: 0...1000, standard: "0 for objects, never for attributes",
      "Iteration from which on the end of the merged prompt is read."),
    .integer(
      "token-steps", \.tokenSteps, in: 0...1000, standard: "7 for objects, 5 for attributes",
      "Number of iterations in which merged tokens are bound to their phrases."),
    .integer(
      "token-updates", \.tokenUpdates, in: 0...1000, "Updates of a token in such an iteration."),
    .number(
      "token-rate", \.tokenRate, in: 0...1e9, standard: "the checkpoint's, or 10000",
      "Step size of an update of a token."),
    .integer(
      "entropy-steps", \.entropySteps, in: 0...1000, standard: "7 for objects, 5 for attributes",
      "Number of iterations in which the entropy of maps falls."),
    .integer(
      "entropy-tries", \.entropyTries, in: 0...1000, standard: "6 for objects, 4 for attributes",
      "Largest number of updates in such an iteration."),
    .number("entropy-rate", \.entropyRate, in: 0...1e6, "Step size of them before its decay."),
    Knob(
      "side-by-side",
      "Draw the first of two pairs to the left and the second to the right. "
        + "(default: for objects)",
      form: .toggle, expected: "true or false", write: { $0.separates.map { String($0) } },
      read: { method, text in
        guard let value = Bool(text) else { return false }
        method.separates = value
        return true
      }),
  ]

  public var alteredSteps: Int { entropySteps ?? 0 }

  public func looks(at step: Int) -> [MethodLook] {
    guard step < entropySteps ?? 0, let tries = entropyTries, tries > 0 else { return [] }
    return [MethodLook(.loss)]
      + stride(from: 2, through: tries, by: 1).map { MethodLook(.refinement, attempt: $0) }
  }

  public func resolved(for run: PlannedRun) throws -> Self {
    var method = self
    let all = try wordGroups(in: run.prompt)
    let pairs = pairs(among: all)
    method.groups = pairs.map { $0.words.map(\.name) }
    let count = run.timesteps.count
    let iterations = GradientSchedule.share(
      of: binding.iterations, to: run.hasFewSteps ? count : nil)
    method.mergedPrompt = mergedPrompt ?? Self.merged(all, in: run.prompt)
    method.endStep = endStep ?? (binding == .objects ? 0 : count)
    method.tokenSteps = tokenSteps ?? iterations
    method.tokenRate = tokenRate ?? run.model.checkpoint.guidance.tokenRate ?? Self.publishedRate
    method.entropySteps = entropySteps ?? iterations
    method.entropyTries = entropyTries ?? binding.tries
    method.separates = separates ?? (binding == .objects && pairs.count == 2)
    guard !pairs.isEmpty else {
      (method.tokenSteps, method.entropySteps) = (0, 0)
      return method
    }
    try DiffusionError.require(
      method.separates != true || pairs.count == 2, "--side-by-side", "\(pairs.count) pairs",
      "two, as in --groups \"hat cat; scarf dog\"")
    return method
  }

  /// Those that are merged: all that are named, else those with modifiers.
  private func pairs(among all: [WordGroup]) -> [WordGroup] {
    groups == nil ? all.filter { !$0.modifiers.isEmpty } : all
  }

  /// Prompts of which nothing is merged.
  public func notes(for run: PlannedRun) -> [MethodNote] {
    guard let groups else { return [] }
    guard !groups.isEmpty else {
      return [
        MethodNote(
          "tome: no noun of the prompt has a modifier, so the picture is that of stable-diffusion; "
            + "--groups names what belongs together, as in \"hat cat; scarf dog\"",
          isWarning: true)
      ]
    }
    return [
      MethodNote("merged: " + groups.map { $0.joined(separator: " ") }.joined(separator: " | "))
    ]
  }

  public func texts(for run: PlannedRun) throws -> [EncodedText] {
    guard let groups, !groups.isEmpty else { return [] }
    let phrases = try wordGroups(in: run.prompt).map { Self.phrase(of: $0, in: run.prompt) }
    return (phrases + [takesEnding(in: run) ? mergedPrompt : nil].compactMap(\.self)).map {
      EncodedText(.part, run.tokens($0))
    }
  }

  private func takesEnding(in run: PlannedRun) -> Bool {
    (endStep ?? run.timesteps.count) < run.timesteps.count
  }

  public func parts(for run: PlannedRun) throws -> MethodParts {
    try run.requireOnePrompt()
    let pairs = try wordGroups(in: run.prompt)
    guard let groups, !groups.isEmpty else { return MethodParts() }
    let embedding = try run.promptEmbedding
    let loss = Loss(
      subjects: run.subjects, pairs: pairs, content: 1..<run.prompt.end,
      separates: separates ?? false, reading: run.reading(MapSmoothing()))
    _ = try loss.sites(among: run.sites)
    var parts = MethodParts(
      prompt: PromptEmbedding(merged(embedding.tokens, pairs), pooled: embedding.pooled))
    parts.merging = TokenMerging(
      objective: loss,
      pairs: try pairs.map { pair in
        let phrase = try encoded(Self.phrase(of: pair, in: run.prompt), in: run)
        return TokenMerging.Pair(
          token: pair.noun.tokens[0],
          phrase: PromptEmbedding(phrase.tokens, pooled: phrase.zeros.pooled))
      },
      method: self, ending: try ending(in: run))
    return parts
  }

  /// A text in as many windows as the prompt.
  private func encoded(_ text: String, in run: PlannedRun) throws -> PromptEmbedding {
    try run.embedding(
      of: run.model.tokenizer.encode(text, as: run.request.reading, windows: run.windows))
  }

  /// The vectors of the merged prompt from the prompt's end on.
  private func ending(in run: PlannedRun) throws -> (first: Int, tokens: Tensor)? {
    guard takesEnding(in: run), let mergedPrompt else { return nil }
    let end = run.tokens(mergedPrompt).end
    try DiffusionError.require(
      end <= run.prompt.end, "the merged prompt", "\(end - 1) tokens",
      "at most \(run.prompt.end - 1), those of the prompt, whose end it takes")
    let first = form == .code ? run.prompt.words.count + 1 : run.prompt.end
    return (first, try encoded(mergedPrompt, in: run).tokens)
  }

  /// `[1, token, width]` with each pair in the first token of its noun.
  private func merged(_ tokens: Tensor, _ pairs: [WordGroup]) -> Tensor {
    func row(_ token: Int) -> Tensor { tokens.sliced(axis: 1, token..<token + 1) }
    var merged = tokens
    let zero = Tensor.full(0, shape: [1, 1, tokens.shape[2]])
    // Words of two pairs are in both sums, so that nothing may be cleared before the last is made.
    for token in Set(pairs.flatMap(\.tokens)) {
      merged = merged.replacing(token, ofAxis: 1, by: zero)
    }
    for pair in pairs {
      let sum = Tensor.total(
        pair.noun.tokens.map { row($0).affine(scale: Float(nounWeight)) }
          + pair.modifiers.flatMap(\.tokens).map { row($0).affine(scale: Float(modifierWeight)) })
      merged = merged.replacing(pair.noun.tokens[0], ofAxis: 1, by: sum)
    }
    return merged
  }
}

// MARK: - Texts

extension ToMe {
  private static let articles: Set<String> = ["a", "an", "the"]

  /// The words of a pair as they stand in the prompt, from the first to the last with the article before; without
  /// what is between them where another noun is.
  private static func phrase(of pair: WordGroup, in prompt: TokenTable) -> String {
    let own = prompt.places(of: pair.words)
    guard let first = own.first, let last = own.last else { bug("a pair without words") }
    let others = NounPhraseFinder.phrases(in: prompt).map { prompt.subject(of: $0.noun) }
      .filter { other in !pair.words.contains { $0.tokens == other.tokens } }
    let between = Set(prompt.places(of: others)).intersection(first...last)
    guard between.isEmpty else { return prompt.text(at: own) }
    return prompt.text(at: withArticle(first, in: prompt)...last)
  }

  /// The nouns, each with its article, and "and" between them.
  private static func merged(_ pairs: [WordGroup], in prompt: TokenTable) -> String {
    pairs.map { pair in
      let noun = prompt.text(at: prompt.places(of: [pair.noun]))
      let first = prompt.places(of: pair.words)[0]
      let start = withArticle(first, in: prompt)
      guard start < first else { return noun }
      let article = prompt.words[start].text.lowercased()
      let isVowel = noun.first.map { "aeiouAEIOU".contains($0) } ?? false
      return (article == "the" ? article : isVowel ? "an" : "a") + " " + noun
    }.joined(separator: " and ")
  }

  /// The place of the article before a word, or else of the word.
  private static func withArticle(_ place: Int, in prompt: TokenTable) -> Int {
    place > 0 && articles.contains(prompt.words[place - 1].text.lowercased()) ? place - 1 : place
  }
}

// MARK: - The loss

extension ToMe {
  /// L_ent of the table above, and where pairs are drawn apart 0.2 of the mean squared distance of each map's centre
  /// from its place, in thirty-seconds of the picture.
  package struct Loss: AttentionObjective {
    /// What is measured.
    package let subjects: [Subject]
    private let pairs: [WordGroup]
    /// The tokens of the prompt's text.
    private let content: Range<Int>
    private let separates: Bool
    private let reading: MapReading

    /// The entropy of the maps of `pairs`, with `subjects` measured.
    package init(
      subjects: [Subject], pairs: [WordGroup], content: Range<Int>, separates: Bool,
      reading: MapReading
    ) {
      self.subjects = subjects
      self.pairs = pairs
      self.content = content
      self.separates = separates
      self.reading = reading
    }

    /// The cross-attentions at the grid.
    /// - Throws: ``DiffusionError`` if no such site exists, or words cannot be read there.
    package func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
      try reading.sites(among: sites, for: pairs.nouns + subjects)
    }

    /// The loss of one pass.
    package func evaluate(_ maps: PassMaps) -> ObjectiveValue {
      let read = reading.read(maps)
      let shared = read.average.sliced(axis: 1, content).softmax(scale: 2)
      let stretched = pairs.map { pair in
        let place = pair.noun.tokens[0] - content.lowerBound
        return shared.sliced(axis: 1, place..<place + 1).flattened.stretched
      }
      let entropies = stretched.map { map in
        let p = map.distribution
        return (p * p.affine(scale: 1, offset: 1e-5).logarithm).sum.affine(scale: -2)
      }
      let apart = separates ? zip(stretched, Self.places).map(distance) : []
      return ObjectiveValue(
        loss: .total(entropies + apart), scores: read.scores(of: subjects))
    }

    /// Column and row of each of two pairs, in thirty-seconds.
    private static let places: [(Float, Float)] = [(10, 16), (25, 16)]

    private func distance(_ map: Tensor, from place: (Float, Float)) -> Tensor {
      let weights = map.distribution
      func offset(_ target: Float, _ coordinate: (Int) -> Float) -> Tensor {
        let line = Tensor((0..<map.count).map(coordinate), shape: map.shape)
        let centre = (weights * line).sum.affine(scale: 32, offset: -target)
        return (centre * centre).affine(scale: 0.5)
      }
      let grid = reading.grid
      let column = offset(place.0) { Float($0 % grid.columns) / Float(max(grid.columns - 1, 1)) }
      let row = offset(place.1) { Float($0 / grid.columns) / Float(max(grid.rows - 1, 1)) }
      return (column + row).affine(scale: 0.2)
    }
  }
}
