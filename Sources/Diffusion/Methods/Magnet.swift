internal import AttentionTrace
private import Foundation
internal import PromptText
internal import TensorEngine

/// Magnet: each concept's vector is drawn towards its attributes and away from those of the other concepts.
///
/// Zhuang, Hu & Gao, Magnet: We Never Know How Text-to-Image Diffusion Models Work, Until We Learn How
/// Vision-Language Models Function, NeurIPS 2024:
///
/// | here | there |
/// | --- | --- |
/// | `last(x)` | the vector of the last token when x is encoded alone |
/// | `neighbours` | the K words of the bank, the subject among them, whose last vectors are closest to the subject's |
/// | `positive` | v⁺ = mean over neighbours b of last(concept with b for its subject) − last(b) |
/// | `negative` | v⁻_k, the same with the attributes of another concept k |
/// | `alpha`, `beta` | e^(λ − ω) and 1 − ω², ω the cosine of the first and the last padding of the concept alone |
///
/// e ← e + α v⁺ − β Σ_k v⁻_k in the row of the concept's last token, once; the prompt's branch of every step has the
/// result. Concepts are the noun phrases of the prompt, or ``groups``. The published bank has 614 words; Heed's is its
/// own. The authors' code finds a concept by its first match in the prompt, and replaces a subject wherever its
/// letters stand; here both go by words.
///
/// - Reference: github.com/I2-Multimedia-Lab/Magnet `utils/magnet_utils.py`.
public struct Magnet: WordGrouping {
  public let name = "magnet"
  public let title = "Magnet"
  public let summary =
    "Magnet (Zhuang et al., NeurIPS 2024): draws each concept's embedding to its attributes, and away from others'."
  public var groups: [[String]]?
  /// K.
  public var neighbours = 5
  /// λ.
  public var offset = 0.6
  /// The file of the bank's words; `nil` for Heed's own.
  public var bank: WordBankFile?

  /// The published knobs.
  public init() {}

  public static let knobs: [Knob<Magnet>] = [
    groupsKnob,
    .integer("neighbours", \.neighbours, in: 1...1000, "Words that stand for a subject."),
    .number("magnet-offset", \.offset, in: -10...10, "Exponent of the positive strength."),
    Knob(
      "bank",
      "A file of words, one a line, among which neighbours are found. (default: Heed's own)",
      placeholder: "file", expected: "a file's path", write: { $0.bank.map(\.text) },
      read: { method, text in
        method.bank = text.isEmpty ? nil : WordBankFile(text: text)
        return true
      }),
  ]

  /// Nouns that are no concepts by themselves.
  private static let empty: Set<String> = [
    "photo", "bunch", "bunches", "front", "patch", "side", "pile", "piece",
  ]

  public func resolved(for run: PlannedRun) throws -> Self {
    var method = self
    method.groups = try concepts(of: run).map { $0.words.map(\.name) }
    method.bank = try bank?.hashed()
    return method
  }

  private func concepts(of run: PlannedRun) throws -> [WordGroup] {
    try wordGroups(in: run.prompt).filter { groups != nil || !Self.empty.contains($0.noun.name) }
  }

  /// A prompt without attributes, of which nothing is changed.
  public func notes(for run: PlannedRun) -> [MethodNote] {
    guard let concepts = try? concepts(of: run), concepts.allSatisfy(\.modifiers.isEmpty) else {
      return []
    }
    return [
      MethodNote(
        "magnet: no noun of the prompt has an attribute, so the picture is that of "
          + "stable-diffusion", isWarning: true)
    ]
  }

  public func parts(for run: PlannedRun) throws -> MethodParts {
    try run.requireOnePrompt()
    let concepts = try concepts(of: run).map { Concept($0, in: run.prompt) }
    let embedding = try run.promptEmbedding
    let clipSkip = run.request.clipSkip ?? 0
    let bank = try run.model.bank(at: bank?.path ?? WordBank.own, clipSkip: clipSkip)
    func vectors(of texts: [String]) throws -> [Tensor] {
      try run.model.encoders.lastVectors(of: texts, clipSkip: clipSkip)
    }
    let width = embedding.tokens.shape[2]
    var values = embedding.tokens.values
    for (place, concept) in concepts.enumerated() {
      let neighbours = try bank.closest(
        neighbours, to: concept.subject, vectors(of: [concept.subject])[0])
      let others = concepts.indices.filter { $0 != place && !concepts[$0].attributes.isEmpty }
      let negatives = try others.map { try concepts[$0].pull(on: neighbours, vectors) }
      let positive = try concept.pull(on: neighbours, vectors)
      let omega = try concept.paddingSimilarity(in: run)
      let change = negatives.reduce(positive.affine(scale: Float(exp(offset - omega)))) {
        .combination(1, $0, -Float(1 - omega * omega), $1)
      }
      for (index, number) in change.values.enumerated() {
        values[concept.token * width + index] += number
      }
    }
    return MethodParts(
      prompt: PromptEmbedding(
        Tensor(values, shape: embedding.tokens.shape), pooled: embedding.pooled))
  }
}

/// A subject with its attributes.
private struct Concept {
  /// Its words before the subject; may be empty.
  let attributes: String
  let subject: String
  /// The last token of the subject in the prompt.
  let token: Int

  init(_ group: WordGroup, in prompt: TokenTable) {
    func text(_ word: Subject) -> String { prompt.text(at: prompt.places(of: [word])) }
    attributes = group.modifiers.map(text).joined(separator: " ")
    subject = text(group.noun)
    token = group.noun.tokens.last ?? 0
  }

  func text(with subject: String) -> String {
    attributes.isEmpty ? subject : attributes + " " + subject
  }

  /// What the attributes do to the vectors of words, on average.
  /// - Parameter vectors: the vectors of the last tokens of texts.
  func pull(on words: [String], _ vectors: ([String]) throws -> [Tensor]) throws -> Tensor {
    let with = try vectors(words.map(text))
    let without = try vectors(words)
    return .mean(zip(with, without).map { .combination(1, $0, -1, $1) })
  }

  /// ω: how alike the end token and the last padding of the concept alone are.
  func paddingSimilarity(in run: PlannedRun) throws -> Double {
    let table = run.model.tokenizer.encode(text(with: subject))
    let tokens = try run.embedding(of: table).tokens
    func row(_ row: Int) -> Tensor {
      tokens.sliced(axis: 1, row..<row + 1).reshaped([tokens.shape[2]])
    }
    return Double(
      MapDistance.cosineSimilarity(row(table.end), row(table.tokens.count - 1)).item)
  }
}
