internal import TensorEngine

/// What TIFA's `tifa_score_benchmark` reads: questions by a caption's id, and a map of ids to pictures.
enum TIFALayout {
  static func plan(_ pictures: SuitePictures, metadata: String) throws -> LayoutPlan {
    let document = try TextDocument(path: metadata)
    let prompts = Set(pictures.prompts.map(\.prompt.prompt))
    var ids: [String: [String]] = [:]
    var captions: [String: String] = [:]
    var questions: [String: Int] = [:]
    var asked: [(id: String, text: String)] = []
    for (node, range) in try document.elements() {
      let (id, caption) = try (
        node.member("id").string(), node.member("caption").string()
      )
      if let other = captions[id], other != caption {
        throw node.failure(
          "expected one caption of \(FileError.quoted(id)), got \(FileError.quoted(caption)) after "
            + FileError.quoted(other))
      }
      guard prompts.contains(caption) else { continue }
      if captions[id] == nil { ids[caption, default: []].append(id) }
      captions[id] = caption
      questions[id, default: 0] += 1
      asked.append((id, document.text(range)))
    }
    var plan = LayoutPlan()
    var map: [(key: String, value: String)] = []
    var taken: Set<String> = []
    for (prompt, own) in pictures.prompts {
      guard let id = ids[prompt.prompt]?.first(where: { !taken.contains($0) }) else {
        throw FileError(
          .malformed, path: metadata,
          reason: "expected questions for each prompt, got none for \(prompt.id), "
            + FileError.quoted(prompt.prompt))
      }
      taken.insert(id)
      plan.pictures.append(
        LayoutPlan.PlacedPicture(
          picture: own[0], place: ["images", prompt.id + ".png"], key: id, questions: questions[id])
      )
      map.append((id, JSONText.string("images/\(prompt.id).png")))
    }
    // Every id among the questions must have a picture.
    let kept = asked.filter { taken.contains($0.id) }.map(\.text)
    plan.texts = [
      (["question_answers.json"], "[\n" + kept.joined(separator: ",\n") + "\n]\n"),
      (["images.json"], JSONText.lines(map)),
    ]
    return plan
  }
}
