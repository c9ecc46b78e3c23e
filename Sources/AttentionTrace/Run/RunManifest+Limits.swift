internal import PromptText
internal import TensorEngine

extension RunManifest {
  /// The first value that no run can have, by its place in the file; `nil` where every one can be.
  ///
  /// It says of single values what the JSON Schema of `run.json` says, and caps texts. Whether values agree
  /// with each other is another question, which ``RunCheck`` answers.
  var impossibleValue: (place: String, reason: String)? {
    for (place, number) in extents where !Grid.extents.contains(number) {
      let (least, most) = (Grid.extents.lowerBound, Grid.extents.upperBound)
      return (place, "expected \(least) to \(most), got \(number)")
    }
    for (place, number, least) in numbers where number < least {
      return (place, "expected \(least) or more, got \(number)")
    }
    for (place, text, most) in lengthyTexts where text.utf8.count > most {
      return (
        place,
        "expected a text of at most \(most) bytes, got \(text.utf8.count)" + FileLimit.prompt.advice
      )
    }
    // Folders of runs are named by them.
    let names: [(place: String, name: String?)] = [
      ("method.name", method.name), ("request.variation", request.variation),
    ]
    for case (let place, let name?) in names where !Self.isFolderName(name) {
      return (place, "expected a name that a folder can have, got '\(name)'")
    }
    if let seconds, !(seconds >= 0) {
      return (format > 1 ? "provenance.seconds" : "seconds", "expected 0 or more, got \(seconds)")
    }
    if let sigma = sigmas?.first(where: { !($0 >= 0) }) {
      return ("sigmas", "expected 0 or more, got \(sigma)")
    }
    return nil
  }

  private static func isFolderName(_ name: String) -> Bool {
    !["", ".", ".."].contains(name) && !name.utf8.contains { [0, UInt8(ascii: "/")].contains($0) }
  }

  /// Every text that figures set, with its place and the most bytes that it may have: laying out a text
  /// costs the square of its length.
  private var lengthyTexts: [(place: String, text: String, most: Int)] {
    let (prompt, name) = (FileLimit.prompt.value, FileLimit.nameBytes)
    var all: [(place: String, text: String, most: Int)] = [
      ("request.prompt", request.prompt, prompt),
      ("request.negativePrompt", request.negativePrompt, prompt),
      ("request.secondPrompt", request.secondPrompt ?? "", prompt),
      ("request.secondNegativePrompt", request.secondNegativePrompt ?? "", prompt),
      ("request.variation", request.variation ?? "", name),
      ("method.name", method.name, name), ("method.title", method.title ?? "", name),
      ("model.name", model.name, name),
    ]
    all += subjects.enumerated().map { ("subjects.\($0).name", $1.name, name) }
    for (index, text) in texts.enumerated() {
      let place = format > 1 ? "texts.\(index)" : "tokens"
      all.append((place + ".prompt", text.table.prompt, prompt))
      all.append((place + ".encoder", text.encoder, name))
      all += text.table.tokens.enumerated().map { ("\(place).tokens.\($0).piece", $1.piece, name) }
      all += text.table.words.enumerated().map { ("\(place).words.\($0).text", $1.text, name) }
    }
    return all
  }

  /// Every number of which the sizes of pictures and maps are made, with its place.
  private var extents: [(place: String, number: Int)] {
    [
      ("height", height), ("width", width), ("frames", frames ?? 1),
      ("method.grid.rows", method.grid.rows), ("method.grid.columns", method.grid.columns),
    ]
  }

  /// Every other whole number that has a least value, with its place and that value.
  private var numbers: [(place: String, number: Int, least: Int)] {
    var all: [(place: String, number: Int, least: Int)] = [
      (format > 1 ? "request.steps" : "steps", steps, 1),
      ("method.alteredSteps", method.alteredSteps, 0),
      ("picture.height", picture?.height ?? 1, 1), ("picture.width", picture?.width ?? 1, 1),
      ("passes.forward", passes?.forward ?? 0, 0), ("passes.backward", passes?.backward ?? 0, 0),
    ]
    all += method.thresholds.keys.map { ("method.thresholds", $0, 0) }
    if let coverage = provenance.recorder?.coverage {
      let place = "provenance.recorder.coverage"
      all += [(place + ".recorded", coverage.recorded, 0), (place + ".layers", coverage.layers, 0)]
    }
    all += (request.previews?.steps ?? []).map { ("request.previews.steps", $0, 0) }
    for (index, subject) in subjects.enumerated() {
      all += subject.tokens.map { ("subjects.\(index).tokens", $0, 0) }
    }
    for (index, text) in texts.enumerated() {
      all += Self.numbers(of: text.table, at: format > 1 ? "texts.\(index)" : "tokens")
    }
    if let plan {
      let place = format > 1 ? "request.recording" : "plan"
      all += (plan.heads ?? []).map { (place + ".heads", $0, 0) }
      all += (plan.tokens ?? []).map { (place + ".tokens", $0, 0) }
      all.append((place + ".steps", plan.steps?.lowerBound ?? 0, 0))
      all.append((place + ".cells", plan.cells ?? 1, 1))
    }
    return all
  }

  private static func numbers(
    of table: TokenTable, at place: String
  ) -> [(place: String, number: Int, least: Int)] {
    let tokens = table.tokens.enumerated().flatMap { index, token in
      [("index", token.index), ("id", token.id), ("word", token.word ?? 0)].map {
        (place: "\(place).tokens.\(index).\($0)", number: $1, least: 0)
      }
    }
    let words = table.words.enumerated().flatMap { index, word in
      [(place: "\(place).words.\(index).occurrence", number: word.occurrence, least: 1)]
        + word.tokens.map { (place: "\(place).words.\(index).tokens", number: $0, least: 0) }
    }
    return tokens + words
  }
}
