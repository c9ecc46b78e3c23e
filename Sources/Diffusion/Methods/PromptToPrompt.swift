internal import AttentionTrace
internal import PromptText
internal import TensorEngine

/// Prompt-to-prompt: words weigh more or less, or another prompt's maps lay out the picture.
///
/// Hertz, Mokady, Tenenbaum, Aberman, Pritch & Cohen-Or, Prompt-to-Prompt Image Editing with Cross
/// Attention Control, ICLR 2023, section 3.2:
///
/// | here | there |
/// | --- | --- |
/// | `weights` | attention re-weighting, c |
/// | `source` | the prompt 𝒫, whose maps are M_t; the request's prompt is 𝒫* with M*_t |
/// | ``PromptAlignment`` | Edit for word swap (replacement) and prompt refinement |
/// | `crossWindow` | τ, the share of the iterations in which cross-attention maps are edited |
/// | `selfWindow` | the same for self-attention, whose maps are copied |
///
/// Without a source M ⊙ c replaces M in every step; with one, Edit(M_t, M*_t) ⊙ c does inside the
/// window, and M*_t stays outside. Weights of 1 and no source are plain Stable Diffusion, bit for bit.
///
/// - Reference: github.com/google/prompt-to-prompt `prompt-to-prompt_stable.ipynb`.
public struct PromptToPrompt: GenerationMethod {
  /// What a word's attention is multiplied by.
  public struct Weight: Hashable, Sendable {
    /// The word, as the user names it.
    public let word: String
    /// Its tokens.
    public let tokens: [Int]
    /// c.
    public let factor: Double

    /// Describes a weight; see the properties.
    public init(word: String, tokens: [Int], factor: Double) {
      self.word = word
      self.tokens = tokens
      self.factor = factor
    }
  }

  /// A share of a run's iterations.
  public struct Window: Hashable, Sendable {
    /// Where it begins and ends, both in 0…1.
    public let shares: ClosedRange<Double>

    /// The window between two shares of the iterations.
    public init(_ shares: ClosedRange<Double>) { self.shares = shares }

    /// Whether iteration `step` is inside: not before the beginning, and before the end, both without
    /// their fractions.
    public func contains(_ step: Int, of count: Int) -> Bool {
      let (first, end) = (shares.lowerBound * Double(count), shares.upperBound * Double(count))
      return step >= Int(first) && step < Int(end)
    }
  }

  /// Another prompt, whose maps the picture is laid out by.
  public struct Source: Hashable, Sendable {
    /// The prompt; its picture is made from the same noise, in step, and not kept.
    public var prompt: String
    /// How its tokens are those of the request's prompt.
    public var edit: PromptAlignment.Edit
    /// When cross-attention maps are edited.
    public var crossWindow = Window(0...0.8)
    /// When self-attention maps of 32×32 pixels or fewer are copied.
    public var selfWindow = Window(0...0.4)

    /// A source with the published windows.
    public init(prompt: String, edit: PromptAlignment.Edit) {
      self.prompt = prompt
      self.edit = edit
    }
  }

  /// As on the command line.
  public let name = "prompt-to-prompt"
  /// Words that weigh more or less.
  public let weights: [Weight]
  /// The prompt whose maps are taken; `nil` for none.
  public let source: Source?

  /// Weighs words, and takes maps from `source`.
  public init(weights: [Weight] = [], source: Source? = nil) {
    self.weights = weights
    self.source = source
  }

  /// Every knob by its option's name.
  public var settings: [String: String] {
    var settings = [
      "reweight": weights.map { "\($0.word)=\($0.factor)" }.joined(separator: ",")
    ]
    guard let source else { return settings }
    settings["source"] = source.prompt
    settings["edit"] = source.edit.rawValue
    for (name, window) in [
      ("cross-window", source.crossWindow), ("self-window", source.selfWindow),
    ] {
      settings[name] = "\(window.shares.lowerBound),\(window.shares.upperBound)"
    }
    return settings
  }

  /// Weights are not brought back to a sum of 1, and an edited map is of several.
  public var rowsSumToOne: Bool { weights.isEmpty && source == nil }

  /// The intervention, and the run of the source that it takes maps from.
  public func parts(for run: MethodContext) throws -> MethodParts {
    var factors: [Float]?
    if !weights.isEmpty {
      var all = [Float](repeating: 1, count: run.prompt.tokens.count)
      for weight in weights {
        try DiffusionError.require(
          weight.factor.isFinite, "the weight of '\(weight.word)'", String(weight.factor),
          "a number"
        )
        for token in weight.tokens { all[token] *= Float(weight.factor) }
      }
      factors = all
    }
    guard let source else {
      return MethodParts(intervention: factors.map(TokenReweighting.init))
    }
    let alignment = try PromptAlignment(
      from: run.tokens(source.prompt), to: run.prompt, source.edit)
    let maps = SourceMaps(source, iterations: run.iterations)
    var request = run.request
    (request.prompt, request.method, request.subjects) = (source.prompt, .stableDiffusion, [])
    var parts = MethodParts(
      intervention: MapTransfer(alignment: alignment, factors: factors, maps: maps))
    parts.companion = try run.model.sequence(request, observers: [maps])
    return parts
  }
}
