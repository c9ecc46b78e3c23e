public import AttentionTrace
private import Foundation
internal import PromptText
internal import TensorEngine

/// Prompt-to-Prompt: multiplies words' attention, or takes the layout from another prompt's maps.
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
/// window, and M*_t stays outside. Published re-weighting is the latter, the prompt its own source:
/// ``ReweightForm/source``. Weights of 1 and no source are plain Stable Diffusion, bit for bit.
///
/// - Reference: github.com/google/prompt-to-prompt `seq_aligner.py`, `ptp_utils.py`,
///   `null_text_w_ptp.ipynb`, which copies self-attention of up to 32² pixels, and
///   `prompt-to-prompt_stable.ipynb`, which copies that of up to 16².
public struct PromptToPrompt: Method {
  /// A factor for the attention of a word.
  public struct Weight: Hashable, Sendable {
    /// The word, as the user names it, or ``allSubjects``.
    public let word: String
    /// c.
    public let factor: Double

    /// Stands for every subject of the prompt.
    public static let allSubjects = "<subjects>"

    /// A factor for a word.
    public init(_ word: String, _ factor: Double) {
      self.word = word
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
    package func contains(_ step: Int, of count: Int) -> Bool {
      let (first, end) = (shares.lowerBound * Double(count), shares.upperBound * Double(count))
      return step >= Int(first) && step < Int(end)
    }
  }

  /// Whose maps are multiplied where there are weights and no source prompt.
  public enum ReweightForm: String, Hashable, Sendable, CaseIterable {
    /// The run's own, in every step.
    case own
    /// As published, those of a run of the same prompt without weights, inside the windows.
    case source
  }

  public let name = "prompt-to-prompt"
  public let title = "Prompt-to-Prompt"
  public let summary =
    "Prompt-to-Prompt (Hertz et al., ICLR 2023): multiplies words' attention, or takes over another "
    + "prompt's maps."
  /// Factors for the attention of words.
  public var weights: [Weight] = []
  /// A prompt whose maps determine the layout of the picture.
  ///
  /// Its own picture is made in parallel from the same noise, and is not kept.
  public var source: String?
  /// How the source's tokens are those of the request's prompt; `nil` for a replacement where there are
  /// as many words, otherwise a refinement.
  public var edit: PromptAlignment.Edit?
  /// Whose maps are multiplied without a source; `nil` for the run's own.
  public var reweightForm: ReweightForm?
  /// How tokens correspond where their numbers differ; `nil` for word by word.
  public var alignmentForm: PromptAlignment.Form?
  /// Self-attention maps of so many pixels or fewer are copied; `nil` for 32².
  public var selfPixels: Int?
  /// When cross-attention maps are edited; `nil` for the published window.
  public var crossWindow: Window?
  /// When self-attention maps are copied; `nil` for the published window.
  public var selfWindow: Window?

  /// Weighs words, and takes maps from `source`.
  public init(
    weights: [Weight] = [], source: String? = nil, edit: PromptAlignment.Edit? = nil,
    crossWindow: Window? = nil, selfWindow: Window? = nil, reweightForm: ReweightForm? = nil,
    alignmentForm: PromptAlignment.Form? = nil, selfPixels: Int? = nil
  ) {
    self.weights = weights
    self.source = source
    self.edit = edit
    self.reweightForm = reweightForm
    self.alignmentForm = alignmentForm
    self.selfPixels = selfPixels
    self.crossWindow = crossWindow
    self.selfWindow = selfWindow
  }

  /// The published windows of cross-attention and of self-attention.
  private static let published = (cross: Window(0...0.8), own: Window(0...0.4))

  /// Self-attention of more pixels decides details that are not part of the layout.
  private static let mostSelfPixels = 32 * 32

  public static let needsOneOf = ["reweight", "source"]

  public static let knobs: [Knob<PromptToPrompt>] = [
    Knob(
      "reweight",
      "Factors for the attention of words, as in frog=2,cat=0.5; <subjects>=2 is for every subject.",
      placeholder: "word=factor,…", expected: "words and numbers, as in frog=2,cat=0.5",
      write: { method in
        method.weights.isEmpty
          ? nil : method.weights.map { "\($0.word)=\($0.factor)" }.joined(separator: ",")
      },
      read: { method, text in
        var weights: [Weight] = []
        for pair in text.split(separator: ",", omittingEmptySubsequences: false) {
          let sides = pair.split(separator: "=", omittingEmptySubsequences: false)
          guard sides.count == 2,
            let factor = Double(sides[1].trimmingCharacters(in: .whitespaces)), factor.isFinite
          else { return false }
          weights.append(Weight(String(sides[0]).trimmingCharacters(in: .whitespaces), factor))
        }
        method.weights = weights
        return true
      }),
    Knob(
      "source", "A source prompt whose maps determine the layout of the picture.",
      placeholder: "prompt", expected: "a prompt", write: \.source,
      read: { method, text in
        method.source = text
        return !text.isEmpty
      }),
    .choice(
      "edit", \.edit,
      "Replacement: both prompts have as many words; refinement: the prompt adds or drops words. "
        + "(default: replacement where possible)"),
    window(
      "cross-window", \.crossWindow,
      "Fraction of the steps in which cross-attention is edited. (default: 0,0.8)"),
    window(
      "self-window", \.selfWindow,
      "Fraction of the steps in which self-attention is copied. (default: 0,0.4)"),
    .choice(
      "reweight-form", \.reweightForm,
      "Without a source prompt, whose maps are multiplied: the run's own in every step, or as "
        + "published those of the prompt's own source run, inside the windows. (default: own)"),
    .choice(
      "alignment-form", \.alignmentForm,
      "How tokens of the two prompts correspond where their numbers differ: word by word, or index "
        + "by index as in the published code. (default: words)"),
    Knob(
      "self-pixels",
      "Self-attention maps of so many pixels or fewer are copied; 256 in one of the published "
        + "notebooks. (default: 1024)",
      placeholder: "number", expected: "1 to 1000000000",
      write: { $0.selfPixels.map { String($0) } },
      read: { method, text in
        guard let value = Int(text), (1...1_000_000_000).contains(value) else { return false }
        method.selfPixels = value
        return true
      }),
  ]

  private static func window(
    _ name: String, _ path: KnobPath<PromptToPrompt, Window?>, _ help: String
  ) -> Knob<PromptToPrompt> {
    Knob(
      name, help, placeholder: "from,to", expected: "two fractions of the steps, as in 0,0.8",
      write: { method in
        method[keyPath: path].map { "\($0.shares.lowerBound),\($0.shares.upperBound)" }
      },
      read: { method, text in
        guard let sides = Knob<Self>.numbers(text, count: 2), 0 <= sides[0], sides[0] <= sides[1],
          sides[1] <= 1
        else { return false }
        method[keyPath: path] = Window(sides[0]...sides[1])
        return true
      })
  }

  public var needsSubjects: Bool { weights.contains { $0.word == Weight.allSubjects } }

  /// Weights are not brought back to a sum of 1, and an edited map is of several.
  public var rowsSumToOne: Bool { weights.isEmpty && source == nil }

  public func resolved(for run: PlannedRun) throws -> Self {
    var method = self
    method.weights = weights.flatMap { weight in
      weight.word == Weight.allSubjects
        ? run.subjects.map { Weight($0.name, weight.factor) } : [weight]
    }
    _ = try method.factors(in: run.prompt)
    if weights.isEmpty, reweightForm != nil {
      throw DiffusionError.knob(
        name: "reweight-form", reason: "needs weights, as in --reweight frog=2")
    }
    if source == nil, !weights.isEmpty { method.reweightForm = reweightForm ?? .own }
    guard let source = source ?? (reweightForm == .source ? run.request.prompt : nil) else {
      for (name, isGiven) in [
        ("edit", edit != nil), ("cross-window", crossWindow != nil),
        ("self-window", selfWindow != nil), ("alignment-form", alignmentForm != nil),
        ("self-pixels", selfPixels != nil),
      ] where isGiven {
        throw DiffusionError.knob(
          name: name, reason: "needs a source prompt")
      }
      return method
    }
    method.source = source
    let words = run.tokens(source).words
    guard !words.isEmpty else { throw TextError.emptyPrompt }
    method.edit = edit ?? (words.count == run.prompt.words.count ? .replacement : .refinement)
    method.crossWindow = crossWindow ?? Self.published.cross
    method.selfWindow = selfWindow ?? Self.published.own
    method.alignmentForm = alignmentForm ?? .words
    method.selfPixels = selfPixels ?? Self.mostSelfPixels
    return method
  }

  public func texts(for run: PlannedRun) throws -> [EncodedText] {
    source.map {
      [
        EncodedText(
          .source,
          run.model.tokenizer.encode($0, as: run.request.reading, windows: run.windows))
      ]
    } ?? []
  }

  public func notes(for run: PlannedRun) -> [MethodNote] {
    edit.map { [MethodNote("the source prompt is edited by \($0.rawValue)")] } ?? []
  }

  /// The intervention, and the run of the source that it takes maps from.
  public func parts(for run: PlannedRun) throws -> MethodParts {
    let factors = try factors(in: run.prompt)
    guard let source, let edit, let crossWindow, let selfWindow, let alignmentForm, let selfPixels
    else {
      return MethodParts(intervention: factors.map(TokenReweighting.init))
    }
    var request = run.request
    (request.prompt, request.method, request.subjects) = (source, PlainDiffusion(), [])
    (request.recording, request.ablation, request.variation) = (nil, nil, nil)
    let planned = try run.model.plan(request, windows: run.windows)
    var parts = MethodParts()
    parts.companion = SourceRun(
      run: planned,
      alignment: try PromptAlignment(from: planned.prompt, to: run.prompt, edit, alignmentForm),
      factors: factors, windows: (crossWindow, selfWindow), selfPixels: selfPixels)
    return parts
  }

  /// c of each token of the window; `nil` without weights.
  private func factors(in prompt: TokenTable) throws -> [Float]? {
    guard !weights.isEmpty else { return nil }
    let tokens = try weights.map { try WordReference($0.word).tokens(in: prompt) }
    var factors = [Float](repeating: 1, count: prompt.tokens.count)
    for (place, weight) in weights.enumerated() {
      try DiffusionError.require(
        weight.factor.isFinite, "the weight of '\(weight.word)'", String(weight.factor), "a number")
      if let before = tokens[..<place].firstIndex(where: {
        !Set($0).isDisjoint(with: tokens[place])
      }) {
        throw DiffusionError.knob(
          name: "reweight",
          reason:
            "names '\(weights[before].word)' and '\(weight.word)', which share a token; a token "
            + "has one weight")
      }
      for token in tokens[place] { factors[token] = Float(weight.factor) }
    }
    return factors
  }
}
