import ArgumentParser
import AttentionAnalysis
import AttentionTrace
import Diffusion

/// Numbers of recorded runs.
struct Analyze: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures recorded runs.",
    usage: "heed analyze <run> ... --ask <text> [-o <folder>] [--json] [<options>]",
    discussion: """
      --ask finds where a word would have looked that is not in the prompt. It needs recorded \
      queries (--queries of heed generate, compare and explain) and the checkpoint that made the \
      run. The text is encoded by itself, as in Open-Vocabulary Attention Maps (arXiv 2403.14291): \
      in each recorded layer and call, each head's probabilities are the softmax, over the tokens \
      of that text's own window, of queries times keys. Each word of a longer text gets its map.

      The table gives, for each run and word, the map's largest value and its row and column from \
      0, the map's share of what all tokens' maps hold, and its entropy in nats (log of the number \
      of cells for an even map).
      """)

  @Argument(help: ArgumentHelp("Run folders, or folders that hold them.", valueName: "run"))
  var runs: [String]

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("A word or a text whose words' maps are wanted; repeatable."))
  var ask: [String] = []

  @Option(
    help: ArgumentHelp(
      "How maps are made, as in \"mean(head) mean(layer: 16x16) mean(step: 0..24)\"; without it, "
        + "the mean over heads, layers of the grid that the loss reads, and steps.",
      valueName: "text"))
  var recipe: String?

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("Where to write the maps, a .npy for each word.", valueName: "folder"))
  var output: String?

  @Flag(help: "Print the table as JSON.")
  var json = false

  @OptionGroup(title: "Model, for --ask") var model: ModelOptions

  func validate() throws {
    if ask.isEmpty { throw ValidationError("Say what is wanted: --ask TEXT.") }
  }

  func run() throws {
    let recipe = try recipe.map(Recipe.init(parsing:)) ?? Recipe(layers: Recipe.lossGrid)
    let folders = try runs.flatMap(RunSearch.folders)
    let words = try AskedWords(
      ask, of: try folders.map { try RecordedRun($0) }, from: try model.checkpoint(), by: recipe)
    print(try AskedWordsReport(words, folder: output).text(json: json))
  }
}
