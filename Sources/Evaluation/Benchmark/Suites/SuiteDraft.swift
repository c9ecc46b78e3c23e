internal import AttentionTrace
internal import TensorEngine

/// The prompts of a suite while its file is read, each checked as it comes.
struct SuiteDraft {
  /// The most prompts of a suite: VISOR's are 31,680.
  static let promptLimit = 100_000
  /// The longest prompt, in bytes.
  private static let lengthLimit = 10_000
  /// The most subjects, relations or phrases of a prompt.
  private static let partLimit = 100

  private(set) var prompts: [SuitePrompt] = []
  /// Where each id was read.
  private var places: [String: String] = [:]
  /// The next number of an id that is there, so that a text in every line is not counted anew in each.
  private var numbers: [String: Int] = [:]

  /// Adds a prompt whose id is its own, or made of its text.
  /// - Parameters:
  ///   - node: the place of the prompt in its file.
  ///   - repeats: whether the file may hold a text more than once; each further one is numbered in its id.
  /// - Throws: `FileError`.
  mutating func add(_ prompt: SuitePrompt, at node: JSONNode, repeats: Bool = false) throws {
    var prompt = prompt
    if repeats, places[prompt.id] != nil {
      let slug = RunFolder.slug(prompt.prompt)
      var number = numbers[slug] ?? 2
      repeat {
        prompt = prompt.with(id: "\(slug)-\(number)")
        number += 1
      } while places[prompt.id] != nil
      numbers[slug] = number
    }
    guard prompts.count < Self.promptLimit else { throw Self.excess(at: node) }
    if let place = places[prompt.id] {
      throw node.failure(
        "expected each id once, got \(FileError.quoted(prompt.id)) of \(place) again")
    }
    try check(prompt, at: node)
    places[prompt.id] = node.place
    prompts.append(prompt)
  }

  /// The error of the first prompt that is too many.
  static func excess(at node: JSONNode) -> FileError {
    node.failure("expected at most \(promptLimit) prompts")
  }

  private func check(_ prompt: SuitePrompt, at node: JSONNode) throws {
    func failure(_ key: String, _ reason: String) -> FileError {
      JSONNode(.null, file: node.file, place: node.place + "." + key).failure(reason)
    }
    if let flaw = FolderName.flaw(in: prompt.id) {
      throw failure(
        "id", "expected the name of a folder, got \(FileError.quoted(prompt.id)), which \(flaw)")
    }
    guard !prompt.prompt.allSatisfy(\.isWhitespace) else {
      throw failure("prompt", "expected a prompt, got an empty text")
    }
    guard prompt.prompt.utf8.count <= Self.lengthLimit else {
      throw failure(
        "prompt",
        "expected at most \(Self.lengthLimit) bytes, got \(prompt.prompt.utf8.count)")
    }
    guard prompt.subset != Suite.wholeName else {
      throw failure(
        "subset",
        "expected another name than \"\(Suite.wholeName)\", which tables give all prompts together")
    }
    for (key, texts) in prompt.texts {
      guard texts.count <= Self.partLimit else {
        throw failure(key, "expected at most \(Self.partLimit), got \(texts.count)")
      }
      for text in texts {
        guard !text.allSatisfy(\.isWhitespace) else {
          throw failure(key, "expected words, got an empty text")
        }
        guard !text.unicodeScalars.contains(where: Self.isLineEndOrControl) else {
          throw failure(
            key, "expected a text without control characters, got \(FileError.quoted(text))")
        }
      }
    }
    try checkWords(prompt, failure)
  }

  private func checkWords(
    _ prompt: SuitePrompt, _ failure: (String, String) -> FileError
  ) throws {
    let words = SubjectWord(in: prompt.prompt)
    var subjects: Set<String> = []
    for subject in prompt.subjects {
      guard words.place(of: subject) != nil else {
        throw failure(
          "subjects",
          "expected words of the prompt, got \(FileError.quoted(subject)), which is not in "
            + FileError.quoted(prompt.prompt))
      }
      guard subjects.insert(subject).inserted else {
        throw failure(
          "subjects", "expected each subject once, got \(FileError.quoted(subject)) twice")
      }
    }
    func known(_ name: String, _ key: String) throws {
      guard !subjects.contains(name) else { return }
      let all = prompt.subjects.isEmpty ? "there are none" : prompt.subjects.joined(separator: ", ")
      throw failure(key, "expected one of the subjects (\(all)), got \(FileError.quoted(name))")
    }
    for subject in prompt.attributes.keys.sorted() { try known(subject, "attributes") }
    for relation in prompt.relations {
      try known(relation.subject, "relations")
      try known(relation.other, "relations")
    }
  }

  private static func isLineEndOrControl(_ scalar: Unicode.Scalar) -> Bool {
    [.control, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
  }
}

extension SuitePrompt {
  fileprivate func with(id: String) -> SuitePrompt {
    SuitePrompt(
      id: id, prompt: prompt, subset: subset, subjects: subjects, attributes: attributes,
      relations: relations, phrases: phrases)
  }

  /// Every text, by the key that it stands under.
  fileprivate var texts: [(key: String, texts: [String])] {
    [
      ("prompt", [prompt]), ("subset", subset.map { [$0] } ?? []), ("subjects", subjects),
      ("attributes", attributes.sorted { $0.key < $1.key }.map(\.value)),
      ("relations", relations.map(\.place)), ("phrases", phrases ?? []),
    ]
  }
}
