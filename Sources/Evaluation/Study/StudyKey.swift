private import Foundation
internal import TensorEngine

/// Which method and prompt each code of a questionnaire stands for.
package struct StudyKey: Hashable, Sendable {
  /// What a respondent answers: which of some sets shows best what the prompt says.
  package struct Question: Hashable, Sendable, Encodable {
    /// What the questionnaire and the answers call it.
    package let code: String
    /// The prompt's `id` in the suite.
    package let id: String
    /// The prompt, to the letter.
    package let prompt: String
    /// The part of the suite; `nil` where a suite has none.
    package let subset: String?
    /// The seeds of the pictures of every set, in digits: numbers of JSON have 53 bits in most readers.
    package let seeds: [String]
    /// A set for each method, in an order that was drawn.
    package let sets: [PictureSet]
  }

  /// Pictures of one prompt by one method.
  package struct PictureSet: Hashable, Sendable, Encodable {
    /// What the questionnaire and the answers call it; no two sets of a study have the same.
    package let code: String
    /// The method's name in the benchmark.
    package let method: String
  }

  /// What tells the questionnaire from every other: 16 hexadecimal digits of a hash over its questions and
  /// pictures.
  package let study: String
  /// The seed by which prompts, codes and orders were drawn.
  package let seed: UInt32
  /// The methods, in the order in which results name them.
  package let methods: [String]
  /// At least one.
  package let questions: [Question]

  private static let format = "heed study key"
  private static let version = 1
  /// The largest file that is read, in bytes.
  private static let sizeLimit = 64 << 20

  init(study: String, seed: UInt32, methods: [String], questions: [Question]) {
    (self.study, self.seed, self.methods) = (study, seed, methods)
    self.questions = questions
  }

  /// Questions as text whose bytes are fixed.
  static func encoded(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    // Texts and whole numbers alone, which JSON can always hold.
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// Writes the key to `path`, whole or not at all.
  /// - Throws: `FileError`.
  package func write(to path: String) throws {
    struct Document: Encodable {
      let format: String
      let version: Int
      let study: String
      let seed: UInt32
      let methods: [String]
      let questions: [Question]
    }
    let document = Document(
      format: Self.format, version: Self.version, study: study, seed: seed, methods: methods,
      questions: questions)
    try writeAtomically(
      Array((Self.encoded(document) + "\n").utf8), to: path, throughLinks: true)
  }

  /// Reads the key in the file at `path`.
  /// - Throws: `FileError` with the place and what is wrong there.
  package init(_ path: String) throws {
    let node = try StudyFile.read(path, Self.format, Self.version, sizeLimit: Self.sizeLimit)
    study = try node.member("study").string()
    let seed = try node.member("seed")
    guard let value = UInt32(exactly: try seed.integer()) else {
      throw seed.failure("expected a seed of 32 bits")
    }
    self.seed = value
    methods = try node.member("methods").strings()
    questions = try node.member("questions").elements().map(Self.question)
    guard Set(methods).count == methods.count, methods.count > 1 else {
      throw try node.member("methods").failure("expected two methods or more, each once")
    }
    guard !questions.isEmpty else {
      throw try node.member("questions").failure("expected questions, got none")
    }
    let codes = questions.map(\.code) + questions.flatMap { $0.sets.map(\.code) }
    guard Set(codes).count == codes.count else {
      throw try node.member("questions").failure("expected each code once")
    }
    for (place, question) in questions.enumerated() {
      guard question.sets.map(\.method).sorted() == methods.sorted() else {
        throw try node.member("questions").elements()[place].failure(
          "expected a set for each of the methods \(methods.joined(separator: ", "))")
      }
    }
  }

  private static func question(_ node: JSONNode) throws -> Question {
    Question(
      code: try node.member("code").string(), id: try node.member("id").string(),
      prompt: try node.member("prompt").string(),
      subset: try node.optionalMember("subset")?.string(),
      seeds: try node.member("seeds").strings(),
      sets: try node.member("sets").elements().map {
        PictureSet(
          code: try $0.member("code").string(), method: try $0.member("method").string())
      })
  }
}
