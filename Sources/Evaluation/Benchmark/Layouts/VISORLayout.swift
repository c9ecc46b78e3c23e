internal import TensorEngine

/// What VISOR's scripts read: numbered phrases, and pictures by model, phrase and number.
enum VISORLayout {
  /// Pictures a phrase that VISOR 1 to 4 count on.
  private static let picturesOfWholeBenchmark = 4

  static func plan(_ pictures: SuitePictures) throws -> LayoutPlan {
    var plan = LayoutPlan()
    var phrases: [String] = []
    for (index, entry) in pictures.prompts.enumerated() {
      phrases.append("  " + (try phrase(entry.prompt, index, path: pictures.folder.suite)))
      for method in pictures.methods {
        let own = entry.pictures.filter { $0.method == method }
        for (number, picture) in own.enumerated() {
          let key = "\(index)_\(number)"
          plan.pictures.append(
            LayoutPlan.PlacedPicture(
              picture: picture, place: ["images", method, key + ".png"], key: key))
        }
      }
    }
    if pictures.seeds.count != picturesOfWholeBenchmark {
      plan.notes.append(
        "VISOR has \(picturesOfWholeBenchmark) pictures a phrase, which VISOR 1 to 4 count on; here are "
          + "\(pictures.seeds.count)")
    }
    plan.texts.append(
      (["text_spatial_rel_phrases.json"], "[\n" + phrases.joined(separator: ",\n") + "\n]\n"))
    return plan
  }

  private static func phrase(_ prompt: SuitePrompt, _ index: Int, path: String) throws -> String {
    func refuse(_ reason: String) -> EvaluationError {
      .benchmark(path: path, reason: "VISOR cannot ask for what \(prompt.id) is to show: \(reason)")
    }
    guard (1...2).contains(prompt.subjects.count) else {
      throw refuse("expected 1 or 2 subjects, got \(prompt.subjects.count)")
    }
    guard prompt.relations.count <= 1 else {
      throw refuse("expected 1 relation at most, got \(prompt.relations.count)")
    }
    var objects = prompt.subjects
    var type = objects.count == 1 ? "single" : "and"
    if let relation = prompt.relations.first {
      guard let words = VISORPrompt.relationType(relation.place), relation.subject != relation.other
      else {
        throw refuse(
          "\(FileError.quoted(relation.place)) is none of its places, left of, right of, above, below"
        )
      }
      (objects, type) = ([relation.subject, relation.other], words)
    }
    let second = objects.count == 2 ? JSONText.array([JSONText.string(objects[1])]) : "[null]"
    return """
      {"unique_id": \(index), "num_objects": \(objects.count), \
      "obj_1_attributes": [\(JSONText.string(objects[0]))], "obj_2_attributes": \(second), \
      "rel_type": \(JSONText.string(type)), "text": \(JSONText.string(prompt.prompt))}
      """
  }
}
