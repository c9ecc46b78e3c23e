internal import AttentionAnalysis
internal import AttentionTrace
internal import Drawing
internal import PromptText
internal import TensorEngine

extension FigureCaption {
  /// The caption of a sheet of maps: what it shows, what the colours measure, and over which range.
  static func maps(
    _ prompt: String, _ shown: String, quantity: String, scale: ValueScale, style: MapStyle,
    strip: String, note: String = ""
  ) -> FigureCaption {
    FigureCaption(
      prompt: prompt, shown: shown + ".",
      note: colors(quantity, scale: scale, style: style, strip: strip)
        + (note.isEmpty ? "" : " " + note))
  }

  /// What the colours measure, over which range, and how maps are interpolated, as a sentence.
  static func colors(
    _ quantity: String, scale: ValueScale, style: MapStyle, strip: String
  ) -> String {
    let range =
      style.isOwnRange
      ? "each map on its own scale, printed below it"
      : "on one \(scale.isLogarithmic ? "logarithmic " : "")scale from "
        + "\(NumberText.value(scale.lower)) to \(NumberText.value(scale.upper))"
    let strip = style.isOwnRange ? "" : "; \(strip) is printed below each map"
    return "Colours: \(quantity), \(range), \(style.spread)\(strip)."
  }

  /// As in `cat, frog and bird`.
  package static func series(_ items: [String]) -> String {
    guard items.count > 1, let last = items.last else { return items.first ?? "" }
    return items.dropLast().joined(separator: ", ") + " and " + last
  }

  /// As in `(seeds 0, 3)`.
  static func list(_ name: String, _ items: [String]) -> String {
    "(\(items.count == 1 ? name : name + "s") \(items.joined(separator: ", ")))"
  }
}

extension Scene {
  /// Which runs' latents are out of range, a sentence for each method.
  /// - Parameter paths: of the runs that are shown; `nil` for all.
  static func warnings(of runs: [RecordedRun], among paths: Set<String>? = nil) -> [String] {
    let found = LatentExcess.found(in: runs)
      .filter { paths?.contains($0.run.folder.path) ?? true }
    let methods = found.map(\.run.manifest.method.figureTitle).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    return methods.map { method in
      let own = found.filter { $0.run.manifest.method.figureTitle == method }
      let seeds = Set(own.map(\.run.manifest.seed)).sorted().map(String.init)
      return "\(method), \(seeds.count == 1 ? "seed" : "seeds") "
        + "\(seeds.joined(separator: ", ")): \(LatentExcess.words(own.map(\.excess)))."
    }
  }

  /// Steps up to the last that moved the latent in any of the runs; of runs that do not tell, as many as
  /// their method may move it in.
  static func alteredSteps(of runs: [RecordedRun]) -> Int {
    runs.map { run in
      run.movedSteps == nil
        ? min(run.manifest.method.alteredSteps, run.manifest.timesteps.count)
        : run.lastMovedStep.map { $0 + 1 } ?? 0
    }.max() ?? 0
  }
}

extension Scene.Metadata {
  /// The metadata of a sheet's file: the prompt and the day of its first run.
  init(of run: RunManifest, software: String, manifest: OrderedJSON) {
    self.init(
      title: PlainText.line(run.tokens.prompt), date: run.date.prefix(10) + "T00:00:00Z",
      software: software,
      manifest: manifest.string)
  }
}

/// The labels that all sheets of pictures and maps have.
extension SceneBuilder {
  /// The prompt at the top of a page, with the margin above it; only the margin where there is none to show.
  func head(_ prompt: String?, width: Double) -> PagePart {
    head(words: prompt.map { "“\($0)”" }, width: width)
  }

  /// Words at the top of a page that are no prompt, as of a suite, with the margin above them; only the margin
  /// where there are none to show.
  func head(words title: String?, width: Double) -> PagePart {
    part { builder in
      guard let title, words.title, !words.isPart else { return Metrics.margin }
      return builder.group("prompt") {
        $0.paragraph(
          title, x: Metrics.margin, y: Metrics.margin, width: width, TextStyle(size: 9),
          baseline: 8.4, pitch: 11) + 3
      }
    }
  }

  /// What tells the blocks of a sheet apart: letters, and in a panel of several, small Roman numbers.
  func mark(_ index: Int) -> String { words.isPart ? Self.numeral(index) : Self.letter(index) }

  /// Panel letters in their order: (a) to (z), then (aa).
  static func letter(_ index: Int) -> String {
    var (rest, letters) = (index + 1, "")
    while rest > 0 {
      rest -= 1
      letters = String(UnicodeScalar(UInt8(97 + rest % 26))) + letters
      rest /= 26
    }
    return "(\(letters))"
  }

  /// Small Roman numbers: (i), (ii), (iii).
  private static func numeral(_ index: Int) -> String {
    var (rest, digits) = (index + 1, "")
    for (value, digit) in [
      (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
    ] {
      while rest >= value {
        rest -= value
        digits += digit
      }
    }
    return "(\(digits))"
  }
}
