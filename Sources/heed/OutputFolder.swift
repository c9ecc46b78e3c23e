import Foundation

/// Folders that a command makes for what it writes.
enum OutputFolder {
  /// Makes the folder and those above it.
  /// - Throws: ``Failure`` with the system's words.
  static func make(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Failure(.cannotCreate, "\(path): \(error.localizedDescription)")
    }
  }
}
