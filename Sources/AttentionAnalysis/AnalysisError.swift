/// What keeps a recording from being measured, each in one line.
public enum AnalysisError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A recipe that cannot be read: the column, from 1, and what was expected there.
  case badRecipe(text: String, column: Int, reason: String)
  /// The recording has nothing of what the recipe or the selection asks for.
  case nothingSelected(run: String, what: String, recorded: String)
  /// Runs that do not belong together.
  case notComparable(first: String, second: String, what: String)
  /// A name that means no word of a prompt, and the words there are.
  case unknownWord(name: String, reason: String, words: [String])
  /// Something that would be written is larger than anybody is likely to want.
  case tooLarge(what: String, limit: String)

  /// One line (two for a recipe: a caret stands under the place).
  public var description: String {
    switch self {
    case .badRecipe(let text, let column, let reason):
      "recipe: \(reason) at column \(column)\n  \(text)\n  "
        + String(repeating: " ", count: column - 1) + "^"
    case .nothingSelected(let run, let what, let recorded):
      "\(run): nothing recorded of \(what); what there is: \(recorded)"
    case .notComparable(let first, let second, let what):
      "\(first) and \(second) cannot be compared: \(what)"
    case .unknownWord(let name, let reason, let words):
      "'\(name)': \(reason); the words are \(words.joined(separator: ", "))"
    case .tooLarge(let what, let limit):
      "\(what) is more than \(limit): select less, choose a binary format, or --force it"
    }
  }
}
