import Foundation
import TestSupport

/// Debian's Chromium without a window, driven by `Fixtures/report/browse.py`.
struct HeadlessBrowser {
  /// What `make test` installs.
  static let isInstalled = ["/usr/bin/chromium", "/usr/bin/python3"]
    .allSatisfy(FileManager.default.isExecutableFile(atPath:))

  /// What came of commands.
  struct Outcome {
    /// Of each command, in their order.
    let results: [Any]
    /// Addresses that pages asked for.
    let requests: [String]
    /// What the console, the log and the security policy complained of.
    let problems: [String]

    /// The results that are something, in their order.
    var values: [Any] { results.filter { !($0 is NSNull) } }
    /// The same as texts.
    var texts: [String] { values.map { "\($0)" } }
  }

  /// Does commands one after the other, as in `["open": "file:///report.html#step=3"]`.
  static func run(_ commands: [[String: Any]]) throws -> Outcome {
    let folder = try TemporaryFolder()
    try folder.write("commands", JSONSerialization.data(withJSONObject: commands))
    for name in ["answer", "messages"] { try folder.write(name, []) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [Repository.fixtures + "/report/browse.py"]
    process.standardInput = FileHandle(forReadingAtPath: folder.path + "/commands")
    process.standardOutput = FileHandle(forWritingAtPath: folder.path + "/answer")
    process.standardError = FileHandle(forWritingAtPath: folder.path + "/messages")
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0,
      let answer = try JSONSerialization.jsonObject(with: Data(folder.bytes("answer")))
        as? [String: Any]
    else { throw Broken(description: folder.text("messages")) }
    return Outcome(
      results: answer["results"] as? [Any] ?? [], requests: answer["requests"] as? [String] ?? [],
      problems: answer["problems"] as? [String] ?? [])
  }

  /// The browser did not do what it was told.
  struct Broken: Error, CustomStringConvertible {
    let description: String
  }
}
