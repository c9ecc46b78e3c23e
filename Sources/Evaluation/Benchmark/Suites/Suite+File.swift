internal import AttentionTrace
private import Foundation
internal import TensorEngine

extension Suite {
  /// The suites that come with Heed.
  public static let builtIn = ["attend-and-excite"]

  /// A suite that comes with Heed: `attend-and-excite`, the paper's 276 prompts in the subsets `animals` (66),
  /// `animals-objects` (144) and `objects` (66).
  /// - Throws: `FileError` for another name, or where the files that come with Heed are not there.
  public static func named(_ name: String) throws -> Suite {
    guard builtIn.contains(name) else { throw unknown(name) }
    return try Suite("\(ResourceFolder.evaluation.path)/Suites/\(name).jsonl", format: .jsonl)
  }

  /// A suite that comes with Heed, or else the file of that path.
  /// - Parameter format: the form of the file; `nil` tells it from its ending and content.
  /// - Throws: `FileError` with the place and what is wrong there.
  public static func find(_ nameOrPath: String, format: SuiteFormat? = nil) throws -> Suite {
    if format == nil, builtIn.contains(nameOrPath) { return try named(nameOrPath) }
    guard nameOrPath.contains("/") || FileManager.default.fileExists(atPath: nameOrPath) else {
      throw unknown(nameOrPath)
    }
    return try Suite(nameOrPath, format: format)
  }

  private static func unknown(_ name: String) -> FileError {
    FileError(
      .missing, path: name,
      reason: "expected the path of a suite's file, or one of the suites that come with Heed ("
        + builtIn.joined(separator: ", ") + ")" + Suggestion.question(name, among: builtIn))
  }

  /// Reads the file at `path`; the suite is named after the file, unless the file names it.
  /// - Parameter format: the form of the file; `nil` tells it from its ending and content.
  /// - Throws: `FileError` with the line or key and what is wrong there.
  public init(_ path: String, format: SuiteFormat? = nil) throws {
    let file = try SuiteFile(path: path)
    let (named, prompts) = try file.read(format ?? file.format)
    guard !prompts.isEmpty else {
      throw FileError(.malformed, path: path, reason: "expected prompts, got none")
    }
    let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    self.init(name: named ?? name, prompts: prompts)
  }

  /// The suite as lines of JSON, the same bytes whatever file it was read from.
  public var lines: String { prompts.map { SuiteLine.text($0) + "\n" }.joined() }

  /// Writes ``lines`` to `path`, whole or not at all.
  /// - Throws: `FileError`.
  public func write(to path: String) throws {
    try writeAtomically(Array(lines.utf8), to: path)
  }
}
