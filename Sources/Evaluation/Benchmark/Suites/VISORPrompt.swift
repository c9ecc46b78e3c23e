internal import AttentionTrace
internal import TensorEngine

/// An entry of VISOR's `text_spatial_rel_phrases.json`.
enum VISORPrompt {
  /// Suites' words for places, and VISOR's.
  private static let places = [
    ("left of", "to the left of"), ("right of", "to the right of"), ("above", "above"),
    ("below", "below"),
  ]

  /// A place in the words of a suite.
  static func place(_ words: String) -> String {
    places.first { $0.1 == words }?.0 ?? words
  }

  /// A place in VISOR's words; `nil` for one that it does not have.
  static func relationType(_ place: String) -> String? {
    SpatialPlace(place)?.rawValue
  }

  /// The prompt with its one or two objects and their relation; the subset is the kind of relation.
  /// - Parameter index: the entry's place in the list, by which VISOR's scripts find it.
  /// - Throws: `FileError` with the key and what is wrong there.
  static func prompt(_ node: JSONNode, index: Int) throws -> SuitePrompt {
    let number = try node.member("unique_id")
    guard try number.integer() == index else {
      throw number.failure(
        "expected \(index), the entry's place in the list, got \(number.value.text)")
    }
    let count = try node.member("num_objects")
    guard try (1...2).contains(count.integer()) else {
      throw count.failure("expected 1 or 2, got \(count.value.text)")
    }
    let text = try node.member("text").string()
    let subjects = try ["obj_1_attributes", "obj_2_attributes"].prefix(count.integer()).map { key in
      let list = try node.member(key)
      guard let names = try? list.strings(), names.count == 1 else {
        throw list.failure("expected a list of one object")
      }
      return names[0]
    }
    let type = try node.member("rel_type").string()
    let isPlace = !["and", "single"].contains(type)
    guard isPlace == false || subjects.count == 2 else {
      throw node.failure("expected two objects for the relation \(FileError.quoted(type)), got 1")
    }
    return SuitePrompt(
      id: RunFolder.slug(text), prompt: text, subset: type, subjects: subjects,
      relations: isPlace
        ? [SuitePrompt.Relation(subjects[0], place(type), subjects[1])] : [])
  }
}
