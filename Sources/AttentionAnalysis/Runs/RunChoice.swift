package import AttentionTrace
internal import PromptText

/// The runs in folders that are shown together, and those that were left out.
///
/// A folder may hold more than fits together: then the largest group of runs that do is taken, of equal
/// ones the first by name. A run that is named by itself is never left out: one that does not fit beside
/// the others is an error.
package struct RunChoice: Sendable {
  /// Runs that were left out for one reason.
  package struct LeftOut: Sendable, CustomStringConvertible {
    /// Why, as in `prompts differ`.
    package let reason: String
    /// Their folders, or what is wrong with them.
    package fileprivate(set) var runs: [String]

    /// One line: how many, why, and the first of them.
    package var description: String {
      let more = runs.count > 1 ? " and \(runs.count - 1) more" : ""
      return "left out \(runs.count) \(runs.count == 1 ? "run" : "runs") (\(reason)): "
        + runs[0] + more
    }
  }

  /// What is shown, in the order of the paths given.
  package let runs: [RecordedRun]
  /// What is not, by reason.
  package private(set) var leftOut: [LeftOut] = []

  /// Chooses among the runs in or below folders.
  /// - Parameters:
  ///   - paths: folders of runs, and folders that hold them.
  ///   - demand: what is asked of the runs.
  /// - Throws: `TraceError` where there is no run, a run is given twice, or none can be read;
  ///   ``AnalysisError/notComparable(first:second:what:)`` with the run, of those named, that fits the
  ///   others least.
  package init(_ paths: [String], _ demand: RunDemand) throws {
    let found = try RunSearch.distinct(paths)
    var readable: [RecordedRun] = []
    var named: Set<String> = []
    var damage: [(run: String, error: TraceError)] = []
    for place in found {
      if place.isNamed { named.insert(place.path) }
      do {
        readable.append(try RecordedRun(place.path))
      } catch let error as TraceError where !place.isNamed {
        damage.append((place.path, error))
      }
    }
    if readable.isEmpty, let first = damage.first { throw first.error }
    try Self.requireFit(readable.filter { named.contains($0.folder.path) }, demand)
    guard named.count < found.count else {
      runs = readable
      return
    }
    var reasons: [String: String] = [:]
    let group = Self.best(of: readable, named, demand, &reasons)
    // What cannot be shown at all is refused by what shows it, with the run's name.
    let kept = group.isEmpty ? Set(readable.map(\.folder)) : Set(group.map(\.folder))
    runs = readable.filter { kept.contains($0.folder) }
    for (_, error) in damage { leaveOut("\(error)", "cannot be read") }
    for run in readable where !kept.contains(run.folder) {
      leaveOut(run.folder.path, reasons[run.folder.path] ?? "do not fit")
    }
  }

  /// Refuses runs of which one differs from the largest group of the others.
  private static func requireFit(_ runs: [RecordedRun], _ demand: RunDemand) throws {
    for runs in byPrompt(runs, demand) {
      let largest = groups(of: runs, demand).max { $0.count < $1.count } ?? []
      let members = Set(largest.map(\.folder))
      for run in runs where !members.contains(run.folder) {
        for member in largest {
          guard let what = demand.difference(member, run) else { continue }
          throw AnalysisError.notComparable(
            first: member.folder.path, second: run.folder.path, what: what)
        }
      }
    }
  }

  /// The runs that must be alike: all, or those of each prompt.
  private static func byPrompt(_ runs: [RecordedRun], _ demand: RunDemand) -> [[RecordedRun]] {
    guard demand.mayDifferInPrompt else { return [runs] }
    return runs.map(\.manifest.tokens.prompt).uniqued.map { prompt in
      runs.filter { $0.manifest.tokens.prompt == prompt }
    }
  }

  private mutating func leaveOut(_ run: String, _ reason: String) {
    if let index = leftOut.firstIndex(where: { $0.reason == reason }) {
      leftOut[index].runs.append(run)
    } else {
      leftOut.append(LeftOut(reason: reason, runs: [run]))
    }
  }

  /// The largest set of runs that meets a demand and holds all that were named; empty if there is none.
  /// - Parameter reasons: why each of the others is not in it, by its folder.
  private static func best(
    of runs: [RecordedRun], _ named: Set<String>, _ demand: RunDemand,
    _ reasons: inout [String: String]
  ) -> [RecordedRun] {
    var usable: [RecordedRun] = []
    for run in runs {
      if let flaw = demand.flaw(of: run) {
        reasons[run.folder.path] = flaw
      } else {
        usable.append(run)
      }
    }
    var best: [RecordedRun] = []
    for runs in byPrompt(usable, demand) {
      let sets = groups(of: runs, demand).map { group -> (Trimmed, [RecordedRun]) in
        (Trimmed(group, demand), group)
      }
      let own = named.intersection(runs.map(\.folder.path))
      let fitting = sets.filter { own.isSubset(of: $0.0.runs.map(\.folder.path)) }
      // The first of the largest.
      guard let (chosen, group) = fitting.max(by: { $0.0.runs.count < $1.0.runs.count }) else {
        return []
      }
      best += chosen.runs
      reasons.merge(chosen.reasons) { $1 }
      let members = Set(group.map(\.folder))
      for run in runs where !members.contains(run.folder) {
        let difference = group.lazy.compactMap { demand.difference($0, run) }.first
        reasons[run.folder.path] = difference.map(kind)
      }
    }
    return named.isSubset(of: best.map(\.folder.path)) ? best : []
  }

  /// Groups whose runs all fit together, each begun by the first run that is in none before it.
  private static func groups(of runs: [RecordedRun], _ demand: RunDemand) -> [[RecordedRun]] {
    var groups: [[RecordedRun]] = []
    var placed: Set<RunFolder> = []
    for first in runs where !placed.contains(first.folder) {
      var group = [first]
      // Runs of one method are alike, so one of each speaks for all.
      var speakers = [first.manifest.method.name: first]
      for run in runs where run.folder != first.folder {
        guard speakers.values.allSatisfy({ demand.difference($0, run) == nil }) else { continue }
        group.append(run)
        let name = run.manifest.method.name
        if speakers[name] == nil { speakers[name] = run }
      }
      placed.formUnion(group.map(\.folder))
      groups.append(group)
    }
    return groups
  }

  /// The kind of a difference, without its particulars: `different plans` of `different plans, heads 0
  /// and all`.
  private static func kind(_ difference: String) -> String {
    let kind = difference.prefix { $0 != "," && $0 != ":" }
    return String(kind.hasPrefix("their ") ? kind.dropFirst(6) : kind)
  }
}

/// A group of runs without those that have no place beside the others.
private struct Trimmed {
  private(set) var runs: [RecordedRun]
  /// Why a run was taken away, by its folder.
  private(set) var reasons: [String: String] = [:]

  init(_ group: [RecordedRun], _ demand: RunDemand) {
    runs = group
    if !demand.mayRepeat {
      var places: Set<[String]> = []
      keep("same method and seed as another") {
        places.insert([$0.manifest.method.name, String($0.manifest.seed)]).inserted
      }
    }
    if !demand.mayDifferInMethod { keepLargest("methods differ", by: \.manifest.method.name) }
    if !demand.mayDifferInSeed { keepLargest("seeds differ") { String($0.manifest.seed) } }
    guard runs.contains(where: { !$0.isExplanation }) else { return }
    switch demand.pairing {
    case .none: break
    case .withPlain: pairWithPlain()
    case .everyMethod: keepFullSeeds()
    }
  }

  private mutating func pairWithPlain() {
    let baseline = NeglectComparison.baseline(of: runs.map(\.manifest))
    let plainSeeds = Set(
      runs.filter { $0.manifest.method.name == baseline }.map(\.manifest.seed))
    keep("no run of \(baseline) from their seed") {
      $0.manifest.method.name == baseline || plainSeeds.contains($0.manifest.seed)
    }
  }

  /// Keeps the methods and seeds that make the most runs with one of every method for each seed.
  ///
  /// Methods of few seeds are given up first, the plain one never.
  private mutating func keepFullSeeds() {
    let seeds = Dictionary(grouping: runs, by: \.manifest.method.name)
      .mapValues { Set($0.map(\.manifest.seed)) }
    let baseline = NeglectComparison.baseline(of: runs.map(\.manifest))
    var methods = runs.map(\.manifest.method.name).uniqued
    guard methods.count > 1 else { return }
    var best: (methods: Set<String>, seeds: Set<UInt64>) = ([], [])
    while methods.count > 1 {
      let shared = methods.dropFirst().reduce(seeds[methods[0]] ?? []) {
        $0.intersection(seeds[$1] ?? [])
      }
      if methods.count * shared.count > best.methods.count * best.seeds.count {
        best = (Set(methods), shared)
      }
      let guided = methods.filter { $0 != baseline }
      guard let fewest = guided.map({ seeds[$0]?.count ?? 0 }).min(),
        let last = guided.last(where: { seeds[$0]?.count == fewest })
      else { return }
      methods.removeAll { $0 == last }
    }
    keep("methods with too few seeds") { best.methods.contains($0.manifest.method.name) }
    keep("seeds without a run of every method") { best.seeds.contains($0.manifest.seed) }
  }

  private mutating func keepLargest(_ reason: String, by key: (RecordedRun) -> String) {
    let name = Self.mostFrequent(runs.map(key))
    keep(reason) { key($0) == name }
  }

  private mutating func keep(_ reason: String, _ isKept: (RecordedRun) -> Bool) {
    let all = runs
    runs = []
    for run in all {
      if isKept(run) { runs.append(run) } else { reasons[run.folder.path] = reason }
    }
  }

  /// The name that is there most often, the first of equals.
  private static func mostFrequent(_ names: [String]) -> String? {
    names.uniqued.max { one, other in
      names.count { $0 == one } < names.count { $0 == other }
    }
  }
}

extension RecordedRun {
  fileprivate var isExplanation: Bool { manifest.method.family == "explain" }
}
