internal import AttentionAnalysis
internal import AttentionTrace
internal import Drawing
internal import PromptText

/// A place in the picture that belongs to a word: where a method with boxes was told to keep it, as in BoxDiff, or
/// where a detector sees it.
struct PictureBox: Hashable, Sendable {
  /// What a detector says of the place.
  struct Finding: Hashable, Sendable {
    /// The detector and its threshold, for people.
    let detector: String
    /// Its score, 0…1.
    let score: Double
    /// Whether the score reaches the threshold; `nil` where that is not told.
    let isFound: Bool?
  }

  /// The word as the run's subjects name it, or as the box does if it is none of them.
  var word: String
  /// Left, top, right and bottom edge as fractions of the picture.
  var edges: [Double]
  /// The word's colour; `nil` for a word that is no subject, which has none.
  var color: Color?
  /// `nil` for a box that a method was told.
  var finding: Finding?

  /// The boxes of a run: those of its method, and those that a detector found.
  static func boxes(of run: RecordedRun, _ detections: RunDetections?) -> [PictureBox] {
    told(run.manifest)
      + (detections.map { detections in
        detections.boxes(of: run).map { seen($0, in: run.manifest, by: detections.detector) }
      } ?? [])
  }

  /// Those of a method's knob `box`, as in `cat=0.1,0.2,0.5,0.9; frog=…`.
  private static func told(_ run: RunManifest) -> [PictureBox] {
    (run.settings["box"] ?? "").split(separator: ";").compactMap { part in
      let sides = part.split(separator: "=").map {
        String($0.trimmingPrefix(while: \.isWhitespace))
      }
      let edges = sides.last?.split(separator: ",").compactMap { Double($0) } ?? []
      guard sides.count == 2, edges.count == 4 else { return nil }
      let tokens = try? WordReference(sides[0]).subject(in: run.tokens).tokens
      let place = run.subjects.firstIndex { $0.name == sides[0] || $0.tokens == tokens }
      return PictureBox(
        word: place.map { run.subjects[$0].name } ?? sides[0], edges: edges,
        color: place.map(color))
    }
  }

  private static func seen(
    _ detection: SubjectDetection, in run: RunManifest, by detector: String
  ) -> PictureBox {
    let places = run.subjects.indices.filter {
      run.word(of: run.subjects[$0])?.lowercased() == detection.subject.lowercased()
    }
    return PictureBox(
      // Of a word that is several subjects, the box is of none of them.
      word: places.count == 1 ? run.subjects[places[0]].name : detection.subject,
      // What stands over the edge is not in the picture.
      edges: detection.box.map { min(max($0, 0), 1) }, color: places.first.map(color),
      finding: Finding(detector: detector, score: detection.score, isFound: detection.isFound))
  }

  private static func color(ofSubject place: Int) -> Color {
    Palette.words[place % Palette.words.count]
  }

  /// What boxes mean, in sentences; empty if there are none.
  static func note(_ boxes: [PictureBox]) -> String {
    let told =
      boxes.contains { $0.finding == nil }
      ? ["Boxes: where the method was told to keep each word."]
      : []
    let findings = boxes.compactMap(\.finding)
    let seen = findings.map(\.detector).uniqued.map { detector in
      "Boxes with a score: where \(detector) sees each word best, in the word’s colour"
        + (findings.contains { $0.isFound == false }
          ? "; dashed: not found, as the score is below the threshold." : ".")
    }
    return (told + seen).joined(separator: " ")
  }

  /// Draws boxes over a picture in `frame`: in their words' colours, on a wider white line that shows them
  /// on any picture; those of a detector with their scores, dashed where it does not find the word.
  /// - Parameter namesWords: whether a score stands beside its word where there is room; not where all boxes
  ///   are of one.
  static func draw(
    _ boxes: [PictureBox], in frame: Scene.Rect, namesWords: Bool = true,
    _ builder: inout SceneBuilder
  ) {
    func place(_ box: PictureBox) -> Scene.Rect {
      let (left, top) = (
        frame.x + box.edges[0] * frame.width, frame.y + box.edges[1] * frame.height
      )
      return Scene.Rect(
        x: left, y: top, width: frame.x + box.edges[2] * frame.width - left,
        height: frame.y + box.edges[3] * frame.height - top)
    }
    for box in boxes {
      let rect = place(box)
      let dash = box.finding?.isFound == false ? [2.4, 1.6] : []
      builder.group("box \(box.word)") { builder in
        builder.rectangle(rect, stroke: Scene.Stroke(.white, width: 1.8))
        builder.rectangle(rect, stroke: Scene.Stroke(box.color ?? .black, width: 0.9, dash: dash))
      }
    }
    var labels = BoxLabels(in: frame)
    let seen = boxes.compactMap { box in
      box.finding.map { (box: box, score: NumberText.tick($0.score, step: 0.01)) }
    }
    let words = seen.map { "\($0.box.word) \($0.score)" }
    let hasRoom = namesWords && labels.fit(words, builder)
    for (one, words) in zip(seen, words) {
      builder.group("score \(one.box.word)") { builder in
        labels.draw(
          hasRoom ? words : one.score, color: one.box.color ?? .black, at: place(one.box), &builder)
      }
    }
  }
}
