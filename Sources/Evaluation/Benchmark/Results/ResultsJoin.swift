private import AttentionTrace
internal import TensorEngine

/// Finds the run of the picture that a result is about.
struct ResultsJoin {
  /// A picture's run, and how many questions are asked of it.
  struct Found {
    let id, method: String
    let seed: UInt64
    let questions: Int?
  }

  /// The benchmark's suite.
  let suite: Suite
  /// The layout of the export; `nil` without one.
  let layout: PictureLayout?
  /// The pictures of the export that results may be about, as `id/method/seed-0`; none without one.
  let pictures: [String]
  private let records: [ExportRecord.Picture]
  private let byKey: [String: [ExportRecord.Picture]]
  private let byFile: [String: [ExportRecord.Picture]]
  private let record: BenchmarkRecord
  private let ids: Set<String>
  private let path: String

  /// - Parameters:
  ///   - export: the folder of an export of the benchmark in `folder`.
  ///   - method: the only method whose pictures are meant.
  /// - Throws: `FileError`, `EvaluationError`: also for an export of another benchmark.
  init(_ folder: BenchmarkFolder, _ export: String?, method: String?) throws {
    suite = try Suite(folder.suite, format: .jsonl)
    record = try folder.wholeRecord(of: suite)
    ids = Set(suite.prompts.map(\.id))
    path = folder.path
    if let method, !record.methods.contains(method) {
      throw EvaluationError.unknown("method", method, among: record.methods, path: path)
    }
    guard let export else {
      (layout, pictures, records, byKey, byFile) = (nil, [], [], [:], [:])
      return
    }
    let exported = try ExportRecord(folder: export)
    guard let layout = PictureLayout(rawValue: exported.layout) else {
      throw FileError(
        .unsupported, path: "\(export)/\(ExportRecord.name)", subject: "layout",
        reason:
          "expected one of \(PictureLayout.allCases.map(\.rawValue).joined(separator: ", ")), got "
          + FileError.quoted(exported.layout))
    }
    for picture in exported.pictures {
      guard ids.contains(picture.id), record.methods.contains(picture.method),
        record.seeds(of: picture.method).contains(picture.seed)
      else {
        throw EvaluationError.benchmark(
          path: path,
          reason:
            "has no \(FileError.printable(Self.name(picture))), which the export in \(export) "
            + "holds: it is of another benchmark")
      }
    }
    records = exported.pictures.filter { method == nil || $0.method == method }
    byKey = Dictionary(grouping: records, by: \.key)
    byFile = Dictionary(grouping: records) {
      String($0.file.split(separator: "/").last ?? "")
    }
    pictures = records.map(Self.name)
    self.layout = layout
  }

  private static func name(_ picture: ExportRecord.Picture) -> String {
    "\(picture.id)/\(picture.method)/seed-\(picture.seed)"
  }

  /// The run of the picture that a result names.
  /// - Throws: `FileError` where there is none, or there are several.
  func picture(of result: ImportedResult) throws -> Found {
    switch result.name {
    case .key(let key, let method):
      let found = (byKey[key] ?? []).filter { method == nil || $0.method == method }
      return try one(of: found, result)
    case .path(let path):
      let parts = path.split(separator: "/")
      let found = (byFile[String(parts.last ?? "")] ?? []).filter {
        // The end of the path, from the export's folder on.
        let place = $0.file.split(separator: "/")
        return parts.count >= place.count
          ? Array(parts.suffix(place.count)) == place : Array(place.suffix(parts.count)) == parts
      }
      return try found.isEmpty ? run(parts, result) : one(of: found, result)
    case .run(let id, let method, let seed):
      return try known(id, method, seed, result)
    }
  }

  private func one(of found: [ExportRecord.Picture], _ result: ImportedResult) throws -> Found {
    guard let first = found.first else { throw unknown(result) }
    guard found.count == 1 else {
      let methods = Set(found.map(\.method)).sorted()
      throw result.node.failure(
        "\(FileError.quoted(result.name.text)) names \(found.count) pictures: say of which method "
          + "(\(methods.joined(separator: ", "))) by --method")
    }
    return Found(
      id: first.id, method: first.method, seed: first.seed, questions: first.questions)
  }

  /// The run whose folder a path goes through, as in `…/a-cat-and-a-frog/attend-and-excite/seed-0/image.png`.
  private func run(_ parts: [Substring], _ result: ImportedResult) throws -> Found {
    guard let place = parts.lastIndex(where: { RunFolder.seed(named: $0) != nil }),
      place >= 2, let seed = RunFolder.seed(named: parts[place])
    else { throw unknown(result) }
    return try known(String(parts[place - 2]), String(parts[place - 1]), seed, result)
  }

  private func known(
    _ id: String, _ method: String, _ seed: UInt64, _ result: ImportedResult
  ) throws -> Found {
    guard ids.contains(id), record.methods.contains(method),
      record.seeds(of: method).contains(seed)
    else {
      throw unknown(result)
    }
    return Found(id: id, method: method, seed: seed, questions: nil)
  }

  private func unknown(_ result: ImportedResult) -> FileError {
    result.node.failure(
      "expected a picture of \(layout == nil ? "the benchmark" : "the export"), got "
        + FileError.quoted(result.name.text))
  }
}
