internal import AttentionTrace
internal import TensorEngine

/// A line of GenEval 2's `geneval2_data.jsonl`.
///
/// Its questions say what is to be seen: "How many LANTERNS are in the image?", "Are there any LANTERNS in the
/// image?", "Are the LANTERNS TEAL?", "Are the LANTERNS UNDER the LADDER?".
enum GenEval2Prompt {
  /// The skill that a question asks for.
  private enum Skill: String, CaseIterable {
    case object, attribute, count, position, verb
  }

  /// The prompt with its objects as subjects, in the form that the prompt has them in, their attributes and
  /// places; the subset is the number of primitives, `atoms-5`.
  /// - Throws: `FileError` with the key and what is wrong there.
  static func prompt(_ node: JSONNode) throws -> SuitePrompt {
    let text = try node.member("prompt").string()
    let words = SubjectWord(in: text)
    let questions = try questions(node)
    var subjects: [String] = []
    for question in questions where question.skill == .object {
      let name = try middle(of: question, after: ["Are there any "], before: " in the image?")
      guard let form = words.form(of: name) else {
        throw question.node.failure(
          "expected an object that is in the prompt, got \(FileError.quoted(name)), which is not in "
            + FileError.quoted(text))
      }
      subjects.append(form)
    }
    var attributes: [String: String] = [:]
    var relations: [SuitePrompt.Relation] = []
    for question in questions where [.attribute, .position].contains(question.skill) {
      let claim = try middle(of: question, after: ["Is the ", "Are the "], before: "?")
      let found = subjects.lazy.compactMap { subject in
        SubjectWord.forms(of: subject).first { claim.hasPrefix($0 + " ") }
          .map { (subject: subject, rest: String(claim.dropFirst($0.count + 1))) }
      }
      guard let (subject, rest) = found.first else { throw unknown(claim, question) }
      guard question.skill == .position else {
        attributes[subject] = (attributes[subject].map { $0 + " " } ?? "") + rest
        continue
      }
      // The last: places have articles too, as in "to the left of the bear".
      guard let article = rest.ranges(of: " the ").last else { throw unknown(rest, question) }
      let name = String(rest[article.upperBound...])
      guard let other = subjects.first(where: { SubjectWord.forms(of: $0).contains(name) }) else {
        throw unknown(name, question)
      }
      relations.append(
        SuitePrompt.Relation(subject, VISORPrompt.place(String(rest[..<article.lowerBound])), other)
      )
    }
    return SuitePrompt(
      id: RunFolder.slug(text), prompt: text,
      subset: "atoms-\(try node.member("atom_count").integer())",
      subjects: words.sorted(subjects), attributes: attributes, relations: relations)
  }

  private struct Question {
    let text: String
    let skill: Skill
    let node: JSONNode
  }

  private static func questions(_ node: JSONNode) throws -> [Question] {
    let list = try node.member("vqa_list")
    let skills = try node.member("skills").elements()
    let questions = try list.elements()
    guard skills.count == questions.count else {
      throw list.failure(
        "expected a question for each of \(skills.count) skills, got \(questions.count)")
    }
    return try zip(questions, skills).map { question, skill in
      guard let parts = try? question.strings(), parts.count == 2 else {
        throw question.failure("expected a question and its answer")
      }
      let name = try skill.string()
      guard let known = Skill(rawValue: name) else {
        throw skill.failure(
          "expected one of \(Skill.allCases.map(\.rawValue).joined(separator: ", ")), got "
            + FileError.quoted(name))
      }
      return Question(text: parts[0], skill: known, node: question)
    }
  }

  /// What a question holds between its usual words.
  private static func middle(
    of question: Question, after beginnings: [String], before end: String
  ) throws -> String {
    guard let beginning = beginnings.first(where: question.text.hasPrefix),
      question.text.hasSuffix(end), question.text.count > beginning.count + end.count
    else {
      throw question.node.failure(
        "expected a question like \"\(beginnings[0])…\(end)\", got "
          + FileError.quoted(question.text))
    }
    return String(question.text.dropFirst(beginning.count).dropLast(end.count))
  }

  private static func unknown(_ words: String, _ question: Question) -> FileError {
    question.node.failure(
      "expected what an object is or where it is, got \(FileError.quoted(words)), in which no object "
        + "was recognised")
  }
}
