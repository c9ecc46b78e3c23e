public import AttentionTrace
public import PromptText
internal import TensorEngine

/// Composable Diffusion: predicts the noise for each part of the prompt, and combines the predictions.
///
/// Liu, Li, Du, Torralba & Tenenbaum, Compositional Visual Generation with Composable Diffusion
/// Models, ECCV 2022, equations 11 (conjunction) and 13 (negation):
///
/// | here | there |
/// | --- | --- |
/// | `parts` | the concepts c_i, with their weights w_i; w_i < 0 is NOT |
/// | the noise | ε_∅ + Σ w_i (ε_i − ε_∅) |
///
/// A part has other tokens than the prompt. So that maps and neglect compare with other methods, each
/// step also runs the whole prompt: that pass is measured and recorded, and of the picture it gives
/// only ε_∅, unless the prompt is itself a part. With the prompt as the only part, at the weight of
/// guidance, the run is plain Stable Diffusion, bit for bit.
///
/// - Reference: the authors' `pipeline_composable_stable_diffusion.py`.
public struct ComposableDiffusion: Method {
  /// A part of the prompt.
  public struct Part: Hashable, Sendable {
    /// Its words.
    public let text: String
    /// w; below 0 to keep away from it, `nil` for the weight of guidance.
    public let weight: Double?

    /// A part by its words.
    public init(_ text: String, weight: Double? = nil) {
      self.text = text
      self.weight = weight
    }
  }

  public let name = "composable"
  public let title = "Composable Diffusion"
  public let summary =
    "Composable Diffusion (Liu et al., ECCV 2022): conditions on each part of the prompt separately, "
    + "and adds up the predicted noises."
  /// The parts; `nil` for the halves of the prompt at "and" or "with".
  public var parts: [Part]?

  /// Combines the halves of the prompt, or `parts`.
  public init(_ parts: [Part]? = nil) { self.parts = parts }

  public static let knobs: [Knob<ComposableDiffusion>] = [
    Knob(
      "parts",
      "Parts with their weights, below 0 for NOT. (default: the two halves of the prompt)",
      placeholder: "text:weight | …",
      expected: "parts separated by bars, as in a cat:7.5 | a frog:-2",
      write: { method in
        method.parts.map { parts in
          parts.map { "\($0.text)\($0.weight.map { ":\($0)" } ?? "")" }.joined(separator: " | ")
        }
      },
      read: { method, text in
        let markup = try PromptMarkup(text, brackets: false, parts: true)
        method.parts =
          markup.components.isEmpty
          ? [Part(text)] : markup.components.map { Part($0.text, weight: $0.weight) }
        return true
      })
  ]

  public var marks: Set<PromptMark> { parts == nil ? [.parts] : [] }

  public mutating func read(_ markup: PromptMarkup, in prompt: TokenTable) throws {
    guard parts == nil, !markup.components.isEmpty else { return }
    parts = markup.components.map { Part($0.text, weight: $0.weight) }
  }

  /// Every part's prediction is set against the unconditional one.
  public var isAlwaysGuided: Bool { true }

  public func resolved(for run: PlannedRun) throws -> Self {
    let parts = parts ?? PromptMarkup.automaticParts(of: run.prompt.prompt).map { Part($0) }
    return Self(parts.map { Part($0.text, weight: $0.weight ?? run.request.guidanceScale) })
  }

  public func texts(for run: PlannedRun) throws -> [EncodedText] {
    (parts ?? []).map { part in
      EncodedText(.part, run.tokens(part.text), weight: part.weight)
    }
  }

  public func notes(for run: PlannedRun) -> [MethodNote] {
    [MethodNote("parts: " + (parts ?? []).map(\.text).joined(separator: " | "))]
  }

  /// The predictions that the noise is made of.
  public func parts(for run: PlannedRun) throws -> MethodParts {
    let parts = parts ?? []
    try DiffusionError.require(!parts.isEmpty, "the list of parts", "empty", "at least one")
    return MethodParts(
      components: try parts.map { part in
        let weight = part.weight ?? run.request.guidanceScale
        try DiffusionError.require(
          weight.isFinite, "the weight of '\(part.text)'", String(weight), "a number")
        return NoiseComponent(
          embedding: part.text == run.prompt.prompt ? nil : try run.embedding(part.text),
          weight: Float(weight))
      })
  }
}
