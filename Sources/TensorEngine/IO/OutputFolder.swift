private import Foundation

/// Folders that a command makes for what it writes.
package enum OutputFolder {
  /// Makes the folder and those above it.
  /// - Throws: ``FileError`` with the system's words.
  package static func make(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw FileError(.unwritable, path: path, reason: error.localizedDescription)
    }
  }
}
