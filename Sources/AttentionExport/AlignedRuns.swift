internal import AttentionAnalysis
internal import AttentionTrace
internal import Foundation
internal import PromptText

/// Runs whose arrays can stand along one axis: of one prompt, recorded alike.
struct AlignedRuns: Sendable {
  let runs: [RecordedRun]
  /// What is taken of each layer, the same in all runs.
  let layers: [SelectedLayer]
  private let selection: RecordingSelection

  /// - Parameter recipe: what maps are made by; `nil` for those that were recorded.
  /// - Throws: ``AnalysisError``: runs that differ, and in what; a selection that takes nothing.
  init(_ runs: [RecordedRun], _ selection: RecordingSelection, by recipe: Recipe?) throws {
    self.runs = runs
    self.selection = selection
    for run in runs.dropFirst() {
      if let difference = Self.difference(runs[0], run, selection, by: recipe, checksCalls: false) {
        throw AnalysisError.notComparable(
          first: runs[0].folder.path, second: run.folder.path, what: difference)
      }
    }
    layers = try runs[0].layers(selection)
  }

  /// Where each run's picture goes in the export; `nil` for a run without one.
  var pictures: [String?] {
    runs.enumerated().map { index, run in
      let attributes = try? FileManager.default.attributesOfItem(atPath: run.folder.image)
      let isThere =
        attributes?[.type] as? FileAttributeType == .typeRegular
        && (attributes?[.size] as? Int ?? 0) > 0
      return isThere ? "pictures/run-\(index).png" : nil
    }
  }

  /// The texts of the branches that a recipe takes, or else of those of the calls.
  func tables(_ recipe: Recipe?, _ calls: [[CallRecord]]?) throws -> BranchTables {
    try BranchTables(
      runs[0], recipe?.branches ?? Set((calls ?? []).joined().map(\.branch)))
  }

  /// The calls that are taken of each run; they line up.
  /// - Throws: ``AnalysisError``: calls that differ between runs, or none.
  func calls() throws -> [[CallRecord]] {
    let calls = try runs.map { try $0.calls(selection, of: layers) }
    try check(calls)
    return calls
  }

  /// Refuses calls that do not line up.
  func check(_ calls: [[CallRecord]]) throws {
    for (run, own) in zip(runs, calls).dropFirst() {
      if let difference = Self.difference(calls[0], own) {
        throw AnalysisError.notComparable(
          first: runs[0].folder.path, second: run.folder.path, what: difference)
      }
    }
  }

  /// In what two runs differ of which the same is taken, so that they cannot stand along one axis, in
  /// words; `nil` where they can, or where the selection takes nothing of one.
  /// - Parameters:
  ///   - selection: what is taken.
  ///   - recipe: what maps are made by; `nil` for those that were recorded.
  ///   - checksCalls: whether the calls must line up.
  static func difference(
    _ first: RecordedRun, _ second: RecordedRun, _ selection: RecordingSelection,
    by recipe: Recipe?, checksCalls: Bool
  ) -> String? {
    let recorded = first.manifest.plan?.branches ?? []
    let taken = recipe?.branches ?? selection.branches ?? recorded
    if let difference = textDifference(first, second, taken.intersection(recorded))
      ?? difference(first, second)
    {
      return difference
    }
    guard checksCalls, let layers = try? first.layers(selection),
      let calls = try? (first.calls(selection, of: layers), second.calls(selection, of: layers))
    else { return nil }
    return difference(calls.0, calls.1)
  }

  /// In which texts of `branches` two runs differ, in words.
  private static func textDifference(
    _ first: RecordedRun, _ second: RecordedRun, _ branches: Set<Branch>
  ) -> String? {
    func tokens(_ table: TokenTable?) -> [[String]]? {
      table.map { $0.tokens.map { ["\($0.id)", $0.piece] } }
    }
    for branch in Branch.allCases.reversed()
    where branch == .conditional || branches.contains(branch) {
      let (a, b) = (first.manifest.tokens(of: branch), second.manifest.tokens(of: branch))
      if tokens(a) != tokens(b) {
        let what = branch == .conditional ? "prompt" : "negative prompt"
        return a?.prompt == b?.prompt
          ? "different tokens of the \(what)"
          : "different \(what)s, '\(a?.prompt ?? "")' and '\(b?.prompt ?? "")'"
      }
    }
    return nil
  }

  /// In what else two runs differ that belong on one axis, in words.
  private static func difference(_ first: RecordedRun, _ second: RecordedRun) -> String? {
    let (a, b) = (first.manifest, second.manifest)
    if let difference = planDifference(a.plan, b.plan) { return "different plans, " + difference }
    for site in first.sites {
      guard let other = second.sites.first(where: { $0.site.path == site.site.path }) else {
        return "only the first has layer \(site.site.path)"
      }
      if site.grid != other.grid {
        return "different grids, \(site.site.path) on \(site.grid) and \(other.grid)"
      }
      if site != other { return "layer \(site.site.path) has different heads or tokens" }
    }
    if let site = second.sites.first(where: { !first.sites.contains($0) }) {
      return "only the second has layer \(site.site.path)"
    }
    return nil
  }

  private static func planDifference(_ a: RecordingPlan?, _ b: RecordingPlan?) -> String? {
    guard let a, let b else { return a == b ? nil : "one of them has no recording" }
    func indices(_ list: [Int]?) -> String {
      list.map { $0.map(String.init).joined(separator: ",") } ?? "all"
    }
    func names<Value: RawRepresentable & CaseIterable & Hashable>(
      _ set: Set<Value>
    ) -> String where Value.RawValue == String {
      Value.allCases.filter(set.contains).map(\.rawValue).joined(separator: ",")
    }
    func steps(_ plan: RecordingPlan) -> String {
      plan.steps.map { "\($0.lowerBound)..\($0.upperBound)" } ?? "all"
    }
    let fields: [(String, String, String)] = [
      ("layers", a.layers.joined(separator: ","), b.layers.joined(separator: ",")),
      ("heads", indices(a.heads), indices(b.heads)),
      ("tokens", indices(a.tokens), indices(b.tokens)),
      ("branches", names(a.branches), names(b.branches)),
      ("phases", names(a.phases), names(b.phases)),
      ("steps", steps(a), steps(b)),
      ("queries", a.queries.joined(separator: ","), b.queries.joined(separator: ",")),
      ("precision", a.precision.rawValue, b.precision.rawValue),
      ("heads", a.reducedHeads?.rawValue ?? "apart", b.reducedHeads?.rawValue ?? "apart"),
      ("sums", a.summedColumns.joined(separator: ","), b.summedColumns.joined(separator: ",")),
      ("cells", a.cells.map(String.init) ?? "all", b.cells.map(String.init) ?? "all"),
    ]
    return fields.first { $1 != $2 }.map { "\($0) \($1) and \($2)" }
  }

  /// In what calls differ that should line up, in words.
  private static func difference(_ first: [CallRecord], _ second: [CallRecord]) -> String? {
    for (a, b) in zip(first, second) where !a.lines(upWith: b) {
      return "the selected calls differ: call \(a.call) is \(a.place), and call \(b.call) "
        + "is \(b.place); those of the phase denoise do"
    }
    if first.count != second.count {
      return "the selected calls differ: \(first.count) of the first and \(second.count) "
        + "of the second; select steps or phases that both have"
    }
    return nil
  }
}

extension CallRecord {
  /// Whether two runs' calls stand at the same place of their runs.
  fileprivate func lines(upWith other: CallRecord) -> Bool {
    (step, timestep, branch, phase, attempt)
      == (other.step, other.timestep, other.branch, other.phase, other.attempt)
  }

  fileprivate var place: String {
    "step \(step) at \(timestep), \(branch.rawValue), \(phase.rawValue)"
      + (attempt > 0 ? ", try \(attempt)" : "")
  }
}
