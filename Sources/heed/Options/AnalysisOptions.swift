import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import PromptText

/// The words and maps of a report.
struct AnalysisOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Words, separated by commas: frog, frog#2 for its second occurrence, @5 for a token's index, \
      <start>, <end>, <padding>. (default: those of the recipe, or the run's subjects)
      """, valueName: "words"))
  var tokens: String?

  @Option(
    help: ArgumentHelp(
      """
      How maps are aggregated, as in "mean(head) mean(layer: 16x16) mean(step: 0..24)", or \
      attend-and-excite, notebook, prompt-to-prompt or daam. (default: the mean over heads, layers of \
      the grid that the loss reads, and steps)
      """, valueName: "text"))
  var recipe: String?

  @Option(
    help: ArgumentHelp(
      "Axes to keep instead of reducing them: layer, head, step, frame.",
      valueName: "axes"))
  var by: String?

  /// The recipe, and the head weights it names.
  func parsedRecipe() throws -> (recipe: Recipe, weights: [String: HeadWeights]) {
    let recipe = try recipe.map(Recipe.init(parsing:)) ?? Recipe(layers: Recipe.lossGrid)
    return (recipe, try HeadWeights.named(by: recipe))
  }

  /// What is measured by the recipe.
  func measurement() throws -> RunMeasurement {
    let (recipe, weights) = try parsedRecipe()
    return RunMeasurement(by: recipe, keeping: try keptAxes(), weights: weights)
  }

  private func keptAxes() throws -> Set<Recipe.Axis> {
    let names = by?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
    return Set(
      try names.map { name in
        guard let axis = Recipe.Axis(rawValue: name), axis != .branch else {
          throw Failure(
            .usage, "--by is '\(by ?? "")'; '\(name)' is not layer, head, step or frame")
        }
        return axis
      })
  }

  /// The words meant in a run.
  func words(of run: RecordedRun) throws -> [Subject] {
    let recipe = try parsedRecipe().recipe
    let named = try tokens.map(WordReference.list) ?? recipe.tokens
    if !named.isEmpty { return try run.subjects(named, by: recipe) }
    guard !run.manifest.subjects.isEmpty else {
      throw Failure(
        .usage, "\(run.folder.path) was made without subjects; name words with --tokens")
    }
    return try run.subjects(run.manifest.subjects, by: recipe)
  }
}
