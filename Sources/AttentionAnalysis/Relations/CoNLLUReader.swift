internal import PromptText
internal import TensorEngine

/// Reads the words and dependencies of CoNLL-U.
///
/// Source: https://universaldependencies.org/format.html.
struct CoNLLUReader {
  /// The columns of a line: ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC.
  static let width = 10

  private struct Word {
    let form: String
    /// `head` is the head's number in the sentence, 0 for the root.
    let edges: [(head: Int, relation: String)]
    let line: NumberedLine
  }

  private let analysis: DependencyFile.Analysis
  private var prompts: [DependencyFile.Prompt] = []
  /// The sentences of the prompt that is being read.
  private var sentences: [[Word]] = []
  /// Their texts.
  private var texts: [String] = []
  /// The sentence that is being read.
  private var words: [Word] = []

  init(analysis: DependencyFile.Analysis) { self.analysis = analysis }

  mutating func prompts(of lines: some Sequence<NumberedLine>) throws -> [DependencyFile.Prompt] {
    for line in lines {
      if line.isBlank {
        try endSentence()
      } else if line.isComment {
        try readComment(line)
      } else if let word = try word(of: line) {
        words.append(word)
      }
    }
    try endPrompt()
    return prompts
  }

  private mutating func readComment(_ line: NumberedLine) throws {
    let comment = line.text.dropFirst().drop { $0.isWhitespace }
    if comment.hasPrefix("newdoc") {
      try endPrompt()
    } else if let sign = comment.firstIndex(of: "="),
      comment[..<sign].split(whereSeparator: \.isWhitespace) == ["text"]
    {
      texts.append(String(comment[comment.index(after: sign)...].drop { $0.isWhitespace }))
    }
  }

  // MARK: - Words

  /// The word of a line; `nil` for a token of several words and an empty node.
  private func word(of line: NumberedLine) throws -> Word? {
    let fields = line.fields(separatedBy: "\t")
    guard fields.count == Self.width else {
      throw line.failure(
        "expected CoNLL-U's \(Self.width) columns between tabs, got \(fields.count)")
    }
    let number = fields[0].split(separator: "-").flatMap { $0.split(separator: ".") }
    guard (1...2) ~= number.count, number.allSatisfy({ Int($0) != nil }) else {
      throw line.failure(
        "expected a word's number in column 1, as in 3, 3-4 or 3.1, got \(FileError.quoted(fields[0]))"
      )
    }
    guard number.count == 1 else { return nil }
    guard Int(fields[0]) == words.count + 1 else {
      throw line.failure(
        "expected word \(words.count + 1) of the sentence, got \(FileError.quoted(fields[0]))")
    }
    guard !fields[1].isEmpty else { throw line.failure("expected a word in column 2, got nothing") }
    return Word(form: fields[1], edges: try edges(of: fields, line), line: line)
  }

  private func edges(
    of fields: [String], _ line: NumberedLine
  ) throws -> [(head: Int, relation: String)] {
    switch analysis {
    case .basic:
      guard let head = Int(fields[6]), head >= 0 else {
        throw line.failure(
          "expected the number of the head's word in column 7, got \(FileError.quoted(fields[6]))")
      }
      guard !["", "_"].contains(fields[7]) else {
        throw line.failure("expected a relation in column 8, got \(FileError.quoted(fields[7]))")
      }
      return [(head, fields[7])]
    case .enhanced:
      return try fields[8].split(separator: "|", omittingEmptySubsequences: false).compactMap {
        try enhancedEdge(String($0), line)
      }
    }
  }

  /// An edge written as `5:nmod:of`; `nil` if its head is an empty node, as in `5.1:nsubj`.
  private func enhancedEdge(
    _ text: String, _ line: NumberedLine
  ) throws -> (head: Int, relation: String)? {
    let parts = text.split(separator: ":", maxSplits: 1)
    let number = parts.first?.split(separator: ".", maxSplits: 1) ?? []
    guard parts.count == 2, let head = number.first.flatMap({ Int($0) }), head >= 0 else {
      throw line.failure(
        "expected a head and its relation in column 9, as in 5:nmod:of, got "
          + FileError.quoted(text))
    }
    return number.count == 1 ? (head, String(parts[1])) : nil
  }

  // MARK: - Ends

  private mutating func endSentence() throws {
    for (place, word) in words.enumerated() {
      for edge in word.edges where edge.head > words.count || edge.head == place + 1 {
        throw word.line.failure(
          "expected another word's number, of the \(words.count) of the sentence, as the head, got "
            + "\(edge.head)")
      }
    }
    if !words.isEmpty { sentences.append(words) }
    words = []
  }

  private mutating func endPrompt() throws {
    try endSentence()
    guard !sentences.isEmpty else { return }
    let names = Self.names(of: sentences)
    let relations = zip(sentences, names).flatMap { words, names in
      zip(words, names).flatMap { word, name in
        word.edges.filter { $0.head > 0 }.map { edge in
          WordRelation(relation: edge.relation, head: names[edge.head - 1], dependent: name)
        }
      }
    }
    prompts.append(
      DependencyFile.Prompt(
        text: texts.count == sentences.count ? texts.joined(separator: " ") : nil,
        relations: relations))
    (sentences, texts) = ([], [])
  }

  /// How a user names the words of each sentence.
  private static func names(of sentences: [[Word]]) -> [[String]] {
    var counts: [String: Int] = [:]
    for word in sentences.joined() { counts[word.form.lowercased(), default: 0] += 1 }
    var seen: [String: Int] = [:]
    return sentences.map { words in
      words.map { word in
        let text = word.form.lowercased()
        seen[text, default: 0] += 1
        let isOnlyOne = counts[text] == 1 && !word.form.allSatisfy(\.isNumber)
        return WordReference.words(word.form, occurrence: isOnlyOne ? nil : seen[text]).description
      }
    }
  }
}
