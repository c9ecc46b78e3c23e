internal import AttentionTrace
internal import Drawing
internal import PromptText

/// The place in the picture that a method with boxes was told to keep a word to, as in BoxDiff.
struct PictureBox: Hashable, Sendable {
  /// The word as the run's subjects name it, or as the box does if it is none of them.
  var word: String
  /// Left, top, right and bottom edge as fractions of the picture.
  var edges: [Double]
  /// The word's colour; `nil` for a word that is no subject, which has none.
  var color: Color?

  /// The boxes of a run: those of its method's knob `box`, as in `cat=0.1,0.2,0.5,0.9; frog=…`.
  static func boxes(of run: RunManifest) -> [PictureBox] {
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
        color: place.map { Palette.words[$0 % Palette.words.count] })
    }
  }

  /// What boxes mean, as a sentence; empty if there are none.
  static func note(_ boxes: [PictureBox]) -> String {
    boxes.isEmpty ? "" : "Boxes: where the method was told to keep each word."
  }

  /// Draws boxes over a picture in `frame`: in their words' colours, on a wider white line that shows them
  /// on any picture.
  static func draw(
    _ boxes: [PictureBox], in frame: Scene.Rect, _ builder: inout SceneBuilder
  ) {
    for box in boxes {
      let (left, top) = (
        frame.x + box.edges[0] * frame.width, frame.y + box.edges[1] * frame.height
      )
      let rect = Scene.Rect(
        x: left, y: top, width: frame.x + box.edges[2] * frame.width - left,
        height: frame.y + box.edges[3] * frame.height - top)
      builder.group("box \(box.word)") { builder in
        builder.rectangle(rect, stroke: Scene.Stroke(.white, width: 1.8))
        builder.rectangle(rect, stroke: Scene.Stroke(box.color ?? .black, width: 0.9))
      }
    }
  }
}
