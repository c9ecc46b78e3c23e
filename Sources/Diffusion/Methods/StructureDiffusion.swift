internal import AttentionTrace
private import Foundation
public import PromptText
internal import TensorEngine

/// StructureDiffusion: each noun phrase is encoded by itself as well, and takes its place among the
/// values, or the keys, of every cross-attention.
///
/// Feng et al., Training-Free Structured Diffusion Guidance for Compositional Text-to-Image
/// Synthesis, ICLR 2023, section 3.2 and equations 5 to 7:
///
/// | here | there |
/// | --- | --- |
/// | `embedding` | W_0 = 𝒲_p, the whole prompt's |
/// | `aligned` | 𝒲̄_j: W_0, whose rows of phrase j are those of the phrase encoded alone |
/// | `overwritten` | W_0 with the rows of all phrases replaced |
/// | ``Form/values`` | O = (1/(k+1)) Σ_{j=0…k} M V_j, M = softmax(Q K_0ᵀ/√d), V_j of 𝒲̄_j |
/// | ``Form/keys`` | O = (1/(k+1)) Σ_{j=0…k} softmax(Q K_jᵀ/√d) V, V of `overwritten` |
///
/// Only the prompt's branch is changed, in every step. Phrases of one word, and one that is the whole
/// prompt, add nothing to W_0: where there is no other, the run is plain Stable Diffusion, bit for bit.
///
/// - Reference: github.com/weixi-feng/Structured-Diffusion-Guidance `scripts/txt2img_demo.py`.
public struct StructureDiffusion: Method {
  /// Where the phrases are averaged in.
  public enum Form: String, Hashable, Sendable, CaseIterable {
    /// One key and several values: the published default.
    case values
    /// Several keys and one value, K_0 of the whole prompt's own embedding, as the paper has it.
    case keys = "conjunction"
    /// The same as the published code's `--conjunction` computes it: there the rows are overwritten
    /// in place, so that K_0 is made of the overwritten embedding too.
    case keysInPlace = "conjunction-in-place"
  }

  public let name = "structure"
  public let title = "StructureDiffusion"
  public let summary =
    "StructureDiffusion (Feng et al., ICLR 2023): noun phrases are also encoded separately, and "
    + "averaged in."
  /// The phrases as they are written in the prompt; `nil` for those that `NounPhraseFinder` finds.
  public var phrases: [String]?
  /// Where the phrases are averaged in.
  public var form = Form.values

  /// The published form, with the phrases that are found in the prompt or `phrases`.
  public init(_ phrases: [String]? = nil, form: Form = .values) {
    self.phrases = phrases
    self.form = form
  }

  public static let knobs: [Knob<StructureDiffusion>] = [
    .choice(
      "structure-form", \.form,
      "Where the phrases are averaged in: in the values, in the keys (conjunction), or in the keys "
        + "as the published code computes them (conjunction-in-place)."),
    Knob(
      "phrases", "The noun phrases. (default: those that are found in the prompt)",
      placeholder: "phrase | …", expected: "phrases of the prompt separated by bars",
      write: { $0.phrases?.joined(separator: " | ") },
      read: { method, text in
        method.phrases =
          text.isEmpty
          ? [] : text.split(separator: "|").map { String($0).trimmingCharacters(in: .whitespaces) }
        return true
      }),
  ]

  public var marks: Set<PromptMark> { phrases == nil ? [.phrases] : [] }

  public mutating func read(_ markup: PromptMarkup, in prompt: TokenTable) throws {
    guard phrases == nil, !markup.phrases.isEmpty else { return }
    phrases = try NounPhraseFinder.phrases(at: markup.phrases, in: prompt).map {
      prompt.reference(to: $0)
    }
  }

  public func resolved(for run: PlannedRun) throws -> Self {
    Self(try nounPhrases(in: run.prompt).map { run.prompt.reference(to: $0) }, form: form)
  }

  /// The phrases in a prompt.
  /// - Throws: `TextError` for a phrase that is not in the prompt.
  package func nounPhrases(in prompt: TokenTable) throws -> [NounPhrase] {
    guard let phrases else { return NounPhraseFinder.phrases(in: prompt) }
    return try NounPhraseFinder.phrases(
      at: try phrases.map { try prompt.range(of: $0) }, in: prompt)
  }

  /// Those of the phrases that change anything: of two words or more, and not the whole prompt.
  /// - Throws: as ``nounPhrases(in:)``.
  package func segments(of prompt: TokenTable) throws -> [NounPhrase] {
    let whole = prompt.words.flatMap(\.tokens)
    return try nounPhrases(in: prompt).filter { phrase in
      phrase.tokens != whole
        && prompt.words.count { phrase.tokens.contains($0.tokens[0]) } > 1
    }
  }

  public func notes(for run: PlannedRun) -> [MethodNote] {
    guard let segments = try? segments(of: run.prompt), segments.isEmpty else { return [] }
    return [
      MethodNote(
        "structure: no phrase of two or more words apart from the whole prompt, so the picture is "
          + "that of stable-diffusion", isWarning: true)
    ]
  }

  /// The intervention in every cross-attention.
  public func parts(for run: PlannedRun) throws -> MethodParts {
    let segments = try segments(of: run.prompt)
    guard !segments.isEmpty else { return MethodParts() }
    let embedding = try run.promptEmbedding.tokens
    var (aligned, overwritten) = ([Tensor](), embedding)
    for segment in segments {
      let alone = try run.embedding(segment.text).tokens
      aligned.append(embedding.replacingRows(segment.tokens, by: alone))
      overwritten = overwritten.replacingRows(segment.tokens, by: alone)
    }
    let keys = form == .keysInPlace ? overwritten : embedding
    return MethodParts(
      intervention: form == .values
        ? StructuredValues(mean: .mean(of: [embedding] + aligned))
        : StructuredKeys(keys: [keys] + aligned, values: overwritten))
  }
}

/// One key, several values: their mean is the value of their mean, since values are linear.
private struct StructuredValues: AttentionIntervention {
  /// Mean of 𝒲̄_0…k, `[1, token, width]`.
  let mean: Tensor

  func acts(at site: AttentionSite, in pass: AttentionPass) -> Bool { site.kind == .cross }

  func change(_ attention: inout LayerAttention) {
    attention.values = attention.values(of: mean)
  }
}

/// Several keys, one value: the mean of the maps.
private struct StructuredKeys: AttentionIntervention {
  /// 𝒲̄_0…k, each `[1, token, width]`.
  let keys: [Tensor]
  let values: Tensor

  func acts(at site: AttentionSite, in pass: AttentionPass) -> Bool { site.kind == .cross }

  func change(_ attention: inout LayerAttention) {
    attention.probabilities = .mean(of: keys.map(attention.probabilities))
    attention.values = attention.values(of: values)
  }
}

extension Tensor {
  /// The mean of tensors of one shape `[1, …]`.
  fileprivate static func mean(of parts: [Tensor]) -> Tensor {
    Tensor.concatenated(parts, axis: 0).meanOverFirstAxis.reshaped(parts[0].shape)
  }

  /// `[1, token, width]` with the rows of `tokens` taken from another's rows 1, 2, ….
  fileprivate func replacingRows(_ tokens: [Int], by other: Tensor) -> Tensor {
    let width = shape[2]
    var values = values
    let others = other.values
    for (place, token) in tokens.enumerated() {
      values.replaceSubrange(
        token * width..<(token + 1) * width, with: others[(place + 1) * width..<(place + 2) * width]
      )
    }
    return Tensor(values, shape: shape)
  }
}
