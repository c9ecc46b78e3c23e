internal import AttentionTrace
private import Foundation
internal import PromptText

/// A gradient method whose loss reads the boxes of words.
public protocol BoxMethod: GradientMethod {
  /// The boxes of words.
  var boxes: [WordBox] { get set }
}

extension BoxMethod {
  /// The knobs of its boxes, schedule and smoothing.
  public static var boxKnobs: [Knob<Self>] {
    [
      Knob(
        "box", "The box of a word: left, top, right, bottom, as fractions of the picture.",
        placeholder: "word=l,t,r,b", form: .list,
        expected: "a word and four numbers, as in cat=0.1,0.2,0.5,0.9",
        write: { method in
          method.boxes.isEmpty
            ? nil
            : method.boxes.map { box in
              "\(box.word)=\(box.edges.map { String($0) }.joined(separator: ","))"
            }.joined(separator: "; ")
        },
        read: { method, text in
          var boxes: [WordBox] = []
          for part in text.split(separator: ";", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, let edges = Knob<Self>.numbers(sides[1], count: 4) else {
              return false
            }
            boxes.append(
              WordBox(
                String(sides[0]).trimmingCharacters(in: .whitespaces), left: edges[0],
                top: edges[1], right: edges[2],
                bottom: edges[3]))
          }
          method.boxes = boxes
          return true
        })
    ] + scheduleKnobs
  }

  /// The boxes in a run's prompt.
  func layout(in run: PlannedRun) throws -> [LayoutBox] {
    try boxes.map { try $0.box(in: run.prompt) }
  }
}
