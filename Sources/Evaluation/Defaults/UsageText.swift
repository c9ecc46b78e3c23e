/// What ArgumentParser says of wrong arguments, in the words that the rest of the command has.
package enum UsageText {
  /// A wrong value and the right ones, as in `--rng is 'foo'; expected torch, torch-cuda or numpy`;
  /// `nil` for a message of something else.
  package static func wrongValue(_ message: String) -> String? {
    let form = /The value '(.*)' is invalid for '(--?[^ ']+)[^']*'(.*)/
    guard let found = message.wholeMatch(of: form) else { return nil }
    let (_, value, option, rest) = found.output
    // Up to five are quoted; more are a list with dashes.
    let names =
      rest.contains("following:")
      ? rest.split(separator: " - ").dropFirst().map(trimmed)
      : rest.matches(of: /'([^']*)'/).map { String($0.output.1) }
    if rest.hasPrefix(". Please provide one of"), !names.isEmpty {
      return "\(option) is '\(value)'; expected \(choice(of: names))"
    }
    return rest.isEmpty ? "\(option) is '\(value)', which is not a value of it" : nil
  }

  private static func trimmed(_ text: Substring) -> String {
    text.split(separator: " ").joined(separator: " ")
  }

  /// `a`, `a or b`, `a, b or c`.
  package static func choice(of names: [String]) -> String {
    names.count < 2
      ? names.first ?? ""
      : names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
  }

  /// The commands whose first argument is a text, and how many words may stand before it.
  private static let texts = ["compare": 0, "generate": 0, "sweep": 0, "tokens": 0, "explain": 1]

  /// That a text of several words needs quotes, if that is what went wrong.
  /// - Parameters:
  ///   - message: what ArgumentParser said.
  ///   - arguments: all of the command's, its name first.
  package static func quotingHint(_ message: String, _ arguments: [String]) -> String? {
    let isUnexpected =
      message.hasPrefix("Unexpected argument") || message.contains(" unexpected arguments: ")
    guard isUnexpected, let command = arguments.first, let before = texts[command] else {
      return nil
    }
    let words = arguments.dropFirst().prefix { !$0.hasPrefix("-") }
    guard words.count > before + 1 else { return nil }
    let all = words.prefix(before) + ["\"\(words.dropFirst(before).joined(separator: " "))\""]
    return " Put a text of several words in quotes: heed \(command) "
      + all.joined(separator: " ") + "."
  }
}
