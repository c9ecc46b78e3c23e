private import Foundation
internal import TensorEngine

/// What GenEval's `evaluate_images.py` reads: a numbered folder a prompt, with the line of metadata that says
/// what its pictures are to show.
enum GenEvalLayout {
  static func plan(_ pictures: SuitePictures, metadata: String?) throws -> LayoutPlan {
    let given = try metadata.map(lines)
    var used: [String: Int] = [:]
    var plan = LayoutPlan()
    var all = ""
    for (index, entry) in pictures.prompts.enumerated() {
      let prompt = entry.prompt
      let line: String
      if let given, let path = metadata {
        // A text that is there several times is taken in the order of its lines.
        let turn = used[prompt.prompt, default: 0]
        guard let found = given[prompt.prompt], let last = found.last else {
          throw FileError(
            .malformed, path: path,
            reason:
              "expected a line for each prompt, got none for \(FileError.quoted(prompt.prompt))")
        }
        used[prompt.prompt] = turn + 1
        line = found.indices.contains(turn) ? found[turn] : last
      } else {
        line = try made(prompt, path: pictures.folder.suite)
      }
      let folder = String(format: "%05d", index)
      plan.texts.append((["images", folder, "metadata.jsonl"], line + "\n"))
      all += line + "\n"
      for (number, picture) in entry.pictures.enumerated() {
        let name = String(format: "%05d", number) + ".png"
        plan.pictures.append(
          LayoutPlan.PlacedPicture(
            picture: picture, place: ["images", folder, "samples", name],
            key: "\(folder)/samples/\(name)"))
      }
    }
    plan.texts.append((["evaluation_metadata.jsonl"], all))
    return plan
  }

  /// The lines of a file of metadata, by their prompts.
  private static func lines(_ path: String) throws -> [String: [String]] {
    let document = try TextDocument(path: path)
    var lines: [String: [String]] = [:]
    try document.eachValue { node, line in
      // What the scorer would fail on is refused before.
      _ = try (node.member("tag").string(), node.member("include").elements())
      lines[try node.member("prompt").string(), default: []].append(document.text(line.range))
    }
    return lines
  }

  // MARK: - Metadata of a suite

  /// The line that asks for what a suite says of a prompt.
  private static func made(_ prompt: SuitePrompt, path: String) throws -> String {
    func refuse(_ reason: String) -> EvaluationError {
      .benchmark(
        path: path,
        reason:
          "GenEval cannot ask for what \(prompt.id) is to show: \(reason); give lines of its own by "
          + "--metadata")
    }
    guard prompt.subset != "counting" else { throw refuse("a suite has no counts") }
    guard (1...2).contains(prompt.subjects.count) else {
      throw refuse("expected 1 or 2 subjects, got \(prompt.subjects.count)")
    }
    guard prompt.relations.count <= 1 else {
      throw refuse("expected 1 relation at most, got \(prompt.relations.count)")
    }
    var items = try prompt.subjects.map { subject in
      guard let name = SubjectWord.forms(of: subject).first(where: classes.contains) else {
        throw refuse("\(FileError.quoted(subject)) is none of its 80 classes")
      }
      var item = "\"class\": \(JSONText.string(name)), \"count\": 1"
      if let color = prompt.attributes[subject] {
        guard colors.contains(color) else {
          throw refuse(
            "\(FileError.quoted(color)) is none of its colours, \(colors.sorted().joined(separator: ", "))"
          )
        }
        item += ", \"color\": \(JSONText.string(color))"
      }
      return (subject: subject, item: item)
    }
    var tag =
      items.count == 1
      ? prompt.attributes.isEmpty ? "single_object" : "colors"
      : prompt.attributes.isEmpty ? "two_object" : "color_attr"
    if let relation = prompt.relations.first {
      guard places.contains(relation.place), relation.subject != relation.other else {
        throw refuse(
          "\(FileError.quoted(relation.place)) is none of its places, \(places.joined(separator: ", "))"
        )
      }
      // The thing that a place is seen from comes first, as in the benchmark's own lines.
      items.sort { one, _ in one.subject == relation.other }
      items[1].item += ", \"position\": [\(JSONText.string(relation.place)), 0]"
      tag = "position"
    }
    let include = items.map { "{\($0.item)}" }.joined(separator: ", ")
    return
      "{\"tag\": \"\(tag)\", \"include\": [\(include)], \"prompt\": \(JSONText.string(prompt.prompt))}"
  }

  private static let places = ["left of", "right of", "above", "below"]
  private static let colors: Set = [
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white",
  ]
  /// The detector's classes, COCO's with three names of GenEval's own (`object_names.txt`).
  private static let classes = Set(
    """
    person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,\
    parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,\
    tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,\
    tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,\
    hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,computer mouse,\
    tv remote,computer keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,\
    teddy bear,hair drier,toothbrush
    """.split(separator: ",").map(String.init))
}
