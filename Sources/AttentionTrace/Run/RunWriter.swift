internal import Glibc

// Unsafe: an array's bytes are written to a file for the length of the call.

/// A run's folder held for writing; no other process can hold it at the same time.
public final class RunWriter {
  /// The folder and the names in it.
  public let folder: RunFolder
  /// The manifest in the folder.
  public private(set) var manifest: RunManifest
  /// The calls that the journal held when the run was opened.
  public let calls: [CallRecord]
  let directory: Directory
  let lock: RunLock

  private init(
    folder: RunFolder, manifest: RunManifest, calls: [CallRecord], directory: Directory,
    lock: RunLock
  ) {
    self.folder = folder
    self.manifest = manifest
    self.calls = calls
    self.directory = directory
    self.lock = lock
  }

  /// What to tell where the folder's file system has no locks; `nil` where it has.
  public var lockNotice: String? { lock.notice }

  /// Takes hold of `folder` for the run that `manifest` describes, and makes it if there is none.
  ///
  /// A run there is the same if the manifests differ in nothing but their status and provenance.
  /// - Throws: `TraceError`: the folder holds another run, one of an earlier format, one that was begun
  ///   with other kernels, or something else, is being written, cannot be written, or its manifest or journal is damaged.
  public static func open(_ folder: RunFolder, for manifest: RunManifest) throws -> RunOpening {
    let directory = try Directory(path: folder.path, create: true)
    let lock = try RunLock(directory)
    let isTemporary = { (name: String) in name.hasPrefix(".") && name.hasSuffix(".tmp") }
    guard let there = try RunManifest.read(in: directory) else {
      guard try directory.names().allSatisfy({ isTemporary($0) || $0 == RunLock.name }) else {
        throw TraceError.notARun(path: folder.path)
      }
      let run = RunWriter(
        folder: folder, manifest: manifest, calls: [], directory: directory, lock: lock)
      try run.save()
      return .fresh(run)
    }
    guard there.format == RunManifest.currentFormat else {
      throw TraceError.oldFormat(path: folder.path, format: there.format)
    }
    if let difference = try there.difference(from: manifest) {
      throw TraceError.otherRun(
        path: folder.path, field: difference.field, here: difference.here,
        wanted: difference.wanted)
    }
    if there.status == .complete { return .complete(there) }
    if let here = there.provenance.instructionSet,
      let wanted = manifest.provenance.instructionSet, here != wanted
    {
      throw TraceError.otherInstructionSet(path: folder.path, here: here, wanted: wanted)
    }
    // What a killed process was writing; nobody else is, since this one holds the lock.
    for folder in [directory, try directory.folder(RunFolder.previewsName)].compactMap(\.self) {
      for name in try folder.names() where isTemporary(name) { try folder.remove(name) }
    }
    return .resumable(
      RunWriter(
        folder: folder, manifest: there, calls: try CallJournal.read(in: directory).records,
        directory: directory, lock: lock))
  }

  /// Writes `losses.csv` from the journal.
  /// - Throws: `TraceError`.
  public func writeLosses() throws {
    let table = LossTable(
      calls: try CallJournal.read(in: directory).records, subjects: manifest.subjects)
    try directory.write(Array(table.csv.utf8), to: RunFolder.lossesName, durably: false)
  }

  /// Writes the picture that a step predicts, also under the name of the latest one.
  /// - Parameters:
  ///   - png: the file's bytes.
  ///   - durability: what it must survive, as must the calls of its step.
  /// - Throws: `TraceError`.
  package func writePreview(_ png: [UInt8], ofStep step: Int, durability: Durability) throws {
    try directory.made(RunFolder.previewsName)
      .write(png, to: RunFolder.frameName(step), durably: durability == .power)
    try directory.write(png, to: RunFolder.previewName, durably: false)
  }

  /// Marks the run complete.
  ///
  /// Everything else must be in the folder by then.
  /// - Parameters:
  ///   - seconds: how long the denoising took; `nil` where another program made the run and did not say.
  ///   - passes: how often the UNet was run; `nil` likewise.
  /// - Throws: `TraceError`.
  public func complete(seconds: Double?, passes: UNetPasses?) throws {
    manifest.status = .complete
    manifest.provenance.seconds = seconds
    manifest.passes = passes
    try save()
    // The picture itself is there.
    try directory.remove(RunFolder.previewName)
  }

  private func save() throws {
    try directory.write(try manifest.json, to: RunFolder.manifestName, durably: true)
  }
}
