import AttentionTrace
import Foundation
import TestSupport
import Testing

/// `Documentation/run-format.schema.json` and Heed's reading, held against each other.
///
/// The schema is judged by the Python package jsonschema, which `make readers` installs.
@Suite(
  "The schema of runs", .enabled(if: Readers.python != nil, "make readers installs jsonschema"))
struct FormatSchemaTests {
  private struct Verdict: Decodable {
    let folder: String
    let change: String
    let accepted: Bool
  }

  private static let runs = [
    "format-1/attend-and-excite/seed-0", "run-format/composable", "run-format/excited-picture",
    "recorded/sd35", "recorded/flux2", "recorded/cogvideox",
  ].map { Repository.fixtures + "/" + $0 }

  @Test(
    "Heed and jsonschema accept and refuse the same runs, each changed in one place",
    arguments: runs)
  func agreement(_ run: String) throws {
    let folder = try TemporaryFolder()
    try expectAgreement(on: run, in: folder)
  }

  @Test("They agree on a run that was imported")
  func imported() throws {
    let folder = try TemporaryFolder()
    let files = Repository.fixtures + "/import"
    let made = try HeedProcess.run(
      [
        "import", files + "/maps.npz", "--axes", "step,head,row,column,token", "--tokens",
        files + "/tokens.json", "--image", files + "/picture.png", "--subjects", "cat",
      ], in: folder.path)
    #expect(made.status == 0, "\(made.stderr)")
    try expectAgreement(on: folder.path + "/runs/a-cat-frog/imported/seed-0", in: folder)
  }

  private func expectAgreement(on run: String, in folder: TemporaryFolder) throws {
    let made = try Readers.run(
      [
        Repository.fixtures + "/run-format/mutate_runs.py",
        Repository.root + "/Documentation/run-format.schema.json", folder.path + "/changed", run,
      ], in: folder.path)
    #expect(made.status == 0, "\(made.stderr)")
    let verdicts = try JSONDecoder().decode(
      [Verdict].self, from: Data(folder.bytes("changed/verdicts.json")))
    var wrong: [String] = []
    for verdict in verdicts {
      var refusal: String?
      do { _ = try RecordedRun(folder.path + "/changed/" + verdict.folder) } catch {
        refusal = "\(error)"
      }
      if verdict.accepted != (refusal == nil) {
        wrong.append("\(verdict.change): Heed says \(refusal ?? "yes"), the schema the contrary")
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count) of \(verdicts.count):\n\(wrong.joined(separator: "\n"))")
    #expect(verdicts.count > 200)
    #expect(verdicts.filter(\.accepted).contains { $0.change.hasSuffix("run.json nothing") })
    #expect(verdicts.count { !$0.accepted } > 100)
  }
}
