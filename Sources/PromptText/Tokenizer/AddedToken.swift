internal import TensorEngine

/// A token that is looked for in the text as a whole, before byte-pair encoding.
///
/// The fields are those of transformers' `AddedToken`.
struct AddedToken: Hashable, Sendable {
  /// The text it stands for.
  var content: String
  /// Whether it must not touch a letter, mark, digit or underscore.
  var isSingleWord = false
  /// Whether it takes the white space before it.
  var stripsLeft = false
  /// Whether it takes the white space after it.
  var stripsRight = false
  /// Whether it is looked for after normalisation, that is without regard to case.
  var isNormalized = false
  /// Whether it is no part of a text that is read aloud.
  var isSpecial = true

  /// A special token given by its text alone.
  init(_ content: String) { self.content = content }

  /// Reads a token written as a string or as an object.
  ///
  /// An object that does not say whether it is normalised is so unless it is special.
  /// - Throws: `FileError`.
  init(_ node: JSONNode, isSpecial: Bool? = nil) throws {
    if case .string(let content) = node.value {
      self.init(content)
      return
    }
    func flag(_ key: String) throws -> Bool? { try node.optionalMember(key)?.bool() }
    self.init(try node.member("content").string())
    isSingleWord = try flag("single_word") ?? false
    stripsLeft = try flag("lstrip") ?? false
    stripsRight = try flag("rstrip") ?? false
    let special = try isSpecial ?? flag("special") ?? false
    isNormalized = try flag("normalized") ?? !special
    self.isSpecial = special
  }
}
