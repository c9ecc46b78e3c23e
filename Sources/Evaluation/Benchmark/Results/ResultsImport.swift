internal import AttentionAnalysis
internal import AttentionTrace
private import Foundation
private import Pictures
internal import TensorEngine

/// Results of other programs, on their way to a benchmark's scores.
package struct ResultsImport {
  /// Where results come from and how they are called; `nil` leaves it to what the file tells.
  package struct Source: Sendable {
    /// The folder of the export whose pictures were scored.
    package var export: String?
    /// The method of the pictures, where the export holds several.
    package var method: String?
    /// What the scorer is called in tables.
    package var name: String?
    /// What scored, for people.
    package var model: String?

    package init(
      export: String? = nil, method: String? = nil, name: String? = nil, model: String? = nil
    ) {
      (self.export, self.method, self.name, self.model) = (export, method, name, model)
    }
  }

  /// What was written.
  package struct Outcome: Sendable {
    /// The file of scores.
    package let path: String
    /// How many pictures have scores of this file, and how many of them had some before.
    package let pictures, replaced: Int
  }

  /// One for each picture, in the order of the file.
  package let scores: [PictureScore]
  /// Pictures of the export that have no result, as `id/method/seed-0`.
  package let missing: [String]
  /// Columns of a table that are no scores.
  package let leftOut: [String]
  private let folder: BenchmarkFolder
  private let name: String

  /// Heed's own scorers, whose files an import must not change.
  private static let own = ["clip", "blip", "owl", "blip-vqa"]

  /// Reads the results in the file at `path`, and finds the benchmark's picture of each.
  /// - Throws: `FileError`, `EvaluationError`: a damaged file, a picture that the export or the benchmark does
  ///   not have, one that is there twice, an export that is not found.
  package init(_ path: String, of folder: BenchmarkFolder, _ source: Source) throws {
    let document = try TextDocument(path: path)
    let form = ResultsForm(document)
    let results: [ImportedResult]
    if case .table = form {
      let table = try ResultsTable.read(document)
      (results, leftOut) = (table.results, table.leftOut)
    } else {
      (results, leftOut) = (try ToolResults.read(document, form), [])
    }
    guard !results.isEmpty else {
      throw FileError(.malformed, path: path, reason: "expected results, got none")
    }
    let name = try source.name ?? Self.name(form, path: path)
    if let flaw = FolderName.flaw(in: name) {
      throw FileError(
        .malformed, path: path,
        reason: "expected a name that a file can have, got \(FileError.quoted(name)), which \(flaw)"
      )
    }
    guard !Self.own.contains(name) else {
      throw FileError(
        .malformed, path: path,
        reason: "expected another name: \(name) is a scorer of Heed's own")
    }
    let method = try source.method ?? Self.method(form, path, of: folder)
    let join = try ResultsJoin(folder, try Self.export(source, form, path), method: method)
    if let layout = form.layout, let of = join.layout, layout != of {
      throw FileError(
        .malformed, path: path,
        reason: "expected results of \(of.title), whose layout the export has, got those of "
          + layout.title)
    }
    let suite = Dictionary(join.suite.prompts.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    let model = source.model ?? form.layout?.title ?? "another program"
    var seen: [String: JSONNode] = [:]
    scores = try results.map { result in
      let found = try join.picture(of: result)
      let place = "\(found.id)/\(found.method)/seed-\(found.seed)"
      if let other = seen[place] {
        throw result.node.failure(
          "expected each picture once, got \(place) of \(other.place) again")
      }
      seen[place] = result.node
      var values = try Self.values(result, questions: found.questions)
      if case .visor = form, let prompt = suite[found.id] {
        values = try VISORScores.values(result, of: prompt)
      }
      return PictureScore(
        scorer: name, model: model, id: found.id, method: found.method, seed: found.seed,
        values: values,
        detections: try result.boxes.map { boxes in
          let run = folder.run(found.id, found.method, seed: found.seed)
          return try Self.detections(
            boxes, suite[found.id]?.subjects ?? [], size: try Self.size(of: run))
        }, caption: result.caption)
    }
    missing = join.pictures.filter { seen[$0] == nil }
    (self.folder, self.name) = (folder, name)
  }

  /// Writes the scores into the benchmark, in the places of those of the same scorer and pictures.
  /// - Throws: `FileError`.
  package func write() throws -> Outcome {
    let path = "\(folder.scores)/\(name).jsonl"
    var file = try ScoreFile(continuing: path)
    if let other = file.scores.first(where: { $0.scorer != name }) {
      throw FileError(
        .malformed, path: path,
        reason:
          "expected scores of \(name), got those of \(other.scorer): give another name by --name")
    }
    let replaced = try file.replace(scores)
    return Outcome(path: path, pictures: scores.count, replaced: replaced)
  }

  // MARK: - Where from

  /// The folder of the export: the one that is named, or the nearest above the file.
  private static func export(
    _ source: Source, _ form: ResultsForm, _ path: String
  ) throws -> String? {
    if let export = source.export { return export }
    var folder = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent()
    while true {
      if FileManager.default.fileExists(atPath: folder.path + "/" + ExportRecord.name) {
        return folder.path
      }
      guard folder.path != "/" else { break }
      folder.deleteLastPathComponent()
    }
    guard let layout = form.layout else { return nil }
    throw FileError(
      .missing, path: path,
      reason:
        "these are results of \(layout.title): name the folder of the export whose pictures were "
        + "scored by --export")
  }

  /// The method that VISOR's scripts name a file after, as in `results_METHOD_….json`; `nil` for others.
  private static func method(
    _ form: ResultsForm, _ path: String, of folder: BenchmarkFolder
  ) throws -> String? {
    guard case .visor = form else { return nil }
    let name = URL(fileURLWithPath: path).lastPathComponent
    return try folder.wholeRecord(of: Suite(folder.suite, format: .jsonl)).methods
      .filter { name.hasPrefix("results_\($0)_") }.max { $0.count < $1.count }
  }

  /// What a scorer is called by its results.
  private static func name(_ form: ResultsForm, path: String) throws -> String {
    switch form {
    case .attendAndExciteCLIP: return "attend-and-excite-clip"
    case .attendAndExciteBLIP: return "attend-and-excite-blip"
    case .genEval, .genEval2, .tifa, .dsg, .visor: return form.layout?.rawValue ?? ""
    case .t2iCompBench:
      // Each of its scorers writes a file of the same name, into a folder of its own.
      let folder = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent()
      let known = [
        "annotation_blip": "blip-vqa", "annotation_clip": "clip", "annotation_num": "numeracy",
        "annotation_obj_detection_2d": "2d", "annotation_obj_detection_3d": "3d",
        "annotation_3_in_1": "3-in-1", "sharegpt4v": "sharegpt4v",
        "sharegpt4v_wocot": "sharegpt4v-wocot",
      ]
      if let scorer = known[folder.lastPathComponent] { return "t2i-compbench-\(scorer)" }
      throw FileError(
        .malformed, path: path,
        reason:
          "T2I-CompBench's scorers write files of the same name: say which one this is by --name")
    case .table:
      return URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    }
  }

  // MARK: - What it says

  private static func values(
    _ result: ImportedResult, questions: Int?
  ) throws -> [String: Double] {
    guard let answers = result.answers else { return result.values }
    guard let questions else { return result.values }
    // VQAScore asks one question a picture, whatever the prompt.
    if result.values.isEmpty, answers.count == 1, questions > 1 { return ["vqascore": answers[0]] }
    guard answers.count == questions else {
      throw result.node.failure(
        "expected an answer to each of \(questions) questions about \(result.name.text), got "
          + "\(answers.count)")
    }
    guard result.values.isEmpty, !answers.isEmpty else { return result.values }
    let count = Double(answers.count)
    let logarithm = answers.map { log($0) }.reduce(0, +) / count
    return [
      "arithmetic_mean": answers.reduce(0, +) / count, "geometric_mean": exp(logarithm),
    ]
  }

  /// The best box of each subject.
  private static func detections(
    _ boxes: [ImportedResult.Box], _ subjects: [String], size: (width: Double, height: Double)
  ) throws -> [SubjectDetection] {
    subjects.compactMap { subject in
      let forms = SubjectWord.forms(of: subject)
      let best = boxes.filter { forms.contains($0.name) }.max { $0.score < $1.score }
      return best.map { box in
        let sides = [size.width, size.height, size.width, size.height]
        return SubjectDetection(
          subject: subject, score: box.score, box: zip(box.corners, sides).map { $0 / $1 })
      }
    }
  }

  /// The sides of a PNG, in pixels, from its header.
  private static func size(of run: RunFolder) throws -> (width: Double, height: Double) {
    let file = try run.openPicture()
    let bytes = unsafe file.withBytes { unsafe Array($0.prefix(PNGChunk.endOfHeader)) }
    guard bytes.count == PNGChunk.endOfHeader, bytes[12..<16].elementsEqual("IHDR".utf8) else {
      throw FileError(
        .malformed, path: run.image, reason: "expected a PNG, whose size boxes are shares of")
    }
    func side(_ range: Range<Int>) -> Double {
      Double(bytes[range].reduce(0) { $0 << 8 | Int($1) })
    }
    return (side(16..<20), side(20..<24))
  }
}
