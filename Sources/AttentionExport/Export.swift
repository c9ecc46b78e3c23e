internal import AttentionAnalysis
public import AttentionTrace
internal import TensorEngine

/// An export of recorded runs to a folder that other programs read.
public struct Export: Sendable {
  /// The size of an export that was written.
  public struct Summary: Hashable, Sendable {
    /// The folder.
    public let path: String
    /// How many arrays hold maps.
    public let arrays: Int
    /// How many files there are, the manifest included.
    public let files: Int
    /// Bytes of all files together.
    public let bytes: Int
    /// Blocks that are NaN, and calls that a recipe skipped, because a chunk is missing.
    public let missing: Int
  }

  let runs: AlignedRuns
  let request: ExportRequest
  let version: String
  /// The maps, and behind them what stands along their axes.
  let arrays: [ExportedArray]
  /// The calls along the arrays' axis of calls, by run; `nil` without such an axis.
  let calls: [[CallRecord]]?
  /// With every keyword of the run put in its place.
  let recipe: Recipe?
  /// Calls of each run that the recipe skipped because a chunk is missing.
  let passedOver: [Int]
  /// The texts whose tokens stand along the arrays' axes.
  let tables: BranchTables

  /// Decides what is exported; reads no chunk except those of the first map of a recipe.
  /// - Parameters:
  ///   - runs: One run, or several that become one array.
  ///   - request: What is exported, and in which form.
  ///   - version: The program's version, for the manifest.
  /// - Throws: ``AnalysisError`` for runs that cannot be compared, or a selection that takes nothing;
  ///   `TraceError` or `FileError` for a damaged store.
  public init(_ runs: [RecordedRun], _ request: ExportRequest, version: String) throws {
    guard let first = runs.first else {
      throw AnalysisError.nothingSelected(run: "export", what: "any run", recorded: "no run")
    }
    guard !request.formats.isEmpty else {
      throw AnalysisError.nothingSelected(
        run: first.name, what: "an export without format",
        recorded: ExportFormat.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let aligned = try AlignedRuns(runs, request.selection, by: request.recipe)
    (self.runs, self.request, self.version) = (aligned, request, version)
    let maps: [ExportedArray]
    if let recipe = request.recipe {
      let made = try RecipeArrays(aligned, request, recipe)
      (self.recipe, calls, passedOver) = (made.recipe, made.calls, made.passedOver)
      (tables, maps) = (made.tables, [made.array])
    } else {
      let selected = try aligned.calls()
      (recipe, calls, passedOver) = (nil, selected, runs.map { _ in 0 })
      tables = try aligned.tables(nil, selected)
      maps = aligned.layerArrays(selected, request.precision, tables)
    }
    arrays = maps + aligned.coordinates(of: maps, calls, tables)
    try checkNames()
  }

  /// A store can name its layers as it likes; files and members of archives cannot.
  private func checkNames() throws {
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-".utf8)
    var seen: Set<String> = []
    for array in arrays {
      guard (1...200).contains(array.name.utf8.count), array.name.utf8.allSatisfy(allowed.contains),
        array.name.lowercased() != "arrays", seen.insert(array.name.lowercased()).inserted
      else {
        throw FileError(
          .malformed, path: runs.runs[0].folder.store,
          reason: "layer \(FileError.quoted(array.name)) cannot be the name of one file")
      }
    }
  }

  /// Blocks of all maps that are NaN because a chunk is missing.
  var missingBlocks: Int { arrays.reduce(0) { $0 + $1.missing.count } }

  /// Writes the folder at `path`, which appears only once it is whole.
  /// - Parameters:
  ///   - path: A folder that does not exist or is empty.
  ///   - overwriting: Whether an earlier export may be replaced.
  ///   - check: Called repeatedly; if it throws, the export ends and nothing is left.
  /// - Throws: `FileError`, `TraceError` for a damaged store, ``AnalysisError`` for a table that is
  ///   too large, or what `check` throws.
  public func write(
    to path: String, overwriting: Bool = false,
    check: @escaping @Sendable () throws -> Void = {}
  ) throws -> Summary {
    let folder = try ExportFolder(path, overwriting: overwriting, check: check)
    do {
      let summary = try write(into: folder)
      try folder.commit()
      return summary
    } catch {
      folder.abandon()
      throw error
    }
  }

  /// Writes the arrays alone, as one store or file at `path`, which appears only once it is whole: no
  /// tables, no manifest.
  /// - Parameters:
  ///   - format: One that has all arrays in one file or store.
  ///   - path: Where nothing is, or an empty folder for a store.
  ///   - overwriting: Whether a file, or a store that was exported, may be replaced.
  ///   - check: Called repeatedly; if it throws, the export ends and nothing is left.
  /// - Throws: As ``write(to:overwriting:check:)``.
  public func write(
    _ format: ExportFormat, to path: String, overwriting: Bool = false,
    check: @escaping @Sendable () throws -> Void = {}
  ) throws -> Summary {
    guard format.ending != nil else {
      throw AnalysisError.nothingSelected(
        run: path, what: "one file of \(format.rawValue)",
        recorded: ExportFormat.allCases.filter { $0.ending != nil }.map(\.rawValue)
          .joined(separator: ", "))
    }
    let folder = try ExportFolder(alone: format, path, overwriting: overwriting, check: check)
    do {
      let files = arrayFiles(in: folder, isAlone: true)
      try folder.checkFits(bytes: files.size(format))
      let places = try files.write(format)
      if format.isStore {
        try folder.commit()
      } else {
        try folder.commit(file: places.values.first ?? "")
      }
      return summary(folder, files: folder.written.count)
    } catch {
      folder.abandon()
      throw error
    }
  }

  private func arrayFiles(in folder: ExportFolder, isAlone: Bool) -> ArrayFiles {
    ArrayFiles(
      arrays: arrays, calls: calls,
      attributes: ExportAttributes(runs, tables, recipe: recipe, version: version), folder: folder,
      isAlone: isAlone)
  }

  private func summary(_ folder: ExportFolder, files: Int) -> Summary {
    Summary(
      path: folder.path, arrays: arrays.count { $0.kind == .maps }, files: files,
      bytes: folder.written.reduce(0) { $0 + $1.bytes },
      missing: missingBlocks + passedOver.reduce(0, +))
  }

  private func write(into folder: ExportFolder) throws -> Summary {
    let files = arrayFiles(in: folder, isAlone: false)
    let csv = request.formats.contains(.csv) ? files.size(.csv) : 0
    guard csv <= ExportRequest.csvLimit || request.allowsLargeTables else {
      throw AnalysisError.tooLarge(
        what: "CSV of about \(formatBytes(csv))", limit: formatBytes(ExportRequest.csvLimit))
    }
    try folder.checkFits(bytes: request.formats.reduce(0) { $0 + files.size($1) })
    var places: [ExportFormat: [String: String]] = [:]
    for format in request.formats where places[format] == nil {
      places[format] = try files.write(format)
    }
    for case (let run, let place?) in zip(runs.runs, runs.pictures) {
      let file = try MappedFile(path: run.folder.image, within: run.folder.path)
      try unsafe folder.write(place, "image/png") { sink in try unsafe file.withBytes(sink) }
    }
    let tables = ExportTable.all(runs, tables, exported: calls)
    for table in tables { try folder.write(table.path, "text/csv", table.csv) }
    try folder.writeJSON("tables/schema.json", TableDictionary(tables))
    try folder.write(
      ExportManifest.schemaName, "application/schema+json", ExportManifest.schema)
    try folder.write("README.md", "text/markdown", ExportReadme(self, places).text)
    try folder.writeJSON(ExportManifest.name, ExportManifest(self, places, folder.written))
    let written = folder.written
    try folder.write(
      ExportVerification.sumsName, "text/plain",
      written.map { "\($0.sha256)  \($0.path)\n" }.joined())
    return summary(folder, files: written.count + 1)
  }

  /// The command that makes this export again, without the paths.
  var command: String {
    var words = ["heed export RUN…", "-o FOLDER", "--format"]
    words.append(request.formats.map(\.rawValue).joined(separator: ","))
    let selection = ExportManifest.Selection(request.selection)
    func add(_ option: String, _ values: [String]?, _ separator: String = ",") {
      if let values { words.append("\(option) '\(values.joined(separator: separator))'") }
    }
    add("--layers", selection.layers)
    add("--heads", selection.heads?.map(String.init))
    add("--tokens", selection.tokens?.map { "@\($0)" })
    add("--steps", selection.steps?.map(String.init), "..")
    add("--branches", selection.branches)
    add("--phases", selection.phases)
    add("--dtype", request.precision.map { [$0.rawValue] })
    add("--recipe", request.recipe.map { [$0.description] })
    if request.eachStep { words.append("--each-step") }
    return words.joined(separator: " ")
  }
}
