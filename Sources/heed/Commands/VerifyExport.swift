import ArgumentParser
import AttentionAnalysis
internal import AttentionExport

/// An export against its manifest.
struct VerifyExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify-export",
    abstract: "Checks an export's files against its manifest.",
    discussion: """
      Every file is hashed again. Files that are missing, changed or extra are named, and the exit \
      code is then 65.
      """)

  @Argument(help: ArgumentHelp("A folder that heed export made.", valueName: "folder"))
  var folder: String

  @Flag(help: "Print the answer as JSON.")
  var json = false

  func run() throws {
    let found = try ExportVerification(of: folder)
    print(json ? TableText.json(Row(found)) : Self.text(found))
    guard found.isSound else {
      throw Failure(
        .dataError,
        "\(folder): \(found.missing.count) missing, \(found.changed.count) changed, "
          + "\(found.extra.count) extra")
    }
  }

  private static func text(_ found: ExportVerification) -> String {
    let lines =
      found.missing.map { "missing  \($0)" }
      + found.changed.sorted { $0.key < $1.key }.map { "changed  \($0.key): \($0.value)" }
      + found.extra.map { "extra    \($0)" }
    let counts =
      "\(found.unchanged) files unchanged, \(found.missing.count) missing, "
      + "\(found.changed.count) changed, \(found.extra.count) extra"
    return (lines + [counts]).joined(separator: "\n")
  }

  private struct Row: Encodable {
    let unchanged: Int
    let missing: [String]
    let changed: [String: String]
    let extra: [String]

    init(_ found: ExportVerification) {
      (unchanged, missing) = (found.unchanged, found.missing)
      (changed, extra) = (found.changed, found.extra)
    }
  }
}
