import Foundation
import TestSupport
import Testing

/// A page that `heed report` makes of runs recorded for it.
struct ReportPage {
  static let prompt = "a cat and a frog"
  /// Both methods from one seed, with all that a report shows.
  static let everything = [
    "compare", prompt, "--steps", "6", "--seeds", "3", "--layers", "*", "--branches",
    "conditional,unconditional",
  ]

  let folder: TemporaryFolder
  /// Its address.
  var address: String { "file://\(folder.path)/report.html" }

  /// Records runs, each by a command line, and makes the page of all of them.
  init(of recordings: [[String]] = [everything], _ arguments: [String] = []) throws {
    folder = try TemporaryFolder()
    for recording in recordings {
      let result = try HeedProcess.run(recording, in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
    }
    let result = try HeedProcess.run(["report", "runs"] + arguments, in: folder.path)
    #expect(result.status == 0, "\(result.stderr)")
  }

  /// Opens the page in a browser, does commands, and expects that it complained of nothing and asked for
  /// nothing but itself.
  func browse(
    at hash: String = "", size: [Int] = [1280, 900], _ commands: [[String: Any]]
  ) throws -> HeadlessBrowser.Outcome {
    let outcome = try HeadlessBrowser.run(
      [["size": size], ["open": address + hash], ["wait": 0.1]] + commands)
    #expect(outcome.problems.isEmpty, "\(outcome.problems)")
    #expect(
      outcome.requests.allSatisfy { $0.hasPrefix(address) || $0.hasPrefix("data:") },
      "\(outcome.requests)")
    return outcome
  }
}
