private import Foundation

/// The Python whose libraries open what Heed writes; `make readers` makes it, `HEED_READERS` names another.
package enum ReaderPython {
  /// Its path; `nil` if there is none.
  package static let path: String? = {
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../..").standardized.path
    let named = ProcessInfo.processInfo.environment["HEED_READERS"]
    return [named, repository + "/.build-readers/bin/python"].compactMap { $0 }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()
}
