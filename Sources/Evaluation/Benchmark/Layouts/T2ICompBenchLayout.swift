private import Foundation

/// What T2I-CompBench's scorers read: pictures whose names hold the prompt and a running number.
enum T2ICompBenchLayout {
  /// Pictures a prompt that the 3-in-1 score counts on.
  private static let picturesOfWholeBenchmark = 10

  static func plan(_ pictures: SuitePictures) throws -> LayoutPlan {
    var plan = LayoutPlan()
    for (prompt, own) in pictures.prompts {
      // Scorers take what stands before the first underscore for the prompt.
      guard !prompt.prompt.contains("_") else {
        throw EvaluationError.benchmark(
          path: pictures.folder.suite,
          reason: "T2I-CompBench reads a prompt up to its first \"_\", and \(prompt.id) has one")
      }
      for picture in own {
        let number = plan.pictures.count
        plan.pictures.append(
          LayoutPlan.PlacedPicture(
            picture: picture,
            place: ["samples", "\(prompt.prompt)_\(String(format: "%06d", number)).png"],
            key: "\(number)"))
      }
    }
    if pictures.seeds.count != picturesOfWholeBenchmark {
      plan.notes.append(
        "T2I-CompBench has \(picturesOfWholeBenchmark) pictures a prompt, which its 3-in-1 score counts "
          + "on; here are \(pictures.seeds.count)")
    }
    let prompts = pictures.prompts.map { $0.prompt.prompt + "\n" }.joined()
    plan.texts.append((["prompts.txt"], prompts))
    return plan
  }
}
