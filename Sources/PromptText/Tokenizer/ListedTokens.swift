internal import TensorEngine

/// The tokens that a tokenizer's folder names besides the pieces of its vocabulary.
///
/// Which file has the last word is as in transformers 5 (`tokenization_utils_base.py`,
/// `_from_pretrained`): the added tokens of `tokenizer_config.json`, or else `special_tokens_map.json`
/// and those of `tokenizer.json`.
struct ListedTokens {
  /// The roles of special tokens, in the order in which transformers adds them.
  enum Role: String, CaseIterable {
    case start = "bos_token"
    case end = "eos_token"
    case unknown = "unk_token"
    case separator = "sep_token"
    case padding = "pad_token"
    case classification = "cls_token"
    case mask = "mask_token"
  }

  /// Tokens that are not only pieces of words, by id.
  private var listed: [Int: AddedToken] = [:]
  private var extra: [AddedToken] = []
  private var named: [Role: AddedToken]

  /// The tokens that play a role where the files name none.
  init(named: [Role: String]) { self.named = named.mapValues { AddedToken($0) } }

  /// Gives a role to a token.
  mutating func name(_ role: Role, _ token: AddedToken) { named[role] = token }

  /// Reads what the files say.
  ///
  /// - Parameters:
  ///   - configuration: `tokenizer_config.json`; `nil` where there is none.
  ///   - special: the path of `special_tokens_map.json`; `nil` where there is none.
  ///   - added: the added tokens of `tokenizer.json`, by id.
  /// - Throws: `FileError`.
  mutating func read(
    _ configuration: JSONNode?, special: String?, added: [Int: AddedToken]
  ) throws {
    if let configuration { try readNames(configuration, isSpecial: nil) }
    if let configuration, let list = try configuration.optionalMember("added_tokens_decoder") {
      try readList(list)
    } else {
      if let special { try readNames(try StrictJSON.read(path: special), isSpecial: true) }
      listed = added
    }
  }

  /// The token that plays `role`.
  func token(_ role: Role) -> String? { named[role]?.content }

  /// Every added token, in the order in which transformers adds them.
  var added: [AddedToken] {
    let first = listed.sorted { $0.key < $1.key }.map(\.value)
    let known = Set(first.map { Array($0.content.utf8) })
    return first + special.filter { !known.contains(Array($0.content.utf8)) }
  }

  /// Tokens that play a role, and those named beside them.
  var special: [AddedToken] { Role.allCases.compactMap { named[$0] } + extra }

  /// Whether `token` is among those that have an id in the files.
  func lists(_ token: String) -> Bool { listed.values.contains { $0.content == token } }

  /// The added tokens of a `tokenizer.json`, by id.
  /// - Throws: `FileError`.
  static func list(_ node: JSONNode) throws -> [Int: AddedToken] {
    var tokens: [Int: AddedToken] = [:]
    for token in try node.elements() {
      let id = try token.member("id").integer()
      guard (0...Vocabulary.largestID) ~= id else {
        throw token.failure("expected an id from 0 to \(Vocabulary.largestID), got \(id)")
      }
      tokens[id] = try AddedToken(token)
    }
    return tokens
  }

  private mutating func readNames(_ node: JSONNode, isSpecial: Bool?) throws {
    for role in Role.allCases {
      guard let token = try node.optionalMember(role.rawValue) else { continue }
      named[role] = try AddedToken(token, isSpecial: isSpecial)
    }
    for key in ["additional_special_tokens", "extra_special_tokens"] {
      guard let tokens = try node.optionalMember(key), case .array = tokens.value else { continue }
      extra += try tokens.elements().map { try AddedToken($0, isSpecial: isSpecial) }
    }
  }

  private mutating func readList(_ node: JSONNode) throws {
    for key in try node.object().keys {
      let token = try node.member(key)
      guard let id = Int(key), (0...Vocabulary.largestID) ~= id else {
        throw token.failure("expected an id from 0 to \(Vocabulary.largestID) as the key")
      }
      listed[id] = try AddedToken(token)
    }
  }
}
