package import AttentionTrace
internal import TensorEngine

/// Reasons why a recording cannot be measured, each described in one line.
public enum AnalysisError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A recipe that cannot be read: the column, from 1, and what was expected there.
  case badRecipe(text: String, column: Int, reason: String)
  /// The recording does not have what the recipe or the selection asks for.
  case nothingSelected(run: String, what: String, recorded: String)
  /// Two runs or maps that cannot be compared.
  case notComparable(first: String, second: String, what: String)
  /// No run has one of its prompt and seed by the method that others are compared with; the runs that were
  /// given.
  case noPair(runs: [String])
  /// A file of relations has no relation of a run's prompt.
  case noRelation(path: String, prompt: String, run: String)
  /// A file would be larger than the limit for unconfirmed output.
  case tooLarge(what: String, limit: String)

  /// One line (two for a recipe: a caret marks the place).
  public var description: String {
    switch self {
    case .badRecipe(let text, let column, let reason):
      "recipe: \(reason) at column \(column)\n  \(FileError.printable(text))\n  "
        + FileError.printable(String(text.prefix(column - 1))).map { _ in " " }.joined() + "^"
    case .nothingSelected(let run, let what, let recorded):
      "\(run): \(what) was not recorded; recorded: \(recorded)"
    case .notComparable(let first, let second, let what):
      "\(first) and \(second) cannot be compared: \(what)"
    case .noPair(let runs):
      "a difference needs runs of one prompt and seed by two methods; found "
        + runs.joined(separator: ", ")
    case .noRelation(let path, let prompt, let run):
      "\(path): no relation of the prompt '\(prompt)' (\(run))"
    case .tooLarge(let what, let limit):
      "\(what) is more than \(limit): select less, choose a binary format, or allow large tables"
    }
  }
}

extension AnalysisError {
  /// That two runs' maps are on two grids, and the recipe that brings them to one.
  package static func otherGrids(
    _ first: String, _ one: Grid, _ second: String, _ other: Grid
  ) -> AnalysisError {
    let common = Grid(rows: min(one.rows, other.rows), columns: min(one.columns, other.columns))
    return .notComparable(
      first: first, second: second,
      what: "their maps are on \(one) and \(other) cells; bring them to one grid, as in --recipe "
        + "\"mean(layer: loss-grid) resize(pixel: bilinear \(common))\"")
  }
}
