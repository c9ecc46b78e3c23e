/// A number that a scorer gives for a picture.
package struct ScoreKind: Hashable, Sendable, Comparable {
  /// What scores: `clip`, `owl`, `blip`, `blip-vqa`, or the name of what was imported.
  package let scorer: String
  /// Which of its numbers.
  package let name: String

  /// What tables for reading leave out, as it explains other scores: CSV and JSON have it.
  package var isDetail: Bool {
    [
      "clip first", "clip second", "clip cut", "owl ties", "owl cut", "blip-vqa phrases",
      "blip-vqa own-phrases",
    ].contains("\(scorer) \(name)")
  }

  /// The known kinds, in the order of columns.
  private static let known: [(scorer: String, name: String, title: String)] = [
    ("clip", "full", "CLIP full prompt"), ("clip", "minimum", "CLIP minimum object"),
    ("clip", "first", "CLIP first half"), ("clip", "second", "CLIP second half"),
    ("blip", "text-text", "BLIP text-text"), ("owl", "all", "all subjects"),
    ("owl", "found", "subjects found"), ("owl", "missing", "a subject missing"),
    ("owl", "colours", "colours right"), ("owl", "wrong-colour", "a colour on the wrong object"),
    ("owl", "right", "all right"), ("owl", "relations", "relations right"),
    ("blip-vqa", "score", "BLIP-VQA"),
  ]

  /// What Attend-and-Excite's bar chart has: its figure 8.
  package static let charted = [
    ScoreKind(scorer: "clip", name: "full"), ScoreKind(scorer: "clip", name: "minimum"),
  ]

  /// What the figure of ablations has: the same, and whether the detector finds all subjects.
  package static let ofAblations = charted + [ScoreKind(scorer: "owl", name: "all")]

  /// What tables show even where nothing is scored so: Attend-and-Excite's scores, and those of what came
  /// after it.
  static let ofThePaper =
    charted + [
      ScoreKind(scorer: "blip", name: "text-text"), ScoreKind(scorer: "owl", name: "all"),
      ScoreKind(scorer: "blip-vqa", name: "score"),
    ]

  private var place: Int {
    Self.known.firstIndex { $0.scorer == scorer && $0.name == name } ?? Self.known.count
  }

  /// The name by which tables for programs and options have it, as in `clip_full`.
  package var key: String { "\(scorer)_\(name)" }

  /// The column's title.
  package var title: String {
    place < Self.known.count ? Self.known[place].title : "\(scorer) \(name)"
  }

  /// Known kinds in their order, then others by their names.
  package static func < (one: ScoreKind, other: ScoreKind) -> Bool {
    (one.place, one.scorer, one.name) < (other.place, other.scorer, other.name)
  }
}
