internal import TensorEngine

/// What one respondent answered, as the questionnaire saves it.
package struct StudyAnswers: Hashable, Sendable {
  /// An answer to a question.
  package struct Answer: Hashable, Sendable {
    /// The method whose set was chosen.
    package let method: String
    /// Where that set stood among the question's, from 0.
    package let position: Int
  }

  /// What the questionnaire called the respondent: 16 hexadecimal digits that it drew.
  package let respondent: String
  /// The answers, in the order of the key's questions.
  package let answers: [Answer]

  private static let format = "heed study answers"
  private static let version = 1
  /// The largest file that is read, in bytes: some eighty for each answer.
  private static let sizeLimit = 4 << 20

  /// Reads the answers in the file at `path`.
  /// - Throws: `FileError` with the place and what is wrong there, for answers that are damaged, of another
  ///   questionnaire than the key's, or incomplete.
  package init(_ path: String, key: StudyKey) throws {
    let node = try StudyFile.read(path, Self.format, Self.version, sizeLimit: Self.sizeLimit)
    let study = try node.member("study").string()
    guard study == key.study else {
      throw FileError(
        .malformed, path: path,
        reason: "answers of another questionnaire: expected \(key.study), got "
          + FileError.quoted(study))
    }
    respondent = try node.member("respondent").string()
    guard respondent.wholeMatch(of: /[0-9a-f]{16}/) != nil else {
      throw try node.member("respondent").failure(
        "expected 16 hexadecimal digits, got \(FileError.quoted(respondent))")
    }
    let seed = try node.member("seed").integer()
    var told = [study, respondent, String(seed)]
    let questions = Dictionary(uniqueKeysWithValues: key.questions.map { ($0.code, $0) })
    var found: [String: Answer] = [:]
    for element in try node.member("answers").elements() {
      let (code, order, choice) = (
        try element.member("question"), try element.member("order"), try element.member("choice")
      )
      guard let question = questions[try code.string()] else {
        throw code.failure("expected a question of the questionnaire, got \(code.value.kindName)")
      }
      guard found[question.code] == nil else {
        throw code.failure("expected one answer to a question, got a second to \(question.code)")
      }
      let shown = try order.strings()
      guard shown.sorted() == question.sets.map(\.code).sorted() else {
        throw order.failure("expected each set of the question \(question.code) once")
      }
      let chosen = try choice.string()
      guard let position = shown.firstIndex(of: chosen),
        let set = question.sets.first(where: { $0.code == chosen })
      else {
        throw choice.failure(
          "expected a set of the question \(question.code), got \(choice.value.kindName)")
      }
      found[question.code] = Answer(method: set.method, position: position)
      told.append(([question.code] + shown + [chosen]).joined(separator: " "))
    }
    let checksum = try node.member("checksum")
    let digits = String(CRC32.checksum(of: Array(told.joined(separator: "\n").utf8)), radix: 16)
    guard try checksum.string() == String(repeating: "0", count: 8 - digits.count) + digits else {
      throw checksum.failure(
        "the answers are damaged: expected \(digits), got \(checksum.value.kindName)")
    }
    let answers = key.questions.compactMap { found[$0.code] }
    guard answers.count == key.questions.count else {
      throw FileError(
        .malformed, path: path,
        reason: "incomplete: expected answers to all \(key.questions.count) questions, got "
          + "\(answers.count)")
    }
    self.answers = answers
  }

  /// Reads several respondents' answers, in the order of their codes, whatever the order of the files.
  /// - Throws: `FileError` for the first file that cannot be counted, also for one by a respondent whose
  ///   answers were read before.
  package static func read(_ paths: [String], key: StudyKey) throws -> [StudyAnswers] {
    var files: [String: String] = [:]
    let all = try paths.map { path in
      let answers = try StudyAnswers(path, key: key)
      if let other = files.updateValue(path, forKey: answers.respondent) {
        throw FileError(
          .malformed, path: path,
          reason: "answers of the same respondent as \(FileError.printable(other)), "
            + "\(answers.respondent): give one of them")
      }
      return answers
    }
    return all.sorted { $0.respondent < $1.respondent }
  }
}
