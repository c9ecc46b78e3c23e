internal import TensorEngine

// Unsafe: a mapped file lends its bytes, of which a few are copied.

extension RunCheck {
  /// Whether a complete run has its picture, latent and losses.
  mutating func checkResults(_ scope: Scope) {
    checkLosses(scope)
    if let file = result(RunFolder.imageName, scope) { check(file, scope) }
    checkFrames(scope)
    checkPreviews(scope)
    if hasResult(RunFolder.latentName, scope) { checkLatent(scope) }
  }

  /// Whether a result is there; a run that Heed itself recorded must have it.
  private mutating func hasResult(_ name: String, _ scope: Scope) -> Bool {
    let path = scope.directory.path(of: name)
    let isThere = scope.directory.has(name)
    if !isThere, scope.manifest.provenance.recorder == nil { add(path, "is missing") }
    return isThere
  }

  /// The file of a result that is there.
  private mutating func result(_ name: String, _ scope: Scope) -> MappedFile? {
    guard hasResult(name, scope) else { return nil }
    return file(scope.directory.path(of: name))
  }

  /// A file of the run, out of whose folder no link leads.
  private mutating func file(_ path: String) -> MappedFile? {
    let root = folder.path
    return attempt(path) { try MappedFile(path: path, within: root) }
  }

  /// Whether each picture in `frames` is one of the video's.
  private mutating func checkFrames(_ scope: Scope) {
    guard let frames = scope.manifest.frames,
      let folder = attempt(self.folder.path, { try scope.directory.folder(RunFolder.framesName) }),
      let names = attempt(folder?.path ?? "", { try folder?.names() ?? [] })
    else { return }
    for name in names.sorted() {
      guard let path = folder?.path(of: name) else { continue }
      guard let frame = RunFolder.frame(named: name), frame < frames else {
        add(path, "is not a frame, but run.json has \(frames)")
        continue
      }
      if let file = file(path) { check(file, scope) }
    }
  }

  /// Whether the predicted picture of each step that keeps one is there, and no other.
  private mutating func checkPreviews(_ scope: Scope) {
    let steps = scope.manifest.previewedSteps
    let found = attempt(self.folder.path) { try scope.directory.folder(RunFolder.previewsName) }
    let names = Set(attempt(self.folder.path) { try found??.names() ?? [] } ?? [])
    let wanted = Set(steps.map(RunFolder.frameName))
    for step in steps {
      let path = self.folder.preview(step)
      guard names.contains(RunFolder.frameName(step)) else {
        add(path, "is missing")
        continue
      }
      if let file = file(path) { check(file, scope.manifest.previewSize) }
    }
    for name in names.subtracting(wanted).sorted() {
      add(
        self.folder.path + "/" + RunFolder.previewsName + "/" + name,
        "is not the predicted picture of a step for which run.json has one")
    }
  }

  /// Whether `losses.csv` is what the journal's measurements make.
  private mutating func checkLosses(_ scope: Scope) {
    guard scope.journalIsWhole, let file = result(RunFolder.lossesName, scope) else { return }
    let table = LossTable(calls: scope.records, subjects: scope.manifest.subjects).csv
    let expected = Array(table.utf8)
    let bytes = unsafe file.withBytes { unsafe [UInt8]($0.prefix(expected.count + 1)) }
    guard bytes != expected else { return }
    let same = zip(bytes, expected).prefix { $0 == $1 }.count
    let line = bytes[..<same].count { $0 == UInt8(ascii: "\n") } + 1
    add(folder.losses, "line \(line) does not match calls.jsonl")
  }

  /// The bytes of a PNG picture up to its size, and those of its last chunk.
  private static let (headerBytes, endBytes) = (24, 12)

  /// Whether a picture has the run's size, and its end.
  private mutating func check(_ file: MappedFile, _ scope: Scope) {
    check(file, (scope.manifest.width, scope.manifest.height))
  }

  private mutating func check(_ file: MappedFile, _ size: (width: Int, height: Int)) {
    let path = file.path
    let (bytes, tail) = unsafe file.withBytes {
      unsafe ([UInt8]($0.prefix(Self.headerBytes)), [UInt8]($0.suffix(Self.endBytes)))
    }
    func number(at place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    let end: [UInt8] = [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82]
    guard file.count >= Self.headerBytes + end.count, bytes.starts(with: signature),
      bytes[12..<16].elementsEqual("IHDR".utf8)
    else { return add(path, "is not a PNG picture") }
    guard tail == end else { return add(path, "is incomplete") }
    let (width, height) = (number(at: 16), number(at: 20))
    if (width, height) != size {
      add(path, "is \(width)x\(height), but run.json says \(size.width)x\(size.height)")
    }
  }

  /// Whether `latent.npy` is finite; of a run of Heed's own also whether it divides the picture, and
  /// whether the recorded layers stand on the grids that its halving makes.
  private mutating func checkLatent(_ scope: Scope) {
    let (path, root) = (folder.latent, folder.path)
    let latent = attempt(path) { try NumpyFile(path: path, within: root).tensor() }
    guard let latent else { return }
    if !latent.isFinite { add(folder.latent, "holds numbers that are NaN or infinite") }
    let (shape, manifest) = (latent.shape, scope.manifest)
    // Other pipelines pack the latent as they like.
    guard manifest.provenance.recorder == nil else { return }
    guard shape.count == 4, shape[0] == 1, shape[2] > 0, shape[3] > 0,
      manifest.height % shape[2] == 0,
      manifest.height / shape[2] * shape[3] == manifest.width
    else {
      return add(
        folder.latent, "has shape \(shape), for a picture of \(manifest.width)x\(manifest.height)")
    }
    checkGrids(scope, Grid(rows: shape[2], columns: shape[3]))
  }

  private mutating func checkGrids(_ scope: Scope, _ latent: Grid) {
    var grids = [latent]
    while let last = grids.last, last.pixels > 1 {
      grids.append(Grid(rows: (last.rows + 1) / 2, columns: (last.columns + 1) / 2))
    }
    var places: [(file: String, what: String, grid: Grid)] = []
    // Without subjects the method measures nothing, on whatever grid.
    if !scope.manifest.subjects.isEmpty {
      places.append((folder.manifest, "method", scope.manifest.method.grid))
    }
    if let run = try? RecordedRun(folder.path) {
      places += (run.sites.map(\.site) + run.queriedSites).map {
        (folder.store + "/zarr.json", $0.path, $0.grid)
      }
    }
    for (file, what, grid) in places where !grids.contains(grid) {
      add(file, "\(what) has grid \(grid), but a latent of \(latent) has no such level")
    }
  }
}
