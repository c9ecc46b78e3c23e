import AttentionAnalysis
import Diffusion
import Figures
import TensorEngine

/// A sheet's rows and columns in a small YAML file.
enum SheetFile {
  private static let keys = [
    "rows", "columns", "words", "steps", "pictures", "difference", "recipe",
  ]

  /// Reads the file at `path`.
  /// - Throws: `FileError` with the key and what is wrong there.
  static func read(_ path: String) throws -> MapSheetPlan {
    let root = try YAMLDocument.read(path: path)
    for key in try root.object().keys where !keys.contains(key) {
      throw root.failure(
        "expected keys among \(keys.joined(separator: ", ")), got \(FileError.quoted(key))")
    }
    var plan = MapSheetPlan(
      rows: try facets(root.member("rows")), columns: try facets(root.member("columns")))
    if let words = try root.optionalMember("words") {
      if case .string(let text) = words.value {
        guard text == "all" else { throw words.failure("expected a list of words, or all") }
        plan.showsAllTokens = true
      } else {
        plan.words = try words.strings()
      }
    }
    if let steps = try root.optionalMember("steps") {
      plan.steps = try steps.integers()
      guard plan.steps.allSatisfy({ $0 >= 0 }) else {
        throw steps.failure("expected steps from 0 on")
      }
    }
    plan.showsPictures = try root.optionalMember("pictures")?.bool() ?? false
    plan.showsDifferences = try root.optionalMember("difference")?.bool() ?? false
    if let recipe = try root.optionalMember("recipe"), try !recipe.string().isEmpty {
      do {
        plan.recipe = try Recipe(parsing: recipe.string()).description
      } catch let error as AnalysisError {
        throw recipe.failure("\(error)")
      }
    }
    return plan
  }

  private static func facets(_ node: JSONNode) throws -> [MapSheetPlan.Facet] {
    try node.elements().map { element in
      guard let facet = MapSheetPlan.Facet(rawValue: try element.string()) else {
        let names = MapSheetPlan.Facet.allCases.map(\.rawValue).joined(separator: ", ")
        throw element.failure("expected one of \(names)")
      }
      return facet
    }
  }

  /// The file that ``read(_:)`` makes `plan` of.
  static func text(_ plan: MapSheetPlan) -> String {
    func quoted(_ text: String) -> String {
      "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
    func list(_ items: [String]) -> String { "[\(items.joined(separator: ", "))]" }
    let words = plan.showsAllTokens ? "all" : list(plan.words.map(quoted))
    return """
      # method, seed, word, layer, head, step: from the outermost to the innermost.
      rows: \(list(plan.rows.map(\.rawValue)))
      columns: \(list(plan.columns.map(\.rawValue)))
      # Words as in [cat, "frog#2", "<start>"]; all for every token; none for the runs' subjects.
      words: \(words)
      # Where steps stand apart; none for eight from the first to the last.
      steps: \(list(plan.steps.map(String.init)))
      # Whether each run's picture stands before its maps.
      pictures: \(plan.showsPictures)
      # Whether maps are those with excitation less those without.
      difference: \(plan.showsDifferences)
      # How maps are made; none for the mean over heads, the layers that the loss reads, and steps.
      recipe: \(quoted(plan.recipe))
      """
  }
}
