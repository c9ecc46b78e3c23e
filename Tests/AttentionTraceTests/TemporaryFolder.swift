import Foundation
import TestSupport

extension TemporaryFolder {
  /// Every file below `root` and its bytes.
  static func contents(_ root: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: root) {
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: root + "/" + name, isDirectory: &isFolder)
      if !isFolder.boolValue {
        files[name] = try Data(contentsOf: URL(fileURLWithPath: root + "/" + name))
      }
    }
    return files
  }
}

/// Replaces a file's bytes.
func overwrite(_ path: String, _ bytes: some Sequence<UInt8>) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

/// A file's bytes.
func bytes(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}
