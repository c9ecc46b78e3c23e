private import Foundation

/// A folder that is gone when the test is over.
package final class TemporaryFolder: Sendable {
  /// Where it is.
  package let path: String

  package init() throws {
    path = FileManager.default.temporaryDirectory.path + "/heed-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
