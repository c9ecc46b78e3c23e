internal import AttentionTrace
private import Foundation
internal import PromptText
internal import TensorEngine

/// The runs in or below a folder, a line for each.
package struct RunListing {
  /// How far a run is.
  package enum State: Hashable {
    case complete
    /// Interrupted, or still being made.
    case partial(steps: Int, of: Int)
    /// Its files cannot be read, and why.
    case damaged(String)
  }

  /// What is told of a run.
  package struct Entry {
    /// Its folder.
    package let path: String
    /// `nil` where it cannot be read.
    let manifest: RunManifest?
    /// How far it is.
    package let state: State
    /// Of all its files, in bytes.
    let size: Int
    /// The verdict on each subject by what the run measured; empty for a run without subjects.
    let verdicts: [(subject: String, verdict: NeglectVerdict)]

    init(_ path: String) {
      self.path = path
      size = Self.size(of: path)
      do {
        let run = try RecordedRun(path)
        manifest = run.manifest
        verdicts = NeglectReport.measuredVerdicts(run)
        let steps = Set(run.noisePredictions.map(\.step)).count
        state =
          run.manifest.status == .complete
          ? .complete : .partial(steps: steps, of: run.manifest.timesteps.count)
      } catch {
        (manifest, verdicts, state) = (nil, [], .damaged("\(error)"))
      }
    }

    private static func size(of path: String) -> Int {
      let files = FileManager.default.enumerator(
        at: URL(fileURLWithPath: path),
        includingPropertiesForKeys: [.fileSizeKey, .isRegularFileKey])
      var sum = 0
      while let file = files?.nextObject() as? URL {
        let values = try? file.resourceValues(forKeys: [.fileSizeKey, .isRegularFileKey])
        if values?.isRegularFile == true { sum += values?.fileSize ?? 0 }
      }
      return sum
    }
  }

  /// The runs, in the order of their paths.
  package let entries: [Entry]

  /// Lists the runs in or below the folder at `path`.
  /// - Throws: `TraceError.noRun` if there is none.
  package init(_ path: String) throws {
    entries = try RunSearch.folders(path).map(Entry.init)
  }

  /// Aligned columns.
  /// - Parameter columns: the width to stay within; `nil` for as wide as it is.
  package func text(columns: Int?) -> String {
    let titles = ["prompt", "method", "seed", "state", "size", "verdict"]
    let whole = [titles] + entries.map { $0.cells(isNarrow: false) }
    guard let columns, Self.width(whole) > columns else {
      return AlignedColumns(whole, leftAligned: [0, 1, 3, 5]).text
    }
    let rows = [titles] + entries.map { $0.cells(isNarrow: true) }
    let fitted = Self.fitted(rows, cutting: [0, 5, 1], to: columns)
    if Self.width(fitted) <= columns {
      return AlignedColumns(fitted, leftAligned: [0, 1, 3, 5]).text
    }
    // Where even that is too wide, sizes are not told.
    let small = rows.map { cells in cells.indices.filter { $0 != 4 }.map { cells[$0] } }
    return AlignedColumns(
      Self.fitted(small, cutting: [0, 4, 1], to: columns), leftAligned: [0, 1, 3, 4]
    ).text
  }

  /// Rows within a width, as far as cutting some of the columns makes them so, always the widest.
  private static func fitted(
    _ rows: [[String]], cutting columns: [Int], to limit: Int
  ) -> [[String]] {
    var most = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
    for _ in 0..<max(0, width(rows) - limit) {
      guard let widest = most.indices.max(by: { most[$0] < most[$1] }), most[widest] > shortest
      else { break }
      most[widest] -= 1
    }
    var rows = rows
    for (column, most) in zip(columns, most) {
      for row in rows.indices { rows[row][column] = cut(rows[row][column], to: most) }
    }
    return rows
  }

  /// An array of objects.
  package var json: String { TableText.json(entries.map(Row.init)) }

  /// The fewest characters of a column that gives way.
  private static let shortest = 6

  private static func cut(_ text: String, to limit: Int) -> String {
    text.count <= limit ? text : text.prefix(limit - 1) + "…"
  }

  private static func width(_ rows: [[String]]) -> Int {
    (rows.first ?? []).indices.reduce(-2) { sum, column in
      sum + 2 + (rows.map { $0[column].count }.max() ?? 0)
    }
  }

  private struct Row: Encodable {
    let run: String
    let prompt: String?
    let method: String?
    let seed: UInt64?
    let state: String
    let steps: Int?
    let stepsWanted: Int?
    let problem: String?
    let bytes: Int
    let verdicts: [String: String]

    init(_ entry: Entry) {
      (run, bytes) = (entry.path, entry.size)
      let manifest = entry.manifest
      (prompt, method, seed) = (manifest?.tokens.prompt, manifest?.method.name, manifest?.seed)
      verdicts = Dictionary(
        entry.verdicts.map { ($0.subject, $0.verdict.rawValue) }, uniquingKeysWith: { $1 })
      stepsWanted = manifest?.timesteps.count
      switch entry.state {
      case .complete: (state, steps, problem) = ("complete", stepsWanted, nil)
      case .partial(let made, _): (state, steps, problem) = ("partial", made, nil)
      case .damaged(let reason): (state, steps, problem) = ("damaged", nil, reason)
      }
    }
  }
}

extension RunListing.Entry {
  /// Prompt, method, seed, state, size and verdict.
  fileprivate func cells(isNarrow: Bool) -> [String] {
    let state =
      switch state {
      case .complete: "complete"
      case .partial(let steps, let all): isNarrow ? "\(steps)/\(all)" : "\(steps) of \(all) steps"
      case .damaged: "damaged"
      }
    return [
      manifest?.tokens.prompt ?? path, manifest?.method.figureTitle ?? "-",
      manifest.map { String($0.seed) } ?? "-", state, formatBytes(size), verdict,
    ]
  }

  /// The verdict on all subjects where it is one, otherwise each.
  private var verdict: String {
    guard let first = verdicts.first?.verdict else { return "-" }
    if verdicts.allSatisfy({ $0.verdict == first }) {
      return verdicts.count == 1 || first == .unmeasured
        ? Self.word(first) : "all \(Self.word(first))"
    }
    return verdicts.map { "\($0.subject) \(Self.word($0.verdict))" }.joined(separator: ", ")
  }

  /// A verdict in a column that is called so.
  private static func word(_ verdict: NeglectVerdict) -> String {
    verdict == .unmeasured ? verdict.words : verdict.rawValue
  }
}
