internal import Foundation
package import PromptText
internal import TensorEngine

/// The tokens along the last axis of maps that another program saved, as a file lists them.
///
/// The file is JSON: a list with an entry for each token, or an object with that list as `tokens` and, if
/// it likes, the `prompt`. An entry is the token's spelling, or an object:
///
/// | key | what it is |
/// | --- | --- |
/// | `piece` | the spelling |
/// | `word` | the word that the token belongs to; without it, words follow from the spellings |
/// | `special` | `start`, `end`, `padding` or `template`, for what is no part of the prompt |
/// | `id` | the id in the vocabulary |
/// | `encoder` | the text encoder, where several read the prompt one after the other: a word has tokens in each |
///
/// Spellings say where words end, as CLIP's `cat</w>`, or where they begin, as T5's `▁cat` and Qwen's
/// `Ġcat`; if none does, every token is a word. Known spellings of special tokens, as `<|endoftext|>`,
/// `</s>` and `<pad>`, are special without being called so; an end token that is repeated is padding. The
/// characters that stand for bytes in vocabularies such as CLIP's and Qwen's, and T5's `<0xC3>`, are read as
/// the text that the bytes are.
package struct ImportedTokens {
  /// One entry of the file.
  private struct Entry {
    let place: JSONNode
    let piece: String
    var word: String?
    var special: TokenTable.Token.Special?
    let id: Int?
    let encoder: String?
  }

  /// How spellings say where words are, and which characters stand for bytes.
  private enum Spelling {
    case ends(String)
    case begins(String)
    case apart

    /// The bytes of what pieces without their marks spell; `nil` where a character stands for none, and
    /// where vocabularies have no such characters.
    func bytes(of spelt: String) -> [UInt8]? {
      switch self {
      case .apart: return nil
      case .ends, .begins("Ġ"): return ByteAlphabet.bytes(of: spelt)
      case .begins:
        var bytes: [UInt8] = []
        var rest = spelt[...]
        while let mark = rest.firstMatch(of: #/<0x([0-9A-Fa-f]{2})>/#),
          let byte = UInt8(mark.1, radix: 16)
        {
          bytes += Array(rest[..<mark.range.lowerBound].utf8) + [byte]
          rest = rest[mark.range.upperBound...]
        }
        return bytes + Array(rest.utf8)
      }
    }

    /// What pieces without their marks spell, in lower case: the text of their bytes, or they themselves
    /// where a program wrote the text.
    func text(of spelt: String) -> String {
      let text = bytes(of: spelt).flatMap { String(validating: $0, as: UTF8.self) } ?? spelt
      return text.lowercased().trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Whether a piece is a sign alone, as a full stop; some of the bytes of a letter are none.
    func isSign(_ spelt: String) -> Bool {
      if let bytes = bytes(of: spelt), String(validating: bytes, as: UTF8.self) == nil {
        return false
      }
      return !text(of: spelt).contains { $0.isLetter || $0.isNumber }
    }
  }

  private static let known: [TokenTable.Token.Special: Set<String>] = [
    .start: ["<|startoftext|>", "<s>", "<bos>", "[CLS]", "<start>"],
    .end: ["<|endoftext|>", "</s>", "<eos>", "[SEP]", "<end>"],
    .padding: ["<pad>", "[PAD]", "<|padding|>", "<padding>"],
  ]

  private let file: String
  private let entries: [Entry]
  private let prompt: String?

  /// Reads the file at `path`.
  /// - Throws: `FileError` with the place of what is wrong.
  package init(contentsOf path: String) throws {
    let document = try StrictJSON.read(path: path)
    var list = document
    var prompt: String?
    if case .object = document.value {
      list = try document.member("tokens")
      prompt = try document.optionalMember("prompt")?.string()
    }
    (file, self.prompt) = (path, prompt)
    var entries = try list.elements().map(Self.entry)
    guard !entries.isEmpty else { throw list.failure("expected a token, got none") }
    for place in entries.indices where entries[place].special == nil {
      let piece = entries[place].piece
      guard entries[place].word == nil else { continue }
      entries[place].special = Self.known.first { $0.value.contains(piece) }?.key
    }
    // CLIP fills its window with end tokens.
    for place in entries.indices.dropFirst() where entries[place].special == .end {
      let before = entries[place - 1]
      if before.special == .padding || before.special == .end,
        before.piece == entries[place].piece, before.encoder == entries[place].encoder
      {
        entries[place].special = .padding
      }
    }
    self.entries = entries
  }

  private static func entry(_ node: JSONNode) throws -> Entry {
    if case .string(let piece) = node.value {
      return Entry(place: node, piece: piece, word: nil, special: nil, id: nil, encoder: nil)
    }
    guard case .object(let object) = node.value else {
      throw node.failure("expected a spelling or an object, got \(node.value.kindName)")
    }
    let keys = ["piece", "word", "special", "id", "encoder"]
    if let key = object.keys.first(where: { !keys.contains($0) }) {
      throw node.failure(
        "expected \(keys.joined(separator: ", ")), got the key \(FileError.quoted(key))")
    }
    let special = try node.optionalMember("special").map { member in
      let name = try member.string()
      guard let kind = TokenTable.Token.Special(rawValue: name) else {
        throw member.failure(
          "expected start, end, padding or template, got \(FileError.quoted(name))")
      }
      return kind
    }
    let word = try node.optionalMember("word")
    if let word, special != nil {
      throw word.failure("expected no word of a special token")
    }
    let id = try node.optionalMember("id")
    let number = try id?.integer()
    if let id, let number, number < 0 { throw id.failure("expected 0 or more, got \(number)") }
    return Entry(
      place: node, piece: try node.member("piece").string(),
      word: try word?.string().lowercased(), special: special, id: number,
      encoder: try node.optionalMember("encoder")?.string())
  }

  // MARK: - Words

  /// A word, how its pieces spell it, and the places of its tokens.
  private struct Word {
    var text: String
    /// `nil` where the file names the word.
    var spelt: String?
    var tokens: [Int]
  }

  /// The prompt as these tokens read it.
  /// - Parameter prompt: the text that they were made of; `nil` for the file's, or for the words with
  ///   spaces between them.
  /// - Throws: `FileError` for a word that the prompt does not have at its place, and for special tokens in
  ///   an order that no text encoder has.
  package func table(prompt given: String? = nil) throws -> TokenTable {
    let words = self.words
    let text = given ?? prompt
    var (joined, ranges) = ("", [Range<Int>]())
    if let text {
      joined = text
      ranges = try places(of: words, in: text)
    } else {
      for word in words {
        let isSign = !word.text.contains { $0.isLetter || $0.isNumber }
        if !joined.isEmpty, !isSign { joined += " " }
        let first = joined.utf8.count
        joined += word.text
        ranges.append(first..<joined.utf8.count)
      }
    }
    var owners: [Int: Int] = [:]
    for (place, word) in words.enumerated() {
      for token in word.tokens { owners[token] = place }
    }
    var counts: [String: Int] = [:]
    let made = words.indices.map { place in
      counts[words[place].text, default: 0] += 1
      return TokenTable.Word(
        text: words[place].text, occurrence: counts[words[place].text, default: 1],
        tokens: words[place].tokens, range: ranges[place])
    }
    let tokens = entries.indices.map { place in
      TokenTable.Token(
        index: place, id: entries[place].id ?? 0, piece: entries[place].piece,
        range: owners[place].map { ranges[$0] }, word: owners[place],
        special: entries[place].special)
    }
    return TokenTable(
      prompt: joined, tokens: tokens, words: made, leftOut: [], segments: try segments)
  }

  /// The places of the tokens of each text encoder.
  private var encoders: [Range<Int>] {
    let starts = entries.indices.filter { place in
      place == 0 || entries[place].encoder != entries[place - 1].encoder
    }
    return zip(starts, starts.dropFirst() + [entries.count]).map { $0..<$1 }
  }

  /// The words in their order, each with its tokens of every text encoder.
  private var words: [Word] {
    var words: [Word] = []
    for encoder in encoders {
      var seen: [String: Int] = [:]
      for word in self.words(of: encoder) {
        seen[word.text, default: 0] += 1
        let alike = words.indices.filter { words[$0].text == word.text }
        if let count = seen[word.text], alike.indices.contains(count - 1),
          !words[alike[count - 1]].tokens.contains(where: encoder.contains)
        {
          words[alike[count - 1]].tokens += word.tokens
        } else {
          words.append(word)
        }
      }
    }
    return words
  }

  /// The words of one text encoder.
  private func words(of encoder: Range<Int>) -> [Word] {
    let plain = entries[encoder].filter { $0.special == nil }.map(\.piece)
    let spelling: Spelling =
      if plain.contains(where: { $0.hasSuffix("</w>") }) {
        .ends("</w>")
      } else if let mark = ["▁", "Ġ"].first(where: { mark in
        plain.contains { $0.hasPrefix(mark) }
      }) {
        .begins(mark)
      } else {
        .apart
      }
    var words: [Word] = []
    var isOpen = false
    for place in encoder {
      let entry = entries[place]
      guard entry.special == nil else {
        isOpen = false
        continue
      }
      let (spelt, begins, ends) = Self.read(entry, spelling)
      // A sign alone is no part of the word before it.
      let isSign = entry.word == nil && spelling.isSign(spelt)
      let text = entry.word ?? spelling.text(of: spelt)
      if isOpen, !isSign, let last = words.indices.last,
        entry.word.map({ $0 == words[last].text }) ?? !begins,
        entry.word == nil && words[last].spelt != nil || lacksPieces(words[last], spelling)
      {
        words[last].tokens.append(place)
        if let before = words[last].spelt, entry.word == nil {
          words[last].spelt = before + spelt
          words[last].text = spelling.text(of: before + spelt)
        }
      } else if !text.isEmpty || entry.word != nil {
        words.append(
          Word(text: text, spelt: entry.word == nil ? spelt : nil, tokens: [place]))
      }
      isOpen = !ends && !isSign
    }
    return words
  }

  /// A token's piece without its mark, and whether a word begins or ends with it.
  private static func read(
    _ entry: Entry, _ spelling: Spelling
  ) -> (spelt: String, begins: Bool, ends: Bool) {
    let piece = entry.piece
    switch spelling {
    case .ends(let mark):
      return piece.hasSuffix(mark)
        ? (String(piece.dropLast(mark.count)), false, entry.word == nil) : (piece, false, false)
    case .begins(let mark):
      let begins = piece.hasPrefix(mark)
      return (begins ? String(piece.dropFirst(mark.count)) : piece, begins, false)
    case .apart: return (piece, true, false)
    }
  }

  /// Whether a word that was named has more pieces than it was given so far: of two equal words beside
  /// each other, each has its own.
  private func lacksPieces(_ word: Word, _ spelling: Spelling) -> Bool {
    let spelt = word.tokens.map { Self.read(entries[$0], spelling).spelt }.joined()
    let text = spelling.text(of: spelt)
    return text != word.text
      && (spelling.bytes(of: spelt) ?? Array(text.utf8)).count < word.text.utf8.count
  }

  /// Where the words stand in a text, one after the other.
  private func places(of words: [Word], in text: String) throws -> [Range<Int>] {
    var place = text.startIndex
    return try words.map { word in
      guard
        let found = text.range(
          of: word.text, options: [.caseInsensitive], range: place..<text.endIndex)
      else {
        let entry = entries[word.tokens[0]]
        throw entry.place.failure(
          "the prompt \(FileError.quoted(text)) has no \(FileError.quoted(word.text)) there; give the "
            + "text that the tokens were made of, or none")
      }
      place = found.upperBound
      let first = text.utf8.distance(from: text.startIndex, to: found.lowerBound)
      return first..<text.utf8.distance(from: text.startIndex, to: found.upperBound)
    }
  }

  /// The windows of each text encoder: where the text, what surrounds it and its padding stand.
  private var segments: [TokenTable.Segment] {
    get throws {
      let hasNames = encoders.count > 1
      return try encoders.flatMap { encoder in
        try windows(of: encoder).map { try segment(of: $0, hasName: hasNames) }
      }
    }
  }

  /// The windows of a text encoder: a start token begins one, and text behind an end token or padding.
  private func windows(of encoder: Range<Int>) -> [Range<Int>] {
    var starts = [encoder.lowerBound]
    var isClosed = false
    var hasText = false
    for place in encoder {
      switch entries[place].special {
      case .start where hasText || isClosed:
        starts.append(place)
        (isClosed, hasText) = (false, false)
      case .end: isClosed = true
      case .padding: isClosed = isClosed || hasText
      case nil, .template:
        if isClosed { starts.append(place) }
        (isClosed, hasText) = (false, true)
      case .start: hasText = true
      }
    }
    return zip(starts, starts.dropFirst() + [encoder.upperBound]).map { $0..<$1 }
  }

  private func segment(
    of window: Range<Int>, hasName: Bool
  ) throws -> TokenTable.Segment {
    func places(_ kinds: TokenTable.Token.Special?...) -> [Int] {
      window.filter { place in kinds.contains { $0 == entries[place].special } }
    }
    func range(_ places: [Int], or place: Int) throws -> Range<Int> {
      guard let first = places.first, let last = places.last else { return place..<place }
      guard last - first + 1 == places.count else {
        let apart = zip(places, places.dropFirst()).first { $1 != $0 + 1 }?.1 ?? last
        throw entries[apart].place.failure(
          "\(FileError.quoted(entries[apart].piece)) stands apart from others of its kind; expected a "
            + "start token, the text, an end token and padding, of which any may be missing")
      }
      return first..<last + 1
    }
    let (starts, ends) = (places(.start), places(.end))
    for extra in starts.dropFirst() + ends.dropFirst() {
      throw entries[extra].place.failure(
        "expected one start token and one end token in each window of a text encoder")
    }
    let words = try range(
      places(nil, .template), or: starts.first.map { $0 + 1 } ?? ends.first ?? window.lowerBound)
    return TokenTable.Segment(
      encoder: hasName ? entries[window.lowerBound].encoder ?? "text_encoder" : nil,
      start: starts.first, words: words, end: ends.first,
      padding: try range(places(.padding), or: window.upperBound))
  }
}
