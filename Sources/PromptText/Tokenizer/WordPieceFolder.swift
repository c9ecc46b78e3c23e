internal import Glibc
internal import TensorEngine

// Unsafe: a mapped file's bytes are read within the call that lends them; the system takes a path
// for the length of its call.

/// What a checkpoint's folder says of a WordPiece tokenizer, in either of its layouts.
///
/// `tokenizer.json` has the vocabulary, or else `vocab.txt`. How text is normalised and cut is told by
/// `tokenizer_config.json`, whose absent keys have BERT's values, or by `tokenizer.json` where there is none,
/// or where it names another class than `BertTokenizer`. As in transformers 5
/// (`models/bert/tokenization_bert.py`).
struct WordPieceFolder {
  private(set) var vocabulary: Vocabulary
  private(set) var normalizer = BERTNormalizer()
  /// Characters of the longest word that is looked up.
  private(set) var longestWord = 100
  /// What begins a piece inside of a word.
  private(set) var prefix = "##"
  private(set) var tokens = ListedTokens(named: [
    .unknown: "[UNK]", .separator: "[SEP]", .padding: "[PAD]", .classification: "[CLS]",
    .mask: "[MASK]",
  ])

  /// Reads the folder at `path`.
  /// - Throws: `TextError` when there is no tokenizer, `FileError` for a file that is not right.
  init(path: String) throws {
    func file(_ name: String) -> String? {
      let file = path.hasSuffix("/") ? path + name : path + "/" + name
      return unsafe access(file, F_OK) == 0 ? file : nil
    }
    var added: [Int: AddedToken] = [:]
    var json: WordPieceFile?
    if let file = file("tokenizer.json") {
      let read = try WordPieceFile(path: file)
      guard let vocabulary = read.vocabulary else {
        throw FileError(
          .malformed, path: file, subject: ".model", reason: "expected the key vocab")
      }
      (self.vocabulary, added, json) = (vocabulary, read.added, read)
    } else if let file = file("vocab.txt") {
      vocabulary = try Vocabulary(lines: file)
    } else {
      throw TextError.noPieces(folder: path)
    }
    let configuration = try file("tokenizer_config.json").map { try StrictJSON.read(path: $0) }
    try tokens.read(configuration, special: file("special_tokens_map.json"), added: added)
    let kind = try configuration?.optionalMember("tokenizer_class")?.string()
    if let configuration, json == nil || kind?.hasPrefix("Bert") ?? true {
      try readNormalizer(
        configuration, lowercase: "do_lower_case", chinese: "tokenize_chinese_chars")
    } else if let json {
      if let longest = json.longestWord { longestWord = longest }
      if let prefix = json.prefix { self.prefix = prefix }
      try json.requireBERT()
      guard let node = json.normalizer else {
        normalizer = BERTNormalizer(
          cleans: false, separatesChinese: false, stripsAccents: false, lowercases: false)
        return
      }
      try readNormalizer(node, lowercase: "lowercase", chinese: "handle_chinese_chars")
      normalizer.cleans = try node.optionalMember("clean_text")?.bool() ?? true
    }
  }

  private mutating func readNormalizer(
    _ node: JSONNode, lowercase: String, chinese: String
  ) throws {
    normalizer.lowercases = try node.optionalMember(lowercase)?.bool() ?? true
    normalizer.separatesChinese = try node.optionalMember(chinese)?.bool() ?? true
    normalizer.stripsAccents =
      try node.optionalMember("strip_accents")?.bool() ?? normalizer.lowercases
  }
}

/// What of a `tokenizer.json` makes a WordPiece tokenizer.
private struct WordPieceFile {
  var vocabulary: Vocabulary?
  var added: [Int: AddedToken] = [:]
  var longestWord: Int?
  var prefix: String?
  var normalizer: JSONNode?
  private var preTokenizer: JSONNode?

  init(path: String) throws {
    // Nothing can be read into `self` while a file lends its bytes.
    var result = WordPieceFile()
    try unsafe StrictJSON.open(path: path).withBytes { bytes in
      var scanner = unsafe JSONScanner(bytes, file: path)
      try scanner.members { scanner, key, _ in
        switch key {
        case "model": try result.readModel(&scanner, path: path)
        case "added_tokens":
          result.added = try ListedTokens.list(
            JSONNode(scanner.value(), file: path, place: ".added_tokens"))
        case "normalizer", "pre_tokenizer":
          let node = JSONNode(try scanner.value(), file: path, place: "." + key)
          guard node.value != .null else { break }
          if key == "normalizer" { result.normalizer = node } else { result.preTokenizer = node }
        default: _ = try scanner.value()
        }
      }
      try scanner.end()
    }
    self = result
  }

  private init() {}

  /// Refuses another way than BERT's to normalise text and to cut it into words.
  /// - Throws: `FileError`.
  func requireBERT() throws {
    for (node, kind) in [(normalizer, "BertNormalizer"), (preTokenizer, "BertPreTokenizer")] {
      guard let type = try node?.member("type"), try type.string() != kind else { continue }
      throw type.failure(
        "expected the string \"\(kind)\", got \(type.value.kindName)", kind: .unsupported)
    }
  }

  private mutating func readModel(_ scanner: inout JSONScanner, path: String) throws {
    try scanner.members { scanner, key, start in
      func node() throws -> JSONNode {
        JSONNode(try scanner.value(), file: path, place: ".model." + key)
      }
      switch key {
      case "vocab": vocabulary = try Vocabulary(from: &scanner)
      case "type":
        let kind = try scanner.value()
        guard kind == .string("WordPiece") else {
          throw scanner.failure(
            "expected the string \"WordPiece\", got \(kind.kindName)", at: start,
            subject: ".model.type")
        }
      case "continuing_subword_prefix": prefix = try node().string()
      case "max_input_chars_per_word":
        let longest = try node()
        guard try longest.integer() > 0 else { throw longest.failure("expected at least 1") }
        longestWord = try longest.integer()
      default: _ = try scanner.value()
      }
    }
  }
}
