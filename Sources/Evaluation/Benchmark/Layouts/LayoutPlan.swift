internal import TensorEngine

/// What an export in a layout is to hold: pictures and texts by their places below its folder.
struct LayoutPlan {
  /// A picture and where it is to stand.
  struct PlacedPicture {
    let picture: BenchmarkPicture
    /// Folders from the outermost, and the file.
    let place: [String]
    /// By what results files call the picture.
    let key: String
    /// How many questions are asked of it; `nil` where the layout's results are one number a picture.
    var questions: Int?
  }

  var pictures: [PlacedPicture] = []
  /// Whole files by their places.
  var texts: [(place: [String], text: String)] = []
  /// What a user should know of the scripts' way with this export.
  var notes: [String] = []

  /// Refuses places that are no names of files, and those that two pictures share.
  /// - Parameter path: the suite's file, for messages.
  /// - Throws: `EvaluationError.benchmark`.
  func check(_ layout: PictureLayout, path: String) throws {
    var owners: [[String]: BenchmarkPicture] = [:]
    for placed in pictures {
      if let flaw = placed.place.compactMap(Self.flaw).first {
        throw EvaluationError.benchmark(
          path: path,
          reason:
            "\(layout.title) names files after prompts, and cannot hold \(placed.picture.id), whose "
            + flaw)
      }
      if let other = owners[placed.place] {
        throw EvaluationError.benchmark(
          path: path,
          reason: "\(layout.title) would give \(other.id) and \(placed.picture.id) the same file, "
            + FileError.quoted(placed.place.joined(separator: "/")))
      }
      owners[placed.place] = placed.picture
    }
  }

  private static func flaw(_ name: String) -> String? {
    if name.isEmpty || name == "." || name == ".." { return "name would be \"\(name)\"" }
    if name.contains("/") || name.contains("\0") { return "name would have a slash" }
    return name.utf8.count > 255 ? "name would be longer than 255 bytes" : nil
  }
}

extension PictureLayout {
  /// What an export of `pictures` is to hold.
  /// - Parameter metadata: the benchmark's own file of prompts or questions.
  /// - Throws: `EvaluationError`, `FileError`: what the layout cannot hold.
  func plan(_ pictures: SuitePictures, metadata: String?) throws -> LayoutPlan {
    func refuse(_ reason: String) -> EvaluationError {
      .benchmark(path: pictures.folder.path, reason: reason)
    }
    guard holdsMethods || pictures.methods.count == 1 else {
      throw refuse(
        "\(title) holds pictures of one method: choose one of "
          + "\(pictures.methods.joined(separator: ", ")) by --method")
    }
    guard !holdsOneSeed || pictures.seeds.count == 1 else {
      throw refuse(
        "\(title) holds one picture a prompt, and there are \(pictures.seeds.count): choose a seed, as in "
          + "--seeds \(pictures.seeds[0])")
    }
    if let neededMetadata, metadata == nil {
      throw refuse(
        "\(title) asks questions that a suite does not have: give its own file, \(neededMetadata), by "
          + "--metadata")
    }
    guard readsMetadata || metadata == nil else {
      throw refuse("\(title) has no file of metadata: leave --metadata out")
    }
    let plan =
      switch self {
      case .attendAndExcite: try AttendAndExciteLayout.plan(pictures)
      case .t2iCompBench: try T2ICompBenchLayout.plan(pictures)
      case .genEval: try GenEvalLayout.plan(pictures, metadata: metadata)
      case .genEval2: try GenEval2Layout.plan(pictures, metadata: metadata ?? "")
      case .tifa: try TIFALayout.plan(pictures, metadata: metadata ?? "")
      case .dsg: try DSGLayout.plan(pictures, metadata: metadata ?? "")
      case .visor: try VISORLayout.plan(pictures)
      case .synGen: try SynGenLayout.plan(pictures)
      }
    try plan.check(self, path: pictures.folder.suite)
    return plan
  }
}
