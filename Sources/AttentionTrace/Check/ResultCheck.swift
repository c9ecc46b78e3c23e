internal import TensorEngine

extension RunCheck {
  /// Whether a complete run has its picture, latent and losses.
  mutating func checkResults(_ scope: Scope) {
    checkLosses(scope)
    checkImage(scope)
    checkLatent(scope)
  }

  /// Whether `losses.csv` is what the journal's measurements make.
  private mutating func checkLosses(_ scope: Scope) {
    guard scope.journalIsWhole,
      let bytes = attempt(folder.losses, { try scope.directory.read(RunFolder.lossesName) })
    else { return }
    guard let bytes else { return add(folder.losses, "is missing") }
    let table = LossTable(calls: scope.records, subjects: scope.manifest.subjects).csv
    let expected = Array(table.utf8)
    guard bytes != expected else { return }
    let same = zip(bytes, expected).prefix { $0 == $1 }.count
    let line = bytes[..<same].count { $0 == UInt8(ascii: "\n") } + 1
    add(folder.losses, "line \(line) does not match calls.jsonl")
  }

  /// Whether `image.png` has the picture's size, and its end.
  private mutating func checkImage(_ scope: Scope) {
    guard let bytes = attempt(folder.image, { try scope.directory.read(RunFolder.imageName) })
    else { return }
    guard let bytes else { return add(folder.image, "is missing") }
    func number(at place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    let end: [UInt8] = [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82]
    guard bytes.count >= 24 + end.count, bytes.starts(with: signature),
      bytes[12..<16].elementsEqual("IHDR".utf8)
    else { return add(folder.image, "is not a PNG picture") }
    guard bytes.suffix(end.count) == end[...] else { return add(folder.image, "is incomplete") }
    let (width, height) = (number(at: 16), number(at: 20))
    if (width, height) != (scope.manifest.width, scope.manifest.height) {
      add(
        folder.image,
        "is \(width)x\(height), but run.json says \(scope.manifest.width)x\(scope.manifest.height)")
    }
  }

  /// Whether `latent.npy` is finite and divides the picture, and whether the recorded layers stand on
  /// the grids that its halving makes.
  private mutating func checkLatent(_ scope: Scope) {
    guard scope.directory.has(RunFolder.latentName) else {
      return add(folder.latent, "is missing")
    }
    let latent: Tensor
    do { latent = try NumpyFile(path: folder.latent).tensor() } catch {
      return add(folder.latent, (error as? FileError)?.reason ?? "\(error)")
    }
    let (shape, manifest) = (latent.shape, scope.manifest)
    guard shape.count == 4, shape[0] == 1, shape[2] > 0, shape[3] > 0,
      manifest.height % shape[2] == 0,
      manifest.height / shape[2] * shape[3] == manifest.width
    else {
      return add(
        folder.latent, "has shape \(shape), for a picture of \(manifest.width)x\(manifest.height)")
    }
    if !latent.isFinite { add(folder.latent, "holds numbers that are NaN or infinite") }
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
