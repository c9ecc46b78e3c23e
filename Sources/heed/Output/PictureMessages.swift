import AttentionAnalysis
import AttentionTrace
import Diffusion
import Evaluation
import Pictures
import PromptText
import TensorEngine

extension Message {
  /// Says what was concluded for runs beyond what was asked for explicitly.
  static func concluded(_ order: RunOrder) {
    leftOut(order.prompt)
    if let first = order.plans.first { picture(first) }
    if let plan = order.plans.first(where: { plan in
      !plan.request.negativePrompt.isEmpty && !plan.texts.contains { $0.role == .negative }
    }) {
      let scale = plan.request.guidanceScale
      warning(
        "the negative prompt has no effect on \(plan.methodTitle): "
          + (scale > 1
            ? "this model is told the guidance scale, and reads the prompt alone"
            : "a guidance scale of \(RunManifest.short(String(scale))) disables guidance; give "
              + "--guidance-scale above 1"))
    }
    methodNotes(order.plans).filter(\.isWarning).forEach { warning($0.text) }
    for plan in order.plans {
      var parts = 0
      for text in plan.texts {
        let isSecond = text.encoder != plan.texts[0].encoder
        switch text.role {
        case .prompt: if isSecond { leftOut(text.table, of: "the second prompt") }
        case .negative:
          leftOut(text.table, of: isSecond ? "the second negative prompt" : "the negative prompt")
        case .source: leftOut(text.table, of: "the source prompt")
        case .part:
          parts += 1
          if text.table.prompt != order.prompt.prompt { leftOut(text.table, of: "part \(parts)") }
        }
      }
    }
    if !order.phrases.isEmpty {
      note("phrases: " + order.phrases.map(\.summary).joined(separator: "; "))
    }
    if order.hasFoundSubjects { subjects(order.subjects) }
  }

  /// Says in how many prompts of a suite the subjects are nouns that Heed found.
  static func nouns(_ orders: [RunOrder]) {
    let count = orders.count { $0.areSubjectsNouns }
    guard count > 0 else { return }
    note(
      "the subjects of \(count) \(count == 1 ? "prompt" : "prompts") are the nouns that Heed found in "
        + (count == 1 ? "it" : "them"))
  }

  /// Says what methods made of what was asked for, when runs are made or planned: no error comes after it.
  static func chosen(_ plans: [PlannedRun]) {
    methodNotes(plans).filter { !$0.isWarning }.forEach { note($0.text) }
  }

  /// What the methods of plans say of them, each once.
  private static func methodNotes(_ plans: [PlannedRun]) -> [MethodNote] {
    plans.flatMap { $0.request.method.notes(for: $0) }.reduce(into: []) {
      if !$0.contains($1) { $0.append($1) }
    }
  }

  /// Warns once of signs that web UIs would read and that are plain text here.
  static func literalMarks(_ plans: [PlannedRun]) {
    for plan in plans where plan.request.reading.syntax == .plain {
      for text in plan.texts where literalMarks(in: text.table.prompt) { return }
    }
  }

  /// Warns of the first such sign of a text that is read as plain, and returns whether there is one.
  @discardableResult
  static func literalMarks(in text: String) -> Bool {
    guard let mark = WebUIMarks.first(in: text) else { return false }
    let phrases =
      mark.hasPrefix("[") ? ", and brackets mark phrases for methods that read phrases" : ""
    warning(
      "\(FileError.quoted(mark)) is read as plain text; --syntax webui reads weights, BREAK and AND as "
        + "web UIs do" + phrases)
    return true
  }

  /// Warns if the model does not receive a start picture unchanged.
  static func picture(_ plan: PlannedRun) {
    guard let picture = plan.picture, let path = plan.request.picture?.path else { return }
    if picture.hadAlpha { warning("\(path): transparency is ignored, as in diffusers") }
    guard picture.isAltered(by: plan.size) else { return }
    let shape = "\(path): \(picture.photo.width)x\(picture.photo.height) pixels, "
    switch picture.fit {
    case .squash:
      warning(shape + "squashed to \(plan.size); --fit crop keeps the aspect ratio")
    case .crop:
      warning(shape + "cropped to \(plan.size); --fit squash keeps the whole picture")
    }
  }

  /// Warns of runs whose latents are out of range.
  static func latents(_ runs: [RecordedRun]) {
    for (run, excess) in LatentExcess.found(in: runs) {
      let manifest = run.manifest
      warning("\(manifest.method.figureTitle), seed \(manifest.seed): \(excess.words)")
    }
  }

  /// The most words that a warning lists.
  private static let shownWords = 300

  /// Says which words of a text the model will not see.
  static func leftOut(_ table: TokenTable, of name: String = "the prompt") {
    guard !table.leftOut.isEmpty else { return }
    let shown = table.leftOut.prefix(shownWords).joined(separator: " ")
    let more = table.leftOut.count - shownWords
    warning(
      "\(name) is longer than \(table.tokens.count) tokens; left out: \(shown)"
        + (more > 0 ? " and \(more) more words" : ""))
  }
}
