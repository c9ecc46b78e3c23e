internal import AttentionTrace
internal import PromptText

/// Another method with an intervention besides its own: the run that shows what something was for.
public struct AblatedMethod: DerivedMethod {
  /// The method that the run is made by.
  public let base: GenerationRequest.Method
  /// What is taken out.
  public let ablation: AttentionAblation
  /// The base's name, and what is taken out.
  public let name: String
  /// What is taken out, as on the command line.
  private let described: String

  /// Takes `ablation` out of what `base` makes.
  /// - Parameter described: the ablation as on the command line.
  public init(
    _ base: GenerationRequest.Method, without ablation: AttentionAblation, _ described: String
  ) {
    (self.base, self.ablation, self.described) = (base, ablation, described)
    name = "\(base.name)+\(RunFolder.slug(described))"
  }

  /// The base's, and what is taken out.
  public var settings: [String: String] {
    base.base.settings.merging(["ablation": described]) { $1 }
  }

  /// Nothing takes the place of what is taken out.
  public var rowsSumToOne: Bool { false }

  /// The base with a look in every iteration.
  public func lookingAlways(_ always: Bool) -> Self {
    Self(.init(base.base.lookingAlways(always)), without: ablation, described)
  }

  /// The base's, with the ablation after its own intervention.
  public func parts(for run: MethodContext) throws -> MethodParts {
    for token in ablation.tokens.keys.sorted() {
      try DiffusionError.require(
        run.prompt.tokens.indices.contains(token), "a token to damp", String(token),
        "0…\(run.prompt.tokens.count - 1)")
    }
    for head in ablation.heads where !run.sites.contains(where: head.isOf) {
      let layers = run.sites.filter { LayerPattern(head.layers).matches($0) }
      guard let most = layers.map(\.heads).max() else {
        throw TraceError.unmatchedPattern(head.layers, sites: run.sites.map(\.path))
      }
      throw DiffusionError.invalidRequest(
        what: "the head of \(head.layers)", got: String(head.head), expected: "0…\(most - 1)")
    }
    var parts = try base.base.parts(for: run)
    // What is taken out of the prompt's pass would change no picture that is made of other passes.
    try DiffusionError.require(
      parts.components?.allSatisfy { $0.embedding == nil } ?? true,
      "the method to take something out of",
      base.name, "one whose picture is made from the whole prompt's attention")
    parts.intervention =
      parts.intervention.map { InterventionSequence([$0, ablation]) } ?? ablation
    return parts
  }
}
