package import AttentionTrace
internal import PromptText

/// Plain and excited runs from the same noise, and the effect of excitation over seeds.
public struct NeglectComparison: Sendable {
  /// One subject's excitation score by seed, plain and excited.
  public struct Change: Hashable, Sendable {
    /// The prompt.
    public let prompt: String
    /// The method that is compared with the plain one.
    public let method: String
    /// What people call it.
    package let title: String
    /// The subject; `nil` for the weaker one of each run.
    public let subject: String?
    /// The seeds that both methods have, ascending.
    public let seeds: [UInt64]
    /// The mean over seeds, plain.
    public let plain: Double
    /// The mean over seeds, excited.
    public let excited: Double
    /// Excited − plain of each seed: its mean and interval.
    public let difference: BootstrapInterval
    /// How many of the plain runs neglected or lost it.
    public let plainNeglected: Int
    /// How many of the excited runs did.
    public let excitedNeglected: Int
  }

  /// By prompt and method, the subjects in their order, then the weaker one.
  public let changes: [Change]

  /// The method that all others are compared with.
  public static let plainMethod = "stable-diffusion"

  /// The method that the others among `runs` are compared with: plain Stable Diffusion where it is there,
  /// otherwise the first pipeline that another program recorded and nothing altered.
  package static func baseline(of runs: [RunManifest]) -> String {
    if runs.contains(where: { $0.method.name == plainMethod }) { return plainMethod }
    let recorded = runs.first {
      $0.provenance.recorder != nil && $0.method.alteredSteps == 0
    }
    return recorded?.method.name ?? plainMethod
  }

  /// The names of the methods among `runs`, the one that all others are compared with first.
  package static func methods(of runs: [RunManifest]) -> [String] {
    let names = runs.map(\.method.name).uniqued
    let baseline = baseline(of: runs)
    return names.filter { $0 == baseline } + names.filter { $0 != baseline }
  }

  /// Pairs reports of the same prompt, checkpoint and seed.
  /// - Throws: ``AnalysisError/notComparable(first:second:what:)`` when two runs that would be paired
  ///   differ in more than their method, or their scores are over other tokens.
  public init(_ reports: [NeglectReport], bootstrap: Bootstrap = Bootstrap()) throws {
    var changes: [Change] = []
    for prompt in reports.map(\.manifest.tokens.prompt).uniqued {
      let runs = reports.filter { $0.manifest.tokens.prompt == prompt }
      let baseline = Self.baseline(of: runs.map(\.manifest))
      let plain = runs.filter { $0.manifest.method.name == baseline }
      for method in Self.methods(of: runs.map(\.manifest)) where method != baseline {
        let pairs = try Self.pairs(plain, runs.filter { $0.manifest.method.name == method })
        guard let first = pairs.first else { continue }
        let names = first.plain.subjects.map(\.subject.name)
        for subject in names.map(Optional.some) + (names.count > 1 ? [nil] : []) {
          changes.append(
            Self.change(prompt, first.excited.manifest.method, subject, pairs, bootstrap))
        }
      }
    }
    self.changes = changes
  }

  private typealias Pair = (plain: NeglectReport, excited: NeglectReport)

  private static func pairs(
    _ plain: [NeglectReport], _ excited: [NeglectReport]
  ) throws -> [Pair] {
    try excited.sorted { $0.manifest.seed < $1.manifest.seed }.compactMap { excited in
      // Scores of two pipelines are read of other layers and other noise.
      guard
        let partner = plain.first(where: {
          $0.manifest.seed == excited.manifest.seed
            && !$0.manifest.isOfOtherPipeline(than: excited.manifest)
        })
      else { return nil }
      if let what = partner.manifest.incomparability(with: excited.manifest) {
        throw AnalysisError.notComparable(first: partner.path, second: excited.path, what: what)
      }
      if partner.scoreRecipe != nil || excited.scoreRecipe != nil,
        partner.isOfWordsAlone != excited.isOfWordsAlone
      {
        throw AnalysisError.notComparable(
          first: partner.path, second: excited.path,
          what:
            "the excitation scores of one are over the words alone, those of the other over all "
            + "tokens that the loss reads; record both with every token")
      }
      return (partner, excited)
    }
  }

  private static func change(
    _ prompt: String, _ method: RunManifest.Method, _ subject: String?, _ pairs: [Pair],
    _ bootstrap: Bootstrap
  ) -> Change {
    func score(_ report: NeglectReport) -> Double {
      Double(
        subject == nil
          ? report.weakest : report.subjects.first { $0.subject.name == subject }?.score ?? .nan)
    }
    func isNeglected(_ report: NeglectReport) -> Bool {
      report.subjects.contains {
        (subject == nil || $0.subject.name == subject)
          && $0.verdict.isNeglect
      }
    }
    let values = pairs.map { (earlier: score($0.plain), later: score($0.excited)) }
    return Change(
      prompt: prompt, method: method.name, title: method.figureTitle, subject: subject,
      seeds: pairs.map(\.plain.manifest.seed),
      plain: bootstrap.interval(of: values.map(\.earlier)).estimate,
      excited: bootstrap.interval(of: values.map(\.later)).estimate,
      difference: bootstrap.pairedDifference(of: values),
      plainNeglected: pairs.count { isNeglected($0.plain) },
      excitedNeglected: pairs.count { isNeglected($0.excited) })
  }
}

extension Array where Element: Equatable {
  /// Each element once, at its first place.
  package var uniqued: [Element] {
    reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}
