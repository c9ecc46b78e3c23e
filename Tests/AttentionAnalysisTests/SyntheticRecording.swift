import AttentionTrace
import Foundation
import RecordingProbe

/// A synthetic run, recorded into a folder that goes when the test is over.
enum SyntheticRecording {
  static func with(
    _ run: SyntheticRun, limit: Int? = nil, _ body: (RecordedRun) throws -> Void
  ) throws {
    let path = FileManager.default.temporaryDirectory.path + "/heed-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    try run.record(into: RunFolder(path: path), limit: limit)
    try body(RecordedRun(path))
  }

  /// The bytes of a fixture of this target.
  static func fixture(_ name: String) throws -> Data {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    return try Data(contentsOf: folder.appendingPathComponent("Fixtures/\(name)"))
  }
}
