public import AttentionTrace
internal import PromptText
internal import TensorEngine

/// The excitation score of each subject in each pass that predicted the noise: as the run's objective
/// measured it, or made of the maps where nothing was measured.
///
/// Of maps it is made as Attend-and-Excite's loss reads them: the mean over heads and over the layers of
/// the grid that the run names, softmax of 100 times that over the tokens, a Gaussian of 3 × 3 cells, the
/// largest value. Where the maps have every token of the text, the softmax is over those that the loss
/// reads; otherwise over the words alone. The rows of joint attention are first divided by their sum over
/// the text, which makes them what cross-attention to that text would have been.
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
  /// Why no score can be made of the maps, in words; `nil` where there are scores.
  public let obstacle: String?

  /// The scores of a run.
  /// - Throws: `TraceError` when the store is damaged.
  public init(_ run: RecordedRun) throws {
    let count = run.manifest.subjects.count
    let measured = run.noisePredictions.compactMap { call in
      call.measurement.flatMap { measurement in
        measurement.scores.count == count
          ? Point(call: call, scores: measurement.scores, loss: measurement.loss) : nil
      }
    }
    guard measured.isEmpty, count > 0 else {
      (points, recipe, obstacle) = (measured, nil, nil)
      return
    }
    do {
      let recipe = Self.recipe(for: run)
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

  /// How the scores of a run's subjects are made of its maps.
  private static func recipe(for run: RecordedRun) -> Recipe {
    let sites = Recipe(layers: Recipe.lossGrid).resolved(for: run).chosen(of: run)
    let all = Set(run.manifest.tokens.tokens.indices)
    let hasAll = sites.allSatisfy { Set($0.tokens ?? []).isSuperset(of: all) }
    let isJoint = sites.contains { $0.site.kind == .joint }
    let tokens =
      (isJoint ? [Recipe.Operation.normalize(without: [])] : []) + [
        .softmax(scale: 100, without: hasAll ? [.unread] : [.start, .end, .padding, .template])
      ]
    do {
      return try Recipe(
        operations: [
          .reduce(.head, .mean, .all), .reduce(.layer, .mean, .layers([Recipe.lossGrid])),
        ] + tokens + [.smooth(side: 3, sigma: 0.707_106_77), .reduce(.step, .mean, .all)],
        pieces: Recipe.PieceReduction(rawValue: run.manifest.request.pieces) ?? .last, tokens: [],
        branches: [.conditional], phases: [.denoise]
      ).resolved(for: run)
    } catch { bug("\(error)") }
  }
}
