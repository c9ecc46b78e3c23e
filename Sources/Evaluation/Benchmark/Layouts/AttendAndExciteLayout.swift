internal import TensorEngine

/// What `metrics/compute_clip_similarity.py` and `blip_captioning_and_clip_similarity.py` of Attend-and-Excite
/// read: a folder named as the prompt, with pictures named as their seeds.
enum AttendAndExciteLayout {
  static func plan(_ pictures: SuitePictures) throws -> LayoutPlan {
    var plan = LayoutPlan()
    var subsets: [(key: String, prompts: [String])] = []
    for (prompt, pictures) in pictures.prompts {
      plan.pictures += pictures.map { picture in
        LayoutPlan.PlacedPicture(
          picture: picture, place: ["outputs", prompt.prompt, "\(picture.seed).png"],
          key: "\(prompt.prompt)/\(picture.seed).png")
      }
      let subset = (prompt.subset ?? "prompts").replacing("-", with: "_")
      if let index = subsets.firstIndex(where: { $0.key == subset }) {
        subsets[index].prompts.append(prompt.prompt)
      } else {
        subsets.append((subset, [prompt.prompt]))
      }
    }
    let skipped = pictures.prompts.filter {
      AttendAndExcitePrompt.parts(of: $0.prompt.prompt) == nil
    }
    if let first = skipped.first {
      plan.notes.append(
        "Attend-and-Excite's scripts pass over prompts without \" and \" or \" with \": "
          + "\(skipped.count) of \(pictures.prompts.count), as \(first.prompt.id)")
    }
    plan.texts.append(
      (
        ["prompts.json"],
        JSONText.lines(
          subsets.map { ($0.key, JSONText.array($0.prompts.map(JSONText.string))) })
      ))
    return plan
  }
}
