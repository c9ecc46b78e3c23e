internal import Glibc
internal import TensorEngine

// Unsafe: a mapped file's bytes are read within the call that lends them; the system takes a path
// for the length of its call.

/// What a checkpoint's tokenizer folder says, in either of its layouts.
///
/// Which file has the last word is as in transformers 5 (`tokenization_utils_base.py`,
/// `_from_pretrained`): `tokenizer.json` before `vocab.json`; the added tokens of
/// `tokenizer_config.json`, or else `special_tokens_map.json` and those of `tokenizer.json`.
struct TokenizerFolder {
  /// CLIP's window, where the files name none.
  static let defaultWindow = 77
  /// transformers writes 1e30 for "no limit"; no text encoder reads this many tokens.
  private static let largestWindow = 65_536.0

  private(set) var vocabulary: Vocabulary
  private(set) var rules: MergeRules
  /// The most tokens the model reads, start and end included.
  private(set) var window = Self.defaultWindow
  private var tokens = ListedTokens(named: [
    .start: "<|startoftext|>", .end: "<|endoftext|>", .unknown: "<|endoftext|>",
    .padding: "<|endoftext|>",
  ])

  /// Reads the folder at `path`.
  /// - Throws: `TextError` when there is no tokenizer, `FileError` for a file that is not right.
  init(path: String) throws {
    func file(_ name: String) -> String? {
      let file = path.hasSuffix("/") ? path + name : path + "/" + name
      return unsafe access(file, F_OK) == 0 ? file : nil
    }
    var tokenizer = TokenizerFile()
    if let file = file("tokenizer.json") {
      tokenizer = try TokenizerFile(path: file)
    } else if let vocabularyFile = file("vocab.json") {
      guard let mergesFile = file("merges.txt") else {
        throw FileError(
          .missing, path: "\(path)/merges.txt", reason: "vocab.json needs it in the same folder")
      }
      tokenizer.vocabulary = try Self.readVocabulary(path: vocabularyFile)
      tokenizer.rules = try MergeRules(path: mergesFile)
    }
    guard let vocabulary = tokenizer.vocabulary, let rules = tokenizer.rules else {
      throw TextError.noVocabulary(folder: path)
    }
    self.vocabulary = vocabulary
    self.rules = rules
    if let padding = tokenizer.padding { tokens.name(.padding, padding) }
    let configuration = try file("tokenizer_config.json").map { try StrictJSON.read(path: $0) }
    try tokens.read(
      configuration, special: file("special_tokens_map.json"), added: tokenizer.added)
    if let configuration { try readWindow(configuration) }
  }

  /// Fills the window with `token`, whatever the files say.
  mutating func pad(with token: String) { tokens.name(.padding, AddedToken(token)) }

  /// The token that plays `role`.
  func token(_ role: ListedTokens.Role) -> String? { tokens.token(role) }

  /// Every added token, in the order in which transformers adds them.
  var added: [AddedToken] { tokens.added }

  /// Whether the files hold `token`, so that the model has a row for it.
  func knows(_ token: String) -> Bool {
    vocabulary.id(of: token) != nil || tokens.lists(token)
  }

  private static func readVocabulary(path: String) throws -> Vocabulary {
    try unsafe StrictJSON.open(path: path).withBytes { bytes in
      var scanner = unsafe JSONScanner(bytes, file: path)
      let vocabulary = try Vocabulary(from: &scanner)
      try scanner.end()
      return vocabulary
    }
  }

  private mutating func readWindow(_ node: JSONNode) throws {
    guard let entry = try node.optionalMember("model_max_length") else { return }
    let length = try entry.double()
    if length > Self.largestWindow { return }
    guard let whole = Int(exactly: length), whole >= 3 else {
      throw entry.failure("expected a whole number of at least 3, got \(length)")
    }
    window = whole
  }
}

/// What of a `tokenizer.json` makes a CLIP tokenizer; how it cuts text is always CLIP's way.
private struct TokenizerFile {
  var vocabulary: Vocabulary?
  var rules: MergeRules?
  var added: [Int: AddedToken] = [:]
  var padding: AddedToken?

  init() {}

  init(path: String) throws {
    var result = TokenizerFile()
    try unsafe StrictJSON.open(path: path).withBytes { bytes in
      var scanner = unsafe JSONScanner(bytes, file: path)
      try scanner.members { scanner, key, _ in
        switch key {
        case "model":
          try result.readModel(&scanner, path: path)
        case "added_tokens":
          result.added = try ListedTokens.list(
            JSONNode(scanner.value(), file: path, place: ".added_tokens"))
        case "padding":
          let node = JSONNode(try scanner.value(), file: path, place: ".padding")
          guard node.value != .null else { break }
          result.padding = try node.optionalMember("pad_token").map { try AddedToken($0) }
        default:
          _ = try scanner.value()
        }
      }
      try scanner.end()
    }
    guard result.vocabulary != nil, result.rules != nil else {
      throw FileError(
        .malformed, path: path, subject: ".model", reason: "expected the keys vocab and merges")
    }
    self = result
  }

  private mutating func readModel(_ scanner: inout JSONScanner, path: String) throws {
    try scanner.members { scanner, key, start in
      switch key {
      case "vocab": vocabulary = try Vocabulary(from: &scanner)
      case "merges": rules = try MergeRules(from: &scanner, path: path)
      case "type":
        let kind = try scanner.value()
        guard kind == .string("BPE") else {
          throw scanner.failure(
            "expected the string \"BPE\", got \(kind.kindName)", at: start, subject: ".model.type")
        }
      default: _ = try scanner.value()
      }
    }
  }
}
