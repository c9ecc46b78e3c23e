import Foundation
import TensorEngine
import TestSupport
import Testing

extension TemporaryFolder {
  /// Puts `bytes` into a file named `name`.
  func file(_ bytes: [UInt8], name: String = "file") throws -> String {
    let file = path + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  /// The names of the files in the folder.
  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path) }
}

/// The path of a file under this target's Fixtures.
func fixture(_ name: String, of file: String = #filePath) -> String {
  URL(fileURLWithPath: file).deletingLastPathComponent().path + "/Fixtures/" + name
}

func bytes(ofFileAt path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// The error that `body` throws, which must be one about a file.
func fileError<Result>(
  _ body: () throws -> Result, sourceLocation: SourceLocation = #_sourceLocation
) -> FileError? {
  do {
    _ = try body()
    Issue.record("expected an error, got none", sourceLocation: sourceLocation)
  } catch let error as FileError {
    return error
  } catch {
    Issue.record("expected a FileError, got \(error)", sourceLocation: sourceLocation)
  }
  return nil
}
