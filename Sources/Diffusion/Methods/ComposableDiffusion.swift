internal import AttentionTrace
internal import PromptText
internal import TensorEngine

/// Composable Diffusion: a prompt's parts are conditioned on one by one, and their noises combined.
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
public struct ComposableDiffusion: GenerationMethod {
  /// A part of the prompt.
  public struct Part: Hashable, Sendable {
    /// Its words.
    public let text: String
    /// w; below 0 to keep away from it.
    public let weight: Double

    /// Describes a part; see the properties.
    public init(_ text: String, weight: Double) {
      self.text = text
      self.weight = weight
    }
  }

  /// As on the command line.
  public let name = "composable"
  /// What is conditioned on.
  public let parts: [Part]

  /// Combines `parts`; published runs give each the weight of guidance, 7.5.
  public init(_ parts: [Part]) { self.parts = parts }

  /// The parts as they are written in a prompt, and what the recorded pass is.
  public var settings: [String: String] {
    [
      "parts": parts.map { "\($0.text):\($0.weight)" }.joined(separator: " | "),
      "recorded-pass": "the whole prompt, which gives the picture nothing unless it is a part",
    ]
  }

  /// Every part's prediction is set against the unconditional one.
  public var isAlwaysGuided: Bool { true }

  /// The predictions that the noise is made of.
  public func parts(for run: MethodContext) throws -> MethodParts {
    try DiffusionError.require(!parts.isEmpty, "the list of parts", "empty", "at least one")
    return MethodParts(
      components: try parts.map { part in
        try DiffusionError.require(
          part.weight.isFinite, "the weight of '\(part.text)'", String(part.weight), "a number")
        return NoiseComponent(
          embedding: part.text == run.prompt.prompt ? nil : try run.embedding(part.text),
          weight: Float(part.weight))
      })
  }
}
