/// The word by which a prompt names a thing.
struct SubjectWord {
  private let prompt: [Unicode.Scalar]

  /// Finds words in `prompt`.
  init(in prompt: String) { self.prompt = Array(prompt.lowercased().unicodeScalars) }

  /// Where whole words stand in the prompt, in any case of letters, as a number of characters; `nil` if
  /// they do not.
  func place(of words: String) -> Int? {
    let sought = Array(words.lowercased().unicodeScalars)
    guard !sought.isEmpty, sought.count <= prompt.count else { return nil }
    return (0...prompt.count - sought.count).first { start in
      let end = start + sought.count
      return prompt[start] == sought[0] && Array(prompt[start..<end]) == sought
        && (start == 0 || !Self.isOfWord(prompt[start - 1]))
        && (end == prompt.count || !Self.isOfWord(prompt[end]))
    }
  }

  /// The form of a noun that stands in the prompt: itself, its plural or its singular.
  func form(of noun: String) -> String? {
    Self.forms(of: noun).first { place(of: $0) != nil }
  }

  private static func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || scalar.properties.numericType != nil
  }

  /// A noun, and what it may be as one or as several; not every form is a word.
  static func forms(of noun: String) -> [String] {
    var forms = [noun, noun + "s", noun + "es"]
    func add(_ end: String, _ other: String) {
      if noun.hasSuffix(end) { forms.append(noun.dropLast(end.count) + other) }
    }
    add("y", "ies")
    add("f", "ves")
    add("fe", "ves")
    add("man", "men")
    add("child", "children")
    add("person", "people")
    add("s", "")
    add("es", "")
    add("ies", "y")
    add("ves", "f")
    add("ves", "fe")
    add("men", "man")
    add("children", "child")
    add("people", "person")
    return forms
  }
}

extension SubjectWord {
  /// Words in the order in which the prompt has them first, each once.
  func sorted(_ words: [String]) -> [String] {
    var seen: Set<String> = []
    return words.filter { seen.insert($0).inserted }
      .map { (word: $0, place: place(of: $0) ?? .max) }
      .sorted { $0.place < $1.place }.map(\.word)
  }
}
