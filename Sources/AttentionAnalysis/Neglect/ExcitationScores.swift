public import AttentionTrace
internal import PromptText
internal import TensorEngine

/// The excitation score of each subject in each pass that predicted the noise: as the run's objective
/// measured it, or made of the maps where nothing was measured.
///
/// Of maps it is made as Attend-and-Excite's loss reads them: the mean over heads, then over the layers of
/// the grid that the run names, softmax of 100 times that over the words, a Gaussian of 3 × 3 cells, the
/// largest value. In Stable Diffusion the softmax is over all tokens that the loss reads, where the maps
/// have them; see ``isOfWordsAlone``.
///
/// In joint attention each row of the mean over heads is divided by its sum over the text, which makes it
/// what cross-attention to that text would have been; then follow frames and layers. Heads come first,
/// though each has a softmax of its own, because many recordings have their mean alone: a run has one
/// score, whichever of its heads were kept.
public struct ExcitationScores: Sendable {
  /// The scores of one pass.
  public struct Point: Sendable {
    /// The pass, of the conditional branch.
    public let call: CallRecord
    /// The score of each subject, in 0…1, in the order of the run's subjects.
    public let scores: [Float]
    /// The loss, as the run's objective measured it; `nil` where it did not.
    public let loss: Float?
  }

  /// The passes with scores, in the order of the steps.
  public let points: [Point]
  /// How the scores were made of the maps; `nil` where the run measured them, or there are none.
  public let recipe: Recipe?
  /// Whether the softmax behind the scores is over the words alone, and not over the end token and the
  /// padding too: such scores are higher, and not to be compared with the others.
  public let isOfWordsAlone: Bool
  /// Whether it is over the words alone because the maps lack other tokens that the loss reads.
  public let lacksTokens: Bool
  /// Why no score can be made of the maps, in words; `nil` where there are scores.
  public let obstacle: String?

  /// The scores of a run.
  /// - Throws: `TraceError` when the store is damaged.
  public init(_ run: RecordedRun) throws {
    let count = run.manifest.subjects.count
    let measured = Self.measured(in: run)
    guard measured.isEmpty, count > 0 else {
      (points, recipe, obstacle) = (measured, nil, nil)
      (isOfWordsAlone, lacksTokens) = (run.lossStopsAtEnd, false)
      return
    }
    let (left, lacksTokens) = Self.leftOut(of: run)
    self.lacksTokens = lacksTokens
    isOfWordsAlone = run.lossStopsAtEnd || left != [.unread]
    do {
      let recipe = Self.recipe(for: run, without: left)
      points = try run.largest(of: run.manifest.subjects, by: recipe).map {
        Point(call: $0.call, scores: $0.values, loss: nil)
      }
      obstacle = points.isEmpty ? "no call has maps" : nil
      self.recipe = points.isEmpty ? nil : recipe
    } catch let error as AnalysisError {
      (points, recipe) = ([], nil)
      obstacle = error.description
    }
  }

  /// What is said below scores that runs did not measure: by which recipes they are made of the maps; nothing
  /// where there are none.
  package static func notes(_ recipes: [Recipe]) -> [String] {
    let all = recipes.map(\.description).uniqued
    return all.isEmpty
      ? []
      : [
        "Excitation scores that a run did not measure are made of its maps by "
          + all.joined(separator: ", or by ") + "."
      ]
  }

  /// The layers whose maps the scores are made of.
  private static func sites(of run: RecordedRun) -> [RecordedSite] {
    Recipe(layers: Recipe.lossGrid).resolved(for: run).chosen(of: run)
  }

  /// What the softmax leaves out: all but the words, so that the score does not depend on what else was
  /// recorded; in Stable Diffusion what its loss leaves out, where the maps have all that this reads.
  private static func leftOut(
    of run: RecordedRun
  ) -> (classes: Set<Recipe.TokenClass>, lacksTokens: Bool) {
    let words: Set<Recipe.TokenClass> = [.start, .end, .padding, .template]
    let manifest = run.manifest
    guard
      manifest.provenance.recorder == nil
        || manifest.method.family == NeglectComparison.plainMethod
    else { return (words, false) }
    let read = RenormalisedTokens(without: [.unread], of: [manifest.tokens], run).tokens
    let hasAll = sites(of: run).allSatisfy { read.isSubset(of: $0.tokens ?? []) }
    return hasAll ? ([.unread], false) : (words, true)
  }

  /// How the scores of a run's subjects are made of its maps.
  private static func recipe(
    for run: RecordedRun, without left: Set<Recipe.TokenClass>
  ) -> Recipe {
    let sites = sites(of: run)
    let isJoint = sites.contains { $0.site.kind == .joint }
    let hasFrames = sites.contains { $0.site.frames != nil }
    let rows: [Recipe.Operation] =
      (isJoint ? [.normalize(without: [])] : [])
      + (hasFrames ? [.reduce(.frame, .mean, .all)] : [])
    do {
      return try Recipe(
        operations: [.reduce(.head, .mean, .all)] + rows + [
          .reduce(.layer, .mean, .layers([Recipe.lossGrid])),
          .softmax(scale: 100, without: left), .smooth(side: 3, sigma: 0.707_106_77),
          .reduce(.step, .mean, .all),
        ],
        pieces: Recipe.PieceReduction(rawValue: run.manifest.request.pieces) ?? .last, tokens: [],
        branches: [.conditional], phases: [.denoise]
      ).resolved(for: run)
    } catch { bug("\(error)") }
  }
}

extension ExcitationScores {
  /// The passes of which a run's journal has scores; no map is read.
  static func measured(in run: RecordedRun) -> [Point] {
    run.noisePredictions.compactMap { call in
      guard let measurement = call.measurement,
        measurement.scores.count == run.manifest.subjects.count
      else { return nil }
      return Point(call: call, scores: measurement.scores, loss: measurement.loss)
    }
  }
}
