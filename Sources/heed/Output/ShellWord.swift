import Foundation

/// Words of a shell's command line.
enum ShellWord {
  /// A word as a shell reads it back.
  static func quoted(_ word: String) -> String {
    let plain = "_-./,=:+@%"
    let isPlain = word.unicodeScalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
        || plain.unicodeScalars.contains($0)
    }
    return isPlain && !word.isEmpty
      ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }

  /// The words without flags, and without options and their values.
  static func without(_ words: [String], flags: Set<String>, options: Set<String>) -> [String] {
    var kept: [String] = []
    var isValue = false
    for word in words {
      let name = String(word.prefix { $0 != "=" })
      if isValue {
        isValue = false
      } else if options.contains(name) {
        isValue = name == word
      } else if !flags.contains(word) {
        kept.append(word)
      }
    }
    return kept
  }
}
