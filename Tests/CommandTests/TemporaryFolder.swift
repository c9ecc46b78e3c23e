import Foundation
import TestSupport

extension TemporaryFolder {
  /// The names of everything below, in order.
  var names: [String] {
    ((try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []).sorted()
  }

  /// A file's text, repaired where it is not UTF-8; empty if there is none.
  func text(_ name: String) -> String {
    String(decoding: bytes(name), as: UTF8.self)
  }

  /// A file's bytes; none if there is no file.
  func bytes(_ name: String) -> [UInt8] {
    (try? Data(contentsOf: URL(fileURLWithPath: path + "/" + name))).map { [UInt8]($0) } ?? []
  }

  func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: path + "/" + name)
  }
}

/// Files of the repository that tests read.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  static let tinyModel = root + "/Tests/DiffusionTests/Fixtures/tiny-sd1"
  static let fixtures = root + "/Tests/CommandTests/Fixtures"
}
