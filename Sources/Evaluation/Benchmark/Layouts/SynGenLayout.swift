internal import AttentionTrace

/// What SynGen's `automatic_evaluation.py` reads: a folder named as the caption, with pictures named after a
/// model and a seed, and a table of captions.
enum SynGenLayout {
  static func plan(_ pictures: SuitePictures) throws -> LayoutPlan {
    func refuse(_ reason: String) -> EvaluationError {
      .benchmark(path: pictures.folder.suite, reason: reason)
    }
    // The script cuts a picture's name at its first underscore.
    if let method = pictures.methods.first(where: { $0.contains("_") }) {
      throw refuse("SynGen reads a model up to its first \"_\", and \(method) has one")
    }
    var plan = LayoutPlan()
    var captions = CSV.line(["caption"])
    var names: [String: String] = [:]
    for (prompt, own) in pictures.prompts {
      // Folders are read with blanks for underscores, captions are not.
      guard !prompt.prompt.contains("_") else {
        throw refuse("SynGen cannot find a caption with \"_\", and \(prompt.id) has one")
      }
      let read = prompt.prompt.replacing("'", with: " ")
      if let other = names[read] {
        throw refuse("SynGen takes the captions of \(other) and \(prompt.id) for the same")
      }
      names[read] = prompt.id
      captions += CSV.line([prompt.prompt])
      plan.pictures += own.map { picture in
        // Readers tell the form of a picture by its content: a PNG is read under this name too.
        LayoutPlan.PlacedPicture(
          picture: picture,
          place: ["images", prompt.prompt, "\(picture.method)_\(picture.seed).jpg"],
          key: "\(prompt.prompt)/\(picture.method)_\(picture.seed)")
      }
    }
    plan.texts.append((["captions.csv"], captions))
    return plan
  }
}
