internal import AttentionTrace
internal import PromptText
internal import TensorEngine

/// TEBOpt: the prompt's embedding is optimised before denoising, so that each object's vector is its own.
///
/// Chen, Chen, Chen, Wang & Chen, A Cat Is A Cat (Not A Dog!): Unraveling Information Mix-ups in Text-to-Image
/// Encoders through Causal Analysis and Embedding Optimization, NeurIPS 2024, equations 4 to 6:
///
/// | here | there |
/// | --- | --- |
/// | `own` | e_i, the vector of object i in the prompt |
/// | `pure` | p_i, that of the word in "A photo of a ⟨word⟩" |
/// | `loss` | L = −min_i cos(e_i, p_i) + mean over i and the other words' tokens j of cos(e_i, e_j) |
///
/// e ← e − 20 ∂L/∂e while L is above −0.95 + 0.25, at most 20 times; the published code tests its count after the
/// update, and makes 21. Vectors of start, end and padding are in no term, and stay. The prompt's branch of every
/// step has the result; nothing else changes. A word of several pieces is its last piece, which has read the others;
/// the published code takes the first.
///
/// - Reference: github.com/basiclab/Unraveling-Information-Mix-ups `model/TEBOpt_pipeline.py`.
public struct TEBOpt: Method {
  public let name = "tebopt"
  public let title = "TEBOpt"
  public let summary =
    "TEBOpt (Chen et al., NeurIPS 2024): optimises the prompt's embedding so that each object's vector is its own."
  /// η.
  public var rate = 20.0
  /// The largest number of updates.
  public var updates = 20
  /// Updates are made while the loss is above this.
  public var target = -0.7

  /// The published knobs.
  public init() {}

  public static let knobs: [Knob<TEBOpt>] = [
    .number("embedding-rate", \.rate, in: 0...1e6, "Step size of an update of the embedding."),
    .integer("embedding-updates", \.updates, in: 0...1000, "Largest number of updates."),
    .number(
      "embedding-target", \.target, in: -2...2, "Updates are made while the loss is above this."),
  ]

  public var needsSubjects: Bool { true }

  /// A prompt whose loss is below the target, of which nothing is changed.
  public func notes(for run: PlannedRun) -> [MethodNote] {
    guard let embedding = try? run.promptEmbedding.tokens, let objects = try? objects(of: run)
    else { return [] }
    let loss = loss(embedding, objects, run.prompt.content).item
    guard loss <= Float(target) else { return [] }
    return [
      MethodNote(
        "tebopt: the embedding's loss is \(loss), which meets the target \(target), so the picture "
          + "is that of stable-diffusion", isWarning: true)
    ]
  }

  public func parts(for run: PlannedRun) throws -> MethodParts {
    try run.requireOnePrompt()
    let embedding = try run.promptEmbedding
    return MethodParts(
      prompt: PromptEmbedding(
        optimised(embedding.tokens, try objects(of: run), run.prompt.content),
        pooled: embedding.pooled))
  }

  private func objects(of run: PlannedRun) throws -> [Object] {
    try run.subjects.map { subject in
      let text = "A photo of a " + run.prompt.text(at: run.prompt.places(of: [subject]))
      let table = run.tokens(text)
      guard let place = table.content.last, let token = subject.tokens.last else {
        bug("a subject without tokens")
      }
      return Object(
        token: token, pure: try run.embedding(text).tokens.row(place).detached)
    }
  }

  /// An object of the prompt.
  private struct Object {
    /// Its place in the prompt.
    let token: Int
    /// Its vector alone, `[width]`.
    let pure: Tensor
  }

  /// The embedding after its updates, `[1, token, width]`.
  private func optimised(_ start: Tensor, _ objects: [Object], _ content: [Int]) -> Tensor {
    var embedding = start
    for _ in 0..<updates {
      let tape = Tape()
      let variable = tape.variable(embedding.detached)
      let loss = loss(variable, objects, content)
      guard loss.item > Float(target), loss.isOnTape else { break }
      let gradient = tape.gradient(of: loss, withRespectTo: variable)
      embedding = .combination(1, embedding, -Float(rate), gradient)
    }
    return embedding
  }

  private func loss(_ embedding: Tensor, _ objects: [Object], _ content: [Int]) -> Tensor {
    let similarity = MapDistance.cosineSimilarity
    let far = objects.map { similarity(embedding.row($0.token), $0.pure).affine(scale: -1) }
    let near = objects.flatMap { object in
      content.filter { $0 != object.token }
        .map { similarity(embedding.row(object.token), embedding.row($0)) }
    }
    return .largest(far) + .mean(near)
  }
}

extension Tensor {
  /// One row of `[1, row, width]`, `[width]`.
  fileprivate func row(_ row: Int) -> Tensor {
    sliced(axis: 1, row..<row + 1).reshaped([shape[2]])
  }
}
