internal import AttentionTrace
private import Foundation
private import Glibc
internal import TensorEngine

// Unsafe: the system takes paths for the length of a call.

/// Pictures of a benchmark in the layout of other programs, written whole or not at all.
package struct LayoutExport {
  private let pictures: SuitePictures
  private let layout: PictureLayout
  private let plan: LayoutPlan

  /// Plans an export.
  /// - Parameter metadata: the other benchmark's own file of prompts or questions; `nil` if there is none.
  /// - Throws: `EvaluationError`, `FileError`: what the layout cannot hold.
  package init(_ pictures: SuitePictures, _ layout: PictureLayout, metadata: String?) throws {
    (self.pictures, self.layout) = (pictures, layout)
    plan = try layout.plan(pictures, metadata: metadata)
  }

  /// How many pictures there are.
  package var count: Int { plan.pictures.count }

  /// What a user should know of the export, and of the other program's way with it.
  package var notes: [String] {
    let seeds = pictures.leftOut.map(String.init).joined(separator: ", ")
    return plan.notes
      + (seeds.isEmpty ? [] : ["left out: seeds that only some of the methods have, \(seeds)"])
  }

  /// Writes the export to `path`, which is not there, or an empty folder.
  /// - Parameters:
  ///   - linking: whether pictures are hard links to those of the runs.
  ///   - check: called before each picture; what it throws ends the export.
  /// - Throws: `FileError`, or what `check` throws; then nothing is left at `path`.
  package func write(to path: String, linking: Bool, check: () throws -> Void) throws {
    let folder = try StagedFolder(path)
    do {
      if !linking { try checkFits(path) }
      for placed in plan.pictures {
        try check()
        try put(placed.picture.run, at: try folder.file(placed.place), linking: linking)
      }
      for (place, text) in plan.texts {
        try AtomicFile.write(to: try folder.file(place), isHidden: true) {
          try $0.append(Array(text.utf8))
        }
      }
      let record = ExportRecord(plan, layout, suite: pictures.suite)
      try AtomicFile.write(to: try folder.file([ExportRecord.name]), isHidden: true) {
        try $0.append(record.json)
      }
      try folder.commit()
    } catch {
      folder.abandon()
      throw folder.renamed(error)
    }
  }

  private func put(_ run: RunFolder, at place: String, linking: Bool) throws {
    let (file, picture) = (try run.openPicture(), run.image)
    if linking {
      guard unsafe link(picture, place) == 0 else {
        let advice = errno == EXDEV ? "; leave --link out for another file system" : ""
        let error = FileError.system(.unwritable, path: picture, doing: "link", code: errno)
        throw FileError(
          error.kind, path: picture, reason: error.reason + advice, systemError: error.systemError)
      }
      return
    }
    try AtomicFile.write(to: place, isHidden: true) { output in
      try unsafe file.withBytes { try unsafe output.append($0) }
    }
  }

  private func checkFits(_ path: String) throws {
    var bytes = 0
    for placed in plan.pictures {
      let attributes = try? FileManager.default.attributesOfItem(atPath: placed.picture.run.image)
      bytes += (attributes?[.size] as? Int) ?? 0
    }
    let parent = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent().path
    let free = try RecordingCost.freeDisk(at: parent)
    guard bytes > free else { return }
    throw FileError(
      .diskFull, path: path,
      reason: "the pictures need \(formatBytes(bytes)), and \(formatBytes(free)) are free; --link "
        + "copies none")
  }
}
